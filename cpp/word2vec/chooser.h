// Chooses the windows of a unit of the corpus: which words are kept, how far each window reaches,
// and which outputs it is trained on.
#pragma once

#include <cstdint>
#include <vector>

#include "random.h"
#include "word2vec/trainer.h"
#include "word2vec/window.h"

namespace lamina::word2vec {

// One thread's walk through its units. Everything random is a function of (seed, epoch, unit), and
// whether a word is kept of (seed, epoch, place).
class WindowChooser {
 public:
  // With `hot_nodes`, the nodes from `first_hot` on are rows of that matrix instead of the shared
  // one.
  WindowChooser(const Trainer& trainer, float* hot_nodes, int64_t first_hot);

  // An empty window with room for every window of this trainer.
  Window make_window() const;

  void begin_unit(int64_t epoch, int64_t unit);

  // Fills `window` with the next window of the unit that has a context, and asks the cache for its
  // rows; false at the end of the unit.
  bool next(Window& window);

  // How many words the units so far have kept.
  int64_t words() const { return kept_; }

 private:
  void gather_words(uint64_t epoch_seed, int64_t begin, int64_t end);
  void choose_contexts(Window& window);
  void choose_outputs(int32_t word, Window& window);
  void add_output(float* row, float label, Window& window) const;

  const Trainer& trainer_;
  const int64_t D_;
  float* const hot_nodes_;
  const int64_t first_hot_;
  Random random_{0};
  int64_t kept_ = 0;
  std::vector<int32_t> words_;  // the unit's words and those around it, ended by kSentenceEnd
  int64_t at_ = 0, end_ = 0;    // the next word of the unit, and the end of its words
  int64_t sentence_begin_ = 0, sentence_end_ = 0;
};

}  // namespace lamina::word2vec
