#include "bindings/bindings.h"
#include "embedding.h"

namespace lamina::bindings {
namespace {

// "(0, 3)": the index of the element at a flat position.
std::string place_text(const py::array& array, int64_t position) {
  std::vector<int64_t> index(size_t(array.ndim()));
  for (size_t axis = index.size(); axis-- > 0; position /= array.shape(py::ssize_t(axis))) {
    index[axis] = position % array.shape(py::ssize_t(axis));
  }
  std::string text = "(";
  for (size_t axis = 0; axis < index.size(); ++axis) {
    text += (axis ? ", " : "") + std::to_string(index[axis]);
  }
  return text + (index.size() == 1 ? ",)" : ")");
}

template <typename Id>
void check_ids(const Array<Id>& ids, int64_t V, int64_t D) {
  const Id* data = ids.data();
  const int64_t bad = first_id_outside(data, ids.size(), V);
  if (bad < 0) return;
  std::string message = "index " + std::to_string(data[bad]);
  if (ids.ndim() > 0) message += " at " + place_text(ids, bad);
  message += " is outside [0, " + std::to_string(V) + "). input_dim=" + std::to_string(V) +
             ", output_dim=" + std::to_string(D);
  if (data[bad] >= 0 && data[bad] < D) message += ": were the two swapped?";
  throw py::index_error(message);
}

template <typename T, typename Id>
Array<T> gather_rows(const Array<T>& table, const Array<Id>& ids) {
  require(table.ndim() == 2, "gather_rows: table must be a matrix, got the shape ", table);
  const int64_t V = table.shape(0), D = table.shape(1), I = ids.size();
  check_ids(ids, V, D);
  std::vector<py::ssize_t> shape = shape_of(ids);
  shape.push_back(D);
  Array<T> found = new_array<T>(shape);
  const T* rows = table.data();
  const Id* wanted = ids.data();
  T* out = found.mutable_data();
  {
    py::gil_scoped_release release;
    lamina::gather_rows(rows, D, wanted, I, out);
  }
  return found;
}

// The different ids, ascending, and the sum of the gradient's rows for each.
template <typename T, typename Id>
py::tuple sum_by_row(const Array<Id>& ids, const Array<T>& gradient, int64_t V) {
  require(gradient.ndim() == ids.ndim() + 1 &&
              std::equal(ids.shape(), ids.shape() + ids.ndim(), gradient.shape()),
          "sum_by_row: gradient must have the shape of ids and one axis more, got ", gradient,
          " for ids of ", ids);
  const int64_t I = ids.size(), D = gradient.shape(ids.ndim());
  constexpr int64_t most = int64_t(1) << 32;
  require(V >= 0 && V <= most && I <= most, "sum_by_row: more than 2^32 ids or rows");
  check_ids(ids, V, D);
  const Id* wanted = ids.data();
  const T* sums = gradient.data();
  Array<int64_t> work = new_array<int64_t>({4 * I + 1});  // places twice, rows, starts of runs
  static_assert(sizeof(Place) == sizeof(int64_t) && alignof(Place) <= alignof(int64_t));
  auto* room = reinterpret_cast<Place*>(work.mutable_data());
  int64_t *occurring = work.mutable_data() + 2 * I, *starts = occurring + I;
  const Place* places = nullptr;
  int64_t R = 0;
  {
    py::gil_scoped_release release;
    places = sort_places(wanted, I, V, room);
    R = find_runs(places, I, occurring, starts);
  }
  Array<int64_t> rows = new_array<int64_t>({R});
  std::copy(occurring, occurring + R, rows.mutable_data());
  Array<T> values = new_array<T>({R, D});
  T* out = values.mutable_data();
  {
    py::gil_scoped_release release;
    sum_runs(places, starts, R, sums, D, out);
  }
  return py::make_tuple(rows, values);
}

template <typename T, typename Id>
void define(py::module_& m) {
  m.def("gather_rows", &gather_rows<T, Id>, py::arg("table").noconvert(),
        py::arg("ids").noconvert());
  m.def("sum_by_row", &sum_by_row<T, Id>, py::arg("ids").noconvert(),
        py::arg("gradient").noconvert(), py::arg("V"));
}

}  // namespace

void register_embedding(py::module_& m) {
  define<float, int32_t>(m);
  define<float, int64_t>(m);
  define<double, int32_t>(m);
  define<double, int64_t>(m);
}

}  // namespace lamina::bindings
