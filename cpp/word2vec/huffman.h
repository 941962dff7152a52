// The binary tree of hierarchical softmax: frequent words near the root.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lamina::word2vec {

// Word w passes the inner nodes nodes[offsets[w] .. offsets[w + 1]), root first, and leaves each
// to the side given by codes (0 or 1). A vocabulary of V words has V - 1 inner nodes; the root is
// the last of them.
struct HuffmanTree {
  std::vector<int64_t> offsets;  // V + 1
  std::vector<int32_t> nodes;
  std::vector<uint8_t> codes;

  int64_t longest_path() const {
    int64_t longest = 0;
    for (size_t w = 1; w < offsets.size(); ++w) {
      longest = std::max(longest, offsets[w] - offsets[w - 1]);
    }
    return longest;
  }
};

// counts: V positive word counts, in any order. Ties are broken by position, so that the tree is
// the same everywhere. The method of two queues (van Leeuwen 1976) after one sort.
HuffmanTree build_huffman_tree(const std::vector<int64_t>& counts);

}  // namespace lamina::word2vec
