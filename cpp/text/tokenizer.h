// The words of a file of UTF-8 text, exactly as Python's bytes.decode().split() gives them.
//
// Text is read through a buffer rather than a memory map: reading costs no more than the page
// faults of a map, a file that shrinks meanwhile is an error instead of a crash, and there are
// always readable bytes behind a word.
#pragma once

#include <cstdint>
#include <memory>

#include "text/string_table.h"

namespace lamina::text {

// A word, or, if its length is 0, the end of a sentence. The text stays until the next call.
struct Token {
  const char* begin;
  uint32_t length;
  uint32_t hash;
};

enum class Error {
  kNone,
  kNotUtf8,
  kWordTooLong,
  kReadFailed,
  kFileShrank,
  kNoMemory,
  kWriteFailed
};

// Where a part of a file begins or ends: the first ASCII whitespace at or after `position`, or
// `size` if there is none within a word's length. A cut there splits no word and no character.
int64_t find_cut(int file, int64_t position, int64_t size);

class TokenReader {
 public:
  TokenReader();

  // Tokens of the bytes [begin, end) of a file. With `lines`, a newline ends a sentence; with
  // `closes`, so does `end`. Ends may follow one another: empty sentences are the caller's
  // business. Both places are cuts, or the file's beginning and end.
  void open(int file, int64_t begin, int64_t end, bool lines, bool closes);

  // The next tokens, a few hundred of them, with their hashes; 0 at the end, or after an error.
  int64_t next();
  const Token* tokens() const { return tokens_.get(); }

  // How far the file has been read.
  int64_t position() const { return offset_ + (cursor_ - buffer_.get()); }
  Error error() const { return error_; }
  int64_t error_offset() const { return error_offset_; }

 private:
  static constexpr int64_t kRead = 65536;
  static constexpr int64_t kBuffer = kRead + kMaxLength + 1;
  static constexpr int64_t kWindow = 4096;
  // Beyond ASCII, a word and the whitespace after it take three bytes; within, a token takes one.
  static constexpr int64_t kTokens = kBuffer / 2 + kWindow + 64;

  bool refill();
  void scan_block(const char* block, int count);
  void add(const char* begin, const char* end);
  const char* split_unicode(const char* begin, const char* end, bool whole);
  void fail(Error error, const char* place);

  std::unique_ptr<char[]> buffer_;
  std::unique_ptr<Token[]> tokens_;
  int64_t count_ = 0;
  int file_ = -1;
  bool lines_ = false, closes_ = false;
  int64_t offset_ = 0;  // of the buffer's beginning in the file
  int64_t end_ = 0;
  const char* cursor_ = nullptr;  // what is before has been scanned
  const char* filled_ = nullptr;  // what is before has been read
  const char* word_ = nullptr;    // the word that was still open at the cursor
  bool word_is_high_ = false;     // that word has a byte >= 128
  Error error_ = Error::kNone;
  int64_t error_offset_ = 0;
};

}  // namespace lamina::text
