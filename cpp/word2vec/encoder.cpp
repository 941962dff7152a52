#include "word2vec/encoder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "parallel.h"
#include "word2vec/trainer.h"

namespace lamina::word2vec {
namespace {

constexpr int64_t kPrefetch = 16;  // tokens ahead whose place in the table is asked for

}  // namespace

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
