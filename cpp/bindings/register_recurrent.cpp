#include <algorithm>
#include <optional>
#include <vector>

#include "bindings/bindings.h"
#include "gru.h"
#include "lstm.h"
#include "simple_rnn.h"

namespace lamina::bindings {
namespace {

template <typename T>
using Optional = std::optional<Array<T>>;

template <typename T>
const T* data_of(const Optional<T>& array) {
  return array ? array->data() : nullptr;
}

// What every recurrent function takes beside its arrays.
struct Options {
  const Optional<bool>& mask;
  const std::string &activation, &recurrent_activation;
  bool go_backwards, zero_masked;
};

template <typename T>
void require_shape(const Array<T>& array, const std::vector<py::ssize_t>& shape, const char* name) {
  if (shape_of(array) == shape) return;
  std::string wanted;
  for (const py::ssize_t size : shape)
    wanted += (wanted.empty() ? "" : ", ") + std::to_string(size);
  throw py::value_error(std::string(name) + " must have the shape (" + wanted + "), got " +
                        shape_text(array));
}

template <typename T>
void require_shape(const Optional<T>& array, const std::vector<py::ssize_t>& shape,
                   const char* name) {
  if (array) require_shape(*array, shape, name);
}

template <typename T>
Walk walk_of(const Array<T>& sequences, const Array<T>& recurrent_kernel, int gates,
             const Options& options) {
  require(sequences.ndim() == 3, "sequences must have three dimensions, got ", sequences);
  require(recurrent_kernel.ndim() == 2 && recurrent_kernel.shape(0) > 0,
          "recurrent_kernel must be a matrix with a row for each unit");
  const int64_t B = sequences.shape(0), steps = sequences.shape(1), U = recurrent_kernel.shape(0);
  require_shape(recurrent_kernel, {U, gates * U}, "recurrent_kernel");
  require_shape(options.mask, {B, steps}, "mask");
  return {B,
          steps,
          U,
          options.go_backwards,
          data_of(options.mask),
          options.zero_masked,
          activation_named(options.activation),
          activation_named(options.recurrent_activation)};
}

template <typename T>
Inputs<T> inputs_of(const Array<T>& x, const Array<T>& kernel, const Walk& walk, int gates) {
  require_shape(kernel, {x.shape(2), gates * walk.U}, "kernel");
  return {x.data(), kernel.data(), x.shape(2)};
}

template <typename T>
Optional<T> new_if(bool wanted, const std::vector<py::ssize_t>& shape) {
  return wanted ? Optional<T>(new_array<T>(shape)) : Optional<T>();
}

template <typename T>
T* out(Optional<T>& array) {
  return array ? array->mutable_data() : nullptr;
}

template <typename T>
py::tuple simple_rnn_of(const Array<T>& x, const Array<T>& kernel, const Array<T>& recurrent_kernel,
                        const Optional<T>& bias, const Optional<T>& h0, const Optional<bool>& mask,
                        const std::string& activation, bool go_backwards, bool zero_masked,
                        bool all_outputs, bool keep) {
  const Walk walk =
      walk_of(x, recurrent_kernel, 1, {mask, activation, activation, go_backwards, zero_masked});
  require_shape(bias, {walk.U}, "bias");
  require_shape(h0, {walk.B, walk.U}, "h0");
  const Inputs<T> inputs = inputs_of(x, kernel, walk, 1);
  Optional<T> sums = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Array<T> h = new_array<T>({walk.B, walk.U});
  Optional<T> h_before = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Optional<T> outputs = new_if<T>(all_outputs, {walk.B, walk.T, walk.U});
  const SimpleRnnArrays<T> arrays{
      inputs,    recurrent_kernel.data(), data_of(bias), data_of(h0),
      out(sums), out(h_before),           out(outputs),  h.mutable_data()};
  {
    const py::gil_scoped_release release;
    simple_rnn(walk, arrays);
  }
  if (!keep) return py::make_tuple(outputs, h, py::none());
  return py::make_tuple(outputs, h, py::make_tuple(sums, h_before));
}

template <typename T>
py::tuple simple_rnn_gradient_of(const Array<T>& recurrent_kernel, const Array<T>& activated,
                                 const Optional<bool>& mask, const std::string& activation,
                                 bool go_backwards, bool zero_masked, const Optional<T>& d_outputs,
                                 const Optional<T>& d_h) {
  const Walk walk = walk_of(activated, recurrent_kernel, 1,
                            {mask, activation, activation, go_backwards, zero_masked});
  require_shape(activated, {walk.B, walk.T, walk.U}, "activated");
  require_shape(d_outputs, {walk.B, walk.T, walk.U}, "d_outputs");
  require_shape(d_h, {walk.B, walk.U}, "d_h");
  Array<T> d_sums = new_array<T>({walk.B, walk.T, walk.U}), d_h0 = new_array<T>({walk.B, walk.U});
  const SimpleRnnGradients<T> arrays{recurrent_kernel.data(), activated.data(),
                                     data_of(d_outputs),      data_of(d_h),
                                     d_sums.mutable_data(),   d_h0.mutable_data()};
  {
    const py::gil_scoped_release release;
    simple_rnn_gradient(walk, arrays);
  }
  return py::make_tuple(d_sums, d_h0);
}

template <typename T>
py::tuple gru_of(const Array<T>& x, const Array<T>& kernel, const Array<T>& recurrent_kernel,
                 const Optional<T>& bias, const Optional<T>& h0, const Optional<bool>& mask,
                 const std::string& activation, const std::string& recurrent_activation,
                 bool reset_after, bool go_backwards, bool zero_masked, bool all_outputs,
                 bool keep) {
  const Walk walk = walk_of(x, recurrent_kernel, 3,
                            {mask, activation, recurrent_activation, go_backwards, zero_masked});
  if (reset_after) {
    require_shape(bias, {2, 3 * walk.U}, "bias");
  } else {
    require_shape(bias, {3 * walk.U}, "bias");
  }
  require_shape(h0, {walk.B, walk.U}, "h0");
  const Inputs<T> inputs = inputs_of(x, kernel, walk, 3);
  Optional<T> gates = new_if<T>(keep, {walk.B, walk.T, 3 * walk.U});
  Array<T> h = new_array<T>({walk.B, walk.U});
  Optional<T> h_before = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Optional<T> inner = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Optional<T> outputs = new_if<T>(all_outputs, {walk.B, walk.T, walk.U});
  const GruArrays<T> arrays{inputs,
                            reset_after,
                            recurrent_kernel.data(),
                            data_of(bias),
                            bias && reset_after ? bias->data() + 3 * walk.U : nullptr,
                            data_of(h0),
                            out(gates),
                            out(h_before),
                            out(inner),
                            out(outputs),
                            h.mutable_data()};
  {
    const py::gil_scoped_release release;
    gru(walk, arrays);
  }
  if (!keep) return py::make_tuple(outputs, h, py::none());
  return py::make_tuple(outputs, h, py::make_tuple(gates, h_before, inner));
}

template <typename T>
py::tuple gru_gradient_of(const Array<T>& recurrent_kernel, const Array<T>& gates,
                          const Array<T>& h_before, const Array<T>& inner,
                          const Optional<bool>& mask, const std::string& activation,
                          const std::string& recurrent_activation, bool reset_after,
                          bool go_backwards, bool zero_masked, const Optional<T>& d_outputs,
                          const Optional<T>& d_h) {
  const Walk walk = walk_of(gates, recurrent_kernel, 3,
                            {mask, activation, recurrent_activation, go_backwards, zero_masked});
  require_shape(gates, {walk.B, walk.T, 3 * walk.U}, "gates");
  require_shape(h_before, {walk.B, walk.T, walk.U}, "h_before");
  require_shape(inner, {walk.B, walk.T, walk.U}, "inner");
  require_shape(d_outputs, {walk.B, walk.T, walk.U}, "d_outputs");
  require_shape(d_h, {walk.B, walk.U}, "d_h");
  Array<T> d_sums = new_array<T>({walk.B, walk.T, 3 * walk.U});
  Optional<T> d_inner = new_if<T>(reset_after, {walk.B, walk.T, walk.U});
  Array<T> d_h0 = new_array<T>({walk.B, walk.U});
  const GruGradients<T> arrays{
      reset_after,  recurrent_kernel.data(), gates.data(), h_before.data(),
      inner.data(), data_of(d_outputs),      data_of(d_h), d_sums.mutable_data(),
      out(d_inner), d_h0.mutable_data()};
  {
    const py::gil_scoped_release release;
    gru_gradient(walk, arrays);
  }
  return py::make_tuple(d_sums, d_inner, d_h0);
}

template <typename T>
py::tuple lstm_of(const Array<T>& x, const Array<T>& kernel, const Array<T>& recurrent_kernel,
                  const Optional<T>& bias, const Optional<T>& h0, const Optional<T>& c0,
                  const Optional<bool>& mask, const std::string& activation,
                  const std::string& recurrent_activation, bool go_backwards, bool zero_masked,
                  bool all_outputs, bool keep) {
  const Walk walk = walk_of(x, recurrent_kernel, 4,
                            {mask, activation, recurrent_activation, go_backwards, zero_masked});
  require_shape(bias, {4 * walk.U}, "bias");
  require_shape(h0, {walk.B, walk.U}, "h0");
  require_shape(c0, {walk.B, walk.U}, "c0");
  const Inputs<T> inputs = inputs_of(x, kernel, walk, 4);
  Optional<T> gates = new_if<T>(keep, {walk.B, walk.T, 4 * walk.U});
  Array<T> h = new_array<T>({walk.B, walk.U}), c = new_array<T>({walk.B, walk.U});
  Optional<T> h_before = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Optional<T> c_before = new_if<T>(keep, {walk.B, walk.T, walk.U});
  Optional<T> outputs = new_if<T>(all_outputs, {walk.B, walk.T, walk.U});
  const LstmArrays<T> arrays{
      inputs,          recurrent_kernel.data(), data_of(bias), data_of(h0),  data_of(c0),
      out(gates),      out(h_before),           out(c_before), out(outputs), h.mutable_data(),
      c.mutable_data()};
  {
    const py::gil_scoped_release release;
    lstm(walk, arrays);
  }
  if (!keep) return py::make_tuple(outputs, h, c, py::none());
  return py::make_tuple(outputs, h, c, py::make_tuple(gates, h_before, c_before));
}

template <typename T>
py::tuple lstm_gradient_of(const Array<T>& recurrent_kernel, const Array<T>& gates,
                           const Array<T>& c_before, const Optional<bool>& mask,
                           const std::string& activation, const std::string& recurrent_activation,
                           bool go_backwards, bool zero_masked, const Optional<T>& d_outputs,
                           const Optional<T>& d_h, const Optional<T>& d_c) {
  const Walk walk = walk_of(gates, recurrent_kernel, 4,
                            {mask, activation, recurrent_activation, go_backwards, zero_masked});
  require_shape(gates, {walk.B, walk.T, 4 * walk.U}, "gates");
  require_shape(c_before, {walk.B, walk.T, walk.U}, "c_before");
  require_shape(d_outputs, {walk.B, walk.T, walk.U}, "d_outputs");
  require_shape(d_h, {walk.B, walk.U}, "d_h");
  require_shape(d_c, {walk.B, walk.U}, "d_c");
  Array<T> d_sums = new_array<T>({walk.B, walk.T, 4 * walk.U});
  Array<T> d_h0 = new_array<T>({walk.B, walk.U}), d_c0 = new_array<T>({walk.B, walk.U});
  const LstmGradients<T> arrays{recurrent_kernel.data(), gates.data(),        c_before.data(),
                                data_of(d_outputs),      data_of(d_h),        data_of(d_c),
                                d_sums.mutable_data(),   d_h0.mutable_data(), d_c0.mutable_data()};
  {
    const py::gil_scoped_release release;
    lstm_gradient(walk, arrays);
  }
  return py::make_tuple(d_sums, d_h0, d_c0);
}

template <typename T>
Array<T> input_gradient_of(const Array<T>& d_sums, const Array<T>& kernel) {
  require(d_sums.ndim() == 3 && kernel.ndim() == 2 && kernel.shape(1) == d_sums.shape(2),
          "kernel must have the columns of d_sums, got ", kernel, " and ", d_sums);
  const int64_t rows = d_sums.shape(0) * d_sums.shape(1), D = kernel.shape(0);
  Array<T> d_x = new_array<T>({d_sums.shape(0), d_sums.shape(1), D});
  T* to = d_x.mutable_data();
  const py::gil_scoped_release release;
  input_gradient(d_sums.data(), kernel.data(), to, rows, D, int64_t(d_sums.shape(2)));
  return d_x;
}

template <typename T>
void require_sequences(const Array<T>& inputs, const Array<T>& d_sums) {
  require(inputs.ndim() == 3 && d_sums.ndim() == 3 && inputs.shape(0) == d_sums.shape(0) &&
              inputs.shape(1) == d_sums.shape(1),
          "inputs and gradients must be of the same sequences, got ", inputs, " and ", d_sums);
}

// Gradients of kernel, recurrent kernel and bias, from those d_sums (B, T, N) of their sums.
template <typename T>
py::tuple parameter_gradients_of(const Array<T>& x, const Array<T>& h_before,
                                 const Array<T>& d_sums) {
  require_sequences(x, d_sums);
  require_sequences(h_before, d_sums);
  const int64_t rows = x.shape(0) * x.shape(1), D = x.shape(2);
  const int64_t U = h_before.shape(2), N = d_sums.shape(2);
  Array<T> d_kernel = new_array<T>({D, N}), d_recurrent = new_array<T>({U, N});
  Array<T> d_bias = new_array<T>({N});
  const std::vector<KernelGradient<T>> kernels{{x.data(), D, d_kernel.mutable_data(), N},
                                               {h_before.data(), U, d_recurrent.mutable_data(), N}};
  T* to_bias = d_bias.mutable_data();
  {
    const py::gil_scoped_release release;
    parameter_gradients(d_sums.data(), N, rows, N, kernels, to_bias);
  }
  return py::make_tuple(d_kernel, d_recurrent, d_bias);
}

// The same of a GRU (gru.h); with d_inner, which is None without reset_after, the bias has a second
// row, that of the states' sums.
template <typename T>
py::tuple gru_parameter_gradients_of(const Array<T>& x, const Array<T>& h_before,
                                     const Array<T>& inner, const Array<T>& d_sums,
                                     const Optional<T>& d_inner) {
  require_sequences(x, d_sums);
  require_sequences(h_before, d_sums);
  const int64_t rows = x.shape(0) * x.shape(1), D = x.shape(2), U = h_before.shape(2), N = 3 * U;
  require_shape(d_sums, {x.shape(0), x.shape(1), N}, "d_sums");
  require_shape(inner, shape_of(h_before), "inner");
  require_shape(d_inner, shape_of(h_before), "d_inner");
  Array<T> d_kernel = new_array<T>({D, N}), d_recurrent = new_array<T>({U, N});
  Array<T> d_bias = d_inner ? new_array<T>({2, N}) : new_array<T>({N});
  T *of_x = d_kernel.mutable_data(), *of_h = d_recurrent.mutable_data();
  T* to_bias = d_bias.mutable_data();
  // The states reach the gates z and r as they are, the candidate's sum in another way.
  const std::vector<KernelGradient<T>> gates{{x.data(), D, of_x, N}, {h_before.data(), U, of_h, N}};
  std::vector<KernelGradient<T>> candidate{{x.data(), D, of_x + 2 * U, N}};
  if (!d_inner) candidate.push_back({inner.data(), U, of_h + 2 * U, N});
  const std::vector<KernelGradient<T>> states{{h_before.data(), U, of_h + 2 * U, N}};
  {
    const py::gil_scoped_release release;
    parameter_gradients(d_sums.data(), N, rows, 2 * U, gates, to_bias);
    parameter_gradients(d_sums.data() + 2 * U, N, rows, U, candidate, to_bias + 2 * U);
    if (d_inner) {
      std::copy_n(to_bias, 2 * U, to_bias + N);
      parameter_gradients(d_inner->data(), U, rows, U, states, to_bias + N + 2 * U);
    }
  }
  return py::make_tuple(d_kernel, d_recurrent, d_bias);
}

template <typename T>
void register_for(py::module_& m) {
  const auto array = [](const char* name) { return py::arg(name).noconvert(); };
  const auto flag = [](const char* name) { return py::arg(name); };
  m.def("simple_rnn", &simple_rnn_of<T>, array("x"), array("kernel"), array("recurrent_kernel"),
        array("bias"), array("h0"), array("mask"), flag("activation"), flag("go_backwards"),
        flag("zero_masked"), flag("all_outputs"), flag("keep"));
  m.def("simple_rnn_gradient", &simple_rnn_gradient_of<T>, array("recurrent_kernel"),
        array("activated"), array("mask"), flag("activation"), flag("go_backwards"),
        flag("zero_masked"), array("d_outputs"), array("d_h"));
  m.def("gru", &gru_of<T>, array("x"), array("kernel"), array("recurrent_kernel"), array("bias"),
        array("h0"), array("mask"), flag("activation"), flag("recurrent_activation"),
        flag("reset_after"), flag("go_backwards"), flag("zero_masked"), flag("all_outputs"),
        flag("keep"));
  m.def("gru_gradient", &gru_gradient_of<T>, array("recurrent_kernel"), array("gates"),
        array("h_before"), array("inner"), array("mask"), flag("activation"),
        flag("recurrent_activation"), flag("reset_after"), flag("go_backwards"),
        flag("zero_masked"), array("d_outputs"), array("d_h"));
  m.def("lstm", &lstm_of<T>, array("x"), array("kernel"), array("recurrent_kernel"), array("bias"),
        array("h0"), array("c0"), array("mask"), flag("activation"), flag("recurrent_activation"),
        flag("go_backwards"), flag("zero_masked"), flag("all_outputs"), flag("keep"));
  m.def("lstm_gradient", &lstm_gradient_of<T>, array("recurrent_kernel"), array("gates"),
        array("c_before"), array("mask"), flag("activation"), flag("recurrent_activation"),
        flag("go_backwards"), flag("zero_masked"), array("d_outputs"), array("d_h"), array("d_c"));
  m.def("sequence_input_gradient", &input_gradient_of<T>, array("d_sums"), array("kernel"));
  m.def("sequence_parameter_gradients", &parameter_gradients_of<T>, array("x"), array("h_before"),
        array("d_sums"));
  m.def("gru_parameter_gradients", &gru_parameter_gradients_of<T>, array("x"), array("h_before"),
        array("inner"), array("d_sums"), array("d_inner"));
}

}  // namespace

void register_recurrent(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
