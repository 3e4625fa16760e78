#include "host/fit/pretrain.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include "host/core/error.hpp"
#include "host/core/interrupt.hpp"
#include "host/core/parallel.hpp"
#include "host/fit/adam.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/fit/random.hpp"
#include "host/fit/vae.hpp"
#include "models/analytical/analytical.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {
namespace {

/// Columns of one work item: the order in which gradients are summed must not depend on threads.
constexpr int kChunk = 128;

/// The paper's network sees the design point itself, no derived quantities.
bool is_paper_feature(std::string_view name) {
  constexpr std::string_view kNames[] = {"dim", "R", "S",      "P",         "Q",
                                         "C",   "K", "stride", "spatial_c", "spatial_k"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
         name.starts_with("dram_") || name.starts_with("tile_") || name.starts_with("rank_");
}

FeatureScaler make_scaler(const Matrix<double>& values, bool paper) {
  constexpr double kConstant = 1e-9;  // rounding of the mean of equal values
  FeatureScaler scaler;
  for (int f = 0; f < kFeatures; ++f) {
    const double mean = values.row(f).mean();
    const double sd = std::sqrt((values.row(f).array() - mean).square().mean());
    const auto n = static_cast<std::size_t>(f);
    scaler.mean[n] = mean;
    scaler.inverse_sd[n] =
        sd > kConstant && (!paper || is_paper_feature(kFeatureNames[f])) ? 1.0 / sd : 0.0;
  }
  return scaler;
}

/// Standardised targets of the predictor [kPretrainTargets][points].
Matrix<float> make_targets(std::span<const LayerPoint> points, const PretrainOptions& options) {
  const auto count = static_cast<std::int64_t>(points.size());
  Matrix<double> targets(kPretrainTargets, count);
  parallel_for(count, kChunk, options.threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const LayerPoint& point = points[static_cast<std::size_t>(i)];
      const AnalyticalResult result =
          evaluate_analytical(point.layer, point.hardware, point.mapping);
      const double cycles = static_cast<double>(result.cycles);
      const double macs = static_cast<double>(point.layer.macs());
      targets(0, i) = options.paper
                          ? std::log(cycles)
                          : warp_cycles(cycles, lower_bound_cycles(point.layer, point.hardware));
      targets(1, i) = std::log(options.paper ? result.energy_pj : result.energy_pj / macs);
    }
  });
  for (int o = 0; o < kPretrainTargets; ++o) {
    if (!targets.row(o).allFinite())
      throw Error("pre-training points: expected finite analytical cycles and energy, got others");
    const double mean = targets.row(o).mean();
    const double sd = std::sqrt((targets.row(o).array() - mean).square().mean());
    targets.row(o) = (targets.row(o).array() - mean) / (sd > 0.0 ? sd : 1.0);
  }
  return targets.cast<float>();
}

/// Uniform in +-1/sqrt(inputs) for every weight and bias.
std::vector<float> initial_weights(const PretrainOptions& options) {
  using Vae = VaeBatch<float>;
  using Batch = EncoderBatch<float>;
  std::vector<float> p(VaeLayout::size);
  std::uint64_t counter = 0;
  const auto fill = [&](int begin, int count, int inputs) {
    const double range = 1.0 / std::sqrt(inputs);
    for (int i = begin; i < begin + count; ++i)
      p[static_cast<std::size_t>(i)] = static_cast<float>(
          range * (2.0 * uniform(options.seed, RandomStream::weights, counter++) - 1.0));
  };
  if (!options.paper) fill(EncoderLayout::skip, kLatent * kFeatures, kFeatures);
  for (const auto& layer :
       {Batch::kLayer1, Batch::kLayer2, Batch::kLayer3, Vae::kVariance, Vae::kDecoder1,
        Vae::kDecoder2, Vae::kDecoder3, Vae::kPredictor1, Vae::kPredictor2}) {
    fill(layer.weight, layer.out * layer.in, layer.in);
    fill(layer.bias, layer.out, layer.in);
  }
  return p;
}

std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed, int epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = count - 1; i > 0; --i) {
    const auto j = uniform_below(static_cast<std::uint64_t>(i + 1), seed,
                                 static_cast<std::uint64_t>(RandomStream::shuffle),
                                 static_cast<std::uint64_t>(epoch * count + i));
    std::swap(order[static_cast<std::size_t>(i)], order[j]);
  }
  return order;
}

