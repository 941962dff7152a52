#include "embedding.h"

#include <algorithm>
#include <array>
#include <bit>

#include "parallel.h"
#include "simd.h"

namespace lamina {
namespace {

constexpr int kDigitBits = 8;
constexpr int64_t kLineBytes = 64;
constexpr int64_t kCacheBytes = int64_t(32) << 20;  // a longer result does not stay in any cache
// Rows lie anywhere in memory: the next ones are asked for while this one is read. The hardware
// fetches the rest of a long row by itself.
constexpr int64_t kRowsAhead = 12, kLinesAhead = 8;

template <typename T>
inline void prefetch_row(const T* row, int64_t D) {
  const char* bytes = reinterpret_cast<const char*>(row);
  const int64_t size = std::min(D * int64_t(sizeof(T)), kLinesAhead * kLineBytes);
  for (int64_t at = 0; at < size; at += kLineBytes) __builtin_prefetch(bytes + at);
}

// Whether `rows` rows are written past the caches.
template <typename T>
bool streams(const T* to, int64_t rows, int64_t D) {
  return rows * D * int64_t(sizeof(T)) > kCacheBytes && D % kLanesOf<T> == 0 &&
         reinterpret_cast<uintptr_t>(to) % sizeof(Vector<T>) == 0;
}

// Inline: a call of memcpy takes longer than a short row.
template <bool kStreams, typename T>
inline void copy_row(const T* from, int64_t D, T* to) {
  constexpr int64_t lanes = kLanesOf<T>;
  int64_t j = 0;
  for (; j + lanes <= D; j += lanes) {
    kStreams ? stream(to + j, load(from + j)) : store(to + j, load(from + j));
  }
  if (j < D) store_first(to + j, load_first(from + j, D - j), D - j);
}

// A function of its own: what a lambda refers to is read from memory again for every row.
template <bool kStreams, typename T, typename Id>
void copy_rows(const T* table, int64_t D, const Id* ids, int64_t I, T* found) {
  for (int64_t i = 0; i < I; ++i) {
    if (i + kRowsAhead < I) prefetch_row(table + int64_t(ids[i + kRowsAhead]) * D, D);
    copy_row<kStreams>(table + int64_t(ids[i]) * D, D, found + i * D);
  }
  if (kStreams) finish_streams();
}

// Stable, by one digit of the ids.
void sort_by_digit(const Place* from, Place* to, int64_t I, int shift) {
  constexpr uint32_t digits = 1u << kDigitBits;
  std::array<uint32_t, digits> next{};
  for (int64_t i = 0; i < I; ++i) ++next[(from[i].id >> shift) % digits];
  uint32_t total = 0;
  for (uint32_t& entry : next) {
    const uint32_t count = entry;
    entry = total;
    total += count;
  }
  for (int64_t i = 0; i < I; ++i) to[next[(from[i].id >> shift) % digits]++] = from[i];
}

// Columns [begin, end) of one run's sum. Four registers of columns are summed at a time.
template <typename T>
void sum_run(const Place* first, const Place* last, const T* gradient, int64_t D, T* sums,
             int64_t begin, int64_t end) {
  constexpr int lanes = kLanesOf<T>, registers = 4;
  int64_t j = begin;
  for (; j + registers * lanes <= end; j += registers * lanes) {
    Vector<T> total[registers] = {};
    for (const Place* place = first; place < last; ++place) {
      const T* row = gradient + int64_t(place->position) * D + j;
      for (int k = 0; k < registers; ++k) total[k] += load(row + k * lanes);
    }
    for (int k = 0; k < registers; ++k) store(sums + j + k * lanes, total[k]);
  }
  for (; j < end; j += lanes) {
    const int64_t rest = std::min<int64_t>(lanes, end - j);
    Vector<T> total{};
    for (const Place* place = first; place < last; ++place) {
      total += load_first(gradient + int64_t(place->position) * D + j, rest);
    }
    store_first(sums + j, total, rest);
  }
}

template <bool kStreams, typename T>
void sum_whole_runs(const Place* places, const int64_t* starts, int64_t R, const T* gradient,
                    int64_t D, T* values) {
  const int64_t end = starts[R];
  for (int64_t r = 0; r < R; ++r, values += D) {
    for (int64_t i = starts[r] + kRowsAhead; i < starts[r + 1] + kRowsAhead && i < end; ++i) {
      prefetch_row(gradient + int64_t(places[i].position) * D, D);
    }
    const Place *first = places + starts[r], *last = places + starts[r + 1];
    if (last - first == 1) {  // the usual case
      copy_row<kStreams>(gradient + int64_t(first->position) * D, D, values);
    } else {
      sum_run(first, last, gradient, D, values, 0, D);
    }
  }
  if (kStreams) finish_streams();
}

}  // namespace

template <typename Id>
int64_t first_id_outside(const Id* ids, int64_t I, int64_t V) {
  constexpr int64_t block = 1024;
  for (int64_t begin = 0; begin < I; begin += block) {
    const int64_t end = std::min(I, begin + block);
    Id least = 0, greatest = 0;
    for (int64_t i = begin; i < end; ++i) {
      least = std::min(least, ids[i]);
      greatest = std::max(greatest, ids[i]);
    }
    if (least >= 0 && greatest < V) continue;
    for (int64_t i = begin; i < end; ++i) {
      if (ids[i] < 0 || ids[i] >= V) return i;
    }
  }
  return -1;
}

template <typename T, typename Id>
void gather_rows(const T* table, int64_t D, const Id* ids, int64_t I, T* found) {
  parallel_for(I, grain_of_rows(D), [&](int64_t begin, int64_t end) {
    const auto copy = streams(found, I, D) ? copy_rows<true, T, Id> : copy_rows<false, T, Id>;
    copy(table, D, ids + begin, end - begin, found + begin * D);
  });
}

template <typename Id>
const Place* sort_places(const Id* ids, int64_t I, int64_t V, Place* places) {
  Place *from = places, *to = places + I;
  for (int64_t i = 0; i < I; ++i) from[i] = {uint32_t(ids[i]), uint32_t(i)};
  const int bits = std::bit_width(uint64_t(std::max<int64_t>(V - 1, 0)));
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    sort_by_digit(from, to, I, shift);
    std::swap(from, to);
  }
  return from;
}

