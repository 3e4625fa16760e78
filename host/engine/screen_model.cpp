#include "host/engine/screen_model.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/engine.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/order_class.hpp"
#include "models/starlight/sketch.hpp"

namespace polaris {
namespace {

/// Added to the norms of the rows that fill the last panel: too far away to be correlated.
constexpr float kFarNorm = 1e6f;

/// Samples of the sketch: a search's model drops all but 2 to 8 % of random candidates by 36 of 611
/// samples (seen), at a tenth of what their whole kernel rows cost.
constexpr int kSketchSamples = 36;

}  // namespace

VaryingFeatures all_features() {
  VaryingFeatures out;
  out.fill(true);
  return out;
}

VaryingFeatures varying_features(const LayerSpaceView& space) {
  VaryingFeatures out = all_features();
  const auto fixed = [&out](int feature) { out[static_cast<std::size_t>(feature)] = false; };
  constexpr int kFirstSize = feature_index("R"), kFirstBound = feature_index("dram_R"),
                kFirstTile = feature_index("tile_R"),
                kTiles = feature_index("tile_K") - kFirstTile + 1;
  for (int d = 0; d < kDims; ++d) {
    fixed(kFirstSize + d);
    if (space.layer.size[d] > 1) continue;
    fixed(kFirstBound + d);
    fixed(kFirstRank + d);
    if (d < kTiles) fixed(kFirstTile + d);
  }
  fixed(feature_index("stride"));
  fixed(feature_index("macs"));
  fixed(feature_index("is_matmul"));
  fixed(feature_index("is_even_filter"));
  const auto& choices = space.hardware.count;  // dim, accumulator, scratchpad, bus
  if (choices[0] == 1) {
    fixed(feature_index("dim"));
    if (choices[1] == 1) fixed(feature_index("accumulator_words"));
  }
  if (choices[2] == 1) fixed(feature_index("scratchpad_bytes"));
  if (choices[3] == 1) fixed(feature_index("bus_bytes"));
  return out;
}

ScreenModel::ScreenModel(const PosteriorTensors<double>& model, const simd::Stages& stages,
                         const VaryingFeatures& varying, const LayerPoint& point)
    : panel_rows_(stages.rows) {
  const auto n = static_cast<std::size_t>(model.samples);
  const auto length = [&model](std::size_t k) { return model.inverse_length[k]; };
  // Sample s before it was scaled; inputs that the kernel does not see count as 0.
  const auto sample = [&](std::size_t s, std::size_t k) {
    return length(k) > 0.0 ? model.train[s * kKernelInputs + k] / length(k) : 0.0;
  };

  // Of every kernel input: what is taken from it, its mean over the samples where it varies.
  std::array<double, kKernelInputs> origin{};
  double fixed[kFeatures];
  feature_quantities(point.layer, point.hardware, point.mapping, fixed);
  for (std::size_t k = 0; k < kKernelInputs; ++k) {
    const std::size_t f = k - kLatent;
    if (k >= kLatent && !varying[f]) {
      origin[k] = standardise_feature(static_cast<int>(f) < kLogFeatures, fixed[f],
                                      model.feature_mean[f], model.feature_inverse_sd[f]);
      continue;
    }
    for (std::size_t s = 0; s < n; ++s) origin[k] += sample(s, k) / static_cast<double>(n);
  }

  for (const bool own : {false, true})
    for (int f = 0; f < kFeatures; ++f)
      if (varying[static_cast<std::size_t>(f)] && is_own_feature(f) == own) source_.push_back(f);
  const std::size_t count = source_.size();
  for (AlignedFloats* array : {&slope_, &shift_, &low_, &high_}) *array = AlignedFloats(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto f = static_cast<std::size_t>(source_[i]);
    const double center = origin[kLatent + f], slope = model.feature_inverse_sd[f];
    simd::FeatureScaling& scaling = is_own_feature(source_[i]) ? own_features_ : shared_;
    ++scaling.count;
    scaling.log_count += source_[i] < kLogFeatures;
    slope_[i] = static_cast<float>(slope);
    shift_[i] = static_cast<float>(-model.feature_mean[f] * slope - center);
    low_[i] = static_cast<float>(-kFeatureLimit - center);
    high_[i] = static_cast<float>(kFeatureLimit - center);
  }
  for (simd::FeatureScaling* scaling : {&shared_, &own_features_}) {
    const int first = scaling == &shared_ ? 0 : shared_.count;
    scaling->source = source_.data() + first;
    scaling->slope = slope_.data() + first;
    scaling->shift = shift_.data() + first;
    scaling->low = low_.data() + first;
    scaling->high = high_.data() + first;
  }

  // Encoder; a row's sum over all features at their origins goes to the bias.
  const double* p = model.encoder.data();
  const auto at_origin = [&origin](const double* row) {
    double sum = 0.0;
    for (std::size_t f = 0; f < kFeatures; ++f) sum += row[f] * origin[kLatent + f];
    return sum;
  };
  const auto first_row = [p](int r) {
    return r < kHidden1 ? p + EncoderLayout::weight1 + r * kFeatures
                        : p + EncoderLayout::skip + (r - kHidden1) * kFeatures;
  };
  encoder_.shared = kernel_.shared = shared_.count;
  encoder_.features = features();
  encoder_.hidden1 = kHidden1;
  encoder_.first = first_.pack(
      stages, kHidden1 + kLatent, features(),
      [&](int r, int c) { return first_row(r)[source_[static_cast<std::size_t>(c)]]; },
      [&](int r) {
        return at_origin(first_row(r)) + (r < kHidden1 ? p[EncoderLayout::bias1 + r] : 0.0);
      });
  encoder_.second = second_.pack(
      stages, kHidden2, kHidden1,
      [p](int r, int c) { return p[EncoderLayout::weight2 + r * kHidden1 + c]; },
      [p](int r) { return p[EncoderLayout::bias2 + r]; });
  encoder_.third = third_.pack(
      stages, kLatent, kHidden2,
      [p](int r, int c) { return p[EncoderLayout::weight3 + r * kHidden2 + c]; },
      [&](int r) { return p[EncoderLayout::bias3 + r] - origin[static_cast<std::size_t>(r)]; });

  // Distances: scale (|x|^2 + |t|^2 - 2 x t) over what varies, of points measured from the origin.
  const auto input = [this](int c) {
    return static_cast<std::size_t>(c < features() ? kLatent + source_[static_cast<std::size_t>(c)]
                                                   : c - features());
  };
  const auto square = [](double x) { return x * x; };
  constexpr double kScale = simd::kMaternScale;
  kernel_.train = train_.pack(
      stages, model.samples, inputs(),
      [&](int r, int c) {
        const std::size_t k = input(c);
        return -2.0 * kScale * square(length(k)) *
               (sample(static_cast<std::size_t>(r), k) - origin[k]);
      },
      [&](int r) {
        double norm = 0.0;
        for (std::size_t k = 0; k < kKernelInputs; ++k)
          norm += square(length(k) * (sample(static_cast<std::size_t>(r), k) - origin[k]));
        return kScale * norm;
      });
  kernel_.samples = static_cast<int>(train_.bias.size());
  std::fill(train_.bias.data() + model.samples, train_.bias.data() + kernel_.samples, kFarNorm);
  const auto depth = static_cast<std::size_t>(inputs());
  own_ = AlignedFloats(depth);
  for (std::size_t c = 0; c < depth; ++c)
    own_[c] = static_cast<float>(kScale * square(length(input(static_cast<int>(c)))));
  kernel_.own = own_.data();
  for (std::size_t o = 0; o < 2; ++o) {
    alpha_[o] = AlignedFloats(train_.bias.size());
    mean_weight_[o] = AlignedFloats(depth);
    kernel_.alpha[o] = alpha_[o].data();
    kernel_.mean_weight[o] = mean_weight_[o].data();
    if (o >= static_cast<std::size_t>(model.outputs)) continue;
    for (std::size_t s = 0; s < n; ++s) alpha_[o][s] = static_cast<float>(model.alpha[o * n + s]);
    const double* weight = model.mean_weight.data() + o * kKernelInputs;
    for (std::size_t c = 0; c < depth; ++c) {
      const std::size_t k = input(static_cast<int>(c));
      mean_weight_[o][c] = static_cast<float>(weight[k] * length(k));
    }
    double bias = model.mean_bias[o];
    for (std::size_t k = 0; k < kKernelInputs; ++k) bias += weight[k] * length(k) * origin[k];
    kernel_.mean_bias[o] = static_cast<float>(bias);
  }

  fill_sketch(model);
  fill_anchors(stages);
  finish_ = {model.warp,
             model.outputs == 2,
             {static_cast<float>(model.sd[0]),
              model.outputs == 2 ? static_cast<float>(model.sd[1]) : 0.0f},
             static_cast<float>(model.unit_variance)};
}

void ScreenModel::fill_sketch(const PosteriorTensors<double>& model) {
  sketch_ = kernel_;
  sketch_.samples =
      std::min(kernel_.samples, whole_panels(kSketchSamples, panel_rows_) * panel_rows_);
  const StarlightSketch sketch =
      sketch_of(model.samples, model.outputs, model.inverse_factor.data(), model.alpha.data(),
                model.unit_variance - 1.0, sketch_.samples);
  for (std::size_t o = 0; o < 2; ++o) {
    sketch_alpha_[o] = AlignedFloats(static_cast<std::size_t>(sketch_.samples));
    sketch_.alpha[o] = sketch_alpha_[o].data();
    std::transform(sketch.alpha[o].begin(), sketch.alpha[o].end(), sketch_alpha_[o].data(),
                   [](double alpha) { return static_cast<float>(alpha); });
    remainder_.norm[o] = static_cast<float>(sketch.rest[o]);
    posterior_norm_.of[o] = static_cast<float>(sketch.norm[o]);
  }
  remainder_.slack = static_cast<float>(kScreenSdError * std::sqrt(model.unit_variance));
}

void ScreenModel::fill_anchors(const simd::Stages& stages) {
  const int own = inputs() - shared_.count, samples = kernel_.samples;
  own_samples_ = own_train_.pack(
      stages, own, samples,
      [&](int c, int s) {
        const int panel = s / panel_rows_, depth = inputs();
        return train_.data[static_cast<std::size_t>(
            (panel * depth + shared_.count + c) * panel_rows_ + s % panel_rows_)];
      },
      [](int) { return 0.0; });
}

}  // namespace polaris
