// Convolutions with windows of 3 x 3 cells, a stride of 1 and many channels, with fewer
// multiplications than they have: Winograd's F(2 x 2, 3 x 3), which takes 16 for four places
// instead of 36. Tiles of 4 x 4 cells are transformed by additions, multiplied channel by channel
// as 16 matrix products, and transformed back. The rounding error is a few times that of the sums
// it replaces.
//
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2015 (arXiv 1509.09308).
#pragma once

#include <cstdint>
#include <vector>

#include "activation.h"
#include "correlation.h"
#include "gemm.h"

namespace lamina {

// Whether a grid's places (correlation.h) over B images can be, and are worth being, computed in
// this way.
template <typename T>
bool winograd_fits(int64_t B, const Grid& grid, int64_t N);

// A kernel of 3 x 3 blocks, in the order of the grid's taps, each of C rows (of what is read) and N
// columns, or stored as its transpose, rows `stride` apart.
template <typename T>
struct KernelBlocks {
  std::vector<const T*> begins;
  Stored stored;
  int64_t stride, C, N;
};

// out = activation(what the grid reads of B images, times the kernel, + bias), on every thread. out
// is B x grid.y.places x grid.x.places x N; bias has N elements or is null. Throws std::bad_alloc.
template <typename T>
void winograd(int64_t B, const Grid& grid, const T* images, const KernelBlocks<T>& kernel,
              const T* bias, Activation activation, T* out);

// d_kernel (3 x 3 x C x N) from what the grid reads of B images, and dy, as out above. Every thread
// sums the tiles of its share, and the sums are added in the threads' order; or, if there are few
// tiles, all of them for its share of the channels.
template <typename T>
void winograd_gradient_kernel(int64_t B, const Grid& grid, const T* images, const T* dy, int64_t N,
                              T* d_kernel);

}  // namespace lamina
