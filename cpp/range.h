#pragma once

#include <cstdint>

namespace lamina {

struct Range {
  int64_t begin, end;  // the first, and the one behind the last
  bool operator==(const Range&) const = default;
};

}  // namespace lamina
