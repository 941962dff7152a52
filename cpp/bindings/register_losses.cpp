#include <cmath>

#include "bindings/bindings.h"
#include "cross_entropy.h"
#include "losses.h"
#include "softmax.h"

namespace lamina::bindings {
namespace {

// The N rows and C columns of an array whose last axis is not empty, and the shape of its rows.
struct Rows {
  int64_t N, C;
  std::vector<py::ssize_t> shape;
};

Rows rows_of(const py::array& array, const char* where) {
  require(array.ndim() >= 1 && array.shape(array.ndim() - 1) > 0, where,
          ": the last axis must not be empty, got shape ", array);
  std::vector<py::ssize_t> shape = shape_of(array);
  const int64_t C = shape.back();
  shape.pop_back();
  return {array.size() / C, C, shape};
}

void require_alike(const py::array& a, const py::array& b, const char* where) {
  require(shape_of(a) == shape_of(b), where, ": shapes ", a, " and ", b, " must be alike");
}

void require_rows(const py::array& a, const Rows& rows, const char* where) {
  require(shape_of(a) == rows.shape, where, ": one number a row is needed, got shape ", a);
}

template <typename T, auto function>
Array<T> softmax_of(const Array<T>& x) {
  const Rows rows = rows_of(x, "softmax");
  Array<T> y = new_array<T>(shape_of(x));
  T* out = y.mutable_data();
  const py::gil_scoped_release release;
  function(x.data(), out, rows.N, rows.C);
  return y;
}

template <typename T, auto function>
Array<T> softmax_gradient_of(const Array<T>& y, const Array<T>& dy) {
  const Rows rows = rows_of(y, "softmax_gradient");
  require_alike(y, dy, "softmax_gradient");
  Array<T> dx = new_array<T>(shape_of(y));
  T* out = dx.mutable_data();
  const py::gil_scoped_release release;
  function(y.data(), dy.data(), out, rows.N, rows.C);
  return dx;
}

template <typename T>
Array<T> loss_value(const RowLoss& loss, const Array<T>& target, const Array<T>& prediction,
                    double number) {
  const Rows rows = rows_of(prediction, loss.name);
  require_alike(target, prediction, loss.name);
  Array<T> result = new_array<T>(rows.shape);
  T* out = result.mutable_data();
  const py::gil_scoped_release release;
  const auto run = [&](auto f) {
    f(target.data(), prediction.data(), T(number), out, rows.N, rows.C);
  };
  if constexpr (sizeof(T) == 4) {
    run(loss.value_float);
  } else {
    run(loss.value_double);
  }
  return result;
}

template <typename T>
Array<T> loss_gradient(const RowLoss& loss, const Array<T>& target, const Array<T>& prediction,
                       const Array<T>& d_loss, bool by_target, double number) {
  const Rows rows = rows_of(prediction, loss.name);
  require_alike(target, prediction, loss.name);
  require_rows(d_loss, rows, loss.name);
  Array<T> result = new_array<T>(shape_of(prediction));
  T* out = result.mutable_data();
  const py::gil_scoped_release release;
  const auto run = [&](auto f) {
    f(target.data(), prediction.data(), T(number), d_loss.data(), out, rows.N, rows.C);
  };
  if constexpr (sizeof(T) == 4) {
    run(by_target ? loss.by_target_float : loss.by_prediction_float);
  } else {
    run(by_target ? loss.by_target_double : loss.by_prediction_double);
  }
  return result;
}

// The targets of a cross-entropy: weights, or indices that were checked and copied.
template <typename T>
struct CheckedTargets {
  Targets<T> targets{};
  std::vector<int64_t> index;
};

template <typename Index>
std::vector<int64_t> checked_index(const Array<Index>& labels, const Rows& rows,
                                   std::optional<int64_t> ignored, const char* where) {
  require_rows(labels, rows, where);
  std::vector<int64_t> index(labels.data(), labels.data() + labels.size());
  for (size_t i = 0; i < index.size(); ++i) {
    if (ignored && index[i] == *ignored) {
      index[i] = -1;
    } else if (index[i] < 0 || index[i] >= rows.C) {
      std::string place;
      for (size_t axis = rows.shape.size(), rest = i; axis-- > 0; rest /= rows.shape[axis]) {
        place = std::to_string(rest % rows.shape[axis]) + (place.empty() ? "" : ", ") + place;
      }
      if (rows.shape.size() == 1) place += ",";
      throw py::value_error(std::string(where) + ": label " + std::to_string(index[i]) + " at (" +
                            place + ") is outside [0, " + std::to_string(rows.C) +
                            "): the predictions have " + std::to_string(rows.C) +
                            " classes. Do the labels count from 1, or are there more classes?");
    }
  }
  return index;
}

template <typename T>
CheckedTargets<T> checked_targets(const py::array& target, const py::array& prediction,
                                  const Rows& rows, std::optional<int64_t> ignored,
                                  const char* where) {
  CheckedTargets<T> checked;
  if (py::isinstance<Array<int64_t>>(target)) {
    checked.index = checked_index<int64_t>(target, rows, ignored, where);
    checked.targets.index = checked.index.data();
  } else if (py::isinstance<Array<int32_t>>(target)) {
    checked.index = checked_index<int32_t>(target, rows, ignored, where);
    checked.targets.index = checked.index.data();
  } else if (py::isinstance<Array<T>>(target)) {
    require_alike(target, prediction, where);
    checked.targets.weights = static_cast<const T*>(target.data());
  } else {
    throw py::type_error(std::string(where) +
                         ": targets must be a contiguous array of the predictions' dtype, "
                         "int64 or int32, got " +
                         std::string(py::str(target.dtype())));
  }
  return checked;
}

template <typename T>
py::tuple softmax_cross_entropy_of(const py::array& target, const Array<T>& logits,
                                   std::optional<int64_t> ignored) {
  const Rows rows = rows_of(logits, "softmax_cross_entropy");
  const auto checked = checked_targets<T>(target, logits, rows, ignored, "softmax_cross_entropy");
  Array<T> loss = new_array<T>(rows.shape), scales = new_array<T>({rows.N, 2});
  T *loss_out = loss.mutable_data(), *scales_out = scales.mutable_data();
  {
    const py::gil_scoped_release release;
    softmax_cross_entropy(logits.data(), checked.targets, loss_out, scales_out, rows.N, rows.C);
  }
  return py::make_tuple(loss, scales);
}

template <typename T>
Array<T> softmax_cross_entropy_gradient_of(const py::array& target, const Array<T>& logits,
                                           const Array<T>& scales, const Array<T>& d_loss,
                                           std::optional<int64_t> ignored) {
  const char* const where = "softmax_cross_entropy_gradient";
  const Rows rows = rows_of(logits, where);
  const auto checked = checked_targets<T>(target, logits, rows, ignored, where);
  require_rows(d_loss, rows, where);
  require(scales.ndim() == 2 && scales.shape(0) == rows.N && scales.shape(1) == 2, where,
          ": scales must be what softmax_cross_entropy returned");
  Array<T> result = new_array<T>(shape_of(logits));
  T* out = result.mutable_data();
  const py::gil_scoped_release release;
  softmax_cross_entropy_gradient(logits.data(), scales.data(), checked.targets, d_loss.data(), out,
                                 rows.N, rows.C);
  return result;
}

template <typename T>
Array<T> cross_entropy_of(const py::array& target, const Array<T>& probabilities, double margin,
                          std::optional<int64_t> ignored) {
  const Rows rows = rows_of(probabilities, "cross_entropy");
  const auto checked = checked_targets<T>(target, probabilities, rows, ignored, "cross_entropy");
  Array<T> loss = new_array<T>(rows.shape);
  T* out = loss.mutable_data();
  const py::gil_scoped_release release;
  cross_entropy(probabilities.data(), checked.targets, T(margin), out, rows.N, rows.C);
  return loss;
}

template <typename T>
Array<T> cross_entropy_gradient_of(const py::array& target, const Array<T>& probabilities,
                                   const Array<T>& d_loss, double margin,
                                   std::optional<int64_t> ignored) {
  const char* const where = "cross_entropy_gradient";
  const Rows rows = rows_of(probabilities, where);
  const auto checked = checked_targets<T>(target, probabilities, rows, ignored, where);
  require_rows(d_loss, rows, where);
  Array<T> result = new_array<T>(shape_of(probabilities));
  T* out = result.mutable_data();
  const py::gil_scoped_release release;
  cross_entropy_gradient(probabilities.data(), checked.targets, T(margin), d_loss.data(), out,
                         rows.N, rows.C);
  return result;
}

template <typename T>
void register_row_loss(py::module_& m, const RowLoss& loss) {
  const std::string gradient_name = std::string(loss.name) + "_gradient";
  const auto target = py::arg("target").noconvert(), prediction = py::arg("prediction").noconvert();
  const auto d_loss = py::arg("d_loss").noconvert();
  if (loss.has_number) {
    m.def(
        loss.name,
        [&loss](const Array<T>& t, const Array<T>& p, double number) {
          return loss_value<T>(loss, t, p, number);
        },
        target, prediction, py::arg("number"));
    m.def(
        gradient_name.c_str(),
        [&loss](const Array<T>& t, const Array<T>& p, const Array<T>& d, bool by_target,
                double number) { return loss_gradient<T>(loss, t, p, d, by_target, number); },
        target, prediction, d_loss, py::arg("by_target"), py::arg("number"));
    return;
  }
  m.def(
      loss.name,
      [&loss](const Array<T>& t, const Array<T>& p) { return loss_value<T>(loss, t, p, 0); },
      target, prediction);
  m.def(
      gradient_name.c_str(),
      [&loss](const Array<T>& t, const Array<T>& p, const Array<T>& d, bool by_target) {
        return loss_gradient<T>(loss, t, p, d, by_target, 0);
      },
      target, prediction, d_loss, py::arg("by_target"));
}

template <typename T>
void register_for(py::module_& m) {
  m.def(
      "scaled_sum",
      [](const Array<T>& values, double share) {
        Array<T> total = new_array<T>({});
        *total.mutable_data() = scaled_sum(values.data(), values.size(), share);
        return total;
      },
      py::arg("values").noconvert(), py::arg("share"));
  m.def("softmax", &softmax_of<T, &softmax<T>>, py::arg("x").noconvert());
  m.def("softmax_gradient", &softmax_gradient_of<T, &softmax_gradient<T>>, py::arg("y").noconvert(),
        py::arg("dy").noconvert());
  m.def("log_softmax", &softmax_of<T, &log_softmax<T>>, py::arg("x").noconvert());
  m.def("log_softmax_gradient", &softmax_gradient_of<T, &log_softmax_gradient<T>>,
        py::arg("y").noconvert(), py::arg("dy").noconvert());
  m.def("softmax_cross_entropy", &softmax_cross_entropy_of<T>, py::arg("target"),
        py::arg("logits").noconvert(), py::arg("ignored") = py::none());
  m.def("softmax_cross_entropy_gradient", &softmax_cross_entropy_gradient_of<T>, py::arg("target"),
        py::arg("logits").noconvert(), py::arg("scales").noconvert(), py::arg("d_loss").noconvert(),
        py::arg("ignored") = py::none());
  m.def("cross_entropy", &cross_entropy_of<T>, py::arg("target"),
        py::arg("probabilities").noconvert(), py::arg("margin"), py::arg("ignored") = py::none());
  m.def("cross_entropy_gradient", &cross_entropy_gradient_of<T>, py::arg("target"),
        py::arg("probabilities").noconvert(), py::arg("d_loss").noconvert(), py::arg("margin"),
        py::arg("ignored") = py::none());
  for (const RowLoss& loss : row_losses()) register_row_loss<T>(m, loss);
}

}  // namespace

void register_losses(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace lamina::bindings
