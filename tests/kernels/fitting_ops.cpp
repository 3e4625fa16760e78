// The operations of a fit: the likelihood and the parts of its gradient, on the CPU and on the GPU,
// against the definition written down sample by sample and its central differences.
#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "models/starlight/kernel.hpp"
#include "tests/kernels/fit_fixture.hpp"
#include "tests/kernels/parity.hpp"

namespace polaris {
namespace {

constexpr int kStep = 3;  // of the optimiser: selects the dropout

/// Kernel inputs of sample i (network.hpp, with dropout between the layers).
Eigen::VectorXd reference_inputs(const FitProblem& problem, const ModelParameters& model, int i) {
  const double* p = model.encoder.data();
  const double* x = problem.x.col(i).data();
  const auto layer = [&](int weight, int bias, const double* in, int rows, int columns, double* out,
                         int first_unit) {
    affine(p + weight, p + bias, in, rows, columns, out);
    for (int r = 0; r < rows; ++r) {
      const int unit = first_unit + r;
      out[r] = gelu(out[r]);
      if (problem.dropout.rate > 0.0)
        out[r] *=
            problem.dropout.factors(static_cast<std::uint64_t>(i), unit / Dropout::kUnits, kStep)
                .unit[unit % Dropout::kUnits];
    }
  };
  double hidden1[kHidden1], hidden2[kHidden2];
  layer(EncoderLayout::weight1, EncoderLayout::bias1, x, kHidden1, kFeatures, hidden1, 0);
  layer(EncoderLayout::weight2, EncoderLayout::bias2, hidden1, kHidden2, kHidden1, hidden2,
        kHidden1);
  Eigen::VectorXd out = Eigen::VectorXd::Zero(kKernelInputs);
  for (int k = 0; k < kLatent; ++k) {
    out[k] = p[EncoderLayout::bias3 + k];
    for (int h = 0; h < kHidden2; ++h)
      out[k] += p[EncoderLayout::weight3 + k * kHidden2 + h] * hidden2[h];
    for (int f = 0; f < kFeatures; ++f) out[k] += p[EncoderLayout::skip + k * kFeatures + f] * x[f];
  }
  if (problem.raw_inputs) out.tail(kFeatures) = problem.x.col(i);
  return out;
}

/// -ln p(targets), from the density of a normal distribution.
double reference_value(const FitProblem& problem, const ModelParameters& model) {
  const auto n = static_cast<int>(problem.x.cols());
  std::vector<Eigen::VectorXd> inputs;
  for (int i = 0; i < n; ++i) inputs.push_back(reference_inputs(problem, model, i));
  Eigen::MatrixXd covariance(n, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      double d2 = 0.0;
      for (int k = 0; k < kKernelInputs; ++k)
        d2 += std::pow(
            (inputs[static_cast<std::size_t>(i)][k] - inputs[static_cast<std::size_t>(j)][k]) *
                std::exp(-model.log_length[static_cast<std::size_t>(k)]),
            2);
      covariance(i, j) = matern52(d2) + (i == j ? std::exp(model.log_noise) : 0.0);
    }
  double out = 0.0;
  for (std::size_t o = 0; o < model.outputs.size(); ++o) {
    const OutputParameters& output = model.outputs[o];
    Eigen::VectorXd residual = problem.targets.col(static_cast<Eigen::Index>(o));
    for (int i = 0; i < n; ++i) {
      residual[i] -= output.bias;
      for (int k = 0; k < kKernelInputs; ++k)
        residual[i] -=
            output.weight[static_cast<std::size_t>(k)] * inputs[static_cast<std::size_t>(i)][k];
    }
    const Eigen::FullPivLU<Eigen::MatrixXd> lu(std::exp(2.0 * output.log_sd) * covariance);
    out += 0.5 *
           (residual.dot(lu.solve(residual)) + lu.matrixLU().diagonal().array().abs().log().sum() +
            n * std::log(2.0 * std::numbers::pi));
  }
  return out;
}

/// The problem of a shape; variant: bit 0 one output instead of two, bit 1 no dropout, bit 2 no raw
/// inputs.
FitCase fit_case(const ParityCase& shape) {
  return {.samples = shape.samples,
          .outputs = (shape.variant & 1) != 0 ? 1 : 2,
          .dropout = (shape.variant & 2) != 0 ? 0.0 : 0.3,
          .raw_inputs = (shape.variant & 4) == 0};
}

using MakeLikelihood = std::unique_ptr<FitLikelihood> (*)(FitProblem);

ParityOp fit_op(
    const std::string& name, double bound,
    const std::function<ParityValues(double value, const std::vector<double>& gradient,
                                     int outputs)>& read,
    const std::function<ParityValues(const FitProblem&, const ModelParameters&)>& reference) {
  std::vector<ParityCase> cases;
  for (const int samples : {1, 2, 15, 16, 17, 31, 32, 33})
    cases.push_back({.candidates = samples, .samples = samples, .variant = samples % 8});
  for (int variant = 0; variant < 8; ++variant)
    cases.push_back({.candidates = 20, .samples = 20, .variant = variant});
  ParityOp op{name,
              cases,
              [reference](const ParityCase& shape) {
                const FitCase c = fit_case(shape);
                return reference(fit_problem(c), fit_parameters(c));
              },
              largest_relative_difference,
              {}};
  const auto way = [&](const char* backend, MakeLikelihood make) {
    op.ways.push_back({backend, bound, [read, make](const ParityCase& shape) {
                         const FitCase c = fit_case(shape);
                         std::vector<double> gradient;
                         const double value =
                             make(fit_problem(c))->evaluate(fit_parameters(c), kStep, gradient);
                         return read(value, gradient, c.outputs);
                       }});
  };
  way("cpu_fp64", make_cpu_likelihood);
  way("cuda_fp64", [](FitProblem problem) { return make_cuda_likelihood(problem); });
  return op;
}

/// Some of the parameters [begin, end) of the fit: the first, the last and those between in steps.
std::vector<int> some_places(int begin, int end) {
  constexpr int kBetween = 5;
  std::vector<int> out{end - 1};
  for (int i = 0; i < kBetween; ++i) out.push_back(begin + (end - begin) * i / kBetween);
  return out;
}

/// `places`: which parameters' slopes are compared, for a number of outputs.
ParityOp gradient_op(const std::string& name,
                     const std::function<std::vector<int>(int outputs)>& places) {
  constexpr double kMove = 1e-4, kBound = 1e-6;
  return fit_op(
      name, kBound,
      [places](double, const std::vector<double>& gradient, int outputs) {
        ParityValues out;
        for (const int at : places(outputs)) out.push_back(gradient[static_cast<std::size_t>(at)]);
        return out;
      },
      [places](const FitProblem& problem, const ModelParameters& model) {
        ParityValues out;
        for (const int at : places(static_cast<int>(model.outputs.size()))) {
          const auto moved = [&](double by) {
            std::vector<double> parameters = pack(model);
            parameters[static_cast<std::size_t>(at)] += by;
            ModelParameters other = model;
            unpack(parameters, other);
            return reference_value(problem, other);
          };
          out.push_back((moved(kMove) - moved(-kMove)) / (2.0 * kMove));
        }
        return out;
      });
}

}  // namespace

std::vector<ParityOp> fitting_ops() {
  constexpr double kRounding = 1e-10;
  std::vector<ParityOp> out;
  out.push_back(fit_op(
      "fit_likelihood", kRounding,
      [](double value, const std::vector<double>&, int) { return ParityValues{value}; },
      [](const FitProblem& problem, const ModelParameters& model) {
        return ParityValues{reference_value(problem, model)};
      }));
  out.push_back(gradient_op("fit_encoder_gradient", [](int) {
    std::vector<int> places;
    for (const auto& [begin, end] : {std::pair{EncoderLayout::skip, EncoderLayout::weight1},
                                     std::pair{EncoderLayout::weight1, EncoderLayout::bias1},
                                     std::pair{EncoderLayout::bias1, EncoderLayout::weight2},
                                     std::pair{EncoderLayout::weight2, EncoderLayout::bias2},
                                     std::pair{EncoderLayout::bias2, EncoderLayout::weight3},
                                     std::pair{EncoderLayout::weight3, EncoderLayout::bias3},
                                     std::pair{EncoderLayout::bias3, EncoderLayout::size}}) {
      const std::vector<int> some = some_places(begin, end);
      places.insert(places.end(), some.begin(), some.end());
    }
    return places;
  }));
  out.push_back(gradient_op("fit_covariance_gradient", [](int) {
    std::vector<int> places = some_places(FitLayout::length, FitLayout::noise);
    places.push_back(FitLayout::noise);
    return places;
  }));
  out.push_back(gradient_op("fit_mean_gradient", [](int outputs) {
    std::vector<int> places;
    for (int o = 0; o < outputs; ++o) {
      const int first = FitLayout::output(o);
      places.push_back(first + FitLayout::log_sd);
      places.push_back(first + FitLayout::bias);
      const std::vector<int> some =
          some_places(first + FitLayout::weight, first + FitLayout::output_size);
      places.insert(places.end(), some.begin(), some.end());
    }
    return places;
  }));
  return out;
}

}  // namespace polaris
