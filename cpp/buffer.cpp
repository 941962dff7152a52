#include "buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <new>
#include <vector>

#include "thread_pool.h"

namespace lamina {
namespace {

constexpr size_t kAlignment = 64;  // and the size of the header in front of a buffer
constexpr size_t kCacheLimit = size_t(1) << 30;
constexpr int kClasses = 256;

// Sizes are rounded up to one of four steps between powers of two, so that at most a fifth is
// wasted and batches of slightly different sizes share their buffers.
int class_of(size_t bytes) {
  if (bytes <= kAlignment) return 0;
  const int power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power + 1)
  const size_t step = size_t(1) << (power - 2);
  return (power - 6) * 4 + int((bytes - 1) / step) - 4 + 1;
}

size_t class_bytes(int size_class) {
  if (size_class == 0) return kAlignment;
  const int power = (size_class - 1) / 4 + 6;
  return (size_t(4) + size_t((size_class - 1) % 4) + 1) << (power - 2);
}

thread_local const char this_thread = 0;  // whose address tells one from the others

struct FreeBlock {
  void* buffer;
  const char* freed_by;
};

// Takes one of some free buffers: of the last few, one that this thread has freed. What another one
// has written lies in the cache of another core.
void* take(std::vector<FreeBlock>& list) {
  constexpr std::ptrdiff_t few = 4;
  const auto newest = list.rbegin(), end = newest + std::min(few, list.rend() - newest);
  const auto own = std::find_if(
      newest, end, [](const FreeBlock& free) { return free.freed_by == &this_thread; });
  const auto taken = own == end ? newest : own;
  void* buffer = taken->buffer;
  list.erase(std::next(taken).base());
  return buffer;
}

struct Cache {
  std::mutex mutex;
  std::array<std::vector<FreeBlock>, kClasses> free_lists;
  size_t bytes = 0;
};

// Never destroyed: an array may outlive every static object of this module.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

// Threads of a loop want their scratch at the same moment. The lock is held for so short a time
// that whoever slept meanwhile would lose far more.
std::unique_lock<std::mutex> lock() {
  for (int i = 0; i < 1000; ++i) {
    std::unique_lock attempt(cache().mutex, std::try_to_lock);
    if (attempt) return attempt;
    pause();
  }
  return std::unique_lock(cache().mutex);
}

// A sanitizer must see every buffer come and go.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCaches = false;
#else
constexpr bool kCaches = true;
#endif

}  // namespace

void* allocate_buffer(size_t bytes) {
  if (bytes > SIZE_MAX / 4) throw std::bad_alloc();
  const int size_class = class_of(bytes);
  const size_t rounded =
      kCaches ? class_bytes(size_class) : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (kCaches) {
    const auto locked = lock();
    std::vector<FreeBlock>& list = cache().free_lists[size_class];
    if (!list.empty()) {
      cache().bytes -= rounded;
      return take(list);
    }
  }
  char* block = static_cast<char*>(std::aligned_alloc(kAlignment, rounded + kAlignment));
  if (block == nullptr) throw std::bad_alloc();
  *reinterpret_cast<int*>(block) = size_class;
  return block + kAlignment;
}

void free_buffer(void* buffer) noexcept {
  char* block = static_cast<char*>(buffer) - kAlignment;
  const int size_class = *reinterpret_cast<int*>(block);
  if (kCaches) {
    const size_t rounded = class_bytes(size_class);
    const auto locked = lock();
    if (cache().bytes + rounded <= kCacheLimit) {
      try {
        cache().free_lists[size_class].push_back({buffer, &this_thread});
        cache().bytes += rounded;
        return;
      } catch (const std::bad_alloc&) {  // no room to remember it by
      }
    }
  }
  std::free(block);
}

size_t cached_buffer_bytes() {
  const auto locked = lock();
  return cache().bytes;
}

void release_cached_buffers() {
  const auto locked = lock();
  for (std::vector<FreeBlock>& list : cache().free_lists) {
    for (const FreeBlock& free : list) {
      std::free(static_cast<char*>(free.buffer) - kAlignment);
    }
    list.clear();
  }
  cache().bytes = 0;
}

}  // namespace lamina
