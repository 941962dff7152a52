#include "word2vec/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "parallel.h"
#include "random.h"

namespace lamina::word2vec {
namespace {

constexpr int64_t kHotRows = 64;         // nodes near the root, of which threads keep copies
constexpr int64_t kMergeInterval = 256;  // windows between two merges of those copies

using Clock = std::chrono::steady_clock;

// The share of a word's occurrences that training keeps, as in word2vec.c: with v the word's count
// and t = sample * total, (sqrt(v / t) + 1) * t / v. A sample of 1 or more is itself the count from
// which words are thinned, as in gensim.
std::vector<uint32_t> keep_thresholds(const std::vector<int64_t>& counts, double sample) {
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

}  // namespace

Trainer::Trainer(const TrainerOptions& options, std::vector<int64_t> counts, const int32_t* ids,
                 int64_t size, const Matrices& matrices)
    : options_(options),
      ids_(ids),
      size_(size),
      matrices_(matrices),
      vocabulary_size_(int64_t(counts.size())),
      keep_thresholds_(keep_thresholds(counts, options.sample)) {
  if (options.negative_samples > 0) {
    std::vector<double> weights;
    for (int64_t count : counts) {
      weights.push_back(std::pow(double(count), options.negative_exponent));
    }
    negatives_ = AliasTable(weights);
  }
  if (options.hierarchical) tree_ = build_huffman_tree(counts);
}

// One thread's walk through its units.
class Worker {
 public:
  Worker(const Trainer& trainer, int threads)
      : trainer_(trainer), options_(trainer.options_), D_(trainer.matrices_.D) {
    if (options_.hierarchical && threads > 1) {
      const int64_t nodes = std::max<int64_t>(trainer.vocabulary_size_ - 1, 0);
      first_hot_ = std::max<int64_t>(nodes - kHotRows, 0);
      hot_share_ = 1 / float(threads);
      hot_.resize(size_t((nodes - first_hot_) * D_));
      hot_base_.resize(hot_.size());
      merge_hot_rows();
    }
    if (!options_.skip_gram) {
      hidden_.resize(size_t(D_));
      hidden_error_.resize(size_t(D_));
    }
  }

  void train_unit(const Segment& segment, int64_t unit) {
    const int64_t begin = unit * kUnit, end = std::min(begin + kUnit, trainer_.size_);
    const double share = double(begin) / double(trainer_.size_);
    learning_rate_ = float(segment.first_learning_rate +
                           (segment.last_learning_rate - segment.first_learning_rate) * share);
    const uint64_t epoch_seed = mix(options_.seed + mix(uint64_t(segment.epoch)));
    gather_words(epoch_seed, begin, end);

    // The next window is chosen, and its rows asked for, before this one is computed.
    Random random(epoch_seed ^ mix(uint64_t(unit) + 1));
    bool ready = false;
    for (int64_t i = first_; i < last_; ++i) {
      if (words_[size_t(i)] == kSentenceEnd || !choose_window(i, random)) continue;
      if (ready) train_window(current_);
      std::swap(current_, next_);
      ready = true;
    }
    if (ready) train_window(current_);
  }

  // Every thread passes the nodes near the root at every window. Were they shared, their cache
  // lines would travel between the cores all the time; so each thread works on copies, which are
  // averaged now and then. Averaged, not summed: between two merges such a row is updated so often
  // that each copy arrives at its own optimum, and the sum of all their changes would overshoot.
  void merge_hot_rows() {
    windows_since_merge_ = 0;
    for (size_t at = 0; at < hot_.size(); at += size_t(D_)) {
      merge_row(hot_.data() + at, hot_base_.data() + at,
                trainer_.matrices_.nodes + first_hot_ * D_ + at, hot_share_, D_);
    }
  }

  double loss = 0;
  int64_t pairs = 0, words = 0;

 private:
  // A window that waits for its turn.
  struct Chosen {
    Window window;
    std::vector<float*> contexts;  // CBOW: the rows whose mean is the input
  };

  // Fills words_ with the kept words of the unit, from first_ to last_, and with as many kept words
  // to either side as its windows can reach.
  void gather_words(uint64_t epoch_seed, int64_t begin, int64_t end) {
    const int32_t* ids = trainer_.ids_;
    const auto kept = [&](int64_t place) {
      return uint32_t(mix(epoch_seed ^ uint64_t(place)) >> 32) <=
             trainer_.keep_thresholds_[size_t(ids[place])];
    };
    words_.clear();
    for (int64_t place = begin - 1, n = 0; n < options_.window && place >= 0; --place) {
      if (ids[place] == kSentenceEnd) break;
      if (kept(place)) words_.push_back(ids[place]), ++n;
    }
    std::reverse(words_.begin(), words_.end());
    first_ = int64_t(words_.size());
    for (int64_t place = begin; place < end; ++place) {
      if (ids[place] == kSentenceEnd || kept(place)) words_.push_back(ids[place]);
    }
    last_ = int64_t(words_.size());
    words +=
        std::count_if(words_.begin() + first_, words_.end(), [](int32_t id) { return id >= 0; });
    for (int64_t place = end, n = 0; n < options_.window && place < trainer_.size_; ++place) {
      if (ids[place] == kSentenceEnd) break;
      if (kept(place)) words_.push_back(ids[place]), ++n;
    }
  }

