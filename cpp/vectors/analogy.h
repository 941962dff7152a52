// The analogy test: for each question "a is to b as c is to ...", the row that answers it best.
//
//   u question words, q questions, n rows, d columns
//
// The cosines of the u words with a tile of rows are one matrix product; a question is then the
// sum of three of its rows, so that a test of 20,000 questions costs little more than 1,000
// queries.
#pragma once

#include <cstdint>

#include "vectors/nearest.h"

namespace lamina::vectors {

enum class AnalogyRule {
  kAdd,       // cos(b) + cos(c) - cos(a)
  kMultiply,  // the same in products: B C / (A + 1e-6) with X = (1 + cos(x)) / 2
};

struct Question {
  int32_t a, b, c;                    // rows of `words`
  int32_t group_a, group_b, group_c;  // groups that may not answer
};

// best_rows[i] = the row r of [0, rows) with the highest score for question i, of those whose
// groups[r] is none of the question's own; first_row + r is stored, and only where its score
// exceeds best_scores[i], so that a table may be given in blocks. `words` is u x d, contiguous,
// rows of length 1. The caller has checked the questions' word numbers.
void answer(const Table& table, int64_t rows, const int32_t* groups, int64_t first_row,
            const float* words, int64_t word_count, const Question* questions, int64_t count,
            AnalogyRule rule, float* best_scores, int64_t* best_rows);

}  // namespace lamina::vectors
