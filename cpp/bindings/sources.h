// What the readers of a corpus take from Python, and how they tell it what went wrong.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "word2vec/corpus.h"

namespace lamina::bindings {

// sources: (descriptor of an open file, how many of its bytes) in their order.
using Sources = std::vector<std::pair<int, int64_t>>;

word2vec::Layout make_layout(const Sources& sources, bool lines, int64_t sentence_limit,
                             int threads);

// None, or what went wrong, in which source, at which byte, and errno: Python knows the names.
py::object fault_tuple(const word2vec::Fault& fault);

}  // namespace lamina::bindings
