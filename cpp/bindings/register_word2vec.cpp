#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bindings/bindings.h"
#include "word2vec/huffman.h"
#include "word2vec/sampler.h"
#include "word2vec/trainer.h"

namespace lamina::bindings {
namespace {

using word2vec::Matrices;
using word2vec::Segment;
using word2vec::SegmentResult;
using word2vec::Trainer;
using word2vec::TrainerOptions;
using word2vec::Window;

// A trainer together with the arrays that it reads and writes.
class BoundTrainer {
 public:
  BoundTrainer(const Array<int32_t>& ids, const Array<int64_t>& counts, const py::array& inputs,
               const py::object& outputs, const py::object& nodes, const TrainerOptions& options)
      : ids_(ids), inputs_(inputs), outputs_(outputs), nodes_(nodes) {
    const int64_t V = counts.size();
    Matrices matrices;
    matrices.inputs = rows(inputs, "inputs", V, matrices);
    if (!outputs.is_none()) matrices.outputs = rows(outputs, "outputs", V, matrices);
    if (!nodes.is_none()) matrices.nodes = rows(nodes, "nodes", V - 1, matrices);
    if ((options.softmax || options.negative_samples > 0) && !matrices.outputs) {
      throw py::value_error("this objective needs outputs");
    }
    if (options.hierarchical && !matrices.nodes)
      throw py::value_error("this objective needs nodes");
    if (options.window < 1 || options.window > UINT16_MAX) {
      throw py::value_error("window must be between 1 and 65535");
    }
    std::vector<int64_t> word_counts(counts.data(), counts.data() + V);
    if (std::any_of(word_counts.begin(), word_counts.end(), [](int64_t n) { return n < 1; })) {
      throw py::value_error("every word must have been counted at least once");
    }
    const int32_t* data = ids.data();
    const int64_t size = ids.size();
    py::gil_scoped_release release;
    const bool known = std::all_of(data, data + size, [V](int32_t id) {
      return id == word2vec::kSentenceEnd || (id >= 0 && id < V);
    });
    if (!known) throw py::index_error("an id of the corpus is outside the vocabulary");
    trainer_ = std::make_unique<Trainer>(options, std::move(word_counts), data, size, matrices);
  }

  int64_t unit_size() const { return trainer_->unit_size(); }
  int64_t units() const { return trainer_->units(); }

  // The last run's epoch and result. A caller interrupted before it could note them asks here.
  py::tuple last_run() const {
    return py::make_tuple(epoch_, last_.next_unit, last_.loss, last_.pairs, last_.words);
  }

  SegmentResult run(const Segment& segment) {
    if (segment.first_unit < 0 || segment.epoch < 0) {
      throw py::value_error("epoch and first_unit must not be negative");
    }
    py::gil_scoped_release release;
    last_ = trainer_->run(segment);
    epoch_ = segment.epoch;
    return last_;
  }

 private:
  static float* rows(const py::object& object, const char* name, int64_t V, Matrices& matrices) {
    const RowMatrix matrix = row_matrix(object.cast<py::array>(), name, true);
    const std::string prefix = std::string(name) + ": ";
    if (matrix.rows != V) {
      throw py::value_error(prefix + "wanted " + std::to_string(V) + " rows, got " +
                            std::to_string(matrix.rows));
    }
    if (matrix.columns % 16 != 0 || matrix.stride != matrix.columns ||
        (matrices.D != 0 && matrix.columns != matrices.D)) {
      throw py::value_error(prefix + "rows must be padded to the same multiple of 16 floats");
    }
    if (reinterpret_cast<uintptr_t>(matrix.data) % 64 != 0) {
      throw py::value_error(prefix + "rows must be aligned to 64 bytes");
    }
    matrices.D = matrix.columns;
    return matrix.data;
  }

