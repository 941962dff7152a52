#include "conv2d.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "correlation.h"
#include "dense.h"
#include "gemm.h"
#include "parallel.h"
#include "shares.h"
#include "simd.h"
#include "winograd.h"

namespace lamina {
namespace {

// Sums of fewer terms, or for fewer filters, take as long: what they read is to be found, and they
// are to be written.
constexpr int64_t kFewTerms = 32, kFewFilters = 4;

// A few sequences as images of one cell a row, which is the same memory: rows can be dealt out.
Convolution upright(Convolution c) {
  Windows& w = c.windows;
  const bool is_sequence = w.H == 1 && w.OH == 1 && w.kh == 1 && w.top == 0;
  if (!is_sequence || w.B >= 2 * num_threads()) return c;
  std::swap(w.H, w.W);
  std::swap(w.OH, w.OW);
  std::swap(w.kh, w.kw);
  std::swap(w.stride_y, w.stride_x);
  std::swap(w.dilation_y, w.dilation_x);
  std::swap(w.top, w.left);
  return c;
}

// Whether a kernel of one cell stands on every cell: then the convolution is a product of the
// matrix of cells and channels with that of channels and filters.
bool is_product(const Convolution& c) {
  const Windows& w = c.windows;
  return w.kh == 1 && w.kw == 1 && w.stride_y == 1 && w.stride_x == 1 && w.OH == w.H &&
         w.OW == w.W && w.top == 0 && w.left == 0 && c.G == 1;
}

// The cells of one axis that each place of the output reads.
Axis forward_axis(int64_t size, int64_t places, int64_t cells, int64_t stride, int64_t dilation,
                  int64_t before) {
  Axis axis{size, places, stride, {}, {}};
  axis.reserve(cells);
  for (int64_t k = 0; k < cells; ++k) {
    axis.taps.push_back(k);
    axis.offsets.push_back(k * dilation - before);
  }
  return axis;
}

// The outputs of one axis that each of the cells phase, phase + stride ... was read by.
Axis backward_axis(int64_t size, int64_t places, int64_t cells, int64_t stride, int64_t dilation,
                   int64_t before, int64_t phase) {
  Axis axis{places, (size - phase + stride - 1) / stride, 1, {}, {}};
  axis.reserve(cells);
  for (int64_t k = cells - 1; k >= 0; --k) {
    const int64_t distance = phase + before - k * dilation;
    if (distance % stride != 0) continue;
    axis.taps.push_back(k);
    axis.offsets.push_back(distance / stride);
  }
  return axis;
}

Grid forward_grid(const Convolution& c) {
  const Windows& w = c.windows;
  return {forward_axis(w.H, w.OH, w.kh, w.stride_y, w.dilation_y, w.top),
          forward_axis(w.W, w.OW, w.kw, w.stride_x, w.dilation_x, w.left), c.C, c.C / c.G};
}

// B images in bands of rows, which are dealt out to threads.
class Bands {
 public:
  // As many rows as stay in cache, but fewer if threads would be left without work.
  Bands(int64_t B, const Grid& grid, int64_t most_rows, int64_t work_per_row)
      : rows_(grid.y.places), images_(B) {
    const int64_t wanted =
        num_threads() == 1 ? 1 : (4 * num_threads() + B - 1) / std::max<int64_t>(B, 1);
    const int64_t rows = std::clamp<int64_t>((rows_ + wanted - 1) / wanted, 1, most_rows);
    per_image_ = (rows_ + rows - 1) / rows;
    grain_ = 1 + kProductsWorthAThread / std::max<int64_t>(1, work_per_row * rows);
  }

  int64_t count() const { return images_ * per_image_; }
  int64_t grain() const { return grain_; }  // those that are worth a thread

  // Calls take(image, first row, last row) for some bands.
  template <typename Take>
  void walk(int64_t first, int64_t last, Take& take) const {
    for (int64_t i = first; i < last; ++i) {
      const int64_t band = i % per_image_;
      take(i / per_image_, rows_ * band / per_image_, rows_ * (band + 1) / per_image_);
    }
  }

