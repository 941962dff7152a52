#include <memory>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "bindings/python_words.h"
#include "bindings/sources.h"
#include "word2vec/phrase_writer.h"
#include "word2vec/phrases.h"

namespace lamina::bindings {

namespace {

using text::StringTable;
using word2vec::PhraseCounter;
using word2vec::PhraseWriter;
using word2vec::Scoring;
using word2vec::ScoringOptions;

StringTable table_of(const py::list& words) {
  StringTable table;
  WordText text;
  for (py::ssize_t i = 0; i < PyList_GET_SIZE(words.ptr()); ++i) {
    const std::string_view s = text.of(PyList_GET_ITEM(words.ptr(), i), 0, i);
    const auto length = uint32_t(s.size());
    if (table.insert(s.data(), length, text::hash_string(s.data(), length)) < 0) {
      throw std::bad_alloc();
    }
  }
  return table;
}

ScoringOptions scoring_options(const std::string& scoring, double min_count, double threshold,
                               int64_t corpus_words) {
  ScoringOptions options{Scoring::kMembership, min_count, threshold, corpus_words};
  if (scoring == "default") options.scoring = Scoring::kDefault;
  if (scoring == "npmi") options.scoring = Scoring::kNpmi;
  return options;
}

template <typename T>
Array<T> to_array(const std::vector<T>& values) {
  Array<T> array(py::ssize_t(values.size()));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

}  // namespace

void register_phrases(py::module_& m) {
  py::class_<PhraseCounter>(m, "PhraseCounter", py::module_local())
      .def(py::init([](const Sources& sources, bool lines, int64_t sentence_limit,
                       const std::string& delimiter, const py::list& connectors) {
             return std::make_unique<PhraseCounter>(make_layout(sources, lines, sentence_limit, 1),
                                                    delimiter, table_of(connectors));
           }),
           py::arg("sources"), py::arg("lines"), py::arg("sentence_limit"), py::arg("delimiter"),
           py::arg("connectors"))
      .def("advance", &PhraseCounter::advance, py::arg("bytes"), py::arg("max_types"),
           py::call_guard<py::gil_scoped_release>())
      .def(
          "add_sentences",
          [](PhraseCounter& counter, const py::list& sentences, int64_t first) {
            WordText text;
            for_each_word(
                sentences, first, text, [&](std::string_view s) { counter.add_word(s); },
                [&] { counter.end_sentence(); });
            if (!counter.finish()) throw std::bad_alloc();
          },
          py::arg("sentences"), py::arg("first"))
      .def("finish",
           [](PhraseCounter& counter) {
             if (!counter.finish()) throw std::bad_alloc();
             return std::make_unique<StringTable>(std::move(counter.table()));
           })
      .def_property_readonly(
          "table", [](PhraseCounter& counter) -> StringTable& { return counter.table(); },
          py::return_value_policy::reference_internal)
      .def_property_readonly("full", &PhraseCounter::full)
      .def_property_readonly("fault", [](const PhraseCounter& c) { return fault_tuple(c.fault()); })
      .def_property_readonly("bytes", &PhraseCounter::bytes)
      .def_property_readonly("words", &PhraseCounter::words)
      .def_property_readonly("sentences", &PhraseCounter::sentences);

  m.def(
      "phrase_candidates",
      [](const StringTable& table, const std::string& delimiter, double min_count) {
        std::vector<int64_t> indices, first, last;
        {
          py::gil_scoped_release release;
          word2vec::for_each_candidate(table, delimiter, min_count,
                                       [&](int64_t index, int64_t a, int64_t b) {
                                         indices.push_back(index);
                                         first.push_back(a);
                                         last.push_back(b);
                                       });
        }
        return py::make_tuple(to_array(indices), to_array(first), to_array(last));
      },
      py::arg("table"), py::arg("delimiter"), py::arg("min_count"));

  m.def(
      "export_phrases",
      [](const StringTable& table, const std::string& delimiter, const std::string& scoring,
         double min_count, double threshold, int64_t corpus_words) {
        const ScoringOptions options = scoring_options(scoring, min_count, threshold, corpus_words);
        std::vector<int64_t> indices;
        std::vector<double> scores;
        {
          py::gil_scoped_release release;
          // A pair below min_count scores below zero, which spares most pairs their lookups.
          word2vec::for_each_candidate(table, delimiter, threshold >= 0 ? min_count : 1,
                                       [&](int64_t index, int64_t a, int64_t b) {
                                         const double score = word2vec::phrase_score(
                                             options, table.size(), a, b, table.counts()[index]);
                                         if (!(score > threshold)) return;
                                         indices.push_back(index);
                                         scores.push_back(score);
                                       });
        }
        return py::make_tuple(to_array(indices), to_array(scores));
      },
      py::arg("table"), py::arg("delimiter"), py::arg("scoring"), py::arg("min_count"),
      py::arg("threshold"), py::arg("corpus_words"));

  py::class_<PhraseWriter>(m, "PhraseWriter", py::module_local())
      .def(py::init([](const Sources& sources, bool lines, int64_t sentence_limit,
                       const std::string& delimiter, const py::list& connectors,
                       const StringTable& table, const std::string& scoring, double min_count,
                       double threshold, int64_t corpus_words, int output) {
             return std::make_unique<PhraseWriter>(
                 make_layout(sources, lines, sentence_limit, 1), delimiter, table_of(connectors),
                 table, scoring_options(scoring, min_count, threshold, corpus_words), output);
           }),
           py::arg("sources"), py::arg("lines"), py::arg("sentence_limit"), py::arg("delimiter"),
           py::arg("connectors"), py::arg("table"), py::arg("scoring"), py::arg("min_count"),
           py::arg("threshold"), py::arg("corpus_words"), py::arg("output"), py::keep_alive<1, 7>())
      .def("advance", &PhraseWriter::advance, py::arg("bytes"),
           py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("fault", [](const PhraseWriter& w) { return fault_tuple(w.fault()); })
      .def_property_readonly("bytes", &PhraseWriter::bytes);
}

}  // namespace lamina::bindings
