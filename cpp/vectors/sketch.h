// A quarter-size sketch of a table, to find the few rows that can be nearest to one query.
//
//   n rows, d columns, w = d rounded up to kSketchStep
//
// A single query over float32 rows is bound by memory: nothing but reading less makes it faster.
// The sketch keeps each row, scaled to length 1, as w signed bytes c and a scale s, and the length
// e of what that leaves out. For a query q of length 1, |q . u - s (q . c)| <= e, so that a row
// whose upper bound is below the k-th highest lower bound cannot be among the k nearest. What
// remains, some dozens of rows, is compared exactly: the result is that of the whole table.
#pragma once

#include <cstdint>

#include "vectors/nearest.h"

namespace lamina::vectors {

inline constexpr int64_t kSketchStep = 16;

// Rows that the scan may read past the last one; they are zero.
inline constexpr int64_t kSketchSpareRows = 16;

struct Sketch {
  const int8_t* codes;  // (n + kSketchSpareRows) x w
  const float* scales;  // n + kSketchSpareRows
  const float* errors;  // n + kSketchSpareRows
  int64_t width;        // w
};

// Writes the codes, scales and errors of `rows` rows. A row of length 0 has error 0, one that is
// not finite has error infinity. Rows are shared among the threads.
void fill_sketch(const Table& table, int64_t rows, int8_t* codes, float* scales, float* errors);

// bounds[i] = upper bound of the cosine of row begin + i with `query` (w floats, the padding 0),
// for the rows [begin, end); bounds has room for kSketchSpareRows more. Returns the k-th highest of
// the lower bounds, or minus infinity if there are fewer than k rows. Rows are shared among the
// threads.
float bound_cosines(const Sketch& sketch, const float* query, int64_t begin, int64_t end, int64_t k,
                    float* bounds);

}  // namespace lamina::vectors