  // Sets next_ to the window around word i; false if it has no context.
  bool choose_window(int64_t i, Random& random) {
    const Matrices& matrices = trainer_.matrices_;
    const int64_t W = options_.window, size = int64_t(words_.size());
    const int64_t reach = options_.shrink_windows ? 1 + random.below(uint32_t(W)) : W;
    next_.window.clear();
    next_.contexts.clear();
    const auto add_context = [&](int64_t j) {
      next_.contexts.push_back(matrices.inputs + words_[size_t(j)] * D_);
    };
    for (int64_t j = i - 1; j >= std::max<int64_t>(0, i - reach); --j) {
      if (words_[size_t(j)] == kSentenceEnd) break;
      add_context(j);
    }
    for (int64_t j = i + 1; j <= std::min(size - 1, i + reach); ++j) {
      if (words_[size_t(j)] == kSentenceEnd) break;
      add_context(j);
    }
    if (next_.contexts.empty()) return false;
    // Each row enters the reach of the windows once.
    if (i + W + 1 < size && words_[size_t(i + W + 1)] >= 0) {
      prefetch_row(matrices.inputs + words_[size_t(i + W + 1)] * D_, D_);
    }
    if (options_.skip_gram) {
      next_.window.inputs.assign(next_.contexts.begin(), next_.contexts.end());
      next_.window.input_targets = next_.contexts;
    } else {
      next_.window.inputs.push_back(hidden_.data());
      next_.window.input_targets.push_back(hidden_error_.data());
    }
    choose_outputs(words_[size_t(i)], random);
    return true;
  }

  void choose_outputs(int32_t word, Random& random) {
    const Matrices& matrices = trainer_.matrices_;
    const auto add_output = [&](float* row, float label) {
      next_.window.outputs.push_back(row);
      next_.window.labels.push_back(label);
    };
    if (options_.softmax) {
      for (int64_t w = 0; w < trainer_.vocabulary_size_; ++w) {
        add_output(matrices.outputs + w * D_, w == word ? 1.0f : 0.0f);
      }
    }
    if (options_.negative_samples > 0) {
      float* const row = matrices.outputs + word * D_;
      add_output(row, 1);
      prefetch_row(row, D_);
      // A draw that repeats the word or an earlier draw is dropped.
      for (int64_t k = 0; k < options_.negative_samples; ++k) {
        float* const negative = matrices.outputs + trainer_.negatives_.draw(random) * D_;
        const std::vector<float*>& chosen = next_.window.outputs;
        if (std::find(chosen.begin(), chosen.end(), negative) != chosen.end()) continue;
        add_output(negative, 0);
        prefetch_row(negative, D_);
      }
    }
    if (options_.hierarchical) {
      const HuffmanTree& tree = trainer_.tree_;
      for (int64_t k = tree.offsets[size_t(word)]; k < tree.offsets[size_t(word) + 1]; ++k) {
        const int64_t node = tree.nodes[size_t(k)];
        const float label = 1.0f - float(tree.codes[size_t(k)]);
        if (node >= first_hot_) {
          add_output(hot_.data() + (node - first_hot_) * D_, label);
        } else {
          add_output(matrices.nodes + node * D_, label);
          prefetch_row(matrices.nodes + node * D_, D_);
        }
      }
    }
  }

  void train_window(const Chosen& chosen) {
    if (!hot_.empty() && ++windows_since_merge_ == kMergeInterval) merge_hot_rows();
    const Activation activation = options_.softmax ? Activation::kSoftmax : Activation::kSigmoid;
    if (options_.skip_gram) {
      loss +=
          window_step(chosen.window, D_, learning_rate_, activation, options_.with_loss, scratch_);
      pairs += int64_t(chosen.contexts.size());
      return;
    }
    const int64_t count = int64_t(chosen.contexts.size());
    const float inverse = 1 / float(count);
    sum_rows(chosen.contexts.data(), count, D_, options_.average_context ? inverse : 1.0f,
             hidden_.data());
    std::fill(hidden_error_.begin(), hidden_error_.end(), 0.0f);
    loss +=
        window_step(chosen.window, D_, learning_rate_, activation, options_.with_loss, scratch_);
    pairs += 1;
    // The exact objective follows its gradient. The sampled ones follow word2vec.c and gensim: the
    // whole error to each word of a mean, its share to each word of a sum.
    const bool share = options_.softmax ? options_.average_context : !options_.average_context;
    add_to_rows(hidden_error_.data(), count, D_, share ? inverse : 1.0f, chosen.contexts.data());
  }

  const Trainer& trainer_;
  const TrainerOptions& options_;
  const int64_t D_;
  float learning_rate_ = 0;
  std::vector<int32_t> words_;
  int64_t first_ = 0, last_ = 0;
  Chosen current_, next_;
  Scratch scratch_;
  std::vector<float> hidden_, hidden_error_;
  int64_t first_hot_ = INT64_MAX;  // nodes from here on have a copy in hot_
  std::vector<float> hot_, hot_base_;
  float hot_share_ = 1;
  int64_t windows_since_merge_ = 0;
};

SegmentResult Trainer::run(const Segment& segment) const {
  std::atomic<int64_t> next{segment.first_unit};
  std::vector<SegmentResult> shares(size_t(std::max(segment.threads, 1)));
  const auto start = Clock::now();
  parallel(segment.threads, [&](int thread, int threads) {
    Worker worker(*this, threads);
    for (;;) {
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      if (segment.seconds > 0 && elapsed.count() >= segment.seconds) break;
      const int64_t unit = next.fetch_add(1);
      if (unit >= units()) break;
      worker.train_unit(segment, unit);
    }
    worker.merge_hot_rows();
    shares[size_t(thread)] = {0, worker.loss, worker.pairs, worker.words};
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
