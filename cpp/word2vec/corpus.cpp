#include "word2vec/corpus.h"

#include <algorithm>
#include <cerrno>

#include "parallel.h"

namespace lamina::word2vec {
namespace {

constexpr int64_t kPrefetch = 16;  // tokens ahead whose place in the table is asked for

}  // namespace

void keep_first(Fault& fault, const Fault& other) {
  if (other.error == text::Error::kNone) return;
  const bool earlier =
      other.source != fault.source ? other.source < fault.source : other.offset < fault.offset;
  if (fault.error == text::Error::kNone || earlier) fault = other;
}

Fault reader_fault(const text::TokenReader& reader, int64_t source) {
  return {reader.error(), source, reader.error_offset(),
          reader.error() == text::Error::kReadFailed ? errno : 0};
}

void PieceReader::add_all(const Layout& layout) {
  for (size_t s = 0; s < layout.sources.size(); ++s) {
    add({int64_t(s), 0, layout.sources[s].size, true});
  }
}

int64_t PieceReader::next(const Layout& layout) {
  for (; !done(); ++piece_, opened_ = false) {
    const Piece& piece = pieces_[piece_];
    if (!opened_) {
      reader_.open(layout.sources[piece.source].file, piece.begin, piece.end, layout.lines,
                   piece.closes);
      opened_ = true;
    }
    const int64_t before = reader_.position();
    const int64_t tokens = reader_.next();
    bytes_ += reader_.position() - before;
    fault_ = reader_fault(reader_, piece.source);
    if (tokens > 0 || fault_.error != text::Error::kNone) return tokens;
  }
  return 0;
}

bool PartCounter::add_word(const char* s, uint32_t length) {
  const int64_t index = table_.insert(s, length, text::hash_string(s, length));
  if (index < 0) return false;
  ++table_.counts()[index];
  ++words_;
  tally_.open = true;
  return true;
}

template <bool kLimited>
void PartCounter::count_tokens(int64_t sentence_limit, int64_t max_types) {
  const text::Token* tokens = reader_.tokens();
  const int64_t look = sentence_limit ? sentence_limit : kGensimSentence;
  for (; token_ < tokens_ && !full_; ++token_) {
    if (token_ + kPrefetch < tokens_) table_.prefetch(tokens[token_ + kPrefetch].hash);
    const text::Token& token = tokens[token_];
    bool sentence_done = false;
    if (token.length == 0) {
      tally_.end();
      sentence_done = kLimited && sentence_words_ > 0;
    } else {
      const int64_t index = table_.insert(token.begin, token.length, token.hash);
      if (index < 0) {
        fault_ = {text::Error::kNoMemory, reader_.source(), reader_.position(), 0};
        return;
      }
      ++table_.counts()[index];
      ++words_;
      tally_.open = true;
      if (kLimited && ++sentence_words_ == look) {
        if (sentence_limit) tally_.end();
        sentence_done = true;
      }
    }
    if (kLimited && sentence_done) {
      sentence_words_ = 0;
      full_ = max_types && table_.size() > max_types;
    }
  }
}

void PartCounter::advance(const Layout& layout, int64_t bytes, int64_t max_types) {
  const bool limited = layout.sentence_limit || max_types;
  full_ = false;
  for (const int64_t stop = reader_.bytes() + bytes; reader_.bytes() < stop && !full_;) {
    if (token_ == tokens_) {
      token_ = 0;
      tokens_ = reader_.next(layout);
      fault_ = reader_.fault();
      if (tokens_ == 0) return;
    }
    if (limited) {
      count_tokens<true>(layout.sentence_limit, max_types);
    } else {
      count_tokens<false>(0, 0);
    }
    if (fault_.error != text::Error::kNone) return;
  }
}

// Thread t takes the t-th share of all bytes, so that the threads' tables, one after another, have
// the strings in the order of the text.
WordCounter::WordCounter(const Layout& layout)
    : layout_(layout), parts_(std::max(1, layout.sentence_limit ? 1 : layout.threads)) {
  int64_t total = 0, before = 0;
  for (const Source& source : layout.sources) total += source.size;
  const int64_t threads = int64_t(parts_.size());
  for (size_t s = 0; s < layout.sources.size(); ++s) {
    const Source& source = layout.sources[s];
    int64_t begin = 0;
    for (int64_t t = 0; t < threads && begin < source.size; ++t) {
      const int64_t share_end = total / threads * (t + 1) - before;
      if (share_end <= begin && t + 1 < threads) continue;
      const int64_t end = t + 1 == threads || share_end >= source.size
                              ? source.size
                              : text::find_cut(source.file, share_end, source.size);
      parts_[t].add_piece({int64_t(s), begin, end, end == source.size});
      begin = end;
    }
    before += source.size;
  }
}

bool WordCounter::advance(int64_t bytes, int64_t max_types) {
  parallel(int(parts_.size()), [&](int thread, int threads) {
    for (size_t t = size_t(thread); t < parts_.size(); t += size_t(threads)) {
      parts_[t].advance(layout_, bytes, max_types);
    }
  });
  bool more = false;
  for (const PartCounter& part : parts_) {
    keep_first(fault_, part.fault_);
    more = more || !part.reader_.done();
  }
  return more && fault_.error == text::Error::kNone;
}

bool WordCounter::finish() {
  for (size_t t = 1; t < parts_.size(); ++t) {
    if (!parts_[0].table_.merge(parts_[t].table_)) return false;
    parts_[t].table_ = text::StringTable();
  }
  return true;
}

int64_t WordCounter::bytes() const {
  int64_t total = 0;
  for (const PartCounter& part : parts_) total += part.reader_.bytes();
  return total;
}

int64_t WordCounter::words() const {
  int64_t total = 0;
  for (const PartCounter& part : parts_) total += part.words_;
  return total;
}

int64_t WordCounter::sentences() const {
  SentenceTally all;
  for (const PartCounter& part : parts_) all.append(part.tally_);
  return all.closed;
}

}  // namespace lamina::word2vec
