// Exact nearest neighbours: the best of all rows for each of a batch of queries, by cosine.
//
//   n rows, d columns, b queries, k wanted
//
// Rows of the matrix are `stride` floats apart and `norms` holds their lengths; a row of length 0
// has cosine 0 with everything. Queries are b x d, contiguous, of length 1. The caller has checked
// 0 <= begin <= end <= n. Tiles of rows are shared among the threads.
#pragma once

#include <cstdint>

namespace lamina::vectors {

struct Table {
  const float* rows;
  int64_t columns, stride;
  const float* norms;
};

// norms[i] = the Euclidean length of row i, for `rows` rows of `columns` floats, `stride` apart.
// Rows are shared among the threads.
void row_norms(const float* matrix, int64_t rows, int64_t columns, int64_t stride, float* norms);

// cosines (b x (end - begin)) of every query with the rows [begin, end).
void cosines(const Table& table, int64_t begin, int64_t end, const float* queries, int64_t count,
             float* out);

// The k rows of [begin, end) with the highest cosine for each query, best first, equal ones in the
// order of the table: rows and scores are b x k. Where fewer than k rows have a cosine (the others
// being NaN, or there being no more), the rest of `rows` is -1.
void nearest(const Table& table, int64_t begin, int64_t end, const float* queries, int64_t count,
             int64_t k, int64_t* rows, float* scores);

}  // namespace lamina::vectors
