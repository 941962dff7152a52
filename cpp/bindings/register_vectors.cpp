#include <algorithm>
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "vectors/analogy.h"
#include "vectors/formats.h"
#include "vectors/nearest.h"
#include "vectors/sketch.h"

namespace lamina::bindings {
namespace {

using Bytes = Array<uint8_t>;

// The table that `matrix` and `norms` make, with [begin, end) inside it.
vectors::Table table_of(const RowMatrix& matrix, const Array<float>& norms, int64_t begin,
                        int64_t end) {
  require(norms.ndim() == 1 && norms.shape(0) == matrix.rows,
          "norms must be one length for each row of matrix");
  require(0 <= begin && begin <= end && end <= matrix.rows, "[begin, end) is not within matrix");
  return {matrix.data, matrix.columns, matrix.stride, norms.data()};
}

void check_queries(const Array<float>& queries, const RowMatrix& matrix) {
  require(queries.ndim() == 2 && queries.shape(1) == matrix.columns,
          "queries must be a matrix with as many columns as the rows have");
}

py::tuple nearest(const py::array& matrix, const Array<float>& norms, const Array<float>& queries,
                  int64_t begin, int64_t end, int64_t top) {
  const RowMatrix a = row_matrix(matrix, "matrix", false);
  const vectors::Table table = table_of(a, norms, begin, end);
  check_queries(queries, a);
  require(top >= 0, "top must not be negative");
  const int64_t count = queries.shape(0), k = std::min(top, end - begin);
  Array<int64_t> rows({count, k});
  Array<float> scores({count, k});
  if (count == 0 || k == 0) return py::make_tuple(rows, scores);
  int64_t* rows_out = rows.mutable_data();
  float* scores_out = scores.mutable_data();
  {
    py::gil_scoped_release release;
    vectors::nearest(table, begin, end, queries.data(), count, k, rows_out, scores_out);
  }
  return py::make_tuple(rows, scores);
}

Array<float> cosines(const py::array& matrix, const Array<float>& norms,
                     const Array<float>& queries, int64_t begin, int64_t end) {
  const RowMatrix a = row_matrix(matrix, "matrix", false);
  const vectors::Table table = table_of(a, norms, begin, end);
  check_queries(queries, a);
  const int64_t count = queries.shape(0);
  Array<float> out({count, end - begin});
  float* data = out.mutable_data();
  if (count > 0) {
    py::gil_scoped_release release;
    vectors::cosines(table, begin, end, queries.data(), count, data);
  }
  return out;
}

// codes (rows x w), scales and errors (rows) are written for every row of matrix.
void fill_sketch(const py::array& matrix, const Array<float>& norms, Array<int8_t>& codes,
                 Array<float>& scales, Array<float>& errors) {
  const RowMatrix a = row_matrix(matrix, "matrix", false);
  const vectors::Table table = table_of(a, norms, 0, a.rows);
  const int64_t step = vectors::kSketchStep;
  require(codes.ndim() == 2 && codes.shape(0) == a.rows &&
              codes.shape(1) == (a.columns + step - 1) / step * step,
          "codes must have the rows of matrix, and its columns rounded up to a multiple of 16");
  require(scales.ndim() == 1 && scales.shape(0) == a.rows && errors.ndim() == 1 &&
              errors.shape(0) == a.rows,
          "scales and errors must be one for each row");
  int8_t* codes_out = codes.mutable_data();
  float* scales_out = scales.mutable_data();
  float* errors_out = errors.mutable_data();
  py::gil_scoped_release release;
  vectors::fill_sketch(table, a.rows, codes_out, scales_out, errors_out);
}

// The rows of [begin, end) that can be among the `top` nearest to query, ascending.
Array<int64_t> sketch_candidates(const Array<int8_t>& codes, const Array<float>& scales,
                                 const Array<float>& errors, const Array<float>& query,
                                 int64_t begin, int64_t end, int64_t top) {
  require(codes.ndim() == 2 && codes.shape(1) % vectors::kSketchStep == 0,
          "codes must be a matrix of a multiple of 16 columns");
  const int64_t rows = codes.shape(0), width = codes.shape(1);
  require(scales.ndim() == 1 && scales.shape(0) == rows && errors.ndim() == 1 &&
              errors.shape(0) == rows,
          "scales and errors must be one for each row");
  require(query.ndim() == 1 && query.shape(0) == width, "query must be as wide as codes");
  require(0 <= begin && begin <= end && end <= rows - vectors::kSketchSpareRows,
          "[begin, end) is not within the sketch");
  const int64_t k = std::min(top, end - begin);
  if (k <= 0) return Array<int64_t>(0);
  std::vector<int64_t> found;
  {
    py::gil_scoped_release release;
    std::vector<float> bounds(end - begin + vectors::kSketchSpareRows);
    const vectors::Sketch sketch{codes.data(), scales.data(), errors.data(), width};
    const float least = vectors::bound_cosines(sketch, query.data(), begin, end, k, bounds.data());
    for (int64_t i = 0; i < end - begin; ++i) {
      if (!(bounds[i] < least)) found.push_back(begin + i);
    }
  }
  Array<int64_t> out(found.size());
  std::copy(found.begin(), found.end(), out.mutable_data());
  return out;
}

// questions: count x 6 of int32, as vectors::Question. The two `best` arrays are updated.
void answer_analogies(const py::array& matrix, const Array<float>& norms,
                      const Array<int32_t>& groups, int64_t first_row, const Array<float>& words,
                      const Array<int32_t>& questions, bool multiply, Array<float>& best_scores,
                      Array<int64_t>& best_rows) {
  const RowMatrix a = row_matrix(matrix, "matrix", false);
  const vectors::Table table = table_of(a, norms, 0, a.rows);
  check_queries(words, a);
  require(groups.ndim() == 1 && groups.shape(0) == a.rows, "groups must be one for each row");
  require(questions.ndim() == 2 && questions.shape(1) == 6, "questions must have six columns");
  const int64_t count = questions.shape(0), word_count = words.shape(0);
  require(best_scores.ndim() == 1 && best_scores.shape(0) == count && best_rows.ndim() == 1 &&
              best_rows.shape(0) == count,
          "best_scores and best_rows must be one for each question");
  static_assert(sizeof(vectors::Question) == 6 * sizeof(int32_t));
  const auto* asked = reinterpret_cast<const vectors::Question*>(questions.data());
  for (int64_t q = 0; q < count; ++q) {
    for (const int32_t word : {asked[q].a, asked[q].b, asked[q].c}) {
      require(0 <= word && word < word_count, "a question's word is outside of words");
    }
  }
  if (count == 0 || a.rows == 0) return;
  float* scores = best_scores.mutable_data();
  int64_t* rows = best_rows.mutable_data();
  py::gil_scoped_release release;
  vectors::answer(table, a.rows, groups.data(), first_row, words.data(), word_count, asked, count,
                  multiply ? vectors::AnalogyRule::kMultiply : vectors::AnalogyRule::kAdd, scores,
                  rows);
}

// The starts of the lines from `begin` on, and last the place where the next one would start. No
// more than `limit` lines, nor much of the file beyond them, are looked at; -1 means all.
Array<int64_t> index_text_lines(const Bytes& data, int64_t begin, int64_t limit) {
  const auto* text = reinterpret_cast<const char*>(data.data());
  const int64_t size = data.size();
  require(0 <= begin && begin <= size, "begin is not within the file");
  constexpr int64_t stretch = 1 << 24;
  int64_t end = limit < 0 ? size : begin, newlines = 0;
  bool open_line = false;
  {
    py::gil_scoped_release release;
    if (limit < 0) newlines = vectors::count_newlines(text, begin, size);
    while (limit >= 0 && newlines < limit && end < size) {
      const int64_t next = std::min(size, end + stretch);
      newlines += vectors::count_newlines(text, end, next);
      end = next;
    }
    open_line = end == size && size > begin && text[size - 1] != '\n';
  }
  Array<int64_t> starts(1 + newlines + (open_line ? 1 : 0));
  int64_t* out = starts.mutable_data();
  {
    py::gil_scoped_release release;
    out[0] = begin;
    vectors::positions_after_newlines(text, begin, end, out + 1);
    if (open_line) out[newlines + 1] = size + 1;
  }
  return starts;
}

py::tuple failure_of(const vectors::Failure& failure) {
  static const char* const names[] = {"",        "truncated", "long word",    "empty line",
                                      "too few", "too many",  "not a number", "not finite"};
  return py::make_tuple(names[int(failure.fault)], failure.row, failure.position, failure.found);
}

template <typename Value>
py::tuple parse_text_rows(const Bytes& data, const Array<int64_t>& starts, Array<Value>& out,
                          Array<int32_t>& word_lengths) {
  require(out.ndim() == 2, "out must be a matrix");
  const int64_t rows = out.shape(0), columns = out.shape(1);
  require(starts.ndim() == 1 && starts.shape(0) == rows + 1, "starts must be one more than rows");
  require(word_lengths.ndim() == 1 && word_lengths.shape(0) == rows,
          "word_lengths must be one for each row");
  const int64_t* at = starts.data();
  require(at[0] >= 0 && at[rows] <= data.size() + 1, "starts are not within the file");
  for (int64_t i = 0; i < rows; ++i) require(at[i] < at[i + 1], "starts must ascend");
  Value* matrix = out.mutable_data();
  int32_t* lengths = word_lengths.mutable_data();
  vectors::Failure failure;
  {
    py::gil_scoped_release release;
    failure = vectors::parse_text_rows(reinterpret_cast<const char*>(data.data()), at, rows,
                                       columns, matrix, lengths);
  }
  return failure_of(failure);
}

py::tuple index_binary_rows(const Bytes& data, int64_t begin, int64_t rows, int64_t columns) {
  require(0 <= begin && begin <= data.size(), "begin is not within the file");
  require(rows >= 0 && columns > 0 && columns <= (int64_t(1) << 40) &&
              rows <= (data.size() - begin) / (columns * 4 + 1),
          "the file is too short for so many rows");
  Array<int64_t> starts(rows);
  Array<int32_t> lengths(rows);
  int64_t* starts_out = starts.mutable_data();
  int32_t* lengths_out = lengths.mutable_data();
  vectors::Failure failure;
  {
    py::gil_scoped_release release;
    failure = vectors::index_binary_rows(reinterpret_cast<const char*>(data.data()), data.size(),
                                         begin, rows, columns, starts_out, lengths_out);
  }
  return py::make_tuple(starts, lengths, failure_of(failure));
}

int64_t copy_binary_rows(const Bytes& data, const Array<int64_t>& positions, Array<float>& out) {
  require(out.ndim() == 2 && positions.ndim() == 1 && positions.shape(0) == out.shape(0),
          "positions must be one for each row of out");
  const int64_t rows = out.shape(0), columns = out.shape(1);
  const int64_t* at = positions.data();
  for (int64_t i = 0; i < rows; ++i) {
    require(at[i] >= 0 && at[i] <= data.size() - columns * int64_t(sizeof(float)),
            "a position is not within the file");
  }
  float* matrix = out.mutable_data();
  py::gil_scoped_release release;
  return vectors::copy_binary_rows(reinterpret_cast<const char*>(data.data()), at, rows, columns,
                                   matrix);
}

// A str for each stretch of bytes. Raises UnicodeDecodeError under errors="strict".
py::list decode_words(const Bytes& data, const Array<int64_t>& starts,
                      const Array<int32_t>& lengths, const std::string& encoding,
                      const std::string& errors) {
  require(starts.ndim() == 1 && lengths.ndim() == 1 && starts.shape(0) == lengths.shape(0),
          "starts and lengths must be one for each word");
  const auto* text = reinterpret_cast<const char*>(data.data());
  py::list words(starts.shape(0));
  for (py::ssize_t i = 0; i < starts.shape(0); ++i) {
    const int64_t start = starts.data()[i], length = lengths.data()[i];
    require(length >= 0 && start >= 0 && start <= data.size() - length,
            "a word is not within the file");
    PyObject* word = PyUnicode_Decode(text + start, length, encoding.c_str(), errors.c_str());
    if (!word) throw py::error_already_set();
    PyList_SET_ITEM(words.ptr(), i, word);
  }
  return words;
}

template <typename Value>
py::bytes format_text_rows(const Bytes& words, const Array<int64_t>& offsets,
                           const Array<Value>& matrix) {
  require(matrix.ndim() == 2, "matrix must have two dimensions");
  const int64_t rows = matrix.shape(0), columns = matrix.shape(1);
  require(offsets.ndim() == 1 && offsets.shape(0) == rows + 1,
          "offsets must be one more than rows");
  const int64_t* at = offsets.data();
  require(at[0] >= 0 && at[rows] <= words.size(), "offsets are not within words");
  for (int64_t i = 0; i < rows; ++i) require(at[i] <= at[i + 1], "offsets must ascend");
  std::string text;
  {
    py::gil_scoped_release release;
    text = vectors::format_text_rows(reinterpret_cast<const char*>(words.data()), at, matrix.data(),
                                     rows, columns, columns);
  }
  return py::bytes(text);
}

}  // namespace

void register_vectors(py::module_& m) {
  m.def(
      "row_norms",
      [](const py::array& matrix) {
        const RowMatrix a = row_matrix(matrix, "matrix", false);
        Array<float> norms(a.rows);
        float* out = norms.mutable_data();
        {
          py::gil_scoped_release release;
          vectors::row_norms(a.data, a.rows, a.columns, a.stride, out);
        }
        return norms;
      },
      py::arg("matrix"));
  m.def("nearest", &nearest, py::arg("matrix"), py::arg("norms").noconvert(),
        py::arg("queries").noconvert(), py::arg("begin"), py::arg("end"), py::arg("top"));
  m.def("cosines", &cosines, py::arg("matrix"), py::arg("norms").noconvert(),
        py::arg("queries").noconvert(), py::arg("begin"), py::arg("end"));
  m.def("fill_sketch", &fill_sketch, py::arg("matrix"), py::arg("norms").noconvert(),
        py::arg("codes").noconvert(), py::arg("scales").noconvert(), py::arg("errors").noconvert());
  m.def("sketch_candidates", &sketch_candidates, py::arg("codes").noconvert(),
        py::arg("scales").noconvert(), py::arg("errors").noconvert(), py::arg("query").noconvert(),
        py::arg("begin"), py::arg("end"), py::arg("top"));
  m.def("answer_analogies", &answer_analogies, py::arg("matrix"), py::arg("norms").noconvert(),
        py::arg("groups").noconvert(), py::arg("first_row"), py::arg("words").noconvert(),
        py::arg("questions").noconvert(), py::arg("multiply"), py::arg("best_scores").noconvert(),
        py::arg("best_rows").noconvert());
  m.def("index_text_lines", &index_text_lines, py::arg("data").noconvert(), py::arg("begin"),
        py::arg("limit"));
  m.def("parse_text_rows", &parse_text_rows<float>, py::arg("data").noconvert(),
        py::arg("starts").noconvert(), py::arg("out").noconvert(),
        py::arg("word_lengths").noconvert());
  m.def("parse_text_rows", &parse_text_rows<double>, py::arg("data").noconvert(),
        py::arg("starts").noconvert(), py::arg("out").noconvert(),
        py::arg("word_lengths").noconvert());
  m.def("index_binary_rows", &index_binary_rows, py::arg("data").noconvert(), py::arg("begin"),
        py::arg("rows"), py::arg("columns"));
  m.def("copy_binary_rows", &copy_binary_rows, py::arg("data").noconvert(),
        py::arg("positions").noconvert(), py::arg("out").noconvert());
  m.def("decode_words", &decode_words, py::arg("data").noconvert(), py::arg("starts").noconvert(),
        py::arg("lengths").noconvert(), py::arg("encoding"), py::arg("errors"));
  m.def("format_text_rows", &format_text_rows<float>, py::arg("words").noconvert(),
        py::arg("offsets").noconvert(), py::arg("matrix").noconvert());
  m.def("format_text_rows", &format_text_rows<double>, py::arg("words").noconvert(),
        py::arg("offsets").noconvert(), py::arg("matrix").noconvert());
}

}  // namespace lamina::bindings
