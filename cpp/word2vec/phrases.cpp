#include "word2vec/phrases.h"

#include <cmath>
#include <limits>
#include <utility>

namespace lamina::word2vec {

int64_t count_of(const text::StringTable& table, std::string_view s, std::string& padded) {
  padded.assign(s);
  padded.append(text::kSlack, '\0');
  const uint32_t length = uint32_t(s.size());
  const int64_t index = table.find(padded.data(), length, text::hash_string(padded.data(), length));
  return index < 0 ? 0 : table.counts()[index];
}

PhraseCounter::PhraseCounter(const Layout& layout, std::string delimiter,
                             text::StringTable connectors)
    : layout_(layout), delimiter_(std::move(delimiter)), connectors_(std::move(connectors)) {
  waiting_.reserve(kWaiting);
  reader_.add_all(layout_);
}

void PhraseCounter::enqueue(std::string_view text) {
  if (text.size() > text::kMaxLength) return;
  if (waiting_size_ + text.size() + text::kSlack > waiting_text_.size()) {
    waiting_text_.resize(2 * (waiting_size_ + text.size() + text::kSlack));
  }
  char* place = waiting_text_.data() + waiting_size_;
  std::memcpy(place, text.data(), text.size());
  const uint32_t length = uint32_t(text.size());
  const uint32_t hash = text::hash_string(place, length);
  table_.prefetch(hash);
  waiting_.push_back({uint32_t(waiting_size_), length, hash});
  waiting_size_ += text.size();
  if (waiting_.size() == kWaiting) drain();
}

void PhraseCounter::drain() {
  for (const Waiting& w : waiting_) table_.prefetch_entry(w.hash);
  for (const Waiting& w : waiting_) {
    const int64_t index = table_.insert(waiting_text_.data() + w.offset, w.length, w.hash);
    if (index < 0) {
      fault_.error = text::Error::kNoMemory;
      break;
    }
    ++table_.counts()[index];
  }
  waiting_.clear();
  waiting_size_ = 0;
}

void PhraseCounter::add_word(std::string_view word) {
  ++words_;
  tally_.open = true;
  const uint32_t length = uint32_t(word.size());
  if (connectors_.size() &&
      connectors_.find(word.data(), length, text::hash_string(word.data(), length)) >= 0) {
    if (has_start_ && open_.size() <= text::kMaxLength) {
      open_ += delimiter_;
      open_ += word;
    }
    return;
  }
  enqueue(word);
  if (has_start_) {
    open_ += delimiter_;
    open_ += word;
    enqueue(open_);
  }
  open_.assign(word);
  has_start_ = true;
}

void PhraseCounter::end_sentence() {
  has_start_ = false;
  tally_.end();
}

bool PhraseCounter::finish() {
  drain();
  return fault_.error == text::Error::kNone;
}

bool PhraseCounter::advance(int64_t bytes, int64_t max_types) {
  full_ = false;
  const int64_t look = layout_.sentence_limit ? layout_.sentence_limit : kGensimSentence;
  for (const int64_t stop = reader_.bytes() + bytes; reader_.bytes() < stop && !full_;) {
    if (token_ == tokens_) {
      token_ = 0;
      tokens_ = reader_.next(layout_);
      if (tokens_ == 0) {
        fault_ = reader_.fault();
        return false;
      }
    }
    for (; token_ < tokens_ && !full_; ++token_) {
      const text::Token& token = reader_.tokens()[token_];
      bool sentence_done = token.length == 0 && sentence_words_ > 0;
      if (token.length == 0) {
        end_sentence();
      } else {
        add_word({token.begin, token.length});
        sentence_done = ++sentence_words_ == look;
        if (sentence_done && layout_.sentence_limit) end_sentence();
      }
      if (!sentence_done) continue;
      sentence_words_ = 0;
      if (table_.size() + int64_t(waiting_.size()) > max_types) {
        drain();
        full_ = table_.size() > max_types;
      }
    }
    if (fault_.error != text::Error::kNone) return false;
  }
  return !reader_.done();
}

double phrase_score(const ScoringOptions& options, int64_t types, int64_t a, int64_t b,
                    int64_t ab) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  if (a <= 0 || b <= 0 || ab <= 0) return kNever;
  if (options.scoring == Scoring::kDefault) {
    const double product = double(static_cast<unsigned __int128>(a) * static_cast<uint64_t>(b));
    return (double(ab) - options.min_count) / product * double(types);
  }
  if (double(ab) < options.min_count) return kNever;
  const double total = double(options.corpus_words);
  const double p_a = double(a) / total, p_b = double(b) / total, p_ab = double(ab) / total;
  return std::log(p_ab / (p_a * p_b)) / -std::log(p_ab);
}

void for_each_candidate(const text::StringTable& table, std::string_view delimiter,
                        double min_count,
                        const std::function<void(int64_t, int64_t, int64_t)>& found) {
  std::string padded;
  for (int64_t i = 0; i < table.size(); ++i) {
    if (double(table.counts()[i]) < min_count) continue;
    const std::string_view joined = table[i];
    const size_t first = joined.find(delimiter);
    if (first == std::string_view::npos) continue;
    // The delimiters are those that a split from the left finds: they do not overlap.
    size_t last = first;
    for (size_t next = first; next != std::string_view::npos;) {
      last = next;
      next = joined.find(delimiter, last + delimiter.size());
    }
    const int64_t a = count_of(table, joined.substr(0, first), padded);
    if (a <= 0) continue;
    const int64_t b = count_of(table, joined.substr(last + delimiter.size()), padded);
    if (b > 0) found(i, a, b);
  }
}

}  // namespace lamina::word2vec
