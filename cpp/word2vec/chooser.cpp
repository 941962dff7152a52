#include "word2vec/chooser.h"

#include <algorithm>

namespace lamina::word2vec {

WindowChooser::WindowChooser(const Trainer& trainer, float* hot_nodes, int64_t first_hot)
    : trainer_(trainer),
      D_(trainer.matrices().D),
      hot_nodes_(hot_nodes),
      first_hot_(first_hot),
      words_(size_t(trainer.unit_size() + 2 * trainer.options().window + 1)) {}

Window WindowChooser::make_window() const {
  const TrainerOptions& options = trainer_.options();
  int64_t outputs = 0;
  if (options.softmax) outputs += trainer_.vocabulary_size();
  if (options.negative_samples > 0) outputs += 1 + options.negative_samples;
  if (options.hierarchical) outputs += trainer_.tree().longest_path();
  return Window(2 * options.window, outputs);
}

void WindowChooser::begin_unit(int64_t epoch, int64_t unit) {
  const int64_t begin = unit * trainer_.unit_size();
  const int64_t end = std::min(begin + trainer_.unit_size(), trainer_.size());
  const uint64_t epoch_seed = mix(trainer_.options().seed + mix(uint64_t(epoch)));
  random_ = Random(epoch_seed ^ mix(uint64_t(unit) + 1));
  gather_words(epoch_seed, begin, end);
}

// Fills words_ with the kept words of the unit, and with as many kept words to either side as its
// windows can reach.
void WindowChooser::gather_words(uint64_t epoch_seed, int64_t begin, int64_t end) {
  const int32_t* const ids = trainer_.ids();
  const uint32_t* const thresholds = trainer_.keep_thresholds().data();
  const int64_t W = trainer_.options().window;
  const auto keeps = [&](int64_t place) {
    return uint32_t(mix(epoch_seed ^ uint64_t(place)) >> 32) <= thresholds[ids[place]];
  };
  int32_t* const words = words_.data();
  int64_t n = 0;
  for (int64_t place = begin - 1; n < W && place >= 0 && ids[place] != kSentenceEnd; --place) {
    if (keeps(place)) words[n++] = ids[place];
  }
  std::reverse(words, words + n);
  at_ = n;
  int64_t sentences = 0;
  for (int64_t place = begin; place < end; ++place) {
    words[n] = ids[place];
    if (ids[place] == kSentenceEnd) {
      ++sentences, ++n;
    } else {
      n += keeps(place);  // no branch: whether a word is kept cannot be foreseen
    }
  }
  end_ = n;
  kept_ += end_ - at_ - sentences;
  for (int64_t place = end; n < end_ + W && place < trainer_.size() && ids[place] != kSentenceEnd;
       ++place) {
    if (keeps(place)) words[n++] = ids[place];
  }
  words[n] = kSentenceEnd;
  sentence_begin_ = 0;
  sentence_end_ = std::find(words, words + n, kSentenceEnd) - words;
}

bool WindowChooser::next(Window& window) {
  for (; at_ < end_; ++at_) {
    if (at_ == sentence_end_) {
      sentence_begin_ = at_ + 1;
      sentence_end_ =
          std::find(words_.begin() + at_ + 1, words_.end(), kSentenceEnd) - words_.begin();
      continue;
    }
    window.clear();
    choose_contexts(window);
    if (window.C == 0) continue;
    choose_outputs(words_[size_t(at_)], window);
    ++at_;
    return true;
  }
  return false;
}

void WindowChooser::choose_contexts(Window& window) {
  const int64_t W = trainer_.options().window;
  float* const inputs = trainer_.matrices().inputs;
  const bool shrink = trainer_.options().shrink_windows;
  const int64_t reach = shrink ? 1 + random_.below(uint32_t(W)) : W;
  const int64_t begin = std::max(sentence_begin_, at_ - reach);
  const int64_t end = std::min(sentence_end_, at_ + reach + 1);
  const auto row = [&](int64_t i) { return inputs + words_[size_t(i)] * D_; };
  for (int64_t i = begin; i < at_; ++i) window.add_context(row(i));
  for (int64_t i = at_ + 1; i < end; ++i) window.add_context(row(i));
  // Each row is asked for once, before it enters the reach of the windows.
  if (at_ + W + 1 < sentence_end_) prefetch_row(row(at_ + W + 1), D_);
}

void WindowChooser::choose_outputs(int32_t word, Window& window) {
  const TrainerOptions& options = trainer_.options();
  float* const outputs = trainer_.matrices().outputs;
  if (options.softmax) {
    for (int64_t w = 0; w < trainer_.vocabulary_size(); ++w) {
      window.add_output(outputs + w * D_, w == word ? 1.0f : 0.0f);
    }
  }
  if (options.negative_samples > 0) {
    add_output(outputs + word * D_, 1, window);
    for (int64_t k = 0; k < options.negative_samples; ++k) {
      float* const row = outputs + trainer_.negatives().draw(random_) * D_;
      // A draw that repeats the word or an earlier draw is dropped.
      bool repeated = false;
      for (int64_t m = 0; m < window.M; ++m) repeated |= window.outputs[size_t(m)] == row;
      if (!repeated) add_output(row, 0, window);
    }
  }
  if (options.hierarchical) {
    const HuffmanTree& tree = trainer_.tree();
    for (int64_t k = tree.offsets[size_t(word)]; k < tree.offsets[size_t(word) + 1]; ++k) {
      const int64_t node = tree.nodes[size_t(k)];
      const float label = 1.0f - float(tree.codes[size_t(k)]);
      if (node >= first_hot_) {
        window.add_output(hot_nodes_ + (node - first_hot_) * D_, label);
      } else {
        add_output(trainer_.matrices().nodes + node * D_, label, window);
      }
    }
  }
}

void WindowChooser::add_output(float* row, float label, Window& window) const {
  prefetch_row(row, D_);
  window.add_output(row, label);
}

}  // namespace lamina::word2vec
