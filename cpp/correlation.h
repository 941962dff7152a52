// What the three kernels of a convolution (conv2d.h) are made of: every place of a grid reads cells
// of an image at fixed distances from where it begins. With those cells side by side in a padded
// copy of the image, a matrix product reads them where they are, and nothing is packed for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "panels.h"
#include "range.h"

namespace lamina {

// One axis of the image and of the grid: place i reads the cells i step + offsets[...], which may
// lie outside of [0, size) and are zeros there. Offsets ascend; taps are their places in the
// kernel.
struct Axis {
  int64_t size, places, step;
  std::vector<int64_t> taps, offsets;

  void reserve(int64_t cells) {
    taps.reserve(size_t(cells));
    offsets.reserve(size_t(cells));
  }
  int64_t low() const { return offsets.empty() ? 0 : std::min<int64_t>(0, offsets.front()); }
  int64_t high() const {
    return offsets.empty() ? size : std::max(size, (places - 1) * step + offsets.back() + 1);
  }
  bool is_padded() const { return low() < 0 || high() > size; }
  // Which of its offsets lead a place to a cell of the image.
  Range inside(int64_t place) const {
    const auto begin = std::lower_bound(offsets.begin(), offsets.end(), -place * step);
    const auto end = std::lower_bound(begin, offsets.end(), size - place * step);
    return {begin - offsets.begin(), end - offsets.begin()};
  }
  bool is_contiguous() const {
    return offsets.empty() || offsets.back() - offsets.front() + 1 == int64_t(offsets.size());
  }
};

// A grid that reads `channels` of the C channels of an image of y.size x x.size cells. What a place
// reads is cut into segments: a row of neighbouring cells, or one cell.
struct Grid {
  Axis y, x;
  int64_t C, channels;

  int64_t places() const { return y.places * x.places; }
  bool merges_rows() const { return channels == C && x.is_contiguous(); }
  int64_t segments() const {
    return int64_t(y.taps.size()) * (merges_rows() ? !x.taps.empty() : int64_t(x.taps.size()));
  }
  int64_t length() const { return channels * (merges_rows() ? int64_t(x.taps.size()) : 1); }
};

// Some rows of a grid's places over one image, ready to be read: where the image has its cells, or
// in a copy with zeros around them.
template <typename T>
class Band {
 public:
  explicit Band(const Grid& grid);

  // Rows [first, last) of the grid, over `image`.
  void read(const T* image, int64_t first, int64_t last);

  // Where the windows of `count` places begin, counted from the band's first place on. Segment s of
  // a window lies at offset(s) from there.
  void begins(int64_t place, int64_t count, const T** out) const {
    int64_t column = place % grid_.x.places;
    const T* row = cells_ + place / grid_.x.places * row_step_;
    for (int64_t i = 0; i < count; ++i) {
      out[i] = row + column * place_step_;
      if (++column == grid_.x.places) {
        column = 0;
        row += row_step_;
      }
    }
  }
  int64_t offset(int64_t segment) const { return offsets_[size_t(segment)]; }

  // From a place to the next one of its row.
  int64_t place_step() const { return place_step_; }

  // Rows of the grid whose cells stay in the second level of cache.
  int64_t rows() const { return rows_; }

 private:
  const Grid& grid_;
  bool padded_;
  int64_t width_, rows_, row_step_, place_step_;
  std::vector<int64_t> offsets_;
  Buffer<T> copy_;
  const T* cells_ = nullptr;
};

// Where a grid's results go: an image of C channels and `width` cells a row, to every step_y-th row
// and step_x-th cell from (first_y, first_x) on.
struct Target {
  int64_t width, C, first_y, first_x, step_y, step_x;

  int64_t cell(int64_t y, int64_t x) const {
    return ((first_y + y * step_y) * width + first_x + x * step_x) * C;
  }
};

// The products of the places of a band with a matrix, whose rows are the cells of the segments.
// Segments above or below the image are left out where that pays. A matrix of very few columns is
// multiplied along the cells instead, a column at a time.
template <typename T>
class PlaceProducts {
 public:
  PlaceProducts(const Grid& grid, const Panels<T>& panels);

  // Of the places in `band`, which begins at row `first`, and the image's channels from `channel`
  // on, to the target in `out`.
  void write(const Band<T>& band, int64_t first, int64_t rows, int64_t channel,
             const Target& target, T* out);

 private:
  Range segments_inside(int64_t row) const;
  void find_rows(const Band<T>& band, int64_t place, int64_t places, Range read, int64_t channel);
  void multiply(int64_t places, Range read);
  void multiply_narrow(int64_t places);

  const Grid& grid_;
  const Panels<T>& panels_;
  int64_t segments_, length_, tile_;
  bool narrow_;
  std::vector<T> columns_;  // of a narrow matrix
  Buffer<const T*> rows_;   // where the segments to read begin, a tile after the other
  Buffer<T*> outputs_;
};

// d_kernel (the segments' cells x N columns, `stride` apart) += the transposed cells of a band's
// places, times dy: a row for each place, from the band's first on, also `stride` apart.
template <typename T>
void add_kernel_gradient(const Grid& grid, const Band<T>& band, int64_t rows, int64_t channel,
                         const T* dy, int64_t N, int64_t stride, T* d_kernel);

}  // namespace lamina
