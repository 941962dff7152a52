// Strings to indices in order of first occurrence, as compactly as open addressing allows.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace lamina::text {

// A string that is looked up must be followed by this many readable bytes, whatever they hold:
// short strings are hashed and compared by whole registers, without a branch on their length.
inline constexpr int kSlack = 16;

inline constexpr uint32_t kMaxLength = 65536;

// Memory that grows in place: realloc moves large blocks by remapping pages, not by copying, and
// pages that were never written cost nothing.
template <typename T>
class Growing {
 public:
  Growing() = default;
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  Growing(Growing&& other) noexcept : data_(other.data_), capacity_(other.capacity_) {
    other.data_ = nullptr;
    other.capacity_ = 0;
  }
  Growing& operator=(Growing&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Growing() { std::free(data_); }

  // False if the memory is not to be had; what was there is kept.
  bool reserve(uint64_t size) {
    if (size <= capacity_) return true;
    const uint64_t wanted = size + size / 2 + 64;
    void* grown = std::realloc(static_cast<void*>(data_), wanted * sizeof(T));
    if (!grown) return false;
    data_ = static_cast<T*>(grown);
    capacity_ = wanted;
    return true;
  }
  // Replaces what was there by zeros, in pages that cost nothing until they are written.
  bool reserve_zeroed(uint64_t size) {
    std::free(data_);
    data_ = static_cast<T*>(std::calloc(size, sizeof(T)));
    capacity_ = data_ ? size : 0;
    return data_ != nullptr;
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](uint64_t i) { return data_[i]; }
  const T& operator[](uint64_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  uint64_t capacity_ = 0;
};

namespace detail {

inline uint64_t load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Eight bytes from kMask + 16 - n on keep the first n of eight bytes, from kMask + 24 - n on those
// of the next eight that belong to a string of n <= 16 bytes.
alignas(64) inline constexpr char kMask[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                               -1, -1, -1, -1, -1, 0,  0,  0,  0,  0,  0,
                                               0,  0,  0,  0,  0,  0,  0,  0,  0,  0};
inline uint64_t first_half(const char* s, uint32_t length) {
  return load64(s) & load64(kMask + 16 - length);
}
inline uint64_t second_half(const char* s, uint32_t length) {
  return load64(s + 8) & load64(kMask + 24 - length);
}

}  // namespace detail

// Multiply and fold, as in wyhash (Wang Yi 2019). Results never depend on it.
inline uint32_t hash_string(const char* s, uint32_t length) {
  uint64_t state = 0x2d358dccaa6c78a5u ^ length;
  const auto fold = [&state](uint64_t a, uint64_t b) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(a ^ state) * (b ^ 0x8bb84b93962eacc9u);
    state = uint64_t(product) ^ uint64_t(product >> 64);
  };
  while (length > 16) {
    fold(detail::load64(s), detail::load64(s + 8));
    s += 16;
    length -= 16;
  }
  fold(detail::first_half(s, length), detail::second_half(s, length));
  return uint32_t(state >> 32) ^ uint32_t(state);
}

// A string costs its text and 16 bytes, and 8 bytes for each of 1.5 to 3 slots. Its count lives
// here too, because every user of the table counts. At most 2^30 strings of kMaxLength bytes.
class StringTable {
 public:
  static constexpr int64_t kAbsent = -1;
  static constexpr int64_t kNoMemory = -2;

  int64_t size() const { return size_; }
  std::string_view operator[](int64_t index) const {
    return {text_.data() + (entries_[index] >> kLengthBits), length(index)};
  }
  int64_t* counts() { return counts_.data(); }
  const int64_t* counts() const { return counts_.data(); }

  void prefetch(uint32_t hash) const {
    if (slots_.data()) __builtin_prefetch(slots_.data() + (hash >> shift_));
  }

  // Where the place has arrived: asks for the string that it most likely holds.
  void prefetch_entry(uint32_t hash) const {
    if (!slots_.data()) return;
    const uint64_t slot = slots_[hash >> shift_];
    if (uint32_t(slot >> 32) != hash) return;
    __builtin_prefetch(entries_.data() + uint32_t(slot) - 1);
    __builtin_prefetch(counts_.data() + uint32_t(slot) - 1, 1);
  }

  // The index of the string, or kAbsent.
  int64_t find(const char* s, uint32_t length, uint32_t hash) const {
    if (!slots_.data()) return kAbsent;
    for (uint32_t place = hash >> shift_;; place = (place + 1) & mask_) {
      const uint64_t slot = slots_[place];
      if (slot == 0) return kAbsent;
      if (uint32_t(slot >> 32) == hash && equals(uint32_t(slot) - 1, s, length)) {
        return uint32_t(slot) - 1;
      }
    }
  }

  // The index of the string, which is added with a count of zero if it is new; or kNoMemory.
  int64_t insert(const char* s, uint32_t length, uint32_t hash) {
    const int64_t found = find(s, length, hash);
    return found >= 0 ? found : add(s, length, hash);
  }

  // Adds the counts of another table, its new strings in their order. False: out of memory.
  bool merge(const StringTable& other);

  // Keeps the strings whose flag is not zero, in their order. False: out of memory.
  bool keep(const uint8_t* flags);

 private:
  static constexpr int kLengthBits = 17;

  uint32_t length(int64_t index) const {
    return uint32_t(entries_[index] & ((1u << kLengthBits) - 1));
  }
  bool equals(uint32_t index, const char* s, uint32_t n) const {
    if (length(index) != n) return false;
    const char* mine = text_.data() + (entries_[index] >> kLengthBits);
    if (n > 16) return std::memcmp(mine, s, n) == 0;
    return detail::first_half(mine, n) == detail::first_half(s, n) &&
           detail::second_half(mine, n) == detail::second_half(s, n);
  }
  int64_t add(const char* s, uint32_t length, uint32_t hash);
  bool rehash(int bits);

  Growing<uint64_t> slots_;  // hash << 32 | index + 1; 0 is free. The place is the hash's top bits
  Growing<uint64_t> entries_;  // where the text begins << kLengthBits | its length
  Growing<int64_t> counts_;
  Growing<char> text_;
  int64_t size_ = 0;
  uint64_t text_size_ = 0;
  uint32_t mask_ = 0;
  int shift_ = 31;
};

}  // namespace lamina::text
