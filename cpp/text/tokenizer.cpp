#include "text/tokenizer.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "simd_bytes.h"

namespace lamina::text {
namespace {

bool is_ascii_space(char c) { return uint8_t(c - 9) <= 4 || uint8_t(c - 28) <= 4; }

// Reads all `size` bytes, or as many as the file has, or returns -1.
int64_t read_fully(int file, char* into, int64_t size, int64_t offset) {
  int64_t done = 0;
  while (done < size) {
    const ssize_t n = pread(file, into + done, size_t(size - done), offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += n;
  }
  return done;
}

// The bytes of the character that begins at p: 1 to 4, 0 if it is not UTF-8, or -1 if it is cut
// off by `end` (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing past U+10FFFF).
int character_length(const char* p, const char* end) {
  const auto byte = [p](int i) { return uint8_t(p[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (p + 1 == end) return -1;
  const uint8_t lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (int i = 2; i < length; ++i) {
    if (p + i == end) return -1;
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Whether str.isspace() holds for a character beyond ASCII: U+0085, U+00A0, U+1680, U+2000 to
// U+200A, U+2028, U+2029, U+202F, U+205F, U+3000.
bool is_wide_space(const char* p, int length) {
  const auto byte = [p](int i) { return uint8_t(p[i]); };
  if (length == 2) return byte(0) == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0);
  if (length != 3) return false;
  switch (byte(0) << 8 | byte(1)) {
    case 0xE19A:
      return byte(2) == 0x80;
    case 0xE280:
      return byte(2) <= 0x8A || byte(2) == 0xA8 || byte(2) == 0xA9 || byte(2) == 0xAF;
    case 0xE281:
      return byte(2) == 0x9F;
    case 0xE380:
      return byte(2) == 0x80;
    default:
      return false;
  }
}

uint64_t bits_below(int n) { return n >= 64 ? ~uint64_t(0) : (uint64_t(1) << n) - 1; }

}  // namespace

int64_t find_cut(int file, int64_t position, int64_t size) {
  if (position <= 0) return 0;
  char bytes[512];
  for (int64_t at = position; at < std::min(size, position + int64_t(kMaxLength));
       at += sizeof bytes) {
    const int64_t n = read_fully(file, bytes, std::min<int64_t>(sizeof bytes, size - at), at);
    const char* found = std::find_if(bytes, bytes + std::max<int64_t>(n, 0), is_ascii_space);
    if (found < bytes + n) return at + (found - bytes);
  }
  return size;
}

TokenReader::TokenReader() : buffer_(new char[kBuffer + 64]()), tokens_(new Token[kTokens]) {}

void TokenReader::open(int file, int64_t begin, int64_t end, bool lines, bool closes) {
  file_ = file;
  lines_ = lines;
  closes_ = closes;
  offset_ = begin;
  end_ = end;
  cursor_ = filled_ = buffer_.get();
  word_ = nullptr;
  word_is_high_ = false;
  count_ = 0;
  error_ = Error::kNone;
}

void TokenReader::fail(Error error, const char* place) {
  if (error_ != Error::kNone) return;
  error_ = error;
  error_offset_ = offset_ + (place - buffer_.get());
}

void TokenReader::add(const char* begin, const char* end) {
  if (end - begin > int64_t(kMaxLength)) return fail(Error::kWordTooLong, begin);
  tokens_[count_++] = {begin, uint32_t(end - begin), 0};
}

// Adds the words of a stretch without ASCII whitespace. Unless it is whole, its last word may go
// on behind `end`: returns where that one begins.
const char* TokenReader::split_unicode(const char* begin, const char* end, bool whole) {
  const char* word = begin;
  for (const char* p = begin; p < end;) {
    const int length = character_length(p, end);
    if (length == 0 || (length < 0 && whole)) {
      fail(Error::kNotUtf8, p);
      return end;
    }
    if (length < 0) break;
    if (is_wide_space(p, length)) {
      if (p > word) add(word, p);
      word = p + length;
    }
    p += length;
  }
  if (!whole) return word;
  if (end > word) add(word, end);
  return end;
}

// Moves the open word to the buffer's beginning and reads on behind it. False at the end.
bool TokenReader::refill() {
  if (word_) {
    if (word_is_high_) word_ = split_unicode(word_, filled_, false);
    if (word_ == filled_) {  // whitespace beyond ASCII came last: no word is open
      word_ = nullptr;
      word_is_high_ = false;
    } else if (filled_ - word_ > int64_t(kMaxLength)) {
      fail(Error::kWordTooLong, word_);
    }
  }
  if (error_ != Error::kNone || count_ > 0) return error_ == Error::kNone;
  const char* kept = word_ ? word_ : filled_;
  const int64_t kept_size = filled_ - kept;
  const int64_t at = offset_ + (filled_ - buffer_.get());
  const int64_t wanted = std::min(kRead, end_ - at);
  if (wanted == 0) {
    if (word_) {
      if (word_is_high_)
        split_unicode(word_, filled_, true);
      else
        add(word_, filled_);
    }
    word_ = nullptr;
    if (closes_) tokens_[count_++] = {filled_, 0, 0};
    closes_ = false;
    return false;
  }
  std::memmove(buffer_.get(), kept, size_t(kept_size));
  offset_ += kept - buffer_.get();
  if (word_) word_ = buffer_.get();
  cursor_ = filled_ = buffer_.get() + kept_size;
  const int64_t got = read_fully(file_, buffer_.get() + kept_size, wanted, at);
  if (got < wanted) {
    fail(got < 0 ? Error::kReadFailed : Error::kFileShrank, cursor_ + std::max<int64_t>(got, 0));
    return false;
  }
  filled_ += got;
  return true;
}

// One block of `count` <= 64 bytes: a word ends at whitespace behind a byte that is none, and
// begins at a byte that is none behind whitespace.
void TokenReader::scan_block(const char* block, int count) {
  const ByteMasks masks = classify(block);
  const uint64_t valid = bits_below(count);
  const uint64_t spaces = masks.whitespace & valid;
  const uint64_t after_space = masks.whitespace << 1 | uint64_t(word_ == nullptr);
  uint64_t ends = spaces & ~after_space;
  uint64_t starts = ~masks.whitespace & after_space & valid;
  const uint64_t high = masks.high & valid;
  const char* word = word_;
  const auto next_start = [&] {
    word = block + std::countr_zero(starts);
    starts &= starts - 1;
  };
  if (!word) next_start();

  const auto add_words = [&](uint64_t word_ends) {
    if (!(high || word_is_high_)) {
      for (; word_ends; word_ends &= word_ends - 1) {
        add(word, block + std::countr_zero(word_ends));
        next_start();
      }
      return;
    }
    for (; word_ends; word_ends &= word_ends - 1) {
      const int end = std::countr_zero(word_ends);
      const uint64_t before = word < block ? 0 : bits_below(int(word - block));
      if ((high & bits_below(end) & ~before) || (word < block && word_is_high_)) {
        split_unicode(word, block + end, true);
      } else {
        add(word, block + end);
      }
      next_start();
    }
  };
  for (uint64_t newlines = lines_ ? masks.newlines & valid : 0; newlines;
       newlines &= newlines - 1) {
    const uint64_t up_to = newlines ^ (newlines - 1);
    add_words(ends & up_to);
    ends &= ~up_to;
    tokens_[count_++] = {block, 0, 0};
  }
  add_words(ends);

  const bool open = !(masks.whitespace >> (count - 1) & 1);
  if (!open) {
    word_ = nullptr;
    word_is_high_ = false;
  } else {
    const bool continued = word < block;
    word_ = word;
    const uint64_t before = continued ? 0 : bits_below(int(word - block));
    word_is_high_ = (continued && word_is_high_) || (high & ~before) != 0;
  }
}

int64_t TokenReader::next() {
  count_ = 0;
  while (count_ == 0 && error_ == Error::kNone) {
    if (cursor_ == filled_) {
      if (!refill()) break;
      if (count_ > 0) break;
    }
    const char* stop = std::min(cursor_ + kWindow, filled_);
    while (cursor_ < stop && error_ == Error::kNone) {
      const int count = int(std::min<int64_t>(64, stop - cursor_));
      scan_block(cursor_, count);
      cursor_ += count;
    }
  }
  if (error_ != Error::kNone) return 0;
  for (int64_t i = 0; i < count_; ++i) {
    tokens_[i].hash = hash_string(tokens_[i].begin, tokens_[i].length);
  }
  return count_;
}

}  // namespace lamina::text
