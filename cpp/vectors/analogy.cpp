#include "vectors/analogy.h"

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "simd.h"
#include "vectors/dots.h"

namespace lamina::vectors {
namespace {

// 1,000 words' cosines with 256 rows fill a core's second-level cache of 1 MB.
constexpr int64_t kTileRows = 256;

struct Add {
  template <typename Value>
  static Value score(Value a, Value b, Value c) {
    return b + c - a;
  }
};

// The cosines arrive as (1 + cos) / 2.
struct Multiply {
  template <typename Value>
  static Value score(Value a, Value b, Value c) {
    return b * c / (a + 1e-6f);
  }
};

template <typename Rule>
bool exceeds(const float* a, const float* b, const float* c, float threshold) {
  Floats highest = broadcast(threshold);
  for (int64_t i = 0; i < kTileRows; i += kLanes) {
    highest = maximum(Rule::score(load(a + i), load(b + i), load(c + i)), highest);
  }
  bool found = false;
  for (int lane = 0; lane < kLanes; ++lane) found |= highest[lane] > threshold;
  return found;
}

template <typename Rule>
void answer_tile(const float* cosines, int64_t rows, const int32_t* groups, int64_t first_row,
                 const Question* questions, int64_t count, float* best_scores, int64_t* best_rows) {
  for (int64_t q = 0; q < count; ++q) {
    const Question& ask = questions[q];
    const float* a = cosines + ask.a * kTileRows;
    const float* b = cosines + ask.b * kTileRows;
    const float* c = cosines + ask.c * kTileRows;
    if (!exceeds<Rule>(a, b, c, best_scores[q])) continue;
    for (int64_t i = 0; i < rows; ++i) {
      const float score = Rule::score(a[i], b[i], c[i]);
      if (!(score > best_scores[q])) continue;
      if (groups[i] == ask.group_a || groups[i] == ask.group_b || groups[i] == ask.group_c)
        continue;
      best_scores[q] = score;
      best_rows[q] = first_row + i;
    }
  }
}

}  // namespace

void answer(const Table& table, int64_t rows, const int32_t* groups, int64_t first_row,
            const float* words, int64_t word_count, const Question* questions, int64_t count,
            AnalogyRule rule, float* best_scores, int64_t* best_rows) {
  const int64_t d = table.columns;
  const int threads = num_threads();
  std::vector<float> tiles(size_t(threads) * word_count * kTileRows);
  std::vector<float> scores(size_t(threads) * count);
  std::vector<int64_t> found(size_t(threads) * count, -1);
  for (int thread = 0; thread < threads; ++thread) {
    std::copy(best_scores, best_scores + count, scores.begin() + thread * count);
  }

  parallel(threads, [&](int thread, int team) {
    float* tile = tiles.data() + thread * word_count * kTileRows;
    float inverse[kTileRows];
    const int64_t last = rows * (thread + 1) / team;
    for (int64_t first = rows * thread / team; first < last; first += kTileRows) {
      const int64_t n = std::min(kTileRows, last - first);
      for (int64_t i = 0; i < n; ++i) {
        const float norm = table.norms[first + i];
        inverse[i] = norm > 0 ? 1 / norm : 0;
      }
      dot_products(words, d, table.rows + first * table.stride, table.stride, tile, kTileRows,
                   word_count, n, d);
      for (int64_t w = 0; w < word_count; ++w) {
        float* cosine = tile + w * kTileRows;
        for (int64_t i = 0; i < n; ++i) {
          cosine[i] *= inverse[i];
          if (rule == AnalogyRule::kMultiply) cosine[i] = (1 + cosine[i]) / 2;
        }
        // A short last tile: what is past its end must not trip the vector scan.
        std::fill(cosine + n, cosine + kTileRows, 0.0f);
      }
      (rule == AnalogyRule::kAdd
           ? answer_tile<Add>
           : answer_tile<Multiply>)(tile, n, groups + first, first_row + first, questions, count,
                                    scores.data() + thread * count, found.data() + thread * count);
    }
  });

  // Threads hold ascending stretches of rows: on equal scores the earlier row stays.
  for (int thread = 0; thread < threads; ++thread) {
    for (int64_t q = 0; q < count; ++q) {
      const size_t at = size_t(thread) * count + q;
      if (found[at] < 0 || !(scores[at] > best_scores[q])) continue;
      best_scores[q] = scores[at];
      best_rows[q] = found[at];
    }
  }
}

}  // namespace lamina::vectors
