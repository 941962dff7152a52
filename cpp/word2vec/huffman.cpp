#include "word2vec/huffman.h"

#include <algorithm>
#include <numeric>

namespace lamina::word2vec {

HuffmanTree build_huffman_tree(const std::vector<int64_t>& counts) {
  const size_t V = counts.size();
  HuffmanTree tree;
  tree.offsets.assign(V + 1, 0);
  if (V < 2) return tree;  // a single word needs no decision

  std::vector<int32_t> leaves(V);
  std::iota(leaves.begin(), leaves.end(), 0);
  std::stable_sort(leaves.begin(), leaves.end(),
                   [&](int32_t a, int32_t b) { return counts[size_t(a)] < counts[size_t(b)]; });

  // Trees 0..V-1 are the leaves, V..2V-2 the inner nodes in the order of their making, which is
  // also the order of their weights.
  std::vector<int64_t> weight(counts);
  weight.resize(2 * V - 1);
  std::vector<int32_t> parent(2 * V - 1);
  std::vector<uint8_t> side(2 * V - 1);
  size_t next_leaf = 0, next_inner = V;
  for (size_t made = V; made < 2 * V - 1; ++made) {
    for (uint8_t code = 0; code < 2; ++code) {
      const bool take_leaf =
          next_leaf < V &&
          (next_inner == made || weight[size_t(leaves[next_leaf])] <= weight[next_inner]);
      const size_t child = take_leaf ? size_t(leaves[next_leaf++]) : next_inner++;
      weight[made] += weight[child];
      parent[child] = int32_t(made);
      side[child] = code;
    }
  }

  const size_t root = 2 * V - 2;
  std::vector<int32_t> path;
  for (size_t word = 0; word < V; ++word) {
    path.clear();
    for (size_t node = word; node != root; node = size_t(parent[node]))
      path.push_back(int32_t(node));
    for (auto child = path.rbegin(); child != path.rend(); ++child) {
      tree.nodes.push_back(parent[size_t(*child)] - int32_t(V));
      tree.codes.push_back(side[size_t(*child)]);
    }
    tree.offsets[word + 1] = int64_t(tree.nodes.size());
  }
  return tree;
}

}  // namespace lamina::word2vec
