// The memory behind every array that a network's kernel returns: aligned to 64 bytes, and kept for
// the next array of its size when freed. To fill a fresh 40 MB array takes three times as long as
// to fill one whose pages the system has already given.
#pragma once

#include <cstddef>

namespace lamina {

// Throws std::bad_alloc. The contents are whatever they are.
void* allocate_buffer(size_t bytes);

// Takes back what allocate_buffer gave; any thread may.
void free_buffer(void* buffer) noexcept;

// Bytes held for reuse at this moment, and a way to give them back to the system.
size_t cached_buffer_bytes();
void release_cached_buffers();

}  // namespace lamina
