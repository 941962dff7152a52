// Rows of a table by their ids, and the gradient of such a look-up: a sum for each row that was
// looked up, and nothing for the others.
//
// Dimensions: V rows of D columns, I ids of any shape, R different ids among them, ascending.
// The table is V x D, what is looked up is I x D, the gradient's values are R x D; nothing
// overlaps.
#pragma once

#include <cstdint>

namespace lamina {

// The position of the first id that is not in [0, V), or -1. The functions below do not check.
template <typename Id>
int64_t first_id_outside(const Id* ids, int64_t I, int64_t V);

// found[i] = table[ids[i]], in parallel.
template <typename T, typename Id>
void gather_rows(const T* table, int64_t D, const Id* ids, int64_t I, T* found);

// An id and its place among the ids.
struct Place {
  uint32_t id, position;
};

// Sorts the places of the ids by id, then by position, in time that is proportional to I and not
// to V, on the caller's thread. `places` has room for 2 I; the sorted I are where the result says.
// I and V are at most 2^32.
template <typename Id>
const Place* sort_places(const Id* ids, int64_t I, int64_t V, Place* places);

// The ids that occur in sorted places, and where the run of each begins. Returns R; `rows` has
// room for I, `starts` for I + 1 of which R + 1 are set.
int64_t find_runs(const Place* places, int64_t I, int64_t* rows, int64_t* starts);

// values[r] = the sum of rows `position` of `gradient` (I x D) over the places of run r, in
// parallel. Each element is summed in the order of the positions by one thread, so that the number
// of threads changes no bit.
template <typename T>
void sum_runs(const Place* places, const int64_t* starts, int64_t R, const T* gradient, int64_t D,
              T* values);

}  // namespace lamina
