#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "text/splitter.h"

namespace lamina::bindings {

namespace {

using text::EncodedTexts;
using text::SplitRules;
using text::StringTable;
using text::TextCounter;
using text::TextView;

// Calls take(code point) for each character of a str, halves of surrogate pairs included.
template <typename Take>
void for_each_character(PyObject* text, Take take) {
  const int kind = PyUnicode_KIND(text);
  const void* data = PyUnicode_DATA(text);
  const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
  for (Py_ssize_t i = 0; i < length; ++i) take(uint32_t(PyUnicode_READ(kind, data, i)));
}

// UTF-8, of half a surrogate pair as well: what "surrogatepass" decodes.
void append_utf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += char(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  out += char((0xF00 >> (more + 1)) | (c >> (6 * more)));
  for (int k = more - 1; k >= 0; --k) out += char(0x80 | (c >> (6 * k) & 0x3F));
}

// How a text becomes words: what separates them, what ASCII vanishes, whether A to Z are lowered,
// and whether a text beyond ASCII is put through str.lower() first, which alone knows how.
class TextRules {
 public:
  TextRules(const py::str& separators, const py::str& dropped, bool lower_ascii, bool lower_all)
      : lower_all_(lower_all) {
    bool any = false;
    for_each_character(separators.ptr(), [&](uint32_t c) {
      if (c >= 128) return wide_separators_.push_back(c);
      rules_.add_separator(char(c));
      any = true;
    });
    require(any, "separators: at least one of them must be ASCII");
    std::sort(wide_separators_.begin(), wide_separators_.end());
    for_each_character(dropped.ptr(), [&](uint32_t c) {
      require(c < 128, "dropped: only ASCII characters can be");
      rules_.dropped[c] = rules_.drops = true;
    });
    rules_.lower = lower_ascii;
  }

  const SplitRules& split() const { return rules_; }

  // A text beyond ASCII as UTF-8, with the separators beyond ASCII replaced.
  std::string encode(py::object text) const {
    if (lower_all_) text = text.attr("lower")();
    std::string bytes;
    bytes.reserve(2 * size_t(PyUnicode_GET_LENGTH(text.ptr())));
    for_each_character(text.ptr(), [&](uint32_t c) {
      if (std::binary_search(wide_separators_.begin(), wide_separators_.end(), c))
        bytes += rules_.separator;
      else
        append_utf8(c, bytes);
    });
    return bytes;
  }

 private:
  SplitRules rules_;
  std::vector<uint32_t> wide_separators_;
  bool lower_all_;
};

// The texts of a list from `begin` on as bytes, which stay while this does; up to the first that is
// not exactly a str.
class TextBatch {
 public:
  TextBatch(const TextRules& rules, const py::list& texts, int64_t begin) {
    const auto count = int64_t(texts.size());
    if (begin < 0 || begin > count) {
      throw py::index_error("text " + std::to_string(begin) + " is outside [0, " +
                            std::to_string(count) + "]");
    }
    // lower() may let other threads run: the list is asked for its size anew each time.
    for (int64_t i = begin; i < int64_t(PyList_GET_SIZE(texts.ptr())); ++i) {
      auto text = py::reinterpret_borrow<py::object>(PyList_GET_ITEM(texts.ptr(), i));
      if (!PyUnicode_CheckExact(text.ptr())) break;
      if (PyUnicode_IS_ASCII(text.ptr())) {
        views_.push_back({reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text.ptr())),
                          int64_t(PyUnicode_GET_LENGTH(text.ptr()))});
        kept_.push_back(std::move(text));
      } else {
        encoded_.push_back(std::make_unique<std::string>(rules.encode(std::move(text))));
        views_.push_back({encoded_.back()->data(), int64_t(encoded_.back()->size())});
      }
    }
  }
  const TextView* data() const { return views_.data(); }
  int64_t size() const { return int64_t(views_.size()); }

 private:
  std::vector<TextView> views_;
  std::vector<py::object> kept_;
  std::vector<std::unique_ptr<std::string>> encoded_;
};

class PythonCounter {
 public:
  explicit PythonCounter(const TextRules& rules) : rules_(rules), counter_(rules.split()) {}

  int64_t add(const py::list& texts, int64_t begin) {
    const TextBatch batch(rules_, texts, begin);
    py::gil_scoped_release release;
    int64_t done = 0;
    while (done < batch.size() && counter_.add(batch.data()[done])) ++done;
    return done;
  }