  Array<int32_t> ids_;
  py::array inputs_;
  py::object outputs_, nodes_;
  std::unique_ptr<Trainer> trainer_;
  int64_t epoch_ = 0;
  SegmentResult last_;
};

// One step on explicit rows, so that tests can hold it against a reference.
double window_step(const py::array& inputs, const std::vector<int64_t>& input_rows,
                   const py::array& outputs, const std::vector<int64_t>& output_rows,
                   const std::vector<float>& labels, float learning_rate, bool softmax) {
  const RowMatrix in = row_matrix(inputs, "inputs", true),
                  out = row_matrix(outputs, "outputs", true);
  if (in.columns != out.columns || in.columns % 16 != 0 || in.stride != in.columns ||
      out.stride != out.columns) {
    throw py::value_error("inputs and outputs must be padded to the same multiple of 16 floats");
  }
  if (labels.size() != output_rows.size())
    throw py::value_error("wanted one label for each output");
  Window window(int64_t(input_rows.size()), int64_t(output_rows.size()));
  for (int64_t row : input_rows) {
    if (row < 0 || row >= in.rows) throw py::index_error("input row " + std::to_string(row));
    window.add_context(in.data + row * in.stride);
  }
  for (size_t m = 0; m < output_rows.size(); ++m) {
    const int64_t row = output_rows[m];
    if (row < 0 || row >= out.rows) throw py::index_error("output row " + std::to_string(row));
    window.add_output(out.data + row * out.stride, labels[m]);
  }
  word2vec::StepOptions options;
  if (softmax) options.activation = word2vec::Activation::kSoftmax;
  options.with_loss = true;
  word2vec::Scratch scratch;
  return word2vec::window_step(window, in.columns, learning_rate, options, scratch);
}

py::tuple huffman_tree(const Array<int64_t>& counts) {
  const word2vec::HuffmanTree tree =
      word2vec::build_huffman_tree({counts.data(), counts.data() + counts.size()});
  return py::make_tuple(Array<int64_t>(py::ssize_t(tree.offsets.size()), tree.offsets.data()),
                        Array<int32_t>(py::ssize_t(tree.nodes.size()), tree.nodes.data()),
                        Array<uint8_t>(py::ssize_t(tree.codes.size()), tree.codes.data()));
}

Array<int32_t> draw_ids(const std::vector<double>& weights, int64_t count, uint64_t seed) {
  if (weights.empty()) throw py::value_error("wanted at least one weight");
  const word2vec::AliasTable table(weights);
  Random random(seed);
  Array<int32_t> ids(count);
  std::generate_n(ids.mutable_data(), count, [&] { return table.draw(random); });
  return ids;
}

}  // namespace

void register_word2vec(py::module_& m) {
  py::class_<BoundTrainer>(m, "Trainer", py::module_local())
      .def(py::init([](const Array<int32_t>& ids, const Array<int64_t>& counts,
                       const py::array& inputs, const py::object& outputs, const py::object& nodes,
                       bool skip_gram, bool softmax, bool hierarchical, int64_t negative_samples,
                       double negative_exponent, double sample, int64_t window, bool shrink_windows,
                       bool average_context, bool with_loss, uint64_t seed) {
             const TrainerOptions options{
                 skip_gram,         softmax,   hierarchical, negative_samples,
                 negative_exponent, sample,    window,       shrink_windows,
                 average_context,   with_loss, seed};
             return std::make_unique<BoundTrainer>(ids, counts, inputs, outputs, nodes, options);
           }),
           py::arg("ids").noconvert(), py::arg("counts").noconvert(), py::arg("inputs"),
           py::arg("outputs"), py::arg("nodes"), py::kw_only(), py::arg("skip_gram"),
           py::arg("softmax"), py::arg("hierarchical"), py::arg("negative_samples"),
           py::arg("negative_exponent"), py::arg("sample"), py::arg("window"),
           py::arg("shrink_windows"), py::arg("average_context"), py::arg("with_loss"),
           py::arg("seed"))
      .def_property_readonly("unit_size", &BoundTrainer::unit_size)
      .def_property_readonly("units", &BoundTrainer::units)
      .def_property_readonly("last_run", &BoundTrainer::last_run)
      .def(
          "run",
          [](BoundTrainer& trainer, int64_t epoch, int64_t first_unit, double first_learning_rate,
             double last_learning_rate, double seconds, int threads) {
            const SegmentResult result = trainer.run(
                {epoch, first_unit, first_learning_rate, last_learning_rate, seconds, threads});
            return py::make_tuple(result.next_unit, result.loss, result.pairs, result.words);
          },
          py::kw_only(), py::arg("epoch"), py::arg("first_unit"), py::arg("first_learning_rate"),
          py::arg("last_learning_rate"), py::arg("seconds"), py::arg("threads"));
  m.def("window_step", &window_step, py::arg("inputs"), py::arg("input_rows"), py::arg("outputs"),
        py::arg("output_rows"), py::arg("labels"), py::arg("learning_rate"), py::arg("softmax"));
  m.def("huffman_tree", &huffman_tree, py::arg("counts").noconvert());
  m.def("draw_ids", &draw_ids, py::arg("weights"), py::arg("count"), py::arg("seed"));
}

}  // namespace lamina::bindings
