// What candidates of one hardware, one tiling and one class of loop orders (order_class.hpp) have
// in common, computed once for all of them: features, and the part of all sums over inputs that
// runs over these.
#pragma once

#include <cstdint>

#include "host/engine/screen_model.hpp"
#include "models/space/layer_point.hpp"

namespace polaris {

/// Where feature_quantities writes: one lane of a strip.
struct StripLane {
  float* first;
  int lanes;
  float& operator[](int quantity) const { return first[quantity * lanes]; }
};

/// One set of shared features in each lane of a strip. Memory is taken at construction.
class SharedStrip {
 public:
  SharedStrip(const simd::Stages& stages, int samples);

  void clear() { count_ = 0; }
  bool full() const { return count_ == lanes_; }

  /// What of a point's features is its own.
  struct Own {
    int lane;
    float energy_ratio;
    double analytical_pj;
  };
  /// Takes the features of a point. Precondition: not full.
  Own add(const Layer& layer, const HardwareConfig& hardware, const Mapping& mapping);

  /// Brings features and the encoder's and the linear sums up to date, and those of the first
  /// `samples` rows of the kernel.
  void compute(const ScreenModel& model);
  void compute_rows(const ScreenModel& model, int samples);

  /// `lane`: of every candidate.
  simd::SharedSums sums(const int* lane) const {
    return {first_.data(), train_.data(), linear_.data(), lane};
  }
  /// The shared features of a lane to that of another strip.
  void copy_features(int lane, float* to) const;

 private:
  const simd::Stages& stages_;
  int lanes_;
  int count_ = 0;
  int computed_ = 0;          // lanes whose features and sums are up to date
  int rows_ = 0;              // kernel rows of which they are
  int features_count_ = 0;    // of the model of the last `compute`
  AlignedFloats quantities_;  // [kFeatures][lanes]
  AlignedFloats features_;    // [kFeatures][lanes]
  AlignedFloats first_;       // [rows of the encoder's first matrix][lanes]
  AlignedFloats train_;       // [samples][lanes]
  AlignedFloats linear_;      // [3][lanes]
};

}  // namespace polaris
