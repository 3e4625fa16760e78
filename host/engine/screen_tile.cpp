#include "host/engine/screen_tile.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/engine.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/order_class.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

ScreenTile::ScreenTile(const simd::Stages& stages, int samples, int candidates)
    : stages_(stages),
      lanes_(stages.lanes),
      shared_(stages, samples),
      lane_(static_cast<std::size_t>(candidates)) {
  const auto floats = [this](int rows) {
    return AlignedFloats(static_cast<std::size_t>(rows) * lane_.size());
  };
  quantities_ = floats(kFeatures);
  inputs_ = floats(kKernelInputs);
  hidden_ = floats(kHidden1 + kHidden2);
  kernel_ = AlignedFloats(static_cast<std::size_t>(samples) * kSize);
  mean_ = floats(2);
  explained_ = floats(1);
  tail_ = AlignedFloats(3 * static_cast<std::size_t>(kSize));
  per_candidate_ = floats(kRows);
  // Leftovers of a new tile are points like others: all quantities 1.
  std::fill(quantities_.data(), quantities_.data() + quantities_.size(), 1.0f);
  std::fill(per_candidate_.data(), per_candidate_.data() + per_candidate_.size(), 1.0f);
}

void ScreenTile::put(int slot, const Layer& layer, const HardwareConfig& hardware,
                     const Mapping& mapping) {
  const double analytical = feature_quantities(
      layer, hardware, mapping, StripLane{quantities_.data() + at(kFeatures, slot, 0), lanes_});
  per_candidate_[at(kRows, slot, kBound)] = static_cast<float>(lower_bound_cycles(layer, hardware));
  per_candidate_[at(kRows, slot, kAnalytical)] = static_cast<float>(analytical);
}

void ScreenTile::share(bool sharing) {
  sharing_ = sharing;
  shared_.clear();
}

void ScreenTile::put_shared(int slot, int lane, const float* ranks, float energy_ratio,
                            double lower_bound_cycles, double analytical_pj) {
  const StripLane q{quantities_.data() + at(kFeatures, slot, 0), lanes_};
  q[kEnergyRatio] = energy_ratio;
  for (int d = 0; d < kDims; ++d) q[kFirstRank + d] = ranks[d];
  per_candidate_[at(kRows, slot, kBound)] = static_cast<float>(lower_bound_cycles);
  per_candidate_[at(kRows, slot, kAnalytical)] = static_cast<float>(analytical_pj);
  lane_[static_cast<std::size_t>(slot)] = lane;
}

const simd::SharedSums* ScreenTile::sums(int first_slot) {
  if (!sharing_) return nullptr;
  sums_ = shared_.sums(lane_.data() + first_slot);
  return &sums_;
}

void ScreenTile::encode(const ScreenModel& model, int count) {
  if (sharing_) shared_.compute(model);
  const simd::SharedSums* shared = sums(0);
  for (int s = 0; s < strips(count); ++s) {
    const float* quantities = quantities_.data() + at(kFeatures, s * lanes_, 0);
    float* inputs = inputs_.data() + at(kKernelInputs, s * lanes_, 0);
    if (!sharing_) stages_.standardise(model.shared_features(), quantities, inputs);
    stages_.standardise(model.own_features(), quantities,
                        inputs + model.shared_features().count * lanes_);
    stages_.encode(model.encoder(), shared, s, inputs, hidden_.data());
  }
}

void ScreenTile::compute_kernel(const ScreenModel& model, int count) {
  run_kernel(model, model.kernel(), 0, count);
}

void ScreenTile::run_kernel(const ScreenModel& model, const simd::KernelStages& kernel, int first,
                            int count) {
  samples_ = kernel.samples;
  if (sharing_) shared_.compute_rows(model, kernel.samples);
  stages_.kernel(kernel, sums(first), inputs_.data() + at(kKernelInputs, first, 0),
                 at(kKernelInputs, lanes_, 0), strips(count), kernel_.data(),
                 mean_.data() + at(2, first, 0));
}

void ScreenTile::clear_explained(int count) {
  std::fill(explained_.data(), explained_.data() + strips(count) * lanes_, 0.0f);
}

void ScreenTile::explain(const PackedFactor& factor, int begin, int end, int count) {
  run_explain(factor, begin, end, 0, count);
}

void ScreenTile::run_explain(const PackedFactor& factor, int begin, int end, int first, int count) {
  stages_.explain(factor.data(), begin, end, kernel_.data(), samples_, strips(count),
                  explained_.data() + first);
}

