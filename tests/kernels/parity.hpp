// One harness for every operation: the float64 reference, the CPU engine and the CUDA engine in
// each of its precisions work on the same inputs, and every way has to stay within its bound.
// A new operation is one entry in a table (scoring_ops.cpp, ranking_ops.cpp, fitting_ops.cpp) that
// parity_ops() returns.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace polaris {

using ParityValues = std::vector<double>;

/// Sizes of a problem; what an operation does not have it leaves alone.
struct ParityCase {
  int candidates = 65;
  int samples = 33;
  int k = 0;
  int variant = 0;  ///< which of the operation's kinds

  friend auto operator<=>(const ParityCase&, const ParityCase&) = default;
};

/// make(shape), computed once for each shape.
template <typename T>
std::function<const T&(const ParityCase&)> remembered(std::function<T(const ParityCase&)> make) {
  const auto known = std::make_shared<std::map<ParityCase, T>>();
  return [make, known](const ParityCase& shape) -> const T& {
    const auto found = known->find(shape);
    return found != known->end() ? found->second : known->emplace(shape, make(shape)).first->second;
  };
}

/// An implementation under test.
struct ParityWay {
  std::string name;  ///< "cuda bf16"
  double bound;      ///< on the operation's error
  std::function<ParityValues(const ParityCase&)> run;
};

struct ParityOp {
  std::string name;
  std::vector<ParityCase> cases;  ///< edge shapes; the last one is also timed
  std::function<ParityValues(const ParityCase&)> reference;  ///< slow, float64
  /// Of what a way gave (first) against the reference; infinite where they cannot be compared.
  std::function<double(const ParityValues&, const ParityValues&)> error;
  std::vector<ParityWay> ways;
};

inline void PrintTo(const ParityOp& op, std::ostream* out) { *out << op.name; }

/// Largest |difference|; NaN only equals NaN.
inline double largest_difference(const ParityValues& got, const ParityValues& expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return kInfinity;
  double out = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(expected[i])) return kInfinity;
    if (got[i] != expected[i] && !std::isnan(got[i]))
      out = std::fmax(out, std::abs(got[i] - expected[i]));
  }
  return out;
}

/// Largest |difference| / (1 + |expected|).
inline double largest_relative_difference(const ParityValues& got, const ParityValues& expected) {
  ParityValues left, right;
  if (got.size() != expected.size()) return largest_difference(got, expected);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double unit = 1.0 + std::abs(expected[i]);
    left.push_back(got[i] / unit);
    right.push_back(expected[i] / unit);
  }
  return largest_difference(left, right);
}

/// What a candidate goes through while it is scored (scoring_ops.cpp).
std::vector<ParityOp> scoring_ops();

/// The k best of many candidates (ranking_ops.cpp).
std::vector<ParityOp> ranking_ops();

/// The likelihood of a fit and the parts of its gradient (fitting_ops.cpp).
std::vector<ParityOp> fitting_ops();

/// All operations.
std::vector<ParityOp> parity_ops();

}  // namespace polaris
