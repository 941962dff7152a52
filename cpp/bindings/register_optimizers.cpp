#include <cmath>
#include <limits>
#include <utility>

#include "bindings/bindings.h"
#include "optimizers.h"

namespace lamina::bindings {
namespace {

using namespace lamina::optimizers;

constexpr double kNoClip = std::numeric_limits<double>::infinity();

// How Keras changes gradients before any rule sees them; a limit of 0 is none.
struct Options {
  double gradient_scale, clipvalue, clipnorm, global_clipnorm, decay;
  bool lazy;
};

template <typename T>
T* writeable_data(const py::handle& object, const char* what) {
  const auto fail = [&](const char* how) {
    throw py::value_error(std::string("optimizer: ") + what + how);
  };
  if (!py::isinstance<Array<T>>(object)) fail(" must be contiguous and of the weights' dtype");
  auto array = py::reinterpret_borrow<Array<T>>(object);
  if (!array.writeable()) fail(" are read-only");
  return array.mutable_data();
}

void check_rows(const Array<int64_t>& rows, int64_t V) {
  const int64_t* at = rows.data();
  int64_t before = -1;
  for (int64_t r = 0; r < rows.shape(0); before = at[r++]) {
    if (before < at[r] && at[r] < V) continue;
    throw py::value_error("optimizer: rows must ascend within [0, " + std::to_string(V) +
                          "), got " + std::to_string(at[r]) + " after " + std::to_string(before));
  }
}

// `gradient` is an array of the weights' shape, or a tuple (rows, values).
template <typename T>
Parameter<T> parameter_of(const Array<T>& weights, const py::handle& gradient,
                          const py::handle& slots, const py::handle& clock, int slot_count) {
  Parameter<T> p{};
  p.V = weights.ndim() > 0 ? weights.shape(0) : 1;
  p.D = p.V > 0 ? weights.size() / p.V : 0;
  p.weights = writeable_data<T>(weights, "weights");
  const auto shape_error = [&](const char* what, const py::array& got) {
    throw py::value_error(std::string("optimizer: ") + what + " of shape " + shape_text(got) +
                          " for weights of shape " + shape_text(weights));
  };
  const auto list = py::cast<py::sequence>(slots);
  if (int(list.size()) != slot_count) {
    throw py::value_error("optimizer: this rule has " + std::to_string(slot_count) +
                          " slots, got " + std::to_string(list.size()));
  }
  for (int k = 0; k < slot_count; ++k) {
    const py::object slot = list[size_t(k)];
    p.slots[k] = writeable_data<T>(slot, "slots");
    const auto array = py::reinterpret_borrow<py::array>(slot);
    if (array.size() != weights.size()) shape_error("a slot", array);
  }
  const auto array_of_gradient = [&](const py::handle& object) {
    if (!py::isinstance<Array<T>>(object)) {
      throw py::value_error("optimizer: a gradient must be contiguous and of the weights' dtype");
    }
    return py::reinterpret_borrow<Array<T>>(object);
  };
  if (!py::isinstance<py::tuple>(gradient)) {
    const Array<T> g = array_of_gradient(gradient);
    if (shape_of(g) != shape_of(weights)) shape_error("a gradient", g);
    p.gradient = g.data();
  } else {
    const auto pair = py::reinterpret_borrow<py::tuple>(gradient);
    require(pair.size() == 2 && py::isinstance<Array<int64_t>>(pair[0]),
            "optimizer: a gradient by rows is (rows of int64, values)");
    const auto rows = py::reinterpret_borrow<Array<int64_t>>(pair[0]);
    const Array<T> values = array_of_gradient(pair[1]);
    p.R = values.ndim() > 0 ? values.shape(0) : 0;
    if (rows.ndim() != 1 || rows.shape(0) != p.R || values.ndim() != weights.ndim() ||
        values.size() != p.R * p.D) {
      shape_error("a gradient by rows", values);
    }
    check_rows(rows, p.V);
    p.rows = rows.data();
    p.gradient = values.data();
  }
  if (!clock.is_none()) {
    p.clock = writeable_data<int64_t>(clock, "clock");
    const auto array = py::reinterpret_borrow<py::array>(clock);
    if (array.size() != p.V + 1) shape_error("a clock", array);
  }
  return p;
}

template <typename T>
double squared_norm(const Parameter<T>& p) {
  return sum_of_squares(p.gradient, p.rows ? p.R * p.D : p.V * p.D);
}

// What a gradient is multiplied by for its norm to be at most `limit`.
double scale_to(double limit, double norm) { return norm <= limit ? 1 : limit / norm; }

// Updates every variable of a list. Nothing is changed unless all arguments are right.
template <typename Rule>
void update_all(const Rule& rule, const py::list& weights, const py::list& gradients,
                const py::list& slots, const py::object& clocks, const Options& options) {
  const size_t count = weights.size();
  require(gradients.size() == count && slots.size() == count,
          "optimizer: as many gradients and slots are needed as weights");
  std::vector<Parameter<float>> floats;
  std::vector<Parameter<double>> doubles;
  const int slot_count = slots_of(rule);
  for (size_t i = 0; i < count; ++i) {
    const py::object clock = clocks.is_none() ? py::none() : py::object(clocks[py::int_(i)]);
    if (py::isinstance<Array<float>>(weights[i])) {
      floats.push_back(parameter_of(py::reinterpret_borrow<Array<float>>(weights[i]), gradients[i],
                                    slots[i], clock, slot_count));
    } else {
      if (!py::isinstance<Array<double>>(weights[i])) {
        throw py::value_error("optimizer: weights must be contiguous arrays of float32 or float64");
      }
      doubles.push_back(parameter_of(py::reinterpret_borrow<Array<double>>(weights[i]),
                                     gradients[i], slots[i], clock, slot_count));
    }
  }
  py::gil_scoped_release release;
  const auto each = [&](auto use) {
    for (const auto& p : floats) use(p);
    for (const auto& p : doubles) use(p);
  };
  const double size = std::abs(options.gradient_scale);
  double scale = options.gradient_scale;
  if (options.global_clipnorm > 0) {
    double total = 0;
    each([&](const auto& p) { total += squared_norm(p); });
    scale *= scale_to(options.global_clipnorm, size * std::sqrt(total));
  }
  each([&](const auto& p) {
    double its_scale = scale;
    if (options.clipnorm > 0) {
      its_scale *= scale_to(options.clipnorm, size * std::sqrt(squared_norm(p)));
    }
    const double clip = options.clipvalue > 0 ? options.clipvalue : kNoClip;
    update(rule, p, Common{its_scale, clip, options.decay, options.lazy});
  });
}

// Defines update_NAME(weights, gradients, slots, clocks, options, *the rule's own numbers).
template <typename Rule, typename... Numbers>
void define(py::module_& m, const char* name) {
  m.def(name, [](const py::list& weights, const py::list& gradients, const py::list& slots,
                 const py::object& clocks, const Options& options, Numbers... numbers) {
    update_all(Rule{numbers...}, weights, gradients, slots, clocks, options);
  });
}

template <typename T>
void define_for(py::module_& m) {
  m.def(
      "catch_up",
      [](const py::list& slots, Array<int64_t>& clock, double rho) {
        std::vector<T*> data;
        const int64_t V = clock.size() - 1;
        require(V >= 0, "catch_up: an empty clock");
        int64_t size = -1;
        for (const py::handle slot : slots) {
          if (!py::isinstance<Array<T>>(slot)) throw py::reference_cast_error();
          data.push_back(writeable_data<T>(slot, "slots"));
          const auto array = py::reinterpret_borrow<py::array>(slot);
          require(size < 0 || array.size() == size, "catch_up: slots of different sizes");
          size = array.size();
          require(array.ndim() > 0 && array.shape(0) == V, "catch_up: a clock of another table");
        }
        if (V == 0 || data.empty()) return;
        int64_t* times = writeable_data<int64_t>(clock, "clock");
        py::gil_scoped_release release;
        catch_up(data.data(), int(data.size()), V, size / V, times, rho);
      },
      py::arg("slots"), py::arg("clock").noconvert(), py::arg("rho"));
  m.def(
      "sum_of_squares",
      [](const Array<T>& x) {
        const T* data = x.data();
        const int64_t size = x.size();
        py::gil_scoped_release release;
        return sum_of_squares(data, size);
      },
      py::arg("x").noconvert());
}

}  // namespace

void register_optimizers(py::module_& m) {
  py::class_<Options>(m, "UpdateOptions", py::module_local())
      .def(py::init([](double gradient_scale, double clipvalue, double clipnorm,
                       double global_clipnorm, double decay, bool lazy) {
             return Options{gradient_scale, clipvalue, clipnorm, global_clipnorm, decay, lazy};
           }),
           py::arg("gradient_scale") = 1.0, py::arg("clipvalue") = 0.0, py::arg("clipnorm") = 0.0,
           py::arg("global_clipnorm") = 0.0, py::arg("decay") = 0.0, py::arg("lazy") = false);
  define<Sgd, double>(m, "update_sgd");
  define<Momentum, double, double, bool>(m, "update_momentum");
  define<Rmsprop, double, double, double, double, bool>(m, "update_rmsprop");
  define<Adam, double, double, double, double, bool, double>(m, "update_adam");
  define<Adagrad, double, double>(m, "update_adagrad");
  define<Adadelta, double, double, double>(m, "update_adadelta");
  define<Adamax, double, double, double, double, double>(m, "update_adamax");
  define<Nadam, double, double, double, double, double, double>(m, "update_nadam");
  define_for<float>(m);
  define_for<double>(m);
}

}  // namespace lamina::bindings
