#include "word2vec/corpus.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "parallel.h"
#include "word2vec/trainer.h"

namespace lamina::word2vec {
namespace {

constexpr int64_t kPrefetch = 16;  // tokens ahead whose place in the table is asked for
constexpr int64_t kGensimSentence = 10000;

// The earliest fault, so that the same text gives the same message on any number of threads.
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

}  // namespace

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
        fault_ = {text::Error::kNoMemory, pieces_[piece_].source, reader_.position(), 0};
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
  for (const int64_t stop = bytes_ + bytes; piece_ < pieces_.size() && bytes_ < stop && !full_;) {
    const Piece& piece = pieces_[piece_];
    if (!opened_) {
      reader_.open(layout.sources[piece.source].file, piece.begin, piece.end, layout.lines,
                   piece.closes);
      opened_ = true;
    }
    if (token_ == tokens_) {
      const int64_t before = reader_.position();
      token_ = 0;
      tokens_ = reader_.next();
      bytes_ += reader_.position() - before;
      if (tokens_ == 0) {
        fault_ = reader_fault(reader_, piece.source);
        if (fault_.error != text::Error::kNone) return;
        ++piece_;
        opened_ = false;
        continue;
      }
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
    more = more || part.piece_ < part.pieces_.size();
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
  for (const PartCounter& part : parts_) total += part.bytes_;
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

WordEncoder::WordEncoder(const Layout& layout, const text::StringTable& vocabulary, int64_t block,
                         int output)
    : layout_(layout),
      vocabulary_(vocabulary),
      block_bytes_(block),
      output_(output),
      blocks_(std::max(1, layout.sentence_limit ? 1 : layout.threads)) {
  for (Block& b : blocks_) {
    if (!b.ids.reserve(uint64_t(block))) fault_.error = text::Error::kNoMemory;
  }
}

bool WordEncoder::next_block(Block& block) {
  while (source_ < int64_t(layout_.sources.size()) && layout_.sources[source_].size == 0) ++source_;
  if (source_ == int64_t(layout_.sources.size())) return false;
  const Source& source = layout_.sources[source_];
  const int64_t end = source.size - offset_ <= block_bytes_
                          ? source.size
                          : text::find_cut(source.file, offset_ + block_bytes_, source.size);
  block.source = source_;
  block.begin = offset_;
  block.end = end;
  block.closes = end == source.size;
  offset_ = block.closes ? 0 : end;
  source_ += block.closes;
  return true;
}

void WordEncoder::end_sentence(Block& block) {
  if (block.marks.open) block.ids[1 + block.used++] = kSentenceEnd;
  block.marks.end();
  block.sentences.end();
}

template <bool kLimited>
void WordEncoder::encode_tokens(Block& block, int64_t count) {
  const text::Token* tokens = block.reader.tokens();
  for (int64_t i = 0; i < count; ++i) {
    if (i + kPrefetch < count) vocabulary_.prefetch(tokens[i + kPrefetch].hash);
    const text::Token& token = tokens[i];
    if (token.length == 0) {
      end_sentence(block);
      if (kLimited) sentence_words_ = 0;
      continue;
    }
    block.sentences.open = true;
    ++block.words;
    const int64_t id = vocabulary_.find(token.begin, token.length, token.hash);
    if (id >= 0) {
      block.ids[1 + block.used++] = int32_t(id);
      block.marks.open = true;
      ++block.known_words;
    }
    if (kLimited && ++sentence_words_ == layout_.sentence_limit) {
      end_sentence(block);
      sentence_words_ = 0;
    }
  }
}

void WordEncoder::encode(Block& block) {
  block.used = block.words = block.known_words = 0;
  block.sentences = block.marks = {};
  block.reader.open(layout_.sources[block.source].file, block.begin, block.end, layout_.lines,
                    block.closes);
  while (const int64_t tokens = block.reader.next()) {
    // A word gives an id, and with a limit of one word also a mark.
    if (!block.ids.reserve(uint64_t(block.used + 2 * tokens + 2))) {
      block.fault = {text::Error::kNoMemory, block.source, block.begin, 0};
      return;
    }
    if (layout_.sentence_limit) {
      encode_tokens<true>(block, tokens);
    } else {
      encode_tokens<false>(block, tokens);
    }
  }
  block.fault = reader_fault(block.reader, block.source);
}

// Gives the block its place in the output, behind those before it.
void WordEncoder::place(Block& block) {
  block.leading_mark = marks_.ends_in(block.marks);
  block.position = written_;
  written_ += block.used + block.leading_mark;
  marks_.append(block.marks);
  sentences_.append(block.sentences);
  words_ += block.words;
  known_words_ += block.known_words;
  bytes_ += block.end - block.begin;
}

void WordEncoder::write(Block& block) {
  block.ids[0] = kSentenceEnd;
  const char* from = reinterpret_cast<const char*>(block.ids.data() + (block.leading_mark ? 0 : 1));
  int64_t left = (block.used + block.leading_mark) * int64_t(sizeof(int32_t));
  int64_t at = block.position * int64_t(sizeof(int32_t));
  while (left > 0) {
    const ssize_t n = pwrite(output_, from, size_t(left), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      block.fault = {text::Error::kWriteFailed, block.source, at, n < 0 ? errno : ENOSPC};
      return;
    }
    from += n;
    at += n;
    left -= n;
  }
}

bool WordEncoder::advance(int64_t rounds) {
  const int64_t threads = int64_t(blocks_.size());
  for (int64_t round = 0; round < rounds && fault_.error == text::Error::kNone; ++round) {
    int64_t count = 0;
    while (count < threads && next_block(blocks_[count])) ++count;
    if (count == 0) return false;
    const auto each = [&](auto&& work) {
      parallel(int(count), [&](int thread, int team) {
        for (int64_t b = thread; b < count; b += team) work(blocks_[b]);
      });
      for (int64_t b = 0; b < count; ++b) keep_first(fault_, blocks_[b].fault);
      return fault_.error == text::Error::kNone;
    };
    if (!each([this](Block& block) { encode(block); })) return false;
    for (int64_t b = 0; b < count; ++b) place(blocks_[b]);
    if (!each([this](Block& block) { write(block); })) return false;
  }
  return fault_.error == text::Error::kNone && source_ < int64_t(layout_.sources.size());
}

void WordEncoder::add_word(const char* s, uint32_t length) {
  Block& block = blocks_[0];
  block.sentences.open = true;
  ++block.words;
  const int64_t id = vocabulary_.find(s, length, text::hash_string(s, length));
  if (id < 0) return;
  if (!block.ids.reserve(uint64_t(block.used + 3))) {
    fault_.error = text::Error::kNoMemory;
    return;
  }
  block.ids[1 + block.used++] = int32_t(id);
  block.marks.open = true;
  ++block.known_words;
}

void WordEncoder::end_sentence() { end_sentence(blocks_[0]); }

bool WordEncoder::flush() {
  Block& block = blocks_[0];
  place(block);
  write(block);
  keep_first(fault_, block.fault);
  block.used = block.words = block.known_words = 0;
  block.sentences = block.marks = {};
  return fault_.error == text::Error::kNone;
}

}  // namespace lamina::word2vec
