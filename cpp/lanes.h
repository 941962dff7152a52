// A row of channels or units, a register at a time: the last one may not be full.
#pragma once

#include <cstdint>
#include <type_traits>

#include "simd.h"

namespace lamina {

// A vector of channels from memory, and back: all of its lanes, or the first ones. Lanes that are
// not there are zero.
template <typename T>
struct AllLanes {
  Vector<T> load(const T* p) const { return lamina::load(p); }
  void store(T* p, Vector<T> v) const { lamina::store(p, v); }
};
template <typename T>
struct FirstLanes {
  int64_t count;
  Vector<T> load(const T* p) const { return load_first(p, count); }
  void store(T* p, Vector<T> v) const { store_first(p, v, count); }
};

// Calls use(lanes, j) for channels [begin, end): from each j on, `lanes` loads and stores vectors.
template <typename T, typename Use>
inline void for_channels(int64_t begin, int64_t end, Use use) {
  int64_t j = begin;
  for (; j + kLanesOf<T> <= end; j += kLanesOf<T>) use(AllLanes<T>{}, j);
  if (j < end) use(FirstLanes<T>{end - j}, j);
}

// Calls use(count, lanes, j) for `count` neighbouring vectors at once: kMost (a power of two) as
// long as there are as many, then half of them, and so on. A single sum would wait for its own last
// addition, and whatever is found out on the way is found out for all of them.
template <typename T, int kMost, typename Use>
inline void for_channels_together(int64_t begin, int64_t end, Use use) {
  constexpr int64_t width = kMost * kLanesOf<T>;
  int64_t j = begin;
  for (; j + width <= end; j += width) {
    use(std::integral_constant<int, kMost>(), AllLanes<T>{}, j);
  }
  if constexpr (kMost > 1) {
    for_channels_together<T, kMost / 2>(j, end, use);
  } else if (j < end) {
    use(std::integral_constant<int, 1>(), FirstLanes<T>{end - j}, j);
  }
}

}  // namespace lamina
