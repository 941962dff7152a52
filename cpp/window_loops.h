// The loops that the kernels on images share: over places, channels, images (windows.h).
#pragma once

#include <algorithm>
#include <cstdint>

#include "lanes.h"
#include "parallel.h"
#include "range.h"
#include "windows.h"

namespace lamina {

// The k of [0, count) with low <= origin + k step < high.
inline Range inside(int64_t origin, int64_t step, int64_t count, int64_t low, int64_t high) {
  if (origin >= low && origin + (count - 1) * step < high) return {0, count};
  const int64_t begin = origin >= low ? 0 : std::min(count, (low - origin + step - 1) / step);
  const int64_t end = origin >= high ? 0 : std::min(count, (high - origin + step - 1) / step);
  return {begin, std::max(begin, end)};
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

// Runs body(image, begin, end) for every image and stretches of its C channels. Images are dealt
// out; the channels are cut only if there are fewer images than threads.
template <typename Body>
void parallel_over_images(int64_t B, int64_t C, int64_t work_per_image, Body body) {
  const int64_t pieces = B >= num_threads() ? 1 : std::max<int64_t>(1, C / 16);
  parallel_for(B * pieces, grain_of_rows(work_per_image / pieces),
               [&](int64_t first, int64_t last) {
                 for (int64_t i = first; i < last; ++i) {
                   const int64_t piece = i % pieces;
                   body(i / pieces, C * piece / pieces, C * (piece + 1) / pieces);
                 }
               });
}

}  // namespace lamina
