#include "word2vec/sampler.h"

#include <cmath>

namespace lamina::word2vec {

AliasTable::AliasTable(const std::vector<double>& weights) : columns_(weights.size()) {
  const size_t V = weights.size();
  double total = 0;
  for (double weight : weights) total += weight;
  std::vector<double> height(V);
  std::vector<int32_t> low, high;
  for (size_t i = 0; i < V; ++i) {
    height[i] = weights[i] * double(V) / total;
    (height[i] < 1 ? low : high).push_back(int32_t(i));
  }
  const auto close = [&](int32_t id, double own, int32_t alias) {
    columns_[size_t(id)] = {uint32_t(std::lround(std::fmin(own, 1.0) * 4294967295.0)), alias};
  };
  while (!low.empty() && !high.empty()) {
    const int32_t small = low.back(), large = high.back();
    low.pop_back();
    close(small, height[size_t(small)], large);
    height[size_t(large)] -= 1 - height[size_t(small)];
    if (height[size_t(large)] < 1) {
      high.pop_back();
      low.push_back(large);
    }
  }
  // What rounding has left over is full.
  for (int32_t id : low) close(id, 1, id);
  for (int32_t id : high) close(id, 1, id);
}

}  // namespace lamina::word2vec
