// Phrases: words that stand side by side more often than chance has it (word2phrase).
//
// Words and pairs live in one table, a pair as its words joined by a delimiter. A connector word
// ("of", "the") neither begins nor ends a phrase but may stand within: "bank_of_america". What is
// counted, and what is scored, is what gensim counts and scores.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/string_table.h"
#include "word2vec/corpus.h"

namespace lamina::word2vec {

// Counts words and pairs of a corpus, on one thread.
class PhraseCounter {
 public:
  // Joined text longer than text::kMaxLength is no phrase.
  PhraseCounter(const Layout& layout, std::string delimiter, text::StringTable connectors);

  // Reads about `bytes` more. False when all is read, or at a fault, or without memory. Stops
  // early, with full(), at the end of a sentence after which there are more than `max_types`.
  bool advance(int64_t bytes, int64_t max_types);
  bool full() const { return full_; }

  // Sentences from elsewhere. A word is followed by text::kSlack readable bytes.
  void add_word(std::string_view word);
  void end_sentence();

  // Adds what is still waiting to the table. False: out of memory at some point.
  bool finish();
  text::StringTable& table() { return table_; }
  const Fault& fault() const { return fault_; }
  int64_t bytes() const { return reader_.bytes(); }
  int64_t words() const { return words_; }
  int64_t sentences() const { return tally_.closed; }

 private:
  // Lookups wait in line so that their places in a table far larger than the cache arrive.
  struct Waiting {
    uint32_t offset, length, hash;
  };
  static constexpr size_t kWaiting = 64;

  void enqueue(std::string_view text);
  void drain();

  Layout layout_;
  std::string delimiter_;
  text::StringTable connectors_;
  text::StringTable table_;
  std::string open_;  // the last word that may begin a phrase, and the connectors after it
  bool has_start_ = false;
  std::vector<char> waiting_text_;
  size_t waiting_size_ = 0;
  std::vector<Waiting> waiting_;
  PieceReader reader_;
  int64_t token_ = 0, tokens_ = 0;
  int64_t sentence_words_ = 0;
  int64_t words_ = 0;
  SentenceTally tally_;
  bool full_ = false;
  Fault fault_;
};

enum class Scoring { kMembership, kDefault, kNpmi };

struct ScoringOptions {
  Scoring scoring = Scoring::kDefault;
  double min_count = 5;
  double threshold = 10;
  int64_t corpus_words = 0;
};

// kDefault: (ab - min_count) / (a b) * types, of Mikolov et al. 2013; kNpmi: the normalised
// pointwise mutual information of Bouma 2009. Minus infinity where a pair is too rare.
double phrase_score(const ScoringOptions& options, int64_t types, int64_t a, int64_t b, int64_t ab);

// Calls found(index, count of the first word, of the last) for each string of the table that is
// two words or more joined by the delimiter, if both and it occur at least `min_count` times in
// all (min_count of the joined string, once of the words).
void for_each_candidate(const text::StringTable& table, std::string_view delimiter,
                        double min_count,
                        const std::function<void(int64_t, int64_t, int64_t)>& found);

// How often a string occurs that has no readable bytes behind it; `padded` is scratch.
int64_t count_of(const text::StringTable& table, std::string_view s, std::string& padded);

}  // namespace lamina::word2vec
