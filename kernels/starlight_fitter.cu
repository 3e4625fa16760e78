// One step of a fit as queued work: plain host code around the kernels and libraries.
//
//   encoder_forward -> covariance -> potrf, potrs -> factor_terms -> potri -> covariance_gradient
//     -> gemm -> gradient_terms, encoder_backward -> one download
//
// A covariance that rounding has made indefinite shows in what is downloaded; the step is then
// repeated with jitter, as on the CPU.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/covariance.cuh"
#include "kernels/covariance_gradient.cuh"
#include "kernels/device/buffer.hpp"
#include "kernels/device/library_handle.hpp"
#include "kernels/device/range.hpp"
#include "kernels/encoder_backward.cuh"
#include "kernels/encoder_forward.cuh"
#include "kernels/likelihood_terms.cuh"
#include "kernels/starlight_fitter.hpp"
#include "models/starlight/jitter.hpp"

namespace polaris {
namespace {

constexpr std::size_t kTerms = sizeof(LikelihoodTerms) / sizeof(double);

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

void expect(bool condition, const std::string& expected) {
  if (!condition) throw std::invalid_argument("StarlightFitter: expected " + expected);
}

/// Makes the device current before anything is allocated.
const FitterData& checked(const FitterData& data) {
  expect(data.samples >= 1, "at least one sample, got " + std::to_string(data.samples));
  expect(data.outputs >= 1 && data.outputs <= kMaxOutputs,
         "1 to " + std::to_string(kMaxOutputs) + " outputs, got " + std::to_string(data.outputs));
  const auto n = static_cast<std::size_t>(data.samples);
  expect(data.features.size() == n * kFeatures && all_finite(data.features),
         std::to_string(n * kFeatures) + " finite features");
  expect(
      data.targets.size() == n * static_cast<std::size_t>(data.outputs) && all_finite(data.targets),
      std::to_string(n * static_cast<std::size_t>(data.outputs)) + " finite targets");
  POLARIS_CUDA(cudaSetDevice(data.device));
  return data;
}

}  // namespace

class StarlightFitter::Impl {
 public:
  explicit Impl(const FitterData& data)
      : device_(checked(data).device),
        samples_(data.samples),
        outputs_(data.outputs),
        raw_inputs_(data.raw_inputs),
        dropout_(data.dropout),
        n_(static_cast<std::size_t>(data.samples)),
        columns_(n_ + static_cast<std::size_t>(data.outputs)),
        // The largest first: what does not fit is refused at once.
        covariance_(n_ * n_, "the covariance of a fit's samples"),
        gradient_and_alpha_(n_ * columns_, "the gradient of a fit's covariance"),
        blas_(stream_),
        solver_(stream_),
        work_(work_elements(), "the Cholesky factor of a fit"),
        info_(kCalls, "the Cholesky factor of a fit"),
        features_(n_ * kFeatures, kPurpose),
        targets_(data.targets.size(), kPurpose),
        parameters_(parameter_count() + kKernelInputs + static_cast<std::size_t>(outputs_),
                    kPurpose),
        pre1_(n_ * kHidden1, kPurpose),
        pre2_(n_ * kHidden2, kPurpose),
        scaled_(n_ * (kKernelInputs + 1), kPurpose),
        norm_(n_, kPurpose),
        residual_(data.targets.size(), kPurpose),
        product_(columns_ * (kKernelInputs + 1), kPurpose),
        partial_(static_cast<std::size_t>(encoder_blocks(samples_)) * EncoderLayout::size,
                 kPurpose),
        result_(kTerms + parameter_count(), kPurpose) {
    std::vector<double> by_feature(data.features.size());
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t f = 0; f < kFeatures; ++f)
        by_feature[f * n_ + i] = data.features[i * kFeatures + f];
    features_.upload(by_feature, stream_);
    targets_.upload(data.targets, stream_);
    stream_.synchronize();
  }

