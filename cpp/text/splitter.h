// The words of texts in memory, cut as Keras's Tokenizer and TextVectorization cut them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "text/string_table.h"
#include "text/tokenizer.h"

namespace lamina::text {

// What becomes of the characters of ASCII; all others are kept.
struct SplitRules {
  bool lower = false;                       // A to Z become a to z, before all that follows
  char separator = ' ';                     // one that ends a word; there must be one
  std::array<uint8_t, 16> separators = {};  // all, as simd_bytes.h's members() has them
  bool drops = false;                       // whether any of these is set
  std::array<uint8_t, 256> dropped = {};    // 1: it vanishes, and the word goes on behind it

  void add_separator(char c) {
    separator = c;
    separators[c & 15] |= uint8_t(1 << (c >> 4));
  }
};

struct TextView {
  const char* begin;
  int64_t size;
};

class Splitter {
 public:
  explicit Splitter(const SplitRules& rules) : rules_(rules) {}

  // Cuts a text into words(), with their hashes. False: one is longer than kMaxLength, and no table
  // takes it. Throws std::bad_alloc, and nothing else, as does all that follows.
  bool split(TextView text);
  // They stay until the next split(), each followed by kSlack readable bytes.
  const Token* words() const { return words_.data(); }
  int64_t size() const { return size_; }

 private:
  int64_t prepare(TextView text);
  bool add(const char* begin, const char* end);

  SplitRules rules_;
  Growing<char> buffer_;
  Growing<Token> words_;
  int64_t size_ = 0;
};

// Counts words: how often, and in how many texts, each occurs.
class TextCounter {
 public:
  explicit TextCounter(const SplitRules& rules) : splitter_(rules) {}

  // False: a word is too long, and nothing of this text has been counted.
  bool add(TextView text);
  // The words in the order of their first occurrence, with their counts.
  const StringTable& table() const { return table_; }
  int64_t texts_with(int64_t index) const { return seen_[uint64_t(index)].texts; }

 private:
  struct Seen {
    int64_t texts, last;
  };
  Splitter splitter_;
  StringTable table_;
  Growing<Seen> seen_;
  int64_t texts_ = 0;
};

// The words of texts as their indices in a table, text after text, kAbsent for those that are not
// there; and the number of words of each text, up to the first text that has too long a word. On
// one thread: what Python makes of the result takes as long, and cannot be shared out.
struct EncodedTexts {
  std::vector<int32_t> indices;
  std::vector<int64_t> lengths;
};
EncodedTexts encode_texts(const StringTable& table, const SplitRules& rules, const TextView* texts,
                          int64_t count);

}  // namespace lamina::text
