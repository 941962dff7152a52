#include <memory>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "bindings/python_words.h"
#include "bindings/sources.h"
#include "text/string_table.h"
#include "word2vec/corpus.h"
#include "word2vec/encoder.h"

namespace lamina::bindings {

namespace {

using text::StringTable;
using word2vec::WordCounter;
using word2vec::WordEncoder;

const char* error_name(text::Error error) {
  switch (error) {
    case text::Error::kNotUtf8:
      return "not UTF-8";
    case text::Error::kWordTooLong:
      return "word too long";
    case text::Error::kReadFailed:
      return "read failed";
    case text::Error::kFileShrank:
      return "file shrank";
    case text::Error::kNoMemory:
      return "no memory";
    case text::Error::kWriteFailed:
      return "write failed";
    case text::Error::kNone:
      break;
  }
  return "";
}

std::unique_ptr<StringTable> table_from_words(const py::list& words) {
  auto table = std::make_unique<StringTable>();
  WordText text;
  for (py::ssize_t i = 0; i < PyList_GET_SIZE(words.ptr()); ++i) {
    const std::string_view s = text.of(PyList_GET_ITEM(words.ptr(), i), 0, i);
    const int64_t index = table->insert(s.data(), uint32_t(s.size()),
                                        text::hash_string(s.data(), uint32_t(s.size())));
    if (index < 0) throw std::bad_alloc();
    if (index != i)
      throw py::value_error("the word '" + std::string(s) + "' stands twice in a vocabulary");
  }
  return table;
}

py::list table_words(const StringTable& table, const std::optional<Array<int64_t>>& indices) {
  const int64_t count = indices ? indices->size() : table.size();
  py::list words(count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = indices ? indices->data()[i] : i;
    if (index < 0 || index >= table.size()) {
      throw py::index_error("word " + std::to_string(index) + " is outside [0, " +
                            std::to_string(table.size()) + ")");
    }
    const std::string_view s = table[index];
    PyObject* word = PyUnicode_DecodeUTF8(s.data(), py::ssize_t(s.size()), nullptr);
    if (!word) throw py::error_already_set();
    PyList_SET_ITEM(words.ptr(), i, word);
  }
  return words;
}

void register_table(py::module_& m) {
  py::class_<StringTable>(m, "WordTable", py::module_local())
      .def(py::init(&table_from_words), py::arg("words") = py::list())
      .def("__len__", &StringTable::size)
      .def("counts",
           [](const StringTable& table) {
             Array<int64_t> counts(table.size());
             if (table.size()) {
               std::memcpy(counts.mutable_data(), table.counts(), size_t(table.size()) * 8);
             }
             return counts;
           })
      .def("words", &table_words, py::arg("indices") = py::none())
      .def(
          "count",
          [](const StringTable& table, const py::str& word) {
            const std::string s = static_cast<std::string>(word) + std::string(text::kSlack, '\0');
            const size_t length = s.size() - text::kSlack;
            if (length > text::kMaxLength) return int64_t(0);
            const int64_t index = table.find(s.data(), uint32_t(length),
                                             text::hash_string(s.data(), uint32_t(length)));
            return index < 0 ? int64_t(0) : table.counts()[index];
          },
          py::arg("word"))
      .def(
          "keep",
          [](StringTable& table, const Array<uint8_t>& flags) {
            if (flags.size() != table.size()) throw py::value_error("one flag for each word");
            if (!table.keep(flags.data())) throw std::bad_alloc();
          },
          py::arg("flags"))
      .def(
          "merge",
          [](StringTable& table, const StringTable& other) {
            if (!table.merge(other)) throw std::bad_alloc();
          },
          py::arg("other"))
      .def(
          "add",
          [](StringTable& table, const py::list& words, const Array<int64_t>& counts) {
            if (counts.size() != py::ssize_t(words.size())) {
              throw py::value_error("one count for each word");
            }
            WordText text;
            for (py::ssize_t i = 0; i < counts.size(); ++i) {
              const std::string_view s = text.of(PyList_GET_ITEM(words.ptr(), i), 0, i);
              const auto length = uint32_t(s.size());
              const int64_t index =
                  table.insert(s.data(), length, text::hash_string(s.data(), length));
              if (index < 0) throw std::bad_alloc();
              int64_t& total = table.counts()[index];
              if (__builtin_add_overflow(total, counts.data()[i], &total)) {
                throw py::value_error("the counts of '" + std::string(s) + "' exceed 2**63");
              }
            }
          },
          py::arg("words"), py::arg("counts"));
}

void register_counter(py::module_& m) {
  py::class_<WordCounter>(m, "WordCounter", py::module_local())
      .def(py::init([](const Sources& sources, bool lines, int64_t sentence_limit, int threads) {
             return WordCounter(make_layout(sources, lines, sentence_limit, threads));
           }),
           py::arg("sources"), py::arg("lines"), py::arg("sentence_limit"), py::arg("threads"))
      .def("advance", &WordCounter::advance, py::arg("bytes"), py::arg("max_types"),
           py::call_guard<py::gil_scoped_release>())
      .def(
          "add_sentences",
          [](WordCounter& counter, const py::list& sentences, int64_t first) {
            WordText text;
            for_each_word(
                sentences, first, text,
                [&](std::string_view s) {
                  if (!counter.part().add_word(s.data(), uint32_t(s.size())))
                    throw std::bad_alloc();
                },
                [&] { counter.part().end_sentence(); });
          },
          py::arg("sentences"), py::arg("first"))
      .def("finish",
           [](WordCounter& counter) {
             if (!counter.finish()) throw std::bad_alloc();
             return std::make_unique<StringTable>(std::move(counter.table()));
           })
      .def_property_readonly(
          "table", [](WordCounter& counter) -> StringTable& { return counter.table(); },
          py::return_value_policy::reference_internal)
      .def_property_readonly("full", &WordCounter::full)
      .def_property_readonly("fault", [](const WordCounter& c) { return fault_tuple(c.fault()); })
      .def_property_readonly("bytes", &WordCounter::bytes)
      .def_property_readonly("words", &WordCounter::words)
      .def_property_readonly("sentences", &WordCounter::sentences);
}

void register_encoder(py::module_& m) {
  py::class_<WordEncoder>(m, "WordEncoder", py::module_local())
      .def(py::init([](const Sources& sources, bool lines, int64_t sentence_limit, int threads,
                       const StringTable& vocabulary, int64_t block, int output) {
             if (block < 1) throw py::value_error("block must be at least 1 byte");
             return std::make_unique<WordEncoder>(
                 make_layout(sources, lines, sentence_limit, threads), vocabulary, block, output);
           }),
           py::arg("sources"), py::arg("lines"), py::arg("sentence_limit"), py::arg("threads"),
           py::arg("vocabulary"), py::arg("block"), py::arg("output"), py::keep_alive<1, 6>())
      .def("advance", &WordEncoder::advance, py::arg("rounds"),
           py::call_guard<py::gil_scoped_release>())
      .def(
          "add_sentences",
          [](WordEncoder& encoder, const py::list& sentences, int64_t first) {
            WordText text;
            for_each_word(
                sentences, first, text,
                [&](std::string_view s) { encoder.add_word(s.data(), uint32_t(s.size())); },
                [&] { encoder.end_sentence(); });
          },
          py::arg("sentences"), py::arg("first"))
      .def("flush", &WordEncoder::flush, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("fault", [](const WordEncoder& e) { return fault_tuple(e.fault()); })
      .def_property_readonly("pending", &WordEncoder::pending)
      .def_property_readonly("bytes", &WordEncoder::bytes)
      .def_property_readonly("words", &WordEncoder::words)
      .def_property_readonly("known_words", &WordEncoder::known_words)
      .def_property_readonly("sentences", &WordEncoder::sentences)
      .def_property_readonly("ids", &WordEncoder::ids);
}

}  // namespace

word2vec::Layout make_layout(const Sources& sources, bool lines, int64_t sentence_limit,
                             int threads) {
  word2vec::Layout layout;
  for (const auto& [file, size] : sources) layout.sources.push_back({file, size});
  layout.lines = lines;
  layout.sentence_limit = sentence_limit;
  layout.threads = threads;
  return layout;
}

py::object fault_tuple(const word2vec::Fault& fault) {
  if (fault.error == text::Error::kNone) return py::none();
  return py::make_tuple(error_name(fault.error), fault.source, fault.offset, fault.system_error);
}

void register_corpus(py::module_& m) {
  register_table(m);
  register_counter(m);
  register_encoder(m);
}

}  // namespace lamina::bindings
