// Reads words from Python's lists of str without making any Python object.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/bindings.h"
#include "text/string_table.h"

namespace lamina::bindings {

// One word at a time as UTF-8, followed by the bytes that the table wants to be readable. (A str
// can cache its own UTF-8, but that would double the memory of a caller's corpus.)
class WordText {
 public:
  WordText() : bytes_(4 * size_t(text::kMaxLength) + text::kSlack) {}

  // The numbers say where the word stands, for the message if it is not one.
  std::string_view of(PyObject* word, int64_t sentence, int64_t position) {
    const auto place = [&] {
      return "sentence " + std::to_string(sentence) + ", word " + std::to_string(position);
    };
    if (!PyUnicode_Check(word)) {
      throw py::type_error(place() + " is " + std::string(py::repr(word)).substr(0, 60) + " (" +
                           Py_TYPE(word)->tp_name + "), but words must be str: " +
                           (PyBytes_Check(word) ? "decode them first" : "convert them with str()"));
    }
    const Py_ssize_t length = PyUnicode_GET_LENGTH(word);
    Py_ssize_t size = length;
    if (length <= Py_ssize_t(text::kMaxLength)) {
      if (PyUnicode_IS_ASCII(word)) {
        copy(reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(word)), size_t(length));
      } else {
        size = encode(word, length);
      }
      if (size < 0) {
        throw py::value_error(place() + " has half of a surrogate pair, which is no character: " +
                              "was the text decoded with errors='surrogateescape'?");
      }
    }
    if (size > Py_ssize_t(text::kMaxLength)) {
      throw py::value_error(place() + " is longer than " + std::to_string(text::kMaxLength) +
                            " bytes: is it a whole text that has not been split into words?");
    }
    return {bytes_.data(), size_t(size)};
  }

 private:
  // Most words are short, and calling memcpy for one takes longer than copying it.
  void copy(const char* from, size_t size) {
    char* to = bytes_.data();
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(to, from, 4);
      std::memcpy(to + size - 4, from + size - 4, 4);
    } else {
      for (size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }

  Py_ssize_t encode(PyObject* word, Py_ssize_t length) {
    const int kind = PyUnicode_KIND(word);
    const void* data = PyUnicode_DATA(word);
    char* p = bytes_.data();
    for (Py_ssize_t i = 0; i < length; ++i) {
      const uint32_t c = PyUnicode_READ(kind, data, i);
      if (c < 0x80) {
        *p++ = char(c);
        continue;
      }
      if (c >= 0xD800 && c < 0xE000) return -1;
      const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
      *p++ = char((0xF00 >> (more + 1)) | (c >> (6 * more)));
      for (int k = more - 1; k >= 0; --k) *p++ = char(0x80 | (c >> (6 * k) & 0x3F));
    }
    return p - bytes_.data();
  }

  std::vector<char> bytes_;
};

// Calls word(string_view) for each word of a list of sentences, and end() after each sentence.
// `first` is the number of the first sentence in the whole corpus.
template <typename Word, typename End>
void for_each_word(const py::list& sentences, int64_t first, WordText& text, Word word, End end) {
  for (py::ssize_t i = 0; i < PyList_GET_SIZE(sentences.ptr()); ++i) {
    const auto item = py::reinterpret_borrow<py::object>(PyList_GET_ITEM(sentences.ptr(), i));
    const auto number = [&] { return "sentence " + std::to_string(first + i); };
    if (PyUnicode_Check(item.ptr())) {
      throw py::type_error(number() +
                           " is a str, not a list of words: split it first, for example " +
                           "with sentence.split()");
    }
    PyObject* fast = PySequence_Fast(item.ptr(), "");
    if (!fast) {
      if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
      PyErr_Clear();
      throw py::type_error(number() + " is of type " + Py_TYPE(item.ptr())->tp_name +
                           ", not a list of words");
    }
    const auto words = py::reinterpret_steal<py::object>(fast);
    // The size is asked anew each time: nothing here runs Python code, but repr() in an error does.
    for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(fast); ++k) {
      word(text.of(PySequence_Fast_GET_ITEM(fast, k), first + i, k));
    }
    end();
  }
}

}  // namespace lamina::bindings