  double evaluate(std::span<const double> parameters, int step, std::span<double> gradient) {
    const ProfilerRange range("fit step");
    expect(parameters.size() == parameter_count() && all_finite(parameters),
           std::to_string(parameter_count()) + " finite parameters");
    expect(gradient.size() == parameters.size(),
           std::to_string(parameters.size()) + " elements for the gradient");
    POLARIS_CUDA(cudaSetDevice(device_));
    std::vector<double> uploaded(parameters.begin(), parameters.end());
    for (std::size_t k = 0; k < kKernelInputs; ++k)
      uploaded.push_back(std::exp(-parameters[FitLayout::length + k]));
    for (int o = 0; o < outputs_; ++o) uploaded.push_back(precision_of(parameters, o));
    parameters_.upload(uploaded, stream_);
    const double noise = std::exp(parameters[FitLayout::noise]);
    for (double jitter = 0.0;; jitter = next_jitter(jitter)) {
      queue_step(step, noise + jitter);
      const std::vector<double> result = result_.download(stream_);
      LikelihoodTerms terms;
      std::memcpy(&terms, result.data(), sizeof terms);
      // What overflowed is no number, and cuSOLVER need not object to it.
      if (terms.failure == 0.0 && std::isfinite(terms.log_determinant)) {
        std::copy(result.begin() + kTerms, result.end(), gradient.begin());
        return finish(parameters, terms, noise, gradient);
      }
      if (jitter >= kLargestJitter)
        throw NotPositiveDefinite("covariance of " + std::to_string(samples_) +
                                  " samples: expected a positive definite matrix, got none even "
                                  "with jitter " +
                                  std::to_string(jitter));
    }
  }

 private:
  static constexpr const char* kPurpose = "the samples of a fit";
  enum Call { kFactorise, kSolve, kInvert, kCalls };  ///< whose status is where in info_

  std::size_t parameter_count() const {
    return static_cast<std::size_t>(FitLayout::size(outputs_));
  }

  std::size_t work_elements() {
    int factorise = 0, invert = 0;
    POLARIS_LIBRARY(cusolverDnDpotrf_bufferSize(solver_.get(), CUBLAS_FILL_MODE_LOWER, samples_,
                                                covariance_.data(), samples_, &factorise));
    POLARIS_LIBRARY(cusolverDnDpotri_bufferSize(solver_.get(), CUBLAS_FILL_MODE_LOWER, samples_,
                                                covariance_.data(), samples_, &invert));
    return static_cast<std::size_t>(std::max(factorise, invert));
  }

  void queue_step(int step, double diagonal) {
    const double* const inverse_length = parameters_.data() + parameter_count();
    const double* const precision = inverse_length + kKernelInputs;
    double* const pair_gradient = gradient_and_alpha_.data();
    double* const alpha = pair_gradient + n_ * n_;
    auto* const terms = reinterpret_cast<LikelihoodTerms*>(result_.data());
    double* const gradient = result_.data() + kTerms;

    encoder_forward({.samples = samples_,
                     .outputs = outputs_,
                     .raw_inputs = raw_inputs_,
                     .dropout = dropout_,
                     .step = step,
                     .features = features_.data(),
                     .targets = targets_.data(),
                     .parameters = parameters_.data(),
                     .inverse_length = inverse_length,
                     .pre1 = pre1_.data(),
                     .pre2 = pre2_.data(),
                     .scaled = scaled_.data(),
                     .norm = norm_.data(),
                     .residual = residual_.data(),
                     .alpha = alpha},
                    stream_);
    covariance({.samples = samples_,
                .scaled = scaled_.data(),
                .norm = norm_.data(),
                .diagonal = diagonal,
                .covariance = covariance_.data(),
                .slope = pair_gradient},
               stream_);
    const int elements = static_cast<int>(work_.size());
    POLARIS_LIBRARY(cusolverDnDpotrf(solver_.get(), CUBLAS_FILL_MODE_LOWER, samples_,
                                     covariance_.data(), samples_, work_.data(), elements,
                                     info_.data() + kFactorise));
    POLARIS_LIBRARY(cusolverDnDpotrs(solver_.get(), CUBLAS_FILL_MODE_LOWER, samples_, outputs_,
                                     covariance_.data(), samples_, alpha, samples_,
                                     info_.data() + kSolve));
    factor_terms({.samples = samples_,
                  .outputs = outputs_,
                  .factor = covariance_.data(),
                  .failure = info_.data() + kFactorise,
                  .residual = residual_.data(),
                  .alpha = alpha,
                  .terms = terms},
                 stream_);
    POLARIS_LIBRARY(cusolverDnDpotri(solver_.get(), CUBLAS_FILL_MODE_LOWER, samples_,
                                     covariance_.data(), samples_, work_.data(), elements,
                                     info_.data() + kInvert));
    covariance_gradient({.samples = samples_,
                         .outputs = outputs_,
                         .inverse = covariance_.data(),
                         .alpha = alpha,
                         .precision = precision,
                         .slope = pair_gradient},
                        stream_);

    // product [kKernelInputs + 1][N + outputs] = scaled (G | alpha); to cuBLAS, which counts down
    // columns, all three are transposed.
    const double one = 1.0, zero = 0.0;
    const int columns = static_cast<int>(columns_);
    POLARIS_LIBRARY(cublasDgemm(blas_.get(), CUBLAS_OP_T, CUBLAS_OP_N, columns, kKernelInputs + 1,
                                samples_, &one, gradient_and_alpha_.data(), samples_,
                                scaled_.data(), samples_, &zero, product_.data(), columns));
    gradient_terms({.samples = samples_,
                    .outputs = outputs_,
                    .inverse = covariance_.data(),
                    .scaled = scaled_.data(),
                    .product = product_.data(),
                    .inverse_length = inverse_length,
                    .precision = precision,
                    .terms = terms,
                    .gradient = gradient},
                   stream_);
    encoder_backward({.samples = samples_,
                      .outputs = outputs_,
                      .dropout = dropout_,
                      .step = step,
                      .features = features_.data(),
                      .parameters = parameters_.data(),
                      .inverse_length = inverse_length,
                      .precision = precision,
                      .pre1 = pre1_.data(),
                      .pre2 = pre2_.data(),
                      .scaled = scaled_.data(),
                      .product = product_.data(),
                      .alpha = alpha,
                      .partial = partial_.data(),
                      .gradient = gradient},
                     stream_);
  }

