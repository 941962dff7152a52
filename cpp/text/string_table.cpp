#include "text/string_table.h"

#include <utility>

namespace lamina::text {

bool StringTable::rehash(int bits) {
  if (bits > 31) return false;
  const uint64_t places = uint64_t(1) << bits;
  Growing<uint64_t> old = std::move(slots_);
  const uint64_t old_places = old.data() ? uint64_t(mask_) + 1 : 0;
  Growing<uint64_t> slots;
  if (!slots.reserve_zeroed(places)) {
    slots_ = std::move(old);
    return false;
  }
  slots_ = std::move(slots);
  mask_ = uint32_t(places - 1);
  shift_ = 32 - bits;
  // A slot holds its whole hash, so no string is touched. Old order of places is nearly the new
  // one, because a place is the top of the hash: both tables are walked once from end to end.
  for (uint64_t i = 0; i < old_places; ++i) {
    if (old[i] == 0) continue;
    uint32_t place = uint32_t(old[i] >> 32) >> shift_;
    while (slots_[place] != 0) place = (place + 1) & mask_;
    slots_[place] = old[i];
  }
  return true;
}

int64_t StringTable::add(const char* s, uint32_t length, uint32_t hash) {
  const uint64_t places = slots_.data() ? uint64_t(mask_) + 1 : 0;
  if (uint64_t(size_) * 3 >= places * 2) {
    if (!rehash(places ? 33 - shift_ : 10)) return kNoMemory;
  }
  if (!entries_.reserve(size_ + 1) || !counts_.reserve(size_ + 1) ||
      !text_.reserve(text_size_ + length + kSlack)) {
    return kNoMemory;
  }
  std::memcpy(text_.data() + text_size_, s, length);
  entries_[size_] = text_size_ << kLengthBits | length;
  counts_[size_] = 0;
  text_size_ += length;
  uint32_t place = hash >> shift_;
  while (slots_[place] != 0) place = (place + 1) & mask_;
  slots_[place] = uint64_t(hash) << 32 | uint32_t(size_ + 1);
  return size_++;
}

bool StringTable::merge(const StringTable& other) {
  constexpr int64_t kAhead = 16;
  uint32_t hashes[kAhead];
  for (int64_t begin = 0; begin < other.size_; begin += kAhead) {
    const int64_t end = begin + kAhead < other.size_ ? begin + kAhead : other.size_;
    for (int64_t i = begin; i < end; ++i) {
      const std::string_view s = other[i];
      hashes[i - begin] = hash_string(s.data(), uint32_t(s.size()));
      prefetch(hashes[i - begin]);
    }
    for (int64_t i = begin; i < end; ++i) {
      const std::string_view s = other[i];
      const int64_t index = insert(s.data(), uint32_t(s.size()), hashes[i - begin]);
      if (index < 0) return false;
      counts_[index] += other.counts_[i];
    }
  }
  return true;
}

bool StringTable::keep(const uint8_t* flags) {
  StringTable kept;
  for (int64_t i = 0; i < size_; ++i) {
    if (!flags[i]) continue;
    const std::string_view s = (*this)[i];
    const int64_t index =
        kept.add(s.data(), uint32_t(s.size()), hash_string(s.data(), uint32_t(s.size())));
    if (index < 0) return false;
    kept.counts_[index] = counts_[i];
  }
  *this = std::move(kept);
  return true;
}

}  // namespace lamina::text
