// The loops that the kernels on images share: over places, channels, images (windows.h).
#pragma once

#include <algorithm>
#include <cstdint>

#include "parallel.h"
#include "simd.h"
#include "windows.h"

namespace lamina {

struct Range {
  int64_t first, last;  // last is not in it
};

// The k of [0, count) with low <= origin + k step < high.
inline Range inside(int64_t origin, int64_t step, int64_t count, int64_t low, int64_t high) {
  if (origin >= low && origin + (count - 1) * step < high) return {0, count};
  const int64_t first = origin >= low ? 0 : std::min(count, (low - origin + step - 1) / step);
  const int64_t last = origin >= high ? 0 : std::min(count, (high - origin + step - 1) / step);
  return {first, std::max(first, last)};
}

// Calls use(place, image, y, x) for the places [begin, end); y and x are where its window begins.
template <typename Use>
void for_each_place(const Windows& w, int64_t begin, int64_t end, Use use) {
  int64_t ox = begin % w.OW, oy = begin / w.OW % w.OH, image = begin / (w.OW * w.OH);
  for (int64_t place = begin; place < end; ++place) {
    use(place, image, oy * w.stride_y - w.top, ox * w.stride_x - w.left);
    if (++ox < w.OW) continue;
    ox = 0;
    if (++oy < w.OH) continue;
    oy = 0;
    ++image;
  }
}

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

// Runs body(image, begin, end) for every image and stretches of its C channels. Images are dealt
// out; the channels are cut only if there are fewer images than threads.
template <typename Body>
void parallel_over_images(int64_t B, int64_t C, int64_t work_per_image, Body body) {
  const int64_t pieces = B >= num_threads() ? 1 : std::max<int64_t>(1, C / 16);
  const int64_t work = std::max<int64_t>(1, work_per_image / pieces);
  parallel_for(B * pieces, std::max<int64_t>(1, kElementsWorthAThread / work),
               [&](int64_t first, int64_t last) {
                 for (int64_t i = first; i < last; ++i) {
                   const int64_t piece = i % pieces;
                   body(i / pieces, C * piece / pieces, C * (piece + 1) / pieces);
                 }
               });
}

}  // namespace lamina
