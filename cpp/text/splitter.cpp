#include "text/splitter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "simd_bytes.h"

namespace lamina::text {
namespace {

constexpr int64_t kBlock = 64;  // bytes that are looked at together
constexpr int64_t kAhead = 12;  // words ahead whose place in the table is asked for

}  // namespace

bool Splitter::add(const char* begin, const char* end) {
  if (end - begin > int64_t(kMaxLength)) return false;
  if (!words_.reserve(uint64_t(size_) + 1)) throw std::bad_alloc();
  const auto length = uint32_t(end - begin);
  words_[uint64_t(size_++)] = {begin, length, hash_string(begin, length)};
  return true;
}

// Copies the text to the buffer with what is to be lowered and dropped; returns its new size.
int64_t Splitter::prepare(TextView text) {
  if (!buffer_.reserve(uint64_t(text.size) + kBlock)) throw std::bad_alloc();
  char* out = buffer_.data();
  if (!rules_.lower) {
    std::memcpy(out, text.begin, size_t(text.size));
  } else {
    for (int64_t i = 0; i < text.size; ++i) {
      const auto c = uint8_t(text.begin[i]);
      out[i] = char(c + (uint8_t(c - 'A') < 26 ? 32 : 0));
    }
  }
  if (!rules_.drops) return text.size;
  int64_t size = 0;
  for (int64_t i = 0; i < text.size; ++i) {
    const char c = out[i];
    out[size] = c;
    size += !rules_.dropped[uint8_t(c)];
  }
  return size;
}

bool Splitter::split(TextView text) {
  size_ = 0;
  const int64_t size = prepare(text);
  char* const buffer = buffer_.data();
  std::memset(buffer + size, rules_.separator, kBlock);  // ends the last word
  const char* word = nullptr;                            // where the open word began
  uint64_t after_separator = 1;
  for (const char* block = buffer; block <= buffer + size; block += kBlock) {
    const uint64_t separators = members(block, rules_.separators.data());
    const uint64_t behind = separators << 1 | after_separator;
    uint64_t starts = ~separators & behind;
    uint64_t ends = separators & ~behind;
    after_separator = separators >> 63;
    for (; ends; ends &= ends - 1) {
      if (!word) {
        word = block + std::countr_zero(starts);
        starts &= starts - 1;
      }
      if (!add(word, block + std::countr_zero(ends))) return false;
      word = nullptr;
    }
    if (starts) word = block + std::countr_zero(starts);
  }
  return true;
}

bool TextCounter::add(TextView text) {
  if (!splitter_.split(text)) return false;
  const Token* words = splitter_.words();
  ++texts_;
  for (int64_t i = 0; i < splitter_.size(); ++i) {
    if (i + kAhead < splitter_.size()) table_.prefetch(words[i + kAhead].hash);
    const int64_t before = table_.size();
    if (!seen_.reserve(uint64_t(before) + 1)) throw std::bad_alloc();
    const int64_t index = table_.insert(words[i].begin, words[i].length, words[i].hash);
    if (index < 0) throw std::bad_alloc();
    Seen& seen = seen_[uint64_t(index)];
    if (index == before) seen = {0, 0};
    ++table_.counts()[index];
    seen.texts += seen.last != texts_;
    seen.last = texts_;
  }
  return true;
}

EncodedTexts encode_texts(const StringTable& table, const SplitRules& rules, const TextView* texts,
                          int64_t count) {
  EncodedTexts found;
  Splitter splitter(rules);
  for (int64_t t = 0; t < count && splitter.split(texts[t]); ++t) {
    const Token* words = splitter.words();
    const size_t before = found.indices.size();
    found.indices.resize(before + size_t(splitter.size()));
    for (int64_t i = 0; i < splitter.size(); ++i) {
      if (i + kAhead < splitter.size()) table.prefetch(words[i + kAhead].hash);
      found.indices[before + size_t(i)] =
          int32_t(table.find(words[i].begin, words[i].length, words[i].hash));
    }
    found.lengths.push_back(splitter.size());
  }
  return found;
}

}  // namespace lamina::text
