// Draws word ids from a fixed distribution in constant time.
#pragma once

#include <cstdint>
#include <vector>

#include "random.h"

namespace lamina::word2vec {

// Vose's alias table (1991): V columns of equal area, each shared by at most two ids. One 64-bit
// random number gives the column and the height; the table is 8 bytes a word, so most of it stays
// in cache, where a table of unigrams takes hundreds of megabytes and a binary search 17 misses.
class AliasTable {
 public:
  AliasTable() = default;
  // weights: V non-negative numbers with a positive, finite sum.
  explicit AliasTable(const std::vector<double>& weights);

  int32_t draw(Random& random) const {
    const uint64_t bits = random.next();
    const uint64_t column = ((bits >> 32) * columns_.size()) >> 32;
    const Column c = columns_[column];
    // A mask, not a branch: which of the two it is cannot be foreseen.
    const int32_t own = -int32_t(uint32_t(bits) <= c.threshold);
    return (int32_t(column) & own) | (c.alias & ~own);
  }

 private:
  struct Column {
    uint32_t threshold;  // heights up to this one are the column's own id
    int32_t alias;
  };
  std::vector<Column> columns_;
};

}  // namespace lamina::word2vec
