// Joins the phrases of a text. See phrases.h for what a phrase is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/string_table.h"
#include "word2vec/corpus.h"
#include "word2vec/phrases.h"

namespace lamina::word2vec {

// Writes a corpus anew, a sentence a line, with its phrases joined: as gensim does it, the first
// pair that is a phrase is taken, and its words begin no other.
class PhraseWriter {
 public:
  // kMembership takes what the table counts for phrases; the others score the counts. The table
  // and the open file `output` must outlive this object.
  PhraseWriter(const Layout& layout, std::string delimiter, text::StringTable connectors,
               const text::StringTable& table, const ScoringOptions& options, int output);

  // As in PhraseCounter.
  bool advance(int64_t bytes);
  const Fault& fault() const { return fault_; }
  int64_t bytes() const { return reader_.bytes(); }

 private:
  bool is_phrase(std::string_view last);
  void take(std::string_view word);
  void end_sentence();
  void put(std::string_view word);
  bool flush();

  Layout layout_;
  std::string delimiter_;
  text::StringTable connectors_;
  const text::StringTable& table_;
  ScoringOptions options_;
  int output_;
  std::vector<std::string> open_;  // as in PhraseCounter; kept, to spare allocations
  size_t open_size_ = 0;
  std::string joined_, padded_, buffer_;
  bool line_begun_ = false;
  PieceReader reader_;
  int64_t sentence_words_ = 0;
  int64_t written_ = 0;
  Fault fault_;
};

}  // namespace lamina::word2vec
