// Sums over rows, places or images, of which each thread makes a share apart. The shares are added
// in their order: the same bits whenever there are as many threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "parallel.h"
#include "simd.h"

namespace lamina {

// Terms of a product's sums that are worth a share: it costs a pass over what it has summed.
inline constexpr int64_t kTermsWorthAShare = 512;

// At most `most` of them, of `size` elements each. Throws std::bad_alloc.
template <typename T>
class SumsOfShares {
 public:
  SumsOfShares(int64_t size, int most)
      : size_(size),
        begun_(size_t(most), 0),
        sums_(make_buffer<T>(begun_.size() * size_t(padded()))) {}

  // One for each share of [0, count) that parallel_for_shares makes, and made at once:
  // body(sums, begin, end) finds zeros there, and leaves what its part sums up to.
  template <typename Body>
  SumsOfShares(int64_t size, int64_t count, int64_t grain, const Body& body)
      : SumsOfShares(size, num_threads()) {
    parallel_for_shares(
        int(begun_.size()), count, grain,
        [&](int share, int64_t first, int64_t last) { body(begin(share), first, last); });
  }

  // What one share has to write; called once.
  T* take(int share) {
    begun_[size_t(share)] = 1;
    return sums_.get() + share * padded();
  }

  // Zeros for one share to add to; called once, on its thread.
  T* begin(int share) {
    T* own = take(share);
    std::fill_n(own, size_, T(0));
    return own;
  }

  // How many were begun, the first ones always, and what they hold.
  int64_t count() const { return std::count(begun_.begin(), begun_.end(), 1); }
  const T* operator[](int64_t share) const { return sums_.get() + share * padded(); }

  // to (rows x N, its rows `stride` apart) = what all shares hold from `first` on.
  void write(int64_t first, int64_t rows, int64_t N, T* to, int64_t stride) const {
    constexpr int64_t lanes = kLanesOf<T>;
    const int64_t shares = count(), registers = (N + lanes - 1) / lanes;
    const int64_t grain = grain_of_rows(lanes * (1 + shares));
    parallel_for(rows * registers, grain, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; ++at) {
        const int64_t row = at / registers, column = at % registers * lanes;
        const int64_t some = std::min(lanes, N - column);
        const T* from = sums_.get() + first + row * N + column;
        Vector<T> total{};
        for (int64_t s = 0; s < shares; ++s) total += load_some(from + s * padded(), some);
        store_some(to + row * stride + column, total, some);
      }
    });
  }
  void write(T* to) const { write(0, 1, size_, to, size_); }

 private:
  // Two threads that wrote to one line of the cache would wait for each other.
  int64_t padded() const {
    constexpr int64_t line = 64 / sizeof(T);
    return (size_ + line - 1) / line * line;
  }

  const int64_t size_;
  std::vector<char> begun_;
  Buffer<T> sums_;
};

}  // namespace lamina