 private:
  int64_t rows_, images_, per_image_, grain_;
};

// out = what the grid reads of every image, times the N columns of each of `groups` kernels, which
// pack(group) packs. finish(image, first row, last row) is called for each band that is done.
template <typename T, typename Pack, typename Finish>
void correlate(int64_t B, const Grid& grid, const T* images, int64_t groups, int64_t N, Pack pack,
               const Target& target, int64_t out_image, T* out, Finish finish) {
  const int64_t image = grid.y.size * grid.x.size * grid.C;
  const int64_t depth = grid.segments() * grid.length(), elements = groups * depth * N;
  const PackedForThreads<std::vector<Panels<T>>> packed(elements, [&] {
    std::vector<Panels<T>> panels;
    for (int64_t g = 0; g < groups; ++g) panels.push_back(pack(g));
    return panels;
  });
  const int64_t work = groups * std::max(depth, kFewTerms) * std::max(N, kFewFilters);
  const Bands bands(B, grid, Band<T>(grid).rows(), grid.x.places * work);
  parallel_for_pieces(bands.count(), bands.grain(), 1, [&] {
    auto take = [&, band = Band<T>(grid), panels = packed.here(),
                 products = std::vector<PlaceProducts<T>>()](int64_t b, int64_t first,
                                                             int64_t last) mutable {
      band.read(images + b * image, first, last);
      for (size_t g = 0; g < panels->size(); ++g) {
        if (products.size() <= g) products.emplace_back(grid, (*panels)[g]);
        products[g].write(band, first, last - first, int64_t(g) * grid.channels, target,
                          out + b * out_image + int64_t(g) * N);
      }
      finish(b, first, last);
    };
    return [&bands, take = std::move(take)](int64_t first, int64_t last) mutable {
      bands.walk(first, last, take);
    };
  });
}

// The kernel's matrices (channels x filters of a group, rows F apart) for the grid's taps.
template <typename T>
std::vector<const T*> blocks_of(const Convolution& c, const Grid& grid, const T* kernel,
                                int64_t group) {
  std::vector<const T*> blocks;
  for (const int64_t ky : grid.y.taps) {
    for (const int64_t kx : grid.x.taps) {
      blocks.push_back(kernel + (ky * c.windows.kw + kx) * c.C / c.G * c.F + group * c.F / c.G);
    }
  }
  return blocks;
}

// Zeros for the cells, from `first` on, that are as far apart as the windows' strides and as many
// as the grid's places.
template <typename T>
void clear(const Windows& w, int64_t C, const Grid& grid, T* first) {
  const int64_t rows = grid.y.places, columns = grid.x.places;
  parallel_for(w.B * rows, grain_of_rows(columns * C), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* cell = first + (i / rows * w.H + i % rows * w.stride_y) * w.W * C;
      for (int64_t j = 0; j < columns; ++j, cell += w.stride_x * C) std::fill_n(cell, C, T(0));
    }
  });
}

}  // namespace

template <typename T>
void conv2d(const Convolution& given, const T* x, const T* kernel, const T* bias,
            Activation activation, T* y) {
  if (is_product(given)) {
    return dense(x, kernel, bias, y, given.windows.places(), given.C, given.F, activation);
  }
  const Convolution c = upright(given);
  const Windows& w = c.windows;
  const Grid grid = forward_grid(c);
  const int64_t filters = c.F / c.G;
  if (winograd_fits<T>(w.B, grid, c.F)) {
    const KernelBlocks<T> blocks{blocks_of(c, grid, kernel, 0), Stored::kPlain, c.F, c.C, c.F};
    return winograd(w.B, grid, x, blocks, bias, activation, y);
  }
  const auto pack = [&](int64_t g) {
    return Panels<T>(Stored::kPlain, kernel + g * filters, c.F, w.kh * w.kw * grid.channels,
                     filters);
  };
  correlate(w.B, grid, x, c.G, filters, pack, Target{w.OW, c.F, 0, 0, 1, 1}, w.OH * w.OW * c.F, y,
            [&](int64_t b, int64_t first, int64_t last) {
              add_bias_and_activate(y + (b * w.OH + first) * w.OW * c.F, bias,
                                    (last - first) * w.OW, c.F, activation);
            });
}

template <typename T>
void conv2d_gradient_input(const Convolution& given, const T* dy, const T* kernel, const T* bias,
                           Activation activation, T* dx) {
  const Convolution c = upright(given);
  const Windows& w = c.windows;
  const auto finish = [&] {
    if (bias == nullptr && activation == Activation::kLinear) return;
    const int64_t cells = w.B * w.H * w.W;
    parallel_for(cells, grain_of_rows(c.C), [&](int64_t begin, int64_t end) {
      add_bias_and_activate(dx + begin * c.C, bias, end - begin, c.C, activation);
    });
  };
  if (is_product(given)) {
    multiply(Stored::kPlain, Stored::kTransposed, w.places(), c.C, c.F, dy, c.F, kernel, c.F, dx,
             c.C);
    return finish();
  }
  const int64_t channels = c.C / c.G, filters = c.F / c.G;
  // Cells that a stride apart were read by the same taps: each phase of them is a grid over dy.
  for (int64_t py = 0; py < std::min(w.stride_y, w.H); ++py) {
    for (int64_t px = 0; px < std::min(w.stride_x, w.W); ++px) {
      const Grid grid{backward_axis(w.H, w.OH, w.kh, w.stride_y, w.dilation_y, w.top, py),
                      backward_axis(w.W, w.OW, w.kw, w.stride_x, w.dilation_x, w.left, px), c.F,
                      filters};
      if (grid.segments() == 0) {  // between strides longer than the kernel nothing was read
        clear(w, c.C, grid, dx + (py * w.W + px) * c.C);
        continue;
      }
      if (w.stride_y == 1 && w.stride_x == 1 && winograd_fits<T>(w.B, grid, c.C)) {
        const KernelBlocks<T> blocks{blocks_of(c, grid, kernel, 0), Stored::kTransposed, c.F, c.F,
                                     c.C};
        return winograd(w.B, grid, dy, blocks, bias, activation, dx);
      }
      const auto pack = [&](int64_t g) {
        return Panels<T>(Stored::kTransposed, blocks_of(c, grid, kernel, g), c.F, filters,
                         channels);
      };
      correlate(w.B, grid, dy, c.G, channels, pack,
                Target{w.W, c.C, py, px, w.stride_y, w.stride_x}, w.H * w.W * c.C, dx,
                [](int64_t, int64_t, int64_t) {});
    }
  }
  finish();
}

