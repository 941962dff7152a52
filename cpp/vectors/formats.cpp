#include "vectors/formats.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "parallel.h"

static_assert(std::endian::native == std::endian::little, "the binary format is little-endian");

namespace lamina::vectors {
namespace {

constexpr int64_t kSerialBytes = 1 << 16;
constexpr int64_t kLinesPerTurn = 64;

int threads_for(int64_t bytes) { return bytes > kSerialBytes ? num_threads() : 1; }

template <typename Visit>
void visit_newlines(const char* data, int64_t begin, int64_t end, Visit visit) {
  while (begin < end) {
    const void* found = std::memchr(data + begin, '\n', size_t(end - begin));
    if (!found) return;
    begin = static_cast<const char*>(found) - data + 1;
    visit(begin);
  }
}

// from_chars leaves numbers beyond double's range unread; strtod gives 0 or infinity for them.
// Numbers of more than 511 bytes stay unread.
bool read_extreme(const char* begin, const char* end, double* value) {
  char copy[512];
  const size_t length = size_t(end - begin);
  if (length >= sizeof copy) return false;
  std::memcpy(copy, begin, length);
  copy[length] = 0;
  *value = std::strtod(copy, nullptr);
  return true;
}

// Reads the number at `p`, which must end at a space or at `end`. Null if it does not.
const char* read_number(const char* p, const char* end, double* value) {
  if (p < end && *p == '+' && p + 1 < end && p[1] != '-') ++p;
  const std::from_chars_result result = std::from_chars(p, end, *value);
  if (result.ec == std::errc::invalid_argument) return nullptr;
  if (result.ptr != end && *result.ptr != ' ') return nullptr;
  if (result.ec == std::errc::result_out_of_range && !read_extreme(p, result.ptr, value))
    return nullptr;
  return result.ptr;
}

const char* skip_spaces(const char* p, const char* end) {
  while (p < end && *p == ' ') ++p;
  return p;
}

// Reads `columns` numbers from [p, end) to `out`.
template <typename Value>
Failure parse_numbers(const char* data, const char* p, const char* end, int64_t columns,
                      Value* out) {
  for (int64_t column = 0; column < columns; ++column) {
    p = skip_spaces(p, end);
    if (p == end) return {Fault::kTooFew, 0, p - data, column};
    double value;
    const char* next = read_number(p, end, &value);
    if (!next) return {Fault::kNotANumber, 0, p - data, column};
    out[column] = Value(value);
    if (!std::isfinite(out[column])) return {Fault::kNotFinite, 0, p - data, column};
    p = next;
  }
  p = skip_spaces(p, end);
  if (p != end) return {Fault::kTooMany, 0, p - data, columns};
  return {};
}

// Where a word with spaces in it ends, if the last `columns` fields of the line are its numbers;
// null if the field before them is a number too, which makes the line one of too many numbers.
const char* end_of_spaced_word(const char* begin, const char* end, int64_t columns) {
  const char* p = end;
  const auto step_back = [&] {
    while (p > begin && p[-1] != ' ') --p;
    const char* field = p;
    while (p > begin && p[-1] == ' ') --p;
    return field;
  };
  for (int64_t column = 0; column < columns; ++column) step_back();
  const char* word_end = p;
  if (word_end == begin) return nullptr;
  const char* field = step_back();
  double value;
  return read_number(field, word_end, &value) ? nullptr : word_end;
}

template <typename Value>
Failure parse_line(const char* data, const char* begin, const char* end, int64_t columns,
                   Value* out, int32_t* word_length) {
  while (end > begin && (end[-1] == ' ' || end[-1] == '\r' || end[-1] == '\t')) --end;
  if (end == begin) return {Fault::kEmptyLine, 0, begin - data, 0};
  const int64_t reach = std::min<int64_t>(end - begin, kLongestWord + 1);
  const void* space = std::memchr(begin, ' ', size_t(reach));
  if (!space && reach > kLongestWord) return {Fault::kLongWord, 0, begin - data, 0};
  const char* word_end = space ? static_cast<const char*>(space) : end;
  Failure failure = parse_numbers(data, word_end, end, columns, out);
  if (failure.fault == Fault::kNotANumber) {
    const char* later = end_of_spaced_word(begin, end, columns);
    if (later && later > word_end) {
      word_end = later;
      if (word_end - begin > kLongestWord) return {Fault::kLongWord, 0, begin - data, 0};
      failure = parse_numbers(data, word_end, end, columns, out);
    }
  }
  *word_length = int32_t(word_end - begin);
  return failure;
}

}  // namespace

int64_t count_newlines(const char* data, int64_t begin, int64_t end) {
  const int threads = threads_for(end - begin);
  std::vector<int64_t> counts(size_t(threads), 0);
  parallel(threads, [&](int thread, int team) {
    int64_t count = 0;
    visit_newlines(data, begin + (end - begin) * thread / team,
                   begin + (end - begin) * (thread + 1) / team, [&](int64_t) { ++count; });
    counts[thread] = count;
  });
  int64_t total = 0;
  for (const int64_t count : counts) total += count;
  return total;
}

void positions_after_newlines(const char* data, int64_t begin, int64_t end, int64_t* starts) {
  visit_newlines(data, begin, end, [&](int64_t position) { *starts++ = position; });
}

template <typename Value>
Failure parse_text_rows(const char* data, const int64_t* starts, int64_t rows, int64_t columns,
                        Value* out, int32_t* word_lengths) {
  const int threads = rows > 0 ? threads_for(starts[rows] - starts[0]) : 1;
  std::vector<Failure> failures{size_t(threads)};
  parallel(threads, [&](int thread, int team) {
    // Every thread takes turns, so that long lines in one place are shared.
    for (int64_t first = thread * kLinesPerTurn; first < rows; first += team * kLinesPerTurn) {
      for (int64_t i = first; i < std::min(rows, first + kLinesPerTurn); ++i) {
        failures[thread] = parse_line(data, data + starts[i], data + starts[i + 1] - 1, columns,
                                      out + i * columns, word_lengths + i);
        if (failures[thread].fault != Fault::kNone) {
          failures[thread].row = i;
          return;
        }
      }
    }
  });
  Failure earliest;
  for (const Failure& failure : failures) {
    if (failure.fault == Fault::kNone) continue;
    if (earliest.fault == Fault::kNone || failure.row < earliest.row) earliest = failure;
  }
  return earliest;
}

Failure index_binary_rows(const char* data, int64_t size, int64_t begin, int64_t rows,
                          int64_t columns, int64_t* word_starts, int32_t* word_lengths) {
  const int64_t row_bytes = columns * int64_t(sizeof(float));
  int64_t position = begin;
  for (int64_t i = 0; i < rows; ++i) {
    while (position < size && data[position] == '\n') ++position;
    const int64_t reach = std::min(size - position, kLongestWord + 1);
    const void* space = reach > 0 ? std::memchr(data + position, ' ', size_t(reach)) : nullptr;
    if (!space) {
      return {reach > kLongestWord ? Fault::kLongWord : Fault::kTruncated, i, position, 0};
    }
    const int64_t word_end = static_cast<const char*>(space) - data;
    if (size - word_end - 1 < row_bytes) return {Fault::kTruncated, i, position, 0};
    word_starts[i] = position;
    word_lengths[i] = int32_t(word_end - position);
    position = word_end + 1 + row_bytes;
  }
  return {Fault::kNone, rows, position, 0};
}

int64_t copy_binary_rows(const char* data, const int64_t* positions, int64_t rows, int64_t columns,
                         float* out) {
  const int threads = threads_for(rows * columns * int64_t(sizeof(float)));
  std::vector<int64_t> first_bad(size_t(threads), rows);
  parallel(threads, [&](int thread, int team) {
    for (int64_t i = rows * thread / team; i < rows * (thread + 1) / team; ++i) {
      float* row = out + i * columns;
      std::memcpy(row, data + positions[i], size_t(columns) * sizeof(float));
      uint32_t special = 0;
      for (int64_t d = 0; d < columns; ++d) {
        uint32_t bits;
        std::memcpy(&bits, row + d, sizeof bits);
        special |= (bits & 0x7f800000u) == 0x7f800000u;
      }
      if (special) first_bad[thread] = std::min(first_bad[thread], i);
    }
  });
  const int64_t first = *std::min_element(first_bad.begin(), first_bad.end());
  return first < rows ? first : -1;
}

template <typename Value>
std::string format_text_rows(const char* words, const int64_t* offsets, const Value* matrix,
                             int64_t rows, int64_t columns, int64_t stride) {
  // " -1.2345678901234567e-308": no shortest double is longer than 25 bytes with its space.
  constexpr int64_t kLongestNumber = 26;
  const auto room = [&](int64_t begin, int64_t end) {
    return offsets[end] - offsets[begin] + (end - begin) * (columns * kLongestNumber + 1);
  };
  const int threads = threads_for(room(0, rows));
  std::vector<std::string> parts{size_t(threads)};
  for (int thread = 0; thread < threads; ++thread) {
    parts[thread].resize(room(rows * thread / threads, rows * (thread + 1) / threads));
  }
  parallel(threads, [&](int thread, int team) {
    for (int part = thread; part < threads; part += team) {
      char* p = parts[part].data();
      for (int64_t i = rows * part / threads; i < rows * (part + 1) / threads; ++i) {
        p = std::copy(words + offsets[i], words + offsets[i + 1], p);
        for (int64_t d = 0; d < columns; ++d) {
          *p++ = ' ';
          p = std::to_chars(p, p + kLongestNumber, matrix[i * stride + d]).ptr;
        }
        *p++ = '\n';
      }
      parts[part].resize(size_t(p - parts[part].data()));
    }
  });
  for (int thread = 1; thread < threads; ++thread) parts[0] += parts[thread];
  return std::move(parts[0]);
}

template Failure parse_text_rows(const char*, const int64_t*, int64_t, int64_t, float*, int32_t*);
template Failure parse_text_rows(const char*, const int64_t*, int64_t, int64_t, double*, int32_t*);
template std::string format_text_rows(const char*, const int64_t*, const float*, int64_t, int64_t,
                                      int64_t);
template std::string format_text_rows(const char*, const int64_t*, const double*, int64_t, int64_t,
                                      int64_t);

}  // namespace lamina::vectors
