#include "word2vec/phrase_writer.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace lamina::word2vec {
namespace {

constexpr size_t kOutputBuffer = 1 << 20;

}  // namespace

PhraseWriter::PhraseWriter(const Layout& layout, std::string delimiter,
                           text::StringTable connectors, const text::StringTable& table,
                           const ScoringOptions& options, int output)
    : layout_(layout),
      delimiter_(std::move(delimiter)),
      connectors_(std::move(connectors)),
      table_(table),
      options_(options),
      output_(output) {
  reader_.add_all(layout_);
}

bool PhraseWriter::is_phrase(std::string_view last) {
  joined_ = open_[0];
  for (size_t i = 1; i < open_size_; ++i) {
    joined_ += delimiter_;
    joined_ += open_[i];
  }
  joined_ += delimiter_;
  joined_ += last;
  if (joined_.size() > text::kMaxLength) return false;
  const int64_t ab = count_of(table_, joined_, padded_);
  if (ab <= 0) return false;
  if (options_.scoring == Scoring::kMembership) return true;
  if (options_.threshold >= 0 && double(ab) < options_.min_count) return false;
  const int64_t a = count_of(table_, open_[0], padded_);
  const int64_t b = count_of(table_, last, padded_);
  return phrase_score(options_, table_.size(), a, b, ab) > options_.threshold;
}

void PhraseWriter::put(std::string_view word) {
  if (line_begun_) buffer_ += ' ';
  buffer_ += word;
  line_begun_ = true;
}

void PhraseWriter::take(std::string_view word) {
  const uint32_t length = uint32_t(word.size());
  const bool connects =
      connectors_.size() &&
      connectors_.find(word.data(), length, text::hash_string(word.data(), length)) >= 0;
  if (connects && open_size_ == 0) return put(word);
  if (!connects && open_size_ > 0) {
    if (is_phrase(word)) {
      put(joined_);
      open_size_ = 0;
      return;
    }
    for (size_t i = 0; i < open_size_; ++i) put(open_[i]);
    open_size_ = 0;
  }
  if (open_size_ == open_.size()) open_.emplace_back();
  open_[open_size_++].assign(word);
}

void PhraseWriter::end_sentence() {
  for (size_t i = 0; i < open_size_; ++i) put(open_[i]);
  open_size_ = 0;
  if (line_begun_) buffer_ += '\n';
  line_begun_ = false;
}

bool PhraseWriter::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t n = ::write(output_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      fault_ = {text::Error::kWriteFailed, 0, written_, n < 0 ? errno : ENOSPC};
      return false;
    }
    done += size_t(n);
    written_ += n;
  }
  buffer_.clear();
  return true;
}

bool PhraseWriter::advance(int64_t bytes) {
  for (const int64_t stop = reader_.bytes() + bytes; reader_.bytes() < stop;) {
    const int64_t tokens = reader_.next(layout_);
    if (tokens == 0) break;
    for (int64_t i = 0; i < tokens; ++i) {
      const text::Token& token = reader_.tokens()[i];
      if (token.length > 0) {
        take({token.begin, token.length});
        if (++sentence_words_ != layout_.sentence_limit) continue;
      }
      end_sentence();
      sentence_words_ = 0;
    }
    if (buffer_.size() >= kOutputBuffer && !flush()) return false;
  }
  fault_ = reader_.fault();
  return fault_.error == text::Error::kNone && flush() && !reader_.done();
}

}  // namespace lamina::word2vec