  static double precision_of(std::span<const double> parameters, int o) {
    return std::exp(-2.0 *
                    parameters[static_cast<std::size_t>(FitLayout::output(o)) + FitLayout::log_sd]);
  }

  /// The value, and the elements of the gradient that need nothing but sums.
  double finish(std::span<const double> parameters, const LikelihoodTerms& terms, double noise,
                std::span<double> gradient) const {
    const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi), n = samples_;
    double value = outputs_ * terms.log_determinant, trace = outputs_ * terms.trace;
    for (int o = 0; o < outputs_; ++o) {
      const std::size_t at = static_cast<std::size_t>(FitLayout::output(o)) + FitLayout::log_sd;
      const double precision = precision_of(parameters, o), fit = precision * terms.fit[o];
      value += 0.5 * fit + n * (parameters[at] + half_log_two_pi);
      gradient[at] = n - fit;
      trace -= precision * terms.squares[o];
    }
    gradient[FitLayout::noise] = 0.5 * noise * trace;
    return value;
  }

  int device_, samples_, outputs_;
  bool raw_inputs_;
  Dropout dropout_;
  std::size_t n_, columns_;
  DeviceStream stream_;
  DeviceBuffer<double> covariance_;          ///< [N][N] lower: C, then L, then C^-1
  DeviceBuffer<double> gradient_and_alpha_;  ///< [N + outputs][N]: slopes, then G; behind it alpha
  BlasHandle blas_;
  SolverHandle solver_;
  DeviceBuffer<double> work_;
  DeviceBuffer<int> info_;
  DeviceBuffer<double> features_, targets_;
  DeviceBuffer<double> parameters_;  ///< FitLayout, then inverse length-scales, then precisions
  DeviceBuffer<double> pre1_, pre2_, scaled_, norm_, residual_, product_, partial_;
  DeviceBuffer<double> result_;  ///< LikelihoodTerms, then the gradient
};

StarlightFitter::StarlightFitter(const FitterData& data) : impl_(std::make_unique<Impl>(data)) {}
StarlightFitter::~StarlightFitter() = default;

double StarlightFitter::evaluate(std::span<const double> parameters, int step,
                                 std::span<double> gradient) {
  return impl_->evaluate(parameters, step, gradient);
}

}  // namespace polaris
