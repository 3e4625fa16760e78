#include "host/engine/shared_strip.hpp"

#include <algorithm>

#include "models/starlight/features.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/order_class.hpp"

namespace polaris {

SharedStrip::SharedStrip(const simd::Stages& stages, int samples)
    : stages_(stages), lanes_(stages.lanes) {
  const auto floats = [this](int rows) {
    return AlignedFloats(static_cast<std::size_t>(rows) * static_cast<std::size_t>(lanes_));
  };
  quantities_ = floats(kFeatures);
  features_ = floats(kFeatures);
  first_ = floats(kHidden1 + kLatent + stages.rows);
  train_ = floats(samples);
  linear_ = floats(3);
  // Leftovers of a new strip are points like others: all quantities 1.
  std::fill(quantities_.data(), quantities_.data() + quantities_.size(), 1.0f);
}

SharedStrip::Own SharedStrip::add(const Layer& layer, const HardwareConfig& hardware,
                                  const Mapping& mapping) {
  const int lane = count_++;
  computed_ = rows_ = 0;
  const StripLane q{quantities_.data() + lane, lanes_};
  const double analytical = feature_quantities(layer, hardware, mapping, q);
  return {lane, q[kEnergyRatio], analytical};
}

void SharedStrip::compute(const ScreenModel& model) {
  if (computed_ == count_) return;
  computed_ = count_;
  features_count_ = model.shared_features().count;
  stages_.standardise(model.shared_features(), quantities_.data(), features_.data());
  const simd::PackedMatrix& first = model.encoder().first;
  stages_.share_product(first, features_count_, 0, first.count, features_.data(), first_.data());
  stages_.share_linear(model.kernel(), features_.data(), linear_.data());
}

void SharedStrip::compute_rows(const ScreenModel& model, int samples) {
  if (rows_ >= samples) return;
  stages_.share_product(model.kernel().train, features_count_, rows_, samples, features_.data(),
                        train_.data());
  rows_ = samples;
}

void SharedStrip::copy_features(int lane, float* to) const {
  for (int f = 0; f < features_count_; ++f) to[f * lanes_] = features_.data()[f * lanes_ + lane];
}

}  // namespace polaris
