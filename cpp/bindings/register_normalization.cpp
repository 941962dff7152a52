#include <optional>

#include "bindings/bindings.h"
#include "normalization.h"

namespace lamina::bindings {
namespace {

template <typename T>
using Optional = std::optional<Array<T>>;
using Mask = std::optional<Array<bool>>;

template <typename T>
const T* data_of(const Optional<T>& array) {
  return array ? array->data() : nullptr;
}

const uint8_t* data_of(const Mask& mask) {
  return mask ? reinterpret_cast<const uint8_t*>(mask->data()) : nullptr;
}

// The rows of x if its last axis is taken as columns, and those columns.
struct Rows {
  int64_t N, C;
};

Rows rows_of(const py::array& x) {
  require(x.ndim() >= 1, "x must have at least one axis");
  const int64_t C = x.shape(x.ndim() - 1);
  int64_t N = 1;
  for (py::ssize_t i = 0; i + 1 < x.ndim(); ++i) N *= x.shape(i);
  return {N, C};
}

void check_vector(const py::array& vector, const char* name, int64_t size) {
  require(vector.ndim() == 1 && vector.shape(0) == size, name, " must have shape (", size,
          ",), got ", vector);
}

template <typename T>
void check_vector(const Optional<T>& vector, const char* name, int64_t size) {
  if (vector) check_vector(*vector, name, size);
}

void check_mask(const Mask& mask, const py::array& x, const Rows& rows) {
  require(!mask || int64_t(mask->size()) == rows.N,
          "mask must have an element for each row of x, of shape ", x);
}

template <typename T>
void check_gradient(const Array<T>& x, const Array<T>& dy) {
  require(shape_of(x) == shape_of(dy), "dy must have the shape of x, ", x, ", got ", dy);
}

template <typename T>
py::tuple moments(const Array<T>& x, const Mask& mask) {
  const Rows rows = rows_of(x);
  check_mask(mask, x, rows);
  Array<T> mean = new_array<T>({rows.C}), variance = new_array<T>({rows.C});
  T* const mean_out = mean.mutable_data();
  T* const variance_out = variance.mutable_data();
  int64_t count;
  {
    py::gil_scoped_release release;
    count = batch_moments(x.data(), data_of(mask), rows.N, rows.C, mean_out, variance_out);
  }
  return py::make_tuple(mean, variance, count);
}

template <typename T>
Array<T> normalize_batch(const Array<T>& x, const Array<T>& mean, const Array<T>& variance,
                         const Optional<T>& gamma, const Optional<T>& beta, double epsilon) {
  const auto [N, C] = rows_of(x);
  check_vector(mean, "mean", C);
  check_vector(variance, "variance", C);
  check_vector(gamma, "gamma", C);
  check_vector(beta, "beta", C);
  Array<T> y = new_array<T>(shape_of(x));
  T* const out = y.mutable_data();
  {
    py::gil_scoped_release release;
    batch_normalization(x.data(), mean.data(), variance.data(), data_of(gamma), data_of(beta),
                        T(epsilon), N, C, out);
  }
  return y;
}

template <typename T>
py::tuple normalize_batch_gradient(const Array<T>& x, const Array<T>& dy, const Mask& mask,
                                   int64_t kept, const Array<T>& mean, const Array<T>& variance,
                                   const Optional<T>& gamma, double epsilon) {
  const Rows rows = rows_of(x);
  const auto [N, C] = rows;
  check_gradient(x, dy);
  check_mask(mask, x, rows);
  check_vector(mean, "mean", C);
  check_vector(variance, "variance", C);
  check_vector(gamma, "gamma", C);
  require(kept >= 0, "kept must not be negative");
  Array<T> dx = new_array<T>(shape_of(x)), d_gamma = new_array<T>({C}), d_beta = new_array<T>({C});
  T *const dx_out = dx.mutable_data(), *const d_gamma_out = d_gamma.mutable_data(),
           *const d_beta_out = d_beta.mutable_data();
  {
    py::gil_scoped_release release;
    batch_normalization_gradient(x.data(), dy.data(), data_of(mask), kept, mean.data(),
                                 variance.data(), data_of(gamma), T(epsilon), N, C, dx_out,
                                 d_gamma_out, d_beta_out);
  }
  return py::make_tuple(dx, d_gamma, d_beta);
}

// Samples, places, channels.
template <typename T>
std::vector<int64_t> group_sizes(const Array<T>& x, int64_t groups) {
  require(x.ndim() >= 2, "x must have at least two axes");
  const int64_t N = x.shape(0), C = x.shape(x.ndim() - 1);
  int64_t S = 1;
  for (py::ssize_t i = 1; i + 1 < x.ndim(); ++i) S *= x.shape(i);
  require(groups >= 1 && C % groups == 0, "groups must divide the channels, got ", groups,
          " groups of ", C, " channels");
  return {N, S, C};
}

template <typename T>
py::tuple normalize_groups(const Array<T>& x, const Optional<T>& gamma, const Optional<T>& beta,
                           int64_t groups, double epsilon) {
  const std::vector<int64_t> sizes = group_sizes(x, groups);
  const int64_t N = sizes[0], S = sizes[1], C = sizes[2];
  check_vector(gamma, "gamma", C);
  check_vector(beta, "beta", C);
  Array<T> y = new_array<T>(shape_of(x)), mean = new_array<T>({N, groups}),
           inverse = new_array<T>({N, groups});
  T *const out = y.mutable_data(), *const mean_out = mean.mutable_data(),
           *const inverse_out = inverse.mutable_data();
  {
    py::gil_scoped_release release;
    group_normalization(x.data(), data_of(gamma), data_of(beta), T(epsilon), N, S, C, groups, out,
                        mean_out, inverse_out);
  }
  return py::make_tuple(y, mean, inverse);
}

template <typename T>
py::tuple normalize_groups_gradient(const Array<T>& x, const Array<T>& dy, const Array<T>& mean,
                                    const Array<T>& inverse, const Optional<T>& gamma) {
  check_gradient(x, dy);
  require(mean.ndim() == 2 && x.ndim() >= 2 && mean.shape(0) == x.shape(0) &&
              shape_of(mean) == shape_of(inverse),
          "mean and inverse must have a row for each sample of x, and a column for each group");
  const int64_t G = mean.shape(1);
  const std::vector<int64_t> sizes = group_sizes(x, G);
  const int64_t N = sizes[0], S = sizes[1], C = sizes[2];
  check_vector(gamma, "gamma", C);
  Array<T> dx = new_array<T>(shape_of(x)), d_gamma = new_array<T>({C}), d_beta = new_array<T>({C});
  T *const dx_out = dx.mutable_data(), *const d_gamma_out = d_gamma.mutable_data(),
           *const d_beta_out = d_beta.mutable_data();
  {
    py::gil_scoped_release release;
    group_normalization_gradient(x.data(), dy.data(), mean.data(), inverse.data(), data_of(gamma),
                                 N, S, C, G, dx_out, d_gamma_out, d_beta_out);
  }
  return py::make_tuple(dx, d_gamma, d_beta);
}

template <typename T>
py::tuple normalize_layer(const Array<T>& x, const Optional<T>& gamma, const Optional<T>& beta,
                          double epsilon, bool centered) {
  const auto [N, D] = rows_of(x);
  check_vector(gamma, "gamma", D);
  check_vector(beta, "beta", D);
  Array<T> y = new_array<T>(shape_of(x)), mean = new_array<T>({N}), inverse = new_array<T>({N});
  T *const out = y.mutable_data(), *const mean_out = mean.mutable_data(),
           *const inverse_out = inverse.mutable_data();
  {
    py::gil_scoped_release release;
    layer_normalization(x.data(), data_of(gamma), data_of(beta), T(epsilon), centered, N, D, out,
                        mean_out, inverse_out);
  }
  return py::make_tuple(y, mean, inverse);
}

template <typename T>
py::tuple normalize_layer_gradient(const Array<T>& x, const Array<T>& dy, const Array<T>& mean,
                                   const Array<T>& inverse, const Optional<T>& gamma,
                                   bool centered) {
  const auto [N, D] = rows_of(x);
  check_gradient(x, dy);
  check_vector(mean, "mean", N);
  check_vector(inverse, "inverse", N);
  check_vector(gamma, "gamma", D);
  Array<T> dx = new_array<T>(shape_of(x)), d_gamma = new_array<T>({D}), d_beta = new_array<T>({D});
  T *const dx_out = dx.mutable_data(), *const d_gamma_out = d_gamma.mutable_data(),
           *const d_beta_out = d_beta.mutable_data();
  {
    py::gil_scoped_release release;
    layer_normalization_gradient(x.data(), dy.data(), mean.data(), inverse.data(), data_of(gamma),
                                 centered, N, D, dx_out, d_gamma_out, d_beta_out);
  }
  return py::make_tuple(dx, d_gamma, d_beta);
}

template <typename T>
void register_for(py::module_& m) {
  const auto array = [](const char* name) { return py::arg(name).noconvert(); };
  m.def("batch_moments", &moments<T>, array("x"), array("mask"));
  m.def("batch_normalization", &normalize_batch<T>, array("x"), array("mean"), array("variance"),
        array("gamma"), array("beta"), py::arg("epsilon"));
  m.def("batch_normalization_gradient", &normalize_batch_gradient<T>, array("x"), array("dy"),
        array("mask"), py::arg("kept"), array("mean"), array("variance"), array("gamma"),
        py::arg("epsilon"));
  m.def("group_normalization", &normalize_groups<T>, array("x"), array("gamma"), array("beta"),
        py::arg("groups"), py::arg("epsilon"));
  m.def("group_normalization_gradient", &normalize_groups_gradient<T>, array("x"), array("dy"),
        array("mean"), array("inverse"), array("gamma"));
  m.def("layer_normalization", &normalize_layer<T>, array("x"), array("gamma"), array("beta"),
        py::arg("epsilon"), py::arg("centered"));
  m.def("layer_normalization_gradient", &normalize_layer_gradient<T>, array("x"), array("dy"),
        array("mean"), array("inverse"), array("gamma"), py::arg("centered"));
}

}  // namespace

void register_normalization(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
