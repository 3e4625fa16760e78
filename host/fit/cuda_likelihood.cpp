// The steps are in kernels/starlight_fitter.cu; here they get the fit's face.
#include <memory>
#include <span>
#include <string>

#include "host/core/error.hpp"
#include "host/fit/fit_likelihood.hpp"
#include "kernels/device_error.hpp"
#include "kernels/starlight_fitter.hpp"

namespace polaris {
namespace {

/// Calls `work`; what a device reports becomes the library's Failure.
template <typename Work>
auto on_device(Eigen::Index samples, const Work& work) {
  try {
    return work();
  } catch (const NotPositiveDefinite& error) {
    throw Failure(error.what());
  } catch (const DeviceOutOfMemory& error) {
    throw Failure("CUDA fit of " + std::to_string(samples) +
                  " samples: expected room for them on the GPU, got " + error.what() +
                  ": use --backend cpu or fewer samples");
  } catch (const DeviceError& error) {
    throw Failure(std::string("CUDA fit: ") + error.what());
  }
}

std::unique_ptr<StarlightFitter> make_fitter(const FitProblem& problem) {
  const auto values = [](const Matrix<double>& matrix) {
    return std::span<const double>(matrix.data(), static_cast<std::size_t>(matrix.size()));
  };
  return std::make_unique<StarlightFitter>(
      FitterData{.samples = static_cast<int>(problem.x.cols()),
                 .outputs = static_cast<int>(problem.targets.cols()),
                 .features = values(problem.x),
                 .targets = values(problem.targets),
                 .raw_inputs = problem.raw_inputs,
                 .dropout = problem.dropout});
}

class CudaLikelihood final : public FitLikelihood {
 public:
  explicit CudaLikelihood(const FitProblem& problem)
      : samples_(problem.x.cols()),
        fitter_(on_device(samples_, [&problem] { return make_fitter(problem); })) {}

  double evaluate(const ModelParameters& model, int step, std::vector<double>& gradient) override {
    const std::vector<double> parameters = pack(model);
    gradient.resize(parameters.size());
    return on_device(samples_, [&] { return fitter_->evaluate(parameters, step, gradient); });
  }

 private:
  Eigen::Index samples_;
  std::unique_ptr<StarlightFitter> fitter_;
};

}  // namespace

std::unique_ptr<FitLikelihood> make_cuda_likelihood(const FitProblem& problem) {
  return std::make_unique<CudaLikelihood>(problem);
}

}  // namespace polaris
