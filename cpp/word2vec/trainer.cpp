#include "word2vec/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>

#include "parallel.h"
#include "word2vec/chooser.h"

namespace lamina::word2vec {
namespace {

constexpr int64_t kUnit = 2000;  // places that are worth a turn
// Inputs x outputs x D that are worth one where every word of the vocabulary is an output: some 50
// milliseconds, so that whoever waits for a run to stop does not wait long.
constexpr int64_t kUnitWork = int64_t(1) << 29;
constexpr int64_t kHotNodes = 64;      // nodes near the root, of which threads keep copies
constexpr int64_t kMergeInterval = 8;  // windows between two merges of the root's copies
constexpr int kSummedThreads = 8;      // so many threads' changes may be summed
// A whole window at one value of the nodes near the root answered 0.4114 of the analogies, a few
// contexts at a time 0.4215 (bench/word2vec_quality.py, one thread, mean of seeds 1 and 2).
constexpr int64_t kTogetherOnPath = 4;

using Clock = std::chrono::steady_clock;

// The share of a word's occurrences that training keeps, as in word2vec.c: with v the word's count
// and t = sample * total, (sqrt(v / t) + 1) * t / v. A sample of 1 or more is itself the count from
// which words are thinned, as in gensim.
std::vector<uint32_t> make_keep_thresholds(const std::vector<int64_t>& counts, double sample) {
  double total = 0;
  for (int64_t count : counts) total += double(count);
  std::vector<uint32_t> thresholds(counts.size(), UINT32_MAX);
  if (sample <= 0) return thresholds;
  const double t = sample < 1 ? sample * total : std::floor(sample * (3 + std::sqrt(5.0)) / 2);
  for (size_t w = 0; w < counts.size(); ++w) {
    const double v = double(counts[w]);
    const double keep = (std::sqrt(v / t) + 1) * t / v;
    if (keep < 1) thresholds[w] = uint32_t(keep * 4294967295.0);
  }
  return thresholds;
}

int64_t choose_unit_size(const TrainerOptions& options, int64_t V, int64_t D) {
  if (!options.softmax) return kUnit;
  const int64_t inputs = options.skip_gram ? 2 * options.window : 1;
  return std::clamp<int64_t>(kUnitWork / std::max<int64_t>(inputs * V * D, 1), 1, kUnit);
}

}  // namespace

Trainer::Trainer(const TrainerOptions& options, std::vector<int64_t> counts, const int32_t* ids,
                 int64_t size, const Matrices& matrices)
    : options_(options),
      ids_(ids),
      size_(size),
      matrices_(matrices),
      vocabulary_size_(int64_t(counts.size())),
      unit_size_(choose_unit_size(options, vocabulary_size_, matrices.D)),
      keep_thresholds_(make_keep_thresholds(counts, options.sample)) {
  if (options.negative_samples > 0) {
    std::vector<double> weights;
    for (int64_t count : counts) {
      weights.push_back(std::pow(double(count), options.negative_exponent));
    }
    negatives_ = AliasTable(weights);
  }
  if (options.hierarchical) tree_ = build_huffman_tree(counts);
}

namespace {

// Every thread passes the nodes near the root at every window. Were they shared, their cache lines
// would travel between the cores all the time; so each thread works on copies and now and then adds
// what it has changed to the shared rows. The nearer the root, the sooner: a copy must not go far
// on its own, for the sum of many such changes would overshoot.
class HotNodes {
 public:
  HotNodes(const Trainer& trainer, int threads)
      : D_(trainer.matrices().D), share_(std::min(1.0f, float(kSummedThreads) / float(threads))) {
    if (!trainer.options().hierarchical || threads == 1) return;
    const int64_t nodes = std::max<int64_t>(trainer.vocabulary_size() - 1, 0);
    count_ = std::min(nodes, kHotNodes);
    first_ = nodes - count_;
    shared_ = trainer.matrices().nodes + first_ * D_;
    copies_.resize(size_t(count_ * D_));
    bases_.resize(copies_.size());
    merge_last(count_);
  }

  float* copies() { return copies_.data(); }
  int64_t first() const { return first_; }

