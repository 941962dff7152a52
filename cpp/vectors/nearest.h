// Exact nearest neighbours: the best of all rows for each of a batch of queries.
#pragma once

#include <cstdint>

namespace lamina::vectors {

// norms[i] = the Euclidean length of row i, for `rows` rows of `columns` floats, `stride` apart.
// Rows are shared among the threads.
void row_norms(const float* matrix, int64_t rows, int64_t columns, int64_t stride, float* norms);

}  // namespace lamina::vectors