namespace {

// With very few filters, the gradient of the kernel of the convolution that reads dy and gives x:
// its registers are filled by the channels. It is this one's, from the last tap to the first.
template <typename T>
void gradient_by_channels(const Convolution& c, const T* x, const T* dy, T* d_kernel) {
  Convolution other = c;
  Windows& w = other.windows;
  std::swap(w.H, w.OH);
  std::swap(w.W, w.OW);
  w.top = (w.kh - 1) * w.dilation_y - w.top;
  w.left = (w.kw - 1) * w.dilation_x - w.left;
  std::swap(other.C, other.F);
  const int64_t taps = w.kh * w.kw;
  std::vector<T> turned(size_t(taps * c.C * c.F));
  conv2d_gradient_kernel(other, dy, x, turned.data());
  for (int64_t k = 0; k < taps; ++k) {
    for (int64_t i = 0; i < c.C * c.F; ++i) {
      d_kernel[k * c.C * c.F + i] =
          turned[size_t(((taps - 1 - k) * c.F + i % c.F) * c.C + i / c.F)];
    }
  }
}

}  // namespace

template <typename T>
void conv2d_gradient_kernel(const Convolution& given, const T* x, const T* dy, T* d_kernel) {
  if (is_product(given)) {
    return multiply(Stored::kTransposed, Stored::kPlain, given.C, given.F, given.windows.places(),
                    x, given.C, dy, given.F, d_kernel, given.F);
  }
  const Convolution c = upright(given);
  const Windows& w = c.windows;
  if (w.stride_y == 1 && w.stride_x == 1 && c.G == 1 && 4 * c.F <= kLanesOf<T> && c.F < c.C) {
    return gradient_by_channels(c, x, dy, d_kernel);
  }
  const Grid grid = forward_grid(c);
  if (winograd_fits<T>(w.B, grid, c.F)) {
    return winograd_gradient_kernel(w.B, grid, x, dy, c.F, d_kernel);
  }
  const int64_t filters = c.F / c.G, size = w.kh * w.kw * grid.channels * c.F;
  const int threads = num_threads();
  SumsOfShares<T> sums(size, threads);
  const Bands bands(w.B, grid, Band<T>(grid).rows(), w.OW * size);
  const auto add_share = [&](int share, int64_t begin, int64_t end) {
    T* sum = sums.begin(share);
    Band<T> band(grid);
    const auto take = [&](int64_t b, int64_t first, int64_t last) {
      band.read(x + b * w.H * w.W * c.C, first, last);
      const T* rows = dy + (b * w.OH + first) * w.OW * c.F;
      for (int64_t g = 0; g < c.G; ++g) {
        add_kernel_gradient(grid, band, last - first, g * grid.channels, rows + g * filters,
                            filters, c.F, sum + g * filters);
      }
    };
    bands.walk(begin, end, take);
  };
  parallel_for_shares(threads, bands.count(), bands.grain(), add_share);
  sums.write(d_kernel);
}

template void conv2d(const Convolution&, const float*, const float*, const float*, Activation,
                     float*);
template void conv2d(const Convolution&, const double*, const double*, const double*, Activation,
                     double*);
template void conv2d_gradient_input(const Convolution&, const float*, const float*, const float*,
                                    Activation, float*);
template void conv2d_gradient_input(const Convolution&, const double*, const double*, const double*,
                                    Activation, double*);
template void conv2d_gradient_kernel(const Convolution&, const float*, const float*, float*);
template void conv2d_gradient_kernel(const Convolution&, const double*, const double*, double*);

}  // namespace lamina
