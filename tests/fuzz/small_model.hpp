// The smallest models: what is read does not depend on what was learned.
#pragma once

#include <vector>

#include "host/fit/model.hpp"
#include "host/io/mapping_text.hpp"

namespace polaris::fuzz {

/// An encoder without training: all weights alike.
inline Pretrained small_encoder() {
  constexpr double kWeight = 0.01;
  Pretrained out;
  out.scaler.inverse_sd.fill(1.0);
  out.encoder.assign(EncoderLayout::size, kWeight);
  out.source = "fuzz";
  return out;
}

/// A model of two samples.
inline const StarlightModel& small_model() {
  static const StarlightModel model = [] {
    ModelParameters parameters;
    const Pretrained encoder = small_encoder();
    parameters.scaler = encoder.scaler;
    parameters.encoder = encoder.encoder;
    parameters.pretrained_hash = encoder.hash();
    parameters.machine = "ours";
    parameters.settings = {{"steps", 1.0}};
    parameters.outputs.resize(2);
    Layer layer;
    layer.size[index_of(Dim::C)] = layer.size[index_of(Dim::K)] = 16;
    std::vector<DesignSample> samples;
    for (const char* mapping : {"L3[WIO] N1 - L2[WI] N1 K16X - L1[O] N1 C16X - L0[W] N1",
                                "L3[WIO] K2 - L2[WI] N1 K8X - L1[O] C2 C8X - L0[W] N1"})
      samples.push_back({layer, HardwareConfig(), parse_mapping(mapping), 100.0, 1000.0});
    return StarlightModel(parameters, samples, 1);
  }();
  return model;
}

}  // namespace polaris::fuzz
