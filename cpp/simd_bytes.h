// The text half of simd.h: sixty-four bytes at once, as masks of sixty-four bits.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace lamina {

// Bit i tells of byte i.
struct ByteMasks {
  uint64_t whitespace;  // 9 to 13 and 28 to 32: the ASCII that Python's str.split() splits at
  uint64_t newlines;    // 10
  uint64_t high;        // 128 and above: part of a character beyond ASCII
};

// Reads all 64 bytes from `p` on.
inline ByteMasks classify(const char* p) {
#if defined(__AVX512BW__)
  const __m512i v = _mm512_loadu_si512(p);
  const __m512i four = _mm512_set1_epi8(4);
  return {_mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(9)), four) |
              _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(28)), four),
          _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n')), _mm512_movepi8_mask(v)};
#elif defined(__AVX2__)
  ByteMasks masks{};
  const __m256i four = _mm256_set1_epi8(4);
  for (int i = 0; i < 2; ++i) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32 * i));
    const __m256i low = _mm256_sub_epi8(v, _mm256_set1_epi8(9));
    const __m256i high = _mm256_sub_epi8(v, _mm256_set1_epi8(28));
    const __m256i space = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(low, four), low),
                                          _mm256_cmpeq_epi8(_mm256_min_epu8(high, four), high));
    const __m256i newline = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'));
    masks.whitespace |= uint64_t(uint32_t(_mm256_movemask_epi8(space))) << (32 * i);
    masks.newlines |= uint64_t(uint32_t(_mm256_movemask_epi8(newline))) << (32 * i);
    masks.high |= uint64_t(uint32_t(_mm256_movemask_epi8(v))) << (32 * i);
  }
  return masks;
#elif defined(__SSE2__)
  ByteMasks masks{};
  const __m128i four = _mm_set1_epi8(4);
  for (int i = 0; i < 4; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const __m128i low = _mm_sub_epi8(v, _mm_set1_epi8(9));
    const __m128i high = _mm_sub_epi8(v, _mm_set1_epi8(28));
    const __m128i space = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(low, four), low),
                                       _mm_cmpeq_epi8(_mm_min_epu8(high, four), high));
    const __m128i newline = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    masks.whitespace |= uint64_t(_mm_movemask_epi8(space)) << (16 * i);
    masks.newlines |= uint64_t(_mm_movemask_epi8(newline)) << (16 * i);
    masks.high |= uint64_t(_mm_movemask_epi8(v)) << (16 * i);
  }
  return masks;
#else
  ByteMasks masks{};
  for (int i = 0; i < 64; ++i) {
    const uint8_t c = uint8_t(p[i]);
    masks.whitespace |= uint64_t(uint8_t(c - 9) <= 4 || uint8_t(c - 28) <= 4) << i;
    masks.newlines |= uint64_t(c == '\n') << i;
    masks.high |= uint64_t(c >> 7) << i;
  }
  return masks;
#endif
}

// Which of the 64 bytes from `p` on are in a set of ASCII characters: bit c >> 4 of set[c & 15]
// says it of c.
inline uint64_t members(const char* p, const uint8_t* set) {
  // The bit of each upper half; none for bytes beyond ASCII.
  alignas(16) static constexpr uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128};
#if defined(__AVX512BW__)
  const auto wide = [](const uint8_t* table) {
    return _mm512_maskz_broadcast_i32x4(  // GCC 12 warns of the one without a mask
        0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  };
  const __m512i v = _mm512_loadu_si512(p), low = _mm512_set1_epi8(15);
  const __m512i row = _mm512_shuffle_epi8(wide(set), _mm512_and_si512(v, low));
  const __m512i bit =
      _mm512_shuffle_epi8(wide(kBits), _mm512_and_si512(_mm512_srli_epi16(v, 4), low));
  return _mm512_test_epi8_mask(row, bit);
#elif defined(__AVX2__)
  const auto wide = [](const uint8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  };
  const __m256i low = _mm256_set1_epi8(15);
  uint64_t found = 0;
  for (int i = 0; i < 2; ++i) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32 * i));
    const __m256i row = _mm256_shuffle_epi8(wide(set), _mm256_and_si256(v, low));
    const __m256i bit =
        _mm256_shuffle_epi8(wide(kBits), _mm256_and_si256(_mm256_srli_epi16(v, 4), low));
    const __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(row, bit), _mm256_setzero_si256());
    found |= uint64_t(~uint32_t(_mm256_movemask_epi8(none))) << (32 * i);
  }
  return found;
#elif defined(__SSSE3__)
  const __m128i low = _mm_set1_epi8(15);
  const __m128i rows = _mm_loadu_si128(reinterpret_cast<const __m128i*>(set));
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kBits));
  uint64_t found = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const __m128i row = _mm_shuffle_epi8(rows, _mm_and_si128(v, low));
    const __m128i bit = _mm_shuffle_epi8(bits, _mm_and_si128(_mm_srli_epi16(v, 4), low));
    const __m128i none = _mm_cmpeq_epi8(_mm_and_si128(row, bit), _mm_setzero_si128());
    found |= uint64_t(uint32_t(~_mm_movemask_epi8(none)) & 0xFFFFu) << (16 * i);
  }
  return found;
#else
  uint64_t found = 0;
  for (int i = 0; i < 64; ++i) {
    const uint8_t c = uint8_t(p[i]);
    found |= uint64_t((set[c & 15] & kBits[c >> 4]) != 0) << i;
  }
  return found;
#endif
}

}  // namespace lamina