int ScreenTile::explain_all(const ScreenModel& model, const PackedFactor& factor,
                            const TailFactor* tail, int count, double error) {
  clear_explained(count);
  if (tail == nullptr) {
    explain(factor, 0, factor.panels(), count);
    return count;
  }
  explain(tail->first(), 0, tail->first().panels(), count);
  float *square = tail_.data(), *low = square + kSize, *high = low + kSize;
  stages_.regress(tail->regression(), kernel_.data(), samples_, strips(count), square);
  stages_.project(tail->projection(), tail->weights(), kernel_.data(), kBoundRows, samples_,
                  strips(count), square, low, high);
  const float variance = model.finish().unit_variance;
  const float most = static_cast<float>(error) * std::sqrt(variance);
  float explained[kSize];
  bool known[kSize];
  int unknown = 0;
  for (int i = 0; i < count; ++i) {
    explained[i] = explained_.data()[i] + 0.5f * (low[i] + high[i]);
    const float sd = std::sqrt(std::max(0.0f, variance - explained[i]));
    known[i] = 0.5f * (high[i] - low[i]) <= 2.0f * most * sd;
    unknown += !known[i];
  }
  if (unknown > 0) {
    compute_kernel(model, count);
    clear_explained(count);
    explain(factor, 0, factor.panels(), count);
  }
  for (int i = 0; i < count; ++i)
    if (known[i]) explained_.data()[i] = explained[i];
  return unknown;
}

void ScreenTile::finish(const ScreenModel& model, int count) {
  run_finish(model, nullptr, false, count);
}

void ScreenTile::finish_sketch(const ScreenModel& model, const PackedFactor& factor, int count) {
  clear_explained(count);
  for (int first = 0; first < count; first += kSize) {
    const int size = std::min(kSize, count - first);
    run_kernel(model, model.sketch(), first, size);
    run_explain(factor, 0, model.sketch_panels(), first, size);
  }
  run_finish(model, &model.remainder(), false, count);
}

void ScreenTile::finish_near(const ScreenModel& model, Anchors& anchors,
                             std::span<const int> slots) {
  anchors.bound(shared_, lane_.data(), slots,
                {inputs_.data(),
                 at(kKernelInputs, lanes_, 0),
                 {mean_.data(), per_candidate_.data() + at(kRows, 0, kSpread), explained_.data()},
                 at(2, lanes_, 0),
                 at(kRows, lanes_, 0),
                 at(1, lanes_, 0)});
  run_finish(model, nullptr, true, *std::max_element(slots.begin(), slots.end()) + 1);
}

void ScreenTile::run_finish(const ScreenModel& model, const simd::Remainder* remainder, bool spread,
                            int count) {
  for (int s = 0; s < strips(count); ++s) {
    const int first = s * lanes_;
    float* rows = per_candidate_.data() + at(kRows, first, 0);
    const auto row = [rows, this](Row r) { return rows + r * lanes_; };
    const float* mean = mean_.data() + at(2, first, 0);
    stages_.finish(model.finish(), remainder,
                   {{mean, mean + lanes_},
                    spread ? row(kSpread) : nullptr,
                    explained_.data() + first,
                    row(kBound),
                    row(kAnalytical),
                    row(kLatency),
                    row(kLatencySd),
                    row(kEnergy),
                    row(kEnergySd)});
  }
}

void ScreenTile::compute_lowest(double slope, int count) {
  const auto slope_f32 = static_cast<float>(slope);
  for (int s = 0; s < strips(count); ++s) {
    float* rows = per_candidate_.data() + at(kRows, s * lanes_, 0);
    for (int i = 0; i < lanes_; ++i) {
      const auto row = [rows, i, this](Row r) -> float& { return rows[r * lanes_ + i]; };
      const float a = row(kLatencySd), b = row(kEnergySd);
      row(kLowest) = row(kLatency) + row(kEnergy) - slope_f32 * std::sqrt(a * a + b * b);
    }
  }
}

Prediction ScreenTile::prediction(int slot) const {
  const float* first = per_candidate_.data() + at(kRows, slot, 0);
  return {first[kLatency * lanes_], first[kLatencySd * lanes_], first[kEnergy * lanes_],
          first[kEnergySd * lanes_]};
}

void ScreenTile::copy_column(AlignedFloats& to, int slot, const AlignedFloats& from, int from_slot,
                             int rows) {
  const float* source = from.data() + at(rows, from_slot, 0);
  float* target = to.data() + at(rows, slot, 0);
  for (int r = 0; r < rows; ++r) target[r * lanes_] = source[r * lanes_];
}

void ScreenTile::take_inputs(int slot, const ScreenTile& from, int from_slot) {
  copy_column(inputs_, slot, from.inputs_, from_slot, kKernelInputs);
  if (from.sharing_)
    from.shared_.copy_features(from.lane_[static_cast<std::size_t>(from_slot)],
                               inputs_.data() + at(kKernelInputs, slot, 0));
  copy_column(per_candidate_, slot, from.per_candidate_, from_slot, kRows);
}

void ScreenTile::take_kernel(int slot, const ScreenTile& from, int from_slot) {
  samples_ = from.samples_;
  copy_column(kernel_, slot, from.kernel_, from_slot, samples_);
  copy_column(mean_, slot, from.mean_, from_slot, 2);
  copy_column(explained_, slot, from.explained_, from_slot, 1);
  copy_column(per_candidate_, slot, from.per_candidate_, from_slot, kRows);
}

}  // namespace polaris