int64_t find_runs(const Place* places, int64_t I, int64_t* rows, int64_t* starts) {
  int64_t R = 0;
  for (int64_t i = 0; i < I; ++i) {
    if (i > 0 && places[i].id == places[i - 1].id) continue;
    rows[R] = places[i].id;
    starts[R++] = i;
  }
  starts[R] = I;
  return R;
}

template <typename T>
void sum_runs(const Place* places, const int64_t* starts, int64_t R, const T* gradient, int64_t D,
              T* values) {
  const int64_t I = starts[R];
  int64_t longest = 0;
  for (int64_t r = 0; r < R; ++r) longest = std::max(longest, starts[r + 1] - starts[r]);
  constexpr int64_t line = kLineBytes / int64_t(sizeof(T));
  const int64_t lines = (D + line - 1) / line;
  if (longest > I / (4 * num_threads()) && lines >= 2 * num_threads()) {
    // An id that occurs so often would keep one thread busy: shares of columns are equal.
    parallel_for_shares(num_threads(), lines, grain_of_rows(line * I),
                        [&](int, int64_t begin, int64_t end) {
                          for (int64_t r = 0; r < R; ++r) {
                            sum_run(places + starts[r], places + starts[r + 1], gradient, D,
                                    values + r * D, begin * line, std::min(D, end * line));
                          }
                        });
    return;
  }
  // Whole runs: a piece of the places has those that begin in it.
  parallel_for(I, grain_of_rows(D), [&](int64_t begin, int64_t end) {
    const int64_t first = std::lower_bound(starts, starts + R, begin) - starts;
    const int64_t last = std::lower_bound(starts + first, starts + R, end) - starts;
    const auto sum = streams(values, R, D) ? sum_whole_runs<true, T> : sum_whole_runs<false, T>;
    sum(places, starts + first, last - first, gradient, D, values + first * D);
  });
}

template int64_t first_id_outside(const int32_t*, int64_t, int64_t);
template int64_t first_id_outside(const int64_t*, int64_t, int64_t);
template void gather_rows(const float*, int64_t, const int32_t*, int64_t, float*);
template void gather_rows(const float*, int64_t, const int64_t*, int64_t, float*);
template void gather_rows(const double*, int64_t, const int32_t*, int64_t, double*);
template void gather_rows(const double*, int64_t, const int64_t*, int64_t, double*);
template const Place* sort_places(const int32_t*, int64_t, int64_t, Place*);
template const Place* sort_places(const int64_t*, int64_t, int64_t, Place*);
template void sum_runs(const Place*, const int64_t*, int64_t, const float*, int64_t, float*);
template void sum_runs(const Place*, const int64_t*, int64_t, const double*, int64_t, double*);

}  // namespace lamina
