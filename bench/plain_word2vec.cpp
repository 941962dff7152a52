// word2vec's skip-gram with negative sampling in its plain form, one pair of words at a time: what
// the algorithm costs without the window as a batch. A baseline for word2vec.py.
//
//   plain_word2vec IDS COUNTS SIZE THREADS
//
// IDS: int32 word ids, -1 ends a sentence. COUNTS: int64, one a word. Prints seconds for an epoch.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int kWindow = 5, kNegatives = 5;
constexpr float kRate = 0.025f;
constexpr double kSample = 1e-3;
constexpr long kPiece = 10'000, kTable = 10'000'000;

template <typename T>
std::vector<T> read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<T> values(size_t(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size() * sizeof(T)));
  return values;
}

// One context and one word with its negatives.
void train_pair(float* input, float* const* outputs, int size, float* error) {
  std::fill_n(error, size, 0.0f);
  for (int k = 0; k <= kNegatives; ++k) {
    float* output = outputs[k];
    if (k > 0 && output == outputs[0]) continue;
    float score = 0;
#pragma omp simd reduction(+ : score)
    for (int d = 0; d < size; ++d) score += input[d] * output[d];
    const float gradient = kRate * (float(k == 0) - 1 / (1 + std::exp(-score)));
#pragma omp simd
    for (int d = 0; d < size; ++d) {
      error[d] += gradient * output[d];
      output[d] += gradient * input[d];
    }
  }
#pragma omp simd
  for (int d = 0; d < size; ++d) input[d] += error[d];
}

}  // namespace

int main(int, char** arguments) {
  const auto ids = read<int32_t>(arguments[1]);
  const auto counts = read<int64_t>(arguments[2]);
  const int size = std::atoi(arguments[3]), threads = std::atoi(arguments[4]);
  const size_t words = counts.size();

  double total = 0, powers = 0;
  for (int64_t count : counts) total += double(count), powers += std::pow(double(count), 0.75);
  std::vector<float> keep(words);
  std::vector<int32_t> table;
  double sum = 0;
  for (size_t w = 0; w < words; ++w) {
    const double t = kSample * total, v = double(counts[w]);
    keep[w] = float((std::sqrt(v / t) + 1) * t / v);
    sum += std::pow(v, 0.75) / powers;
    while (double(table.size()) < sum * kTable) table.push_back(int32_t(w));
  }
  std::vector<float> inputs(words * size_t(size)), outputs(words * size_t(size));
  std::mt19937_64 first(1);
  for (float& x : inputs) x = (float(first() >> 40) / (1 << 24) - 0.5f) / float(size);

  const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
  {
    std::minstd_rand random(unsigned(omp_get_thread_num() + 1));
    std::vector<float> error(static_cast<size_t>(size));
    std::vector<int32_t> kept;
    float* chosen[kNegatives + 1];
#pragma omp for schedule(dynamic)
    for (long begin = 0; begin < long(ids.size()); begin += kPiece) {
      kept.clear();
      for (long i = begin; i < std::min(begin + kPiece, long(ids.size())); ++i) {
        if (ids[i] < 0 || float(random()) / float(random.max()) < keep[ids[i]])
          kept.push_back(ids[i]);
      }
      for (long i = 0; i < long(kept.size()); ++i) {
        if (kept[i] < 0) continue;
        const long reach = 1 + long(random() % kWindow);
        for (long j = std::max(0L, i - reach); j <= std::min(long(kept.size()) - 1, i + reach);
             ++j) {
          if (j == i || kept[j] < 0) continue;
          for (int k = 0; k <= kNegatives; ++k) {
            const int32_t word = k == 0 ? kept[i] : table[random() % table.size()];
            chosen[k] = &outputs[size_t(word) * size_t(size)];
          }
          train_pair(&inputs[size_t(kept[j]) * size_t(size)], chosen, size, error.data());
        }
      }
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("%.4f\n", time.count());
}
