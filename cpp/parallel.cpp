#include "parallel.h"

#include <cstdlib>

namespace lamina {
namespace {

std::atomic<int> chosen_threads{0};

// OMP_NUM_THREADS may be a list, whose first number counts; what is none says nothing.
int default_threads() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  const long said = text ? std::strtol(text, nullptr, 10) : 0;
  constexpr long most = 1024;
  return said > 0 ? int(std::min(said, most)) : cores();
}

}  // namespace

int num_threads() {
  static const int otherwise = default_threads();
  const int threads = chosen_threads;
  return threads > 0 ? threads : otherwise;
}

void set_num_threads(int threads) { chosen_threads = threads; }

}  // namespace lamina
