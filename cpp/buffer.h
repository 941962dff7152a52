// The memory behind every array that a network's kernel returns: aligned to 64 bytes, and kept for
// the next array of its size when freed. To fill a fresh 40 MB array takes three times as long as
// to fill one whose pages the system has already given.
#pragma once

#include <cstddef>
#include <memory>

namespace lamina {

// Throws std::bad_alloc. The contents are whatever they are.
void* allocate_buffer(size_t bytes);

// Takes back what allocate_buffer gave; any thread may.
void free_buffer(void* buffer) noexcept;

// Such memory for `count` elements, given back by itself.
struct FreeBuffer {
  void operator()(void* buffer) const noexcept { free_buffer(buffer); }
};
template <typename T>
using Buffer = std::unique_ptr<T[], FreeBuffer>;
template <typename T>
Buffer<T> make_buffer(size_t count) {
  return Buffer<T>(static_cast<T*>(allocate_buffer(count * sizeof(T))));
}

// Bytes held for reuse at this moment, and a way to give them back to the system.
size_t cached_buffer_bytes();
void release_cached_buffers();

}  // namespace lamina
