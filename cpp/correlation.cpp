#include "correlation.h"

namespace lamina {
namespace {

constexpr int64_t kBandElements = 64 * 1024;  // a quarter of a megabyte
constexpr int64_t kPlaces = 168;              // whose products are made strip by strip
constexpr int64_t kDepth = 1024;  // rows of a strip that stay in the second level of cache
// Elements of a window from which on it pays to pack what they are all multiplied with, unless it
// is as narrow as a strip.
constexpr int64_t kWorthPacking = 128;
// Elements of a segment from which on it pays to leave those out that lie outside of the image.
constexpr int64_t kWorthLeavingOut = 8;

// Whether so few columns are left that registers are better filled along the cells.
template <typename T>
bool is_narrow(const Grid& grid, int64_t columns) {
  return 4 * columns <= kLanesOf<T> && grid.length() >= kLanesOf<T> && grid.segments() > 0;
}

// Lane i of what is stored is the sum of the lanes of v[i]; the first `count` are wanted.
template <typename T>
void store_sums(const Vector<T> (&v)[kLanesOf<T>], int64_t count, T* out) {
  if constexpr (sizeof(T) == 4) {
    store_some(out, sum_each(v), count);
  } else {
    for (int64_t i = 0; i < count; ++i) out[i] = sum(v[i]);
  }
}

}  // namespace

template <typename T>
Band<T>::Band(const Grid& grid)
    : grid_(grid),
      padded_(grid.y.is_padded() || grid.x.is_padded()),
      width_(padded_ ? grid.x.high() - grid.x.low() : grid.x.size),
      row_step_(grid.y.step * width_ * grid.C),
      place_step_(grid.x.step * grid.C) {
  rows_ = std::clamp<int64_t>(kBandElements / std::max<int64_t>(1, row_step_), 1,
                              std::max<int64_t>(1, grid.y.places));
  const bool merges = grid.merges_rows();
  offsets_.reserve(grid.y.offsets.size() * grid.x.offsets.size());
  for (const int64_t y : grid.y.offsets) {
    for (size_t i = 0;
         i < (merges ? std::min<size_t>(1, grid.x.offsets.size()) : grid.x.offsets.size()); ++i) {
      offsets_.push_back(
          ((y - grid.y.low()) * width_ + grid.x.offsets[i] - (padded_ ? grid.x.low() : 0)) *
          grid.C);
    }
  }
  if (!padded_) return;
  const int64_t reach = grid.y.offsets.empty() ? 1 : grid.y.offsets.back() - grid.y.low() + 1;
  copy_ = make_buffer<T>(size_t(((rows_ - 1) * grid.y.step + reach) * width_ * grid.C));
}

template <typename T>
void Band<T>::read(const T* image, int64_t first, int64_t last) {
  const Axis &y = grid_.y, &x = grid_.x;
  const int64_t begin = first * y.step + y.low();  // the first row of cells
  if (!padded_) {
    cells_ = image + begin * width_ * grid_.C;
    return;
  }
  const int64_t end = (last - 1) * y.step + (y.offsets.empty() ? 0 : y.offsets.back()) + 1;
  const int64_t left = -x.low() * grid_.C;
  const int64_t inside = std::min(x.size, x.high()) * grid_.C, row = width_ * grid_.C;
  T* out = copy_.get();
  for (int64_t i = begin; i < end; ++i, out += row) {
    if (i < 0 || i >= y.size) {
      std::fill_n(out, row, T(0));
      continue;
    }
    std::fill_n(out, left, T(0));
    std::copy_n(image + i * x.size * grid_.C, inside, out + left);
    std::fill(out + left + inside, out + row, T(0));
  }
  cells_ = copy_.get();
}

template <typename T>
PlaceProducts<T>::PlaceProducts(const Grid& grid, const Panels<T>& panels)
    : grid_(grid),
      panels_(panels),
      segments_(grid.segments()),
      length_(grid.length()),
      tile_(kMostRows),
      narrow_(panels.count() == 1 && panels[0].vectors == 1 && is_narrow<T>(grid, panels[0].last)),
      rows_(make_buffer<const T*>(size_t(kPlaces * segments_))),
      outputs_(make_buffer<T*>(size_t(kPlaces))) {
  for (int64_t i = 0; i < panels.count(); ++i) {
    tile_ = std::min<int64_t>(tile_, tile_rows(panels[i].vectors));
  }
  if (!narrow_) return;
  tile_ = kLanesOf<T>;
  const Strip<T>& strip = panels[0];
  columns_.reserve(size_t(strip.last * panels.depth()));
  for (int64_t j = 0; j < strip.last; ++j) {
    for (int64_t k = 0; k < panels.depth(); ++k) columns_.push_back(strip.data[k * strip.step + j]);
  }
}

template <typename T>
void PlaceProducts<T>::write(const Band<T>& band, int64_t first, int64_t rows, int64_t channel,
                             const Target& target, T* out) {
  const int64_t width = grid_.x.places;
  for (int64_t row = 0, end; row < rows; row = end) {
    const Range read = segments_inside(first + row);
    for (end = row + 1; end < rows && segments_inside(first + end) == read;) ++end;
    for_even_tiles((end - row) * width, kPlaces, [&](int64_t from, int64_t to) {
      find_rows(band, row * width + from, to - from, read, channel);
      int64_t y = first + row + from / width, x = from % width;
      for (int64_t i = 0; i < to - from; ++i) {
        outputs_[size_t(i)] = out + target.cell(y, x);
        if (++x == width) {
          x = 0;
          ++y;
        }
      }
      narrow_ ? multiply_narrow(to - from) : multiply(to - from, read);
    });
  }
}

// Those that places of a row read, but all of them where it does not pay to leave some out: where
// a row has too few places for the registers of a narrow matrix, or to fill a tile.
template <typename T>
Range PlaceProducts<T>::segments_inside(int64_t row) const {
  if (narrow_ || grid_.x.places < tile_ || length_ < kWorthLeavingOut) return {0, segments_};
  const Range taps = grid_.y.inside(row);
  const int64_t of_a_tap = segments_ / std::max<int64_t>(1, int64_t(grid_.y.taps.size()));
  return {taps.begin * of_a_tap, taps.end * of_a_tap};
}

template <typename T>
void PlaceProducts<T>::find_rows(const Band<T>& band, int64_t place, int64_t places, Range read,
                                 int64_t channel) {
  const T* begins[kPlaces];
  band.begins(place, places, begins);
  const T** to = rows_.get();
  for_even_tiles(places, tile_, [&](int64_t from, int64_t until) {
    for (int64_t s = read.begin; s < read.end; ++s) {
      const int64_t offset = band.offset(s) + channel;
      for (int64_t i = from; i < until; ++i) *to++ = begins[i] + offset;
    }
  });
}

// For a register of places at a time: one sum for each, along the cells.
template <typename T>
void PlaceProducts<T>::multiply_narrow(int64_t places) {
  constexpr int lanes = kLanesOf<T>;
  const int64_t depth = segments_ * length_, columns = int64_t(columns_.size()) / depth;
  for_even_tiles(places, lanes, [&](int64_t from, int64_t to) {
    const int64_t count = to - from;
    for (int64_t j = 0; j < columns; ++j) {
      const T* const* rows = rows_.get() + from * segments_;
      const T* column = columns_.data() + j * depth;
      Vector<T> sums[lanes] = {};
      for (int64_t s = 0; s < segments_; ++s, rows += count) {
        const T* begins[lanes];
        for (int i = 0; i < lanes; ++i) begins[i] = rows[std::min<int64_t>(i, count - 1)];
        for (int64_t k = 0; k < length_; k += lanes, column += lanes) {
          const int64_t some = std::min<int64_t>(lanes, length_ - k);
          const Vector<T> factor = load_some(column, some);
#pragma GCC unroll 16
          for (int i = 0; i < lanes; ++i) sums[i] += load_some(begins[i] + k, some) * factor;
        }
        column -= (length_ + lanes - 1) / lanes * lanes - length_;
      }
      T found[lanes];
      store_sums<T>(sums, count, found);
      for (int64_t i = 0; i < count; ++i) outputs_[size_t(from + i)][j] = found[i];
    }
  });
}

template <typename T>
void PlaceProducts<T>::multiply(int64_t places, Range read) {
  const int64_t segments = read.end - read.begin;
  const int64_t step = std::max<int64_t>(1, kDepth / std::max<int64_t>(1, length_));
  for (int64_t s = 0; s == 0 || s < segments; s += step) {
    const int64_t count = std::min(step, segments - s);
    for (int64_t i = 0; i < panels_.count(); ++i) {
      Strip<T> strip = panels_[i];
      strip.data += (read.begin + s) * length_ * strip.step;
      for_even_tiles(places, tile_, [&](int64_t from, int64_t to) {
        multiply_rows(rows_.get() + from * segments + s * (to - from), to - from, count, length_,
                      strip, outputs_.get() + from, strip.first, s > 0,
                      {.sums = true, .next = i == 0 && segments == 1 && to < places});
      });
    }
  }
}

template <typename T>
void add_kernel_gradient(const Grid& grid, const Band<T>& band, int64_t rows, int64_t channel,
                         const T* dy, int64_t N, int64_t stride, T* d_kernel) {
  const int64_t segments = grid.segments(), length = grid.length();
  const int64_t places = rows * grid.x.places;
  const bool packs = segments * length >= kWorthPacking && N > kStripVectors * kLanesOf<T>;
  const T *begins[kColumnsDepth], *next[kColumnsDepth];
  for_even_tiles(places, kColumnsDepth, [&](int64_t begin, int64_t end) {
    const int64_t count = end - begin, left = std::min(count, places - end);
    band.begins(begin, count, begins);
    band.begins(end, left, next);
    std::copy(begins + left, begins + count, next + left);
    const Panels<T> panels(Stored::kPlain, dy + begin * stride, stride, count, N, 1, !packs);
    for (int64_t i = 0; i < panels.count(); ++i) {
      const Strip<T>& strip = panels[i];
      for (int64_t s = 0; s < segments; ++s) {
        for_even_tiles(length, tile_rows(strip.vectors), [&](int64_t from, int64_t to) {
          T* out[kMostRows] = {};
          for (int64_t k = from; k < to; ++k) out[k - from] = d_kernel + (s * length + k) * stride;
          const int64_t offset = band.offset(s) + channel + from;
          const T* const* soon = i == 0 ? next : begins;
          multiply_columns(begins, offset, to - from, count, strip, out, strip.first, true,
                           [&](int64_t k) { __builtin_prefetch(soon[k] + offset); });
        });
      }
    }
  });
}

template class Band<float>;
template class Band<double>;
template class PlaceProducts<float>;
template class PlaceProducts<double>;
template void add_kernel_gradient(const Grid&, const Band<float>&, int64_t, int64_t, const float*,
                                  int64_t, int64_t, float*);
template void add_kernel_gradient(const Grid&, const Band<double>&, int64_t, int64_t, const double*,
                                  int64_t, int64_t, double*);

}  // namespace lamina
