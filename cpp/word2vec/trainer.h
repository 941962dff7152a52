// Walks a corpus of word ids, window by window, on every thread.
//
// Dimensions: V words, D floats in a row of a matrix (padded to a multiple of 16 with zeros), W the
// largest distance between a word and its context.
//
// The corpus is a flat array of ids in which kSentenceEnd ends a sentence; no window crosses it.
// It is walked in units of unit_size() places, which threads take in turn and after which a run may
// be stopped. What a unit draws depends on (seed, epoch, unit) alone and whether a word is kept on
// (seed, epoch, place) alone: one thread gives the same bits however the run is cut into calls, and
// any number of threads sees the same windows in nearly the same order.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "word2vec/huffman.h"
#include "word2vec/sampler.h"
#include "word2vec/window.h"

namespace lamina::word2vec {

inline constexpr int32_t kSentenceEnd = -1;

struct TrainerOptions {
  bool skip_gram = false;  // else CBOW
  bool softmax = false;    // the exact objective; excludes the next two
  bool hierarchical = false;
  int64_t negative_samples = 0;
  double negative_exponent = 0.75;
  double sample =
      0;  // words more frequent than this share, or count if >= 1, are thinned; 0 keeps all
  int64_t window = 5;
  bool shrink_windows = true;
  bool average_context = true;  // CBOW: mean of the context, else its sum
  bool with_loss = false;
  uint64_t seed = 1;
};

// The rows that training changes. All have D floats a row and are aligned to 64 bytes; those that
// the objective does not use are null.
struct Matrices {
  float* inputs = nullptr;   // V rows: the word vectors
  float* outputs = nullptr;  // V rows: negative sampling and softmax
  float* nodes = nullptr;    // V - 1 rows: hierarchical softmax
  int64_t D = 0;
};

// One call's share of an epoch.
struct Segment {
  int64_t epoch = 0;
  int64_t first_unit = 0;
  double first_learning_rate = 0.025;  // at the start of the epoch
  double last_learning_rate = 0.025;   // at its end
  double seconds = 0;                  // stop after about so long; 0 runs the epoch to its end
  int threads = 1;
};

struct SegmentResult {
  int64_t next_unit = 0;
  double loss = 0;    // summed over pairs
  int64_t pairs = 0;  // (input, word) pairs trained
  int64_t words = 0;  // words kept by the sampling
};

class Trainer {
 public:
  // counts: how often each of the V words occurs. The caller has checked that every id is below V
  // or kSentenceEnd, and keeps ids and matrices alive.
  Trainer(const TrainerOptions& options, std::vector<int64_t> counts, const int32_t* ids,
          int64_t size, const Matrices& matrices);

  // A function of the options and of V and D alone, so that a run can be resumed.
  int64_t unit_size() const { return unit_size_; }
  int64_t units() const { return (size_ + unit_size_ - 1) / unit_size_; }
  SegmentResult run(const Segment& segment) const;

  // For the threads' walks.
  const TrainerOptions& options() const { return options_; }
  const int32_t* ids() const { return ids_; }
  int64_t size() const { return size_; }
  const Matrices& matrices() const { return matrices_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }
  const std::vector<uint32_t>& keep_thresholds() const { return keep_thresholds_; }
  const AliasTable& negatives() const { return negatives_; }
  const HuffmanTree& tree() const { return tree_; }

 private:
  TrainerOptions options_;
  const int32_t* ids_;
  int64_t size_;
  Matrices matrices_;
  int64_t vocabulary_size_;
  int64_t unit_size_;
  std::vector<uint32_t> keep_thresholds_;  // a word is kept if its place's random bits are below
  AliasTable negatives_;
  HuffmanTree tree_;
};

}  // namespace lamina::word2vec
