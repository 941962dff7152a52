// From text to word counts, and from text to word ids, on every thread.
//
// A corpus is a list of sources: the first `size` bytes of open files of UTF-8 text. With `lines`
// each line is a sentence, else each source is. `sentence_limit` > 0 cuts longer sentences; that
// needs the words before, so it takes one thread. Results do not depend on the number of threads
// nor on how the work is cut into calls: a call does a bounded piece, so that its caller can look
// at signals and show progress in between.
#pragma once

#include <cstdint>
#include <vector>

#include "text/string_table.h"
#include "text/tokenizer.h"

namespace lamina::word2vec {

// Where gensim's readers cut a sentence, and look whether there are too many words.
inline constexpr int64_t kGensimSentence = 10000;

struct Source {
  int file;
  int64_t size;
};

struct Layout {
  std::vector<Source> sources;
  bool lines = true;
  int64_t sentence_limit = 0;
  int threads = 1;
};

struct Fault {
  text::Error error = text::Error::kNone;
  int64_t source = 0;
  int64_t offset = 0;    // in the source
  int system_error = 0;  // errno, where the system refused
};

// The earliest fault, so that the same text gives the same message on any number of threads.
void keep_first(Fault& fault, const Fault& other);

// What stopped a reader, if anything did.
Fault reader_fault(const text::TokenReader& reader, int64_t source);

// A stretch of a source. With `closes`, its end also ends a sentence.
struct Piece {
  int64_t source, begin, end;
  bool closes;
};

// Reads pieces of a corpus, one after another.
class PieceReader {
 public:
  void add(const Piece& piece) { pieces_.push_back(piece); }
  void add_all(const Layout& layout);

  // How many tokens come next, as in text::TokenReader; 0 at the end, or at a fault.
  int64_t next(const Layout& layout);
  const text::Token* tokens() const { return reader_.tokens(); }

  bool done() const { return piece_ == pieces_.size(); }
  int64_t bytes() const { return bytes_; }
  int64_t source() const { return pieces_[piece_].source; }
  int64_t position() const { return reader_.position(); }
  const Fault& fault() const { return fault_; }

 private:
  std::vector<Piece> pieces_;
  size_t piece_ = 0;
  bool opened_ = false;
  text::TokenReader reader_;
  int64_t bytes_ = 0;
  Fault fault_;
};

// Counts the sentences of a stretch of text that may begin and end within one.
struct SentenceTally {
  int64_t closed = 0;  // sentences with a word that ended here
  bool open = false;   // words since the last end
  bool saw_end = false;
  bool leading_empty = false;  // no word came before the first end

  void end() {
    if (!saw_end) leading_empty = !open;
    saw_end = true;
    closed += open;
    open = false;
  }
  // Whether the first end in `next` ends a sentence whose words are all here.
  bool ends_in(const SentenceTally& next) const {
    return open && next.saw_end && next.leading_empty;
  }
  void append(const SentenceTally& next) {
    closed += next.closed + ends_in(next);
    if (!saw_end) leading_empty = !open && next.leading_empty;
    open = next.open || (open && !next.saw_end);
    saw_end = saw_end || next.saw_end;
  }
};

// Counts the words of a contiguous share of the corpus.
class PartCounter {
 public:
  void add_piece(const Piece& piece) { reader_.add(piece); }
  // Reads about `bytes` more; stops early once there are more than `max_types` strings (0: never)
  // at the end of a sentence or of 10,000 words of one, which is where gensim looks.
  void advance(const Layout& layout, int64_t bytes, int64_t max_types);
  // A word (kSlack readable bytes behind it) or a sentence's end from elsewhere. False: no memory.
  bool add_word(const char* s, uint32_t length);
  void end_sentence() { tally_.end(); }

 private:
  friend class WordCounter;
  template <bool kLimited>
  void count_tokens(int64_t sentence_limit, int64_t max_types);

  PieceReader reader_;
  int64_t token_ = 0, tokens_ = 0;  // place in the reader's tokens
  text::StringTable table_;
  SentenceTally tally_;
  int64_t words_ = 0;
  int64_t sentence_words_ = 0;  // since the sentence or its last cut began; only if limited
  bool full_ = false;
  Fault fault_;
};

class WordCounter {
 public:
  explicit WordCounter(const Layout& layout);

  // Reads about `bytes` more on each thread. False when all is read, or at a fault. If it stops
  // because there are more than `max_types` strings (one thread only), full() is true.
  bool advance(int64_t bytes, int64_t max_types);
  bool full() const { return parts_[0].full_; }
  // The share of the first thread: sentences that do not come from sources are added to it.
  PartCounter& part() { return parts_[0]; }
  // After the last advance(): gathers the threads' counts into the table. False: out of memory.
  bool finish();

  text::StringTable& table() { return parts_[0].table_; }
  const Fault& fault() const { return fault_; }
  int64_t bytes() const;
  int64_t words() const;
  int64_t sentences() const;

 private:
  Layout layout_;
  std::vector<PartCounter> parts_;
  Fault fault_;
};

}  // namespace lamina::word2vec