  // The root, which stands last, is merged every interval, one node more every other interval,
  // two more every fourth, and so on: a tree's node is passed the less often the deeper it lies.
  void after_window() {
    if (count_ == 0 || ++windows_ % kMergeInterval != 0) return;
    const int64_t intervals = windows_ / kMergeInterval;
    merge_last(std::min(intervals & -intervals, count_));
  }

  void merge_all() { merge_last(count_); }

 private:
  void merge_last(int64_t rows) {
    for (int64_t row = count_ - rows; row < count_; ++row) {
      const int64_t at = row * D_;
      merge_row(copies_.data() + at, bases_.data() + at, shared_ + at, share_, D_);
    }
  }

  const int64_t D_;
  const float share_;
  int64_t count_ = 0;
  int64_t first_ = INT64_MAX;  // nodes from here on have a copy
  float* shared_ = nullptr;
  std::vector<float> copies_, bases_;
  int64_t windows_ = 0;
};

// What one thread does.
class Worker {
 public:
  Worker(const Trainer& trainer, const Segment& segment, int threads, std::mutex* output_locks)
      : trainer_(trainer),
        segment_(segment),
        hot_(trainer, threads),
        chooser_(trainer, hot_.copies(), hot_.first()),
        current_(chooser_.make_window()),
        next_(chooser_.make_window()) {
    const TrainerOptions& options = trainer.options();
    if (!options.skip_gram) {
      step_.combine = options.average_context ? Combine::kMean : Combine::kSum;
    }
    if (options.softmax) step_.activation = Activation::kSoftmax;
    if (options.hierarchical) step_.inputs_together = kTogetherOnPath;
    step_.output_locks = output_locks;
    step_.with_loss = options.with_loss;
  }

  void train_unit(int64_t unit) {
    const double share = double(unit * trainer_.unit_size()) / double(trainer_.size());
    learning_rate_ = float(segment_.first_learning_rate +
                           (segment_.last_learning_rate - segment_.first_learning_rate) * share);
    chooser_.begin_unit(segment_.epoch, unit);
    if (!chooser_.next(current_)) return;
    // The next window is chosen, and its rows asked for, before this one is computed.
    while (chooser_.next(next_)) {
      train_window();
      std::swap(current_, next_);
    }
    train_window();
  }

  SegmentResult finish() {
    hot_.merge_all();
    return {0, loss_, pairs_, chooser_.words()};
  }

 private:
  void train_window() {
    loss_ += window_step(current_, trainer_.matrices().D, learning_rate_, step_, scratch_);
    pairs_ += step_.combine == Combine::kNone ? current_.C : 1;
    hot_.after_window();
  }

  const Trainer& trainer_;
  const Segment& segment_;
  HotNodes hot_;
  WindowChooser chooser_;
  Window current_, next_;
  StepOptions step_;
  Scratch scratch_;
  float learning_rate_ = 0;
  double loss_ = 0;
  int64_t pairs_ = 0;
};

}  // namespace

SegmentResult Trainer::run(const Segment& segment) const {
  std::atomic<int64_t> next{segment.first_unit};
  std::vector<SegmentResult> shares(size_t(std::max(segment.threads, 1)));
  // Where every window changes every output, threads would undo much of each other's work.
  const bool locked = options_.softmax && segment.threads > 1;
  std::vector<std::mutex> locks(locked ? size_t(vocabulary_size_ / kRowsOfLock + 1) : 0);
  const auto start = Clock::now();
  parallel(segment.threads, [&](int thread, int threads) {
    Worker worker(*this, segment, threads, locked ? locks.data() : nullptr);
    for (;;) {
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      if (segment.seconds > 0 && elapsed.count() >= segment.seconds) break;
      const int64_t unit = next.fetch_add(1);
      if (unit >= units()) break;
      worker.train_unit(unit);
    }
    shares[size_t(thread)] = worker.finish();
  });
  SegmentResult result{std::min(next.load(), units()), 0, 0, 0};
  for (const SegmentResult& share : shares) {
    result.loss += share.loss;
    result.pairs += share.pairs;
    result.words += share.words;
  }
  return result;
}

}  // namespace lamina::word2vec