  py::tuple counts() const {
    const StringTable& table = counter_.table();
    const auto size = size_t(table.size());
    py::list words(size), counts(size), texts(size);
    for (size_t i = 0; i < size; ++i) {
      const std::string_view s = table[int64_t(i)];
      PyObject* word = PyUnicode_DecodeUTF8(s.data(), Py_ssize_t(s.size()), "surrogatepass");
      if (!word) throw py::error_already_set();
      PyList_SET_ITEM(words.ptr(), Py_ssize_t(i), word);
      counts[i] = table.counts()[i];
      texts[i] = counter_.texts_with(int64_t(i));
    }
    return py::make_tuple(words, counts, texts);
  }

 private:
  TextRules rules_;
  TextCounter counter_;
};

class PythonEncoder {
 public:
  PythonEncoder(const TextRules& rules, const py::list& words) : rules_(rules) {
    for (py::ssize_t i = 0; i < PyList_GET_SIZE(words.ptr()); ++i) {
      PyObject* word = PyList_GET_ITEM(words.ptr(), i);
      std::string bytes;
      if (PyUnicode_Check(word)) {
        for_each_character(word, [&](uint32_t c) { append_utf8(c, bytes); });
      }
      // What is in no text that encode() takes has a place that is held by what is in no UTF-8.
      if (!PyUnicode_Check(word) || bytes.size() > text::kMaxLength) {
        bytes.assign(1, '\xFF');
        bytes += std::to_string(i);
      }
      const auto length = uint32_t(bytes.size());
      bytes.append(text::kSlack, '\0');
      const uint32_t hash = text::hash_string(bytes.data(), length);
      const int64_t index = table_.insert(bytes.data(), length, hash);
      if (index < 0) throw std::bad_alloc();
      require(index == i, "word ", i, " stands twice in a vocabulary");
    }
  }

  py::tuple encode(const py::list& texts, int64_t begin) const {
    const TextBatch batch(rules_, texts, begin);
    EncodedTexts found;
    {
      py::gil_scoped_release release;
      found = text::encode_texts(table_, rules_.split(), batch.data(), batch.size());
    }
    Array<int32_t> indices(py::ssize_t(found.indices.size()));
    Array<int64_t> lengths(py::ssize_t(found.lengths.size()));
    std::copy(found.indices.begin(), found.indices.end(), indices.mutable_data());
    std::copy(found.lengths.begin(), found.lengths.end(), lengths.mutable_data());
    return py::make_tuple(indices, lengths);
  }

 private:
  TextRules rules_;
  StringTable table_;
};

constexpr int64_t kAhead = 16;  // Python's numbers lie anywhere: so many ahead are asked for

// Lists of items[index], each as long as `lengths` says. A negative index is `unknown`, or nothing
// at all if that is None.
py::list gather_lists(const Array<int32_t>& indices, const Array<int64_t>& lengths,
                      const py::list& items, const py::object& unknown) {
  const auto count = int64_t(PyList_GET_SIZE(items.ptr()));
  const int32_t* from = indices.data();
  int64_t left = indices.size();
  py::list rows(size_t(lengths.size()));
  for (py::ssize_t row = 0; row < lengths.size(); ++row) {
    const int64_t length = lengths.data()[row];
    if (length < 0 || length > left) {
      throw py::value_error("gather_lists: the lengths are not those of the indices");
    }
    const auto missing = std::count_if(from, from + length, [](int32_t i) { return i < 0; });
    py::list filled(size_t(unknown.is_none() ? length - missing : length));
    py::ssize_t place = 0;
    for (int64_t i = 0; i < length; ++i) {
      if (from[i] >= count) throw py::index_error("gather_lists: an index is outside the items");
      if (from[i] < 0 && unknown.is_none()) continue;
      if (i + kAhead < length && from[i + kAhead] >= 0 && from[i + kAhead] < count) {
        __builtin_prefetch(PyList_GET_ITEM(items.ptr(), from[i + kAhead]), 1);
      }
      PyObject* item = from[i] < 0 ? unknown.ptr() : PyList_GET_ITEM(items.ptr(), from[i]);
      PyList_SET_ITEM(filled.ptr(), place++, py::handle(item).inc_ref().ptr());
    }
    PyList_SET_ITEM(rows.ptr(), row, filled.release().ptr());
    from += length;
    left -= length;
  }
  return rows;
}

