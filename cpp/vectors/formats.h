// The word2vec file formats, read from and written to bytes in memory.
//
//   text:    word SPACE number SPACE number ... NEWLINE
//   binary:  word SPACE d little-endian floats, perhaps a NEWLINE before the next word
//
// `data` is a whole file of `size` bytes (a memory map); positions are counted from its start.
// Nothing is read outside of [0, size), whatever the file says.
#pragma once

#include <cstdint>
#include <string>

namespace lamina::vectors {

inline constexpr int64_t kLongestWord = 65536;

enum class Fault {
  kNone,
  kTruncated,  // the file ends within a row
  kLongWord,   // no space within kLongestWord bytes
  kEmptyLine,
  kTooFew,   // numbers
  kTooMany,  // numbers
  kNotANumber,
  kNotFinite,
};

// The first row that cannot be read, and the byte where it went wrong.
struct Failure {
  Fault fault = Fault::kNone;
  int64_t row = 0, position = 0;
  int64_t found = 0;  // how many numbers, for kTooFew
};

// How many newlines [begin, end) holds; parts are shared among the threads.
int64_t count_newlines(const char* data, int64_t begin, int64_t end);

// starts[i] = the position after the i-th newline of [begin, end).
void positions_after_newlines(const char* data, int64_t begin, int64_t end, int64_t* starts);

// Reads line i from starts[i] to the byte before starts[i + 1] into out (rows x columns, rows
// `columns` apart) and the length of its word, which begins the line. A word may hold spaces, if
// what follows it are exactly `columns` numbers. Lines are shared among the threads. The caller has
// checked that starts ascend within [0, size + 1]. Values is float or double.
template <typename Value>
Failure parse_text_rows(const char* data, const int64_t* starts, int64_t rows, int64_t columns,
                        Value* out, int32_t* word_lengths);

// Finds `rows` rows of `columns` floats from `begin` on: their words' places and lengths.
Failure index_binary_rows(const char* data, int64_t size, int64_t begin, int64_t rows,
                          int64_t columns, int64_t* word_starts, int32_t* word_lengths);

// Copies the rows that stand at `positions` (not aligned) to out (rows x columns). Returns the
// first row that holds an infinity or NaN, or -1. Rows are shared among the threads. The caller has
// checked the positions.
int64_t copy_binary_rows(const char* data, const int64_t* positions, int64_t rows, int64_t columns,
                         float* out);

// The text form of rows: each word, then the shortest decimals that read back as the same bits.
// Word i is words[offsets[i]] to words[offsets[i + 1]].
template <typename Value>
std::string format_text_rows(const char* words, const int64_t* offsets, const Value* matrix,
                             int64_t rows, int64_t columns, int64_t stride);

}  // namespace lamina::vectors
