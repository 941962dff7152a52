// From text to word ids in a file, on every thread. See corpus.h for what a corpus is.
#pragma once

#include <cstdint>
#include <vector>

#include "text/string_table.h"
#include "text/tokenizer.h"
#include "word2vec/corpus.h"

namespace lamina::word2vec {

// Writes the ids of the words that are in a vocabulary to a file, int32, in the order of the text,
// with kSentenceEnd after each sentence that has any; other words are left out.
class WordEncoder {
 public:
  // The vocabulary and the open file `output` must outlive this object. Text is taken in blocks
  // of about `block` bytes; each thread's memory is bounded by five times that.
  WordEncoder(const Layout& layout, const text::StringTable& vocabulary, int64_t block, int output);

  // Encodes `rounds` blocks on each thread. False when all is done, or at a fault.
  bool advance(int64_t rounds);
  // As in PartCounter; written once there is a block of them, and by flush().
  void add_word(const char* s, uint32_t length);
  void end_sentence();
  bool flush();
  int64_t pending() const { return blocks_[0].used; }

  const Fault& fault() const { return fault_; }
  int64_t bytes() const { return bytes_; }
  int64_t words() const { return words_; }
  int64_t known_words() const { return known_words_; }
  int64_t sentences() const { return sentences_.closed; }
  int64_t ids() const { return written_; }

 private:
  struct Block {
    int64_t source = 0, begin = 0, end = 0;
    bool closes = false;
    text::TokenReader reader;
    text::Growing<int32_t> ids;  // behind a place for the mark of the sentence before
    int64_t used = 0;            // of ids, that place not counted
    int64_t words = 0, known_words = 0;
    SentenceTally sentences, marks;  // of all words, and of known ones
    int64_t position = 0;            // in the output
    bool leading_mark = false;
    Fault fault;
  };
  bool next_block(Block& block);
  void encode(Block& block);
  template <bool kLimited>
  void encode_tokens(Block& block, int64_t tokens);
  void end_sentence(Block& block);
  void place(Block& block);
  void write(Block& block);

  Layout layout_;
  const text::StringTable& vocabulary_;
  int64_t block_bytes_;
  int output_;
  std::vector<Block> blocks_;  // one for each thread
  int64_t source_ = 0, offset_ = 0;
  int64_t sentence_words_ = 0;
  int64_t bytes_ = 0, words_ = 0, known_words_ = 0, written_ = 0;
  SentenceTally sentences_, marks_;
  Fault fault_;
};

}  // namespace lamina::word2vec