// The value of an int of one digit, which words' numbers are: a third of the time of a call.
bool small_value(PyObject* number, int64_t& value) {
#if PY_VERSION_HEX >= 0x030C0000
  const auto* whole = reinterpret_cast<const PyLongObject*>(number);
  if (!PyUnstable_Long_IsCompact(whole)) return false;
  value = PyUnstable_Long_CompactValue(whole);
  return true;
#elif PY_VERSION_HEX >= 0x030B0000
  const Py_ssize_t digits = Py_SIZE(number);  // negative if the number is
  if (digits < -1 || digits > 1) return false;
  value = digits * int64_t(reinterpret_cast<const PyLongObject*>(number)->ob_digit[0]);
  return true;
#else
  (void)number, (void)value;
  return false;
#endif
}

// Stores a number of Python's own types. False: it is of another type, or does not fit.
template <typename T>
bool store(PyObject* number, T* place) {
  if constexpr (std::is_floating_point_v<T>) {
    if (PyFloat_CheckExact(number)) {
      *place = T(PyFloat_AS_DOUBLE(number));
      return true;
    }
  }
  if (!PyLong_CheckExact(number)) return false;
  int64_t value = 0;
  if (!small_value(number, value)) {
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow) return false;
  }
  if constexpr (std::is_integral_v<T>) {
    if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
      return false;
    }
  }
  *place = T(value);
  return true;
}

// Writes lists and tuples of numbers, from row `begin` on, into the rows of a matrix whose elements
// hold the padding already. Returns the first row that it cannot take, or their number.
template <typename T>
int64_t fill_rows(const py::list& rows, int64_t begin, Array<T>& out, bool at_end, bool keep_last) {
  const auto count = int64_t(PyList_GET_SIZE(rows.ptr()));
  if (out.ndim() != 2 || out.shape(0) != count || begin < 0) {
    throw py::value_error("fill_rows: wanted a matrix of " + std::to_string(count) +
                          " rows, got the shape " + shape_text(out));
  }
  const int64_t width = out.shape(1);
  T* data = out.mutable_data();
  for (int64_t row = begin; row < count; ++row) {
    PyObject* numbers = PyList_GET_ITEM(rows.ptr(), row);
    if (!PyList_CheckExact(numbers) && !PyTuple_CheckExact(numbers)) return row;
    const int64_t length = PySequence_Fast_GET_SIZE(numbers);
    const int64_t taken = std::min(length, width);
    PyObject** items = PySequence_Fast_ITEMS(numbers) + (keep_last ? length - taken : 0);
    T* place = data + row * width + (at_end ? width - taken : 0);
    for (int64_t i = 0; i < taken; ++i) {
      if (i + kAhead < taken) __builtin_prefetch(items[i + kAhead]);
      if (!store(items[i], place + i)) return row;
    }
  }
  return count;
}

template <typename T>
void register_fill_rows(py::module_& m) {
  m.def("fill_rows", &fill_rows<T>, py::arg("rows"), py::arg("begin"), py::arg("out").noconvert(),
        py::arg("at_end"), py::arg("keep_last"));
}

}  // namespace

void register_text(py::module_& m) {
  py::class_<TextRules>(m, "TextRules", py::module_local())
      .def(py::init<const py::str&, const py::str&, bool, bool>(), py::arg("separators"),
           py::arg("dropped"), py::arg("lower_ascii"), py::arg("lower_all"));
  py::class_<PythonCounter>(m, "TextCounter", py::module_local())
      .def(py::init<const TextRules&>(), py::arg("rules"))
      .def("add", &PythonCounter::add, py::arg("texts"), py::arg("begin"))
      .def("counts", &PythonCounter::counts);
  py::class_<PythonEncoder>(m, "TextEncoder", py::module_local())
      .def(py::init<const TextRules&, const py::list&>(), py::arg("rules"), py::arg("words"))
      .def("encode", &PythonEncoder::encode, py::arg("texts"), py::arg("begin"));
  m.def("gather_lists", &gather_lists, py::arg("indices").noconvert(),
        py::arg("lengths").noconvert(), py::arg("items"), py::arg("unknown"));
  register_fill_rows<int32_t>(m);
  register_fill_rows<int64_t>(m);
  register_fill_rows<float>(m);
  register_fill_rows<double>(m);
}

}  // namespace lamina::bindings
