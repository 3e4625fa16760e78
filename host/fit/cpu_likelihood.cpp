#include <algorithm>
#include <utility>

#include "host/core/parallel.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/fit_likelihood.hpp"
#include "host/fit/likelihood.hpp"

namespace polaris {
namespace {

/// Factors on the hidden units of samples [begin, end) at one step.
void draw_dropout(const Dropout& dropout, int step, Eigen::Index begin, Eigen::Index end,
                  EncoderBatch<double>& batch) {
  batch.mask1.resize(kHidden1, end - begin);
  batch.mask2.resize(kHidden2, end - begin);
  for (Eigen::Index i = begin; i < end; ++i)
    for (int draw = 0; draw < Dropout::kDraws; ++draw) {
      const Dropout::Factors factors = dropout.factors(static_cast<std::uint64_t>(i), draw, step);
      for (int w = 0; w < Dropout::kUnits; ++w) {
        const int unit = draw * Dropout::kUnits + w;
        (unit < kHidden1 ? batch.mask1(unit, i - begin) : batch.mask2(unit - kHidden1, i - begin)) =
            factors.unit[w];
      }
    }
}

/// Keeps its memory between steps.
class CpuLikelihood final : public FitLikelihood {
 public:
  explicit CpuLikelihood(FitProblem problem)
      : problem_(std::move(problem)),
        chunks_(static_cast<std::size_t>((problem_.x.cols() + kChunk - 1) / kChunk)) {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      const Eigen::Index begin = static_cast<Eigen::Index>(c) * kChunk;
      chunks_[c].x = problem_.x.middleCols(begin, std::min(kChunk, problem_.x.cols() - begin));
    }
  }

  double evaluate(const ModelParameters& model, int step, std::vector<double>& gradient) override {
    const double* encoder = model.encoder.data();
    const Eigen::Index n = problem_.x.cols();
    Matrix<double> latent(kLatent, n);
    parallel_for(n, kChunk, problem_.threads, [&](Eigen::Index begin, Eigen::Index end) {
      Chunk& chunk = chunks_[static_cast<std::size_t>(begin / kChunk)];
      if (problem_.dropout.rate > 0.0)
        draw_dropout(problem_.dropout, step, begin, end, chunk.batch);
      chunk.batch.forward(encoder, chunk.x);
      latent.middleCols(begin, end - begin) = chunk.batch.latent;
    });

    const Matrix<double> inputs = kernel_inputs(latent, problem_.x, problem_.raw_inputs);
    const double value =
        negative_log_likelihood(inputs, problem_.targets, model.log_length, model.log_noise,
                                model.outputs, problem_.threads, likelihood_);
    parallel_for(n, kChunk, problem_.threads, [&](Eigen::Index begin, Eigen::Index end) {
      Chunk& chunk = chunks_[static_cast<std::size_t>(begin / kChunk)];
      std::fill(chunk.gradient.begin(), chunk.gradient.end(), 0.0);
      Matrix<double> hidden2 = Matrix<double>::Zero(kHidden2, end - begin);
      chunk.batch.backward(encoder, chunk.x,
                           likelihood_.inputs.block(0, begin, kLatent, end - begin), hidden2,
                           chunk.gradient.data());
    });

    gradient.assign(
        static_cast<std::size_t>(FitLayout::size(static_cast<int>(model.outputs.size()))), 0.0);
    for (const Chunk& chunk : chunks_)
      for (std::size_t i = 0; i < chunk.gradient.size(); ++i) gradient[i] += chunk.gradient[i];
    std::copy(likelihood_.log_length.begin(), likelihood_.log_length.end(),
              gradient.begin() + FitLayout::length);
    gradient[FitLayout::noise] = likelihood_.log_noise;
    for (std::size_t o = 0; o < model.outputs.size(); ++o) {
      const OutputGradient& from = likelihood_.outputs[o];
      const auto to = gradient.begin() + FitLayout::output(static_cast<int>(o));
      to[FitLayout::log_sd] = from.log_sd;
      to[FitLayout::bias] = from.bias;
      std::copy(from.weight.begin(), from.weight.end(), to + FitLayout::weight);
    }
    return value;
  }

 private:
  static constexpr Eigen::Index kChunk = 128;
  struct Chunk {
    EncoderBatch<double> batch;
    Matrix<double> x;
    std::vector<double> gradient = std::vector<double>(EncoderLayout::size);
  };

  FitProblem problem_;
  std::vector<Chunk> chunks_;
  LikelihoodGradient likelihood_;
};

}  // namespace

std::vector<double> pack(const ModelParameters& model) {
  std::vector<double> p = model.encoder;
  p.insert(p.end(), model.log_length.begin(), model.log_length.end());
  p.push_back(model.log_noise);
  for (const OutputParameters& output : model.outputs) {
    p.push_back(output.log_sd);
    p.push_back(output.bias);
    p.insert(p.end(), output.weight.begin(), output.weight.end());
  }
  return p;
}

void unpack(const std::vector<double>& parameters, ModelParameters& model) {
  const auto p = parameters.begin();
  std::copy_n(p, EncoderLayout::size, model.encoder.begin());
  std::copy_n(p + FitLayout::length, kKernelInputs, model.log_length.begin());
  model.log_noise = p[FitLayout::noise];
  for (std::size_t o = 0; o < model.outputs.size(); ++o) {
    const auto from = p + FitLayout::output(static_cast<int>(o));
    model.outputs[o].log_sd = from[FitLayout::log_sd];
    model.outputs[o].bias = from[FitLayout::bias];
    std::copy_n(from + FitLayout::weight, kKernelInputs, model.outputs[o].weight.begin());
  }
}

std::unique_ptr<FitLikelihood> make_cpu_likelihood(FitProblem problem) {
  return std::make_unique<CpuLikelihood>(std::move(problem));
}

}  // namespace polaris
