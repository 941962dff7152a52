#include "vectors/nearest.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "simd.h"
#include "vectors/dots.h"

namespace lamina::vectors {
namespace {

// 256 rows of 300 floats and the scores of 64 queries stay in a core's second-level cache.
constexpr int64_t kTileRows = 256;
constexpr int64_t kTileQueries = 64;

// Below this many multiplications, starting a team of threads costs more than it saves.
constexpr int64_t kSerialWork = 1 << 18;

float squared_length(const float* row, int64_t columns) {
  Floats total = {};
  int64_t d = 0;
  for (; d + kLanes <= columns; d += kLanes) total += load(row + d) * load(row + d);
  float rest = 0;
  for (; d < columns; ++d) rest += row[d] * row[d];
  return sum(total) + rest;
}

struct Neighbour {
  float score;
  int64_t row;
};

bool better(const Neighbour& a, const Neighbour& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

// The best k seen so far, the worst of them in front (a heap).
struct Best {
  Neighbour* heap;
  int64_t size, capacity;

  void offer(Neighbour candidate) {
    if (size < capacity) {
      heap[size++] = candidate;
      std::push_heap(heap, heap + size, better);
    } else if (better(candidate, heap[0])) {
      std::pop_heap(heap, heap + size, better);
      heap[size - 1] = candidate;
      std::push_heap(heap, heap + size, better);
    }
  }
};

void invert_norms(const float* norms, int64_t count, float* inverse) {
  for (int64_t i = 0; i < count; ++i) inverse[i] = norms[i] > 0 ? 1 / norms[i] : 0;
}

// Offers every row of a tile to one query. Almost no row beats the worst of the best k, so whole
// stretches are rejected by their maximum.
void offer_tile(const float* scores, const float* inverse, int64_t count, int64_t first,
                Best& best) {
  constexpr int64_t stretch = 4 * kLanes;
  int64_t i = 0;
  const auto offer_until = [&](int64_t end) {
    for (; i < end; ++i) {
      const float score = scores[i] * inverse[i];
      if (score == score) best.offer({score, first + i});
    }
  };
  while (i < count) {
    if (best.size < best.capacity || i + stretch > count) {
      offer_until(std::min(count, i + stretch));
      continue;
    }
    Floats highest = load(scores + i) * load(inverse + i);
    for (int64_t j = kLanes; j < stretch; j += kLanes) {
      highest = maximum(load(scores + i + j) * load(inverse + i + j), highest);
    }
    // A NaN in the first register would hide the others: `!(<=)` then looks at each.
    bool reject = true;
    for (int lane = 0; lane < kLanes; ++lane) reject &= highest[lane] <= best.heap[0].score;
    if (reject) {
      i += stretch;
    } else {
      offer_until(i + stretch);
    }
  }
}

int threads_for(int64_t rows, int64_t queries, int64_t columns) {
  return rows * queries * columns > kSerialWork ? num_threads() : 1;
}

}  // namespace

void row_norms(const float* matrix, int64_t rows, int64_t columns, int64_t stride, float* norms) {
  parallel(threads_for(rows, 1, columns), [&](int thread, int count) {
    for (int64_t i = rows * thread / count; i < rows * (thread + 1) / count; ++i) {
      norms[i] = std::sqrt(squared_length(matrix + i * stride, columns));
    }
  });
}

void cosines(const Table& table, int64_t begin, int64_t end, const float* queries, int64_t count,
             float* out) {
  const int64_t rows = end - begin, d = table.columns;
  parallel(threads_for(rows, count, d), [&](int thread, int threads) {
    const int64_t last = rows * (thread + 1) / threads;
    float inverse[kTileRows];
    for (int64_t tile = rows * thread / threads; tile < last; tile += kTileRows) {
      const int64_t n = std::min(kTileRows, last - tile);
      invert_norms(table.norms + begin + tile, n, inverse);
      dot_products(queries, d, table.rows + (begin + tile) * table.stride, table.stride, out + tile,
                   rows, count, n, d);
      for (int64_t q = 0; q < count; ++q) {
        for (int64_t i = 0; i < n; ++i) out[q * rows + tile + i] *= inverse[i];
      }
    }
  });
}

void nearest(const Table& table, int64_t begin, int64_t end, const float* queries, int64_t count,
             int64_t k, int64_t* rows, float* scores) {
  const int64_t total = end - begin, d = table.columns;
  const int threads = threads_for(total, count, d);
  const int64_t group = std::min(count, kTileQueries);
  std::vector<Neighbour> heaps(size_t(threads) * count * k);
  std::vector<Best> best(size_t(threads) * count);
  std::vector<float> products(size_t(threads) * group * kTileRows);
  for (size_t i = 0; i < best.size(); ++i) best[i] = {heaps.data() + i * k, 0, k};

  parallel(threads, [&](int thread, int team) {
    float* product = products.data() + thread * group * kTileRows;
    float inverse[kTileRows];
    const int64_t last = begin + total * (thread + 1) / team;
    for (int64_t tile = begin + total * thread / team; tile < last; tile += kTileRows) {
      const int64_t n = std::min(kTileRows, last - tile);
      invert_norms(table.norms + tile, n, inverse);
      for (int64_t first = 0; first < count; first += group) {
        const int64_t m = std::min(group, count - first);
        dot_products(queries + first * d, d, table.rows + tile * table.stride, table.stride,
                     product, n, m, n, d);
        for (int64_t q = 0; q < m; ++q) {
          offer_tile(product + q * n, inverse, n, tile, best[thread * count + first + q]);
        }
      }
    }
  });

  for (int64_t q = 0; q < count; ++q) {
    Best& merged = best[q];
    for (int thread = 1; thread < threads; ++thread) {
      const Best& other = best[thread * count + q];
      for (int64_t i = 0; i < other.size; ++i) merged.offer(other.heap[i]);
    }
    std::sort_heap(merged.heap, merged.heap + merged.size, better);
    for (int64_t i = 0; i < k; ++i) {
      const bool found = i < merged.size;
      rows[q * k + i] = found ? merged.heap[i].row : -1;
      scores[q * k + i] = found ? merged.heap[i].score : 0;
    }
  }
}

}  // namespace lamina::vectors