/// Latents of zero mean and unit variance, so that priors on length-scales mean the same for every
/// encoder: the scale is moved into the last layer and the skip path.
void normalise_latent(const Matrix<float>& x, std::vector<double>& encoder) {
  constexpr double kCollapsed = 1e-3;  // a latent the auto-encoder switched off stays off
  EncoderBatch<double> batch;
  batch.forward(encoder.data(), x.cast<double>());
  for (int k = 0; k < kLatent; ++k) {
    const double mean = batch.latent.row(k).mean();
    const double sd = std::sqrt((batch.latent.row(k).array() - mean).square().mean());
    const double scale = sd > kCollapsed ? 1.0 / sd : 1.0;
    for (int i = 0; i < kFeatures; ++i)
      encoder[static_cast<std::size_t>(EncoderLayout::skip + k * kFeatures + i)] *= scale;
    for (int i = 0; i < kHidden2; ++i)
      encoder[static_cast<std::size_t>(EncoderLayout::weight3 + k * kHidden2 + i)] *= scale;
    double& bias = encoder[static_cast<std::size_t>(EncoderLayout::bias3 + k)];
    bias = (bias - mean) * scale;
  }
}

}  // namespace

Pretrained pretrain(std::span<const LayerPoint> points, const PretrainOptions& options) {
  const auto count = static_cast<std::int64_t>(points.size());
  if (count < 2) throw Error::expected("at least 2 points", std::to_string(count), "pre-training");
  const Matrix<double> values = feature_values(points, options.threads);
  Pretrained out;
  out.scaler = make_scaler(values, options.paper);
  const Matrix<float> x = standardise(out.scaler, values).cast<float>();
  const Matrix<float> y = make_targets(points, options);

  std::vector<float> p = initial_weights(options);
  Adam<float> adam(p.size());
  const std::int64_t batch = std::min<std::int64_t>(options.batch, count);
  const std::int64_t batches = count / batch;
  const int steps = static_cast<int>(batches) * options.epochs;
  const std::int64_t chunks = (batch + kChunk - 1) / kChunk;

  struct Work {
    VaeBatch<float> vae;
    Matrix<float> x, y, noise;
    std::vector<float> gradient = std::vector<float>(VaeLayout::size);
    VaeLoss loss;
  };
  std::vector<Work> work(static_cast<std::size_t>(chunks));
  std::vector<float> gradient(p.size());
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<std::int64_t> order = shuffled(count, options.seed, epoch);
    VaeLoss sum;
    for (std::int64_t b = 0; b < batches; ++b) {
      if (interrupted()) throw Failure("pre-training interrupted: nothing written");
      const int step = epoch * static_cast<int>(batches) + static_cast<int>(b);
      parallel_for(chunks, 1, options.threads, [&](std::int64_t chunk, std::int64_t) {
        Work& w = work[static_cast<std::size_t>(chunk)];
        const std::int64_t begin = chunk * kChunk;
        const std::int64_t columns = std::min<std::int64_t>(kChunk, batch - begin);
        w.x.resize(kFeatures, columns);
        w.y.resize(kPretrainTargets, columns);
        w.noise.resize(kLatent, columns);
        for (std::int64_t i = 0; i < columns; ++i) {
          const std::int64_t row = order[static_cast<std::size_t>(b * batch + begin + i)];
          w.x.col(i) = x.col(row);
          w.y.col(i) = y.col(row);
          for (int k = 0; k < kLatent; k += 2) {
            double pair[2];
            normal_pair(options.seed, RandomStream::latent,
                        static_cast<std::uint64_t>(((step * batch + begin + i) * kLatent + k) / 2),
                        pair);
            w.noise(k, i) = static_cast<float>(pair[0]);
            w.noise(k + 1, i) = static_cast<float>(pair[1]);
          }
        }
        w.loss = w.vae.evaluate(p.data(), w.x, w.y, w.noise, static_cast<float>(options.beta),
                                1.0f / static_cast<float>(batch), w.gradient.data());
      });
      std::fill(gradient.begin(), gradient.end(), 0.0f);
      for (const Work& w : work) {
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += w.gradient[i];
        sum.prediction += w.loss.prediction;
        sum.reconstruction += w.loss.reconstruction;
      }
      if (options.paper)
        std::fill_n(gradient.begin() + EncoderLayout::skip, kLatent * kFeatures, 0.0f);
      const double rate = options.learning_rate * one_cycle(step, steps);
      adam.step(
          p, gradient, [rate](std::size_t) { return rate; }, options.weight_decay);
    }
    out.prediction_loss = sum.prediction / static_cast<double>(batches);
    out.reconstruction_loss = sum.reconstruction / static_cast<double>(batches);
  }
  if (!std::isfinite(out.prediction_loss))
    throw Failure("pre-training diverged: expected a finite loss, got " +
                  std::to_string(out.prediction_loss));

  out.encoder.assign(p.begin(), p.begin() + EncoderLayout::size);
  normalise_latent(x, out.encoder);
  out.skip = !options.paper;
  out.seed = options.seed;
  out.samples = count;
  out.epochs = options.epochs;
  out.source = options.source;
  return out;
}

Pretrained no_pretraining(std::span<const LayerPoint> points, int threads) {
  Pretrained out;
  out.scaler = make_scaler(feature_values(points, threads), /*paper=*/false);
  out.encoder.assign(EncoderLayout::size, 0.0);
  out.skip = false;
  out.samples = static_cast<std::int64_t>(points.size());
  out.source = "none";
  return out;
}

}  // namespace polaris
