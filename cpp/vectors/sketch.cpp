#include "vectors/sketch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "parallel.h"
#include "simd.h"

namespace lamina::vectors {
namespace {

static_assert(kSketchStep % kLanes == 0 && kSketchSpareRows >= kLanes);

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What rounding can add to the error of d products and their sum, generously.
float rounding(int64_t columns) { return 1e-5f + 1e-7f * float(columns); }

float largest_absolute(const float* row, int64_t columns) {
  Floats highest = {};
  int64_t d = 0;
  for (; d + kLanes <= columns; d += kLanes) {
    highest = maximum(maximum(load(row + d), -load(row + d)), highest);
  }
  float largest = 0;
  for (int lane = 0; lane < kLanes; ++lane) largest = std::max(largest, highest[lane]);
  for (; d < columns; ++d) largest = std::max(largest, std::fabs(row[d]));
  return largest;
}

void fill_row(const float* row, float norm, int64_t columns, int64_t width, int8_t* codes,
              float* scale, float* error) {
  std::fill(codes, codes + width, int8_t(0));
  *scale = 0;
  *error = std::isfinite(norm) ? 0 : kInfinity;
  if (!(norm > 0) || !std::isfinite(norm)) return;
  const float largest = largest_absolute(row, columns);
  const float to_unit = 1 / norm, step = largest * to_unit / 127, to_code = 127 / largest;
  if (!std::isfinite(to_code) || !std::isfinite(to_unit) || !(step > 0)) {  // denormal rows
    *error = kInfinity;
    return;
  }
  for (int64_t d = 0; d < columns; ++d) {
    const float scaled = row[d] * to_code;
    codes[d] = int8_t(int(scaled + (scaled < 0 ? -0.5f : 0.5f)));
  }
  Floats squares = {};
  int64_t d = 0;
  for (; d + kLanes <= columns; d += kLanes) {
    const Floats rest = load(row + d) * to_unit - load_bytes(codes + d) * step;
    squares += rest * rest;
  }
  float left_out = sum(squares);
  for (; d < columns; ++d) {
    const float rest = row[d] * to_unit - float(codes[d]) * step;
    left_out += rest * rest;
  }
  *scale = step;
  *error = std::sqrt(left_out) * 1.001f + rounding(columns);
}

// Keeps the k highest of the values offered, the lowest of them in front.
struct Highest {
  float* heap;
  int64_t size, capacity;

  float threshold() const { return size < capacity ? -kInfinity : heap[0]; }

  void offer(float value) {
    if (!(value > threshold())) return;
    if (size == capacity) {
      std::pop_heap(heap, heap + size, std::greater<>());
      --size;
    }
    heap[size++] = value;
    std::push_heap(heap, heap + size, std::greater<>());
  }
};

// The products of kLanes rows of codes with the query.
Floats products(const int8_t* codes, const float* query, int64_t width) {
  Floats totals[kLanes] = {};
  for (int64_t d = 0; d < width; d += kLanes) {
    const Floats q = load(query + d);
    for (int row = 0; row < kLanes; ++row) totals[row] += load_bytes(codes + row * width + d) * q;
  }
  return sum_each(totals);
}

}  // namespace

void fill_sketch(const Table& table, int64_t rows, int8_t* codes, float* scales, float* errors) {
  const int64_t width = (table.columns + kSketchStep - 1) / kSketchStep * kSketchStep;
  parallel(num_threads(), [&](int thread, int team) {
    for (int64_t i = rows * thread / team; i < rows * (thread + 1) / team; ++i) {
      fill_row(table.rows + i * table.stride, table.norms[i], table.columns, width,
               codes + i * width, scales + i, errors + i);
    }
  });
}

float bound_cosines(const Sketch& sketch, const float* query, int64_t begin, int64_t end, int64_t k,
                    float* bounds) {
  const int threads = num_threads();
  std::vector<float> heaps(size_t(threads) * size_t(k));
  std::vector<Highest> highest(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; ++thread)
    highest[thread] = {heaps.data() + thread * k, 0, k};
  const int64_t groups = (end - begin + kLanes - 1) / kLanes;
  parallel(threads, [&](int thread, int team) {
    Highest& best = highest[thread];
    for (int64_t group = groups * thread / team; group < groups * (thread + 1) / team; ++group) {
      const int64_t first = begin + group * kLanes;
      const Floats cosine = products(sketch.codes + first * sketch.width, query, sketch.width) *
                            load(sketch.scales + first);
      const Floats error = load(sketch.errors + first);
      store(bounds + group * kLanes, cosine + error);
      const Floats lower = cosine - error;
      const float threshold = best.threshold();
      bool any = false;
      for (int lane = 0; lane < kLanes; ++lane) any |= lower[lane] > threshold;
      if (!any) continue;
      for (int lane = 0; lane < kLanes && first + lane < end; ++lane) best.offer(lower[lane]);
    }
  });
  Highest& merged = highest[0];
  for (int thread = 1; thread < threads; ++thread) {
    for (int64_t i = 0; i < highest[thread].size; ++i) merged.offer(highest[thread].heap[i]);
  }
  return merged.threshold();
}

}  // namespace lamina::vectors
