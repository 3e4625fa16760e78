// A Starlight model in device memory, its matrices packed for the warp products.
#pragma once

#include "kernels/device/buffer.hpp"
#include "kernels/starlight_model.hpp"
#include "kernels/starlight_sketch.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

/// Rows of a panel, by the work that a lane has on it (device/warp_product.cuh).
inline constexpr int kSamplePanel = 32;  ///< of the samples and of L^-1
inline constexpr int kHidden1Panel = 8;  ///< of the first layer
inline constexpr int kHidden2Panel = 4;  ///< of the second layer and of the latent
inline constexpr int kPrefixPanel = 8;   ///< of the sketch's samples and rows of L^-1

POLARIS_HD constexpr int panel_count(int rows, int panel) { return (rows + panel - 1) / panel; }

/// Rows of zeros that fill the first panel. Not the last one: of a lower triangle's rows the first
/// are the short ones.
POLARIS_HD constexpr int panel_padding(int rows, int panel) {
  return panel_count(rows, panel) * panel - rows;
}

/// Pointers into device memory. A matrix of R rows and D columns, packed by panels of H rows, is
/// [ceil(R / H)][D][H]: the elements of one step along the depth D lie side by side; rows of zeros
/// begin the first panel, so that row r of panel p is p H + r - panel_padding. Panel p of a
/// triangle has the columns up to its last row.
template <typename T>
struct DeviceModelView {
  int samples;                  ///< N
  const T* feature_mean;        ///< [kFeatures]
  const T* feature_inverse_sd;  ///< [kFeatures]
  const T* weight1;             ///< panels of [kHidden1][kFeatures]
  const T* bias1;               ///< [kHidden1]
  const T* weight2;             ///< panels of [kHidden2][kHidden1]
  const T* bias2;               ///< [kHidden2]
  const T* weight3;             ///< panels of [kLatent][kHidden2 + kFeatures]: last layer | skip
  const T* bias3;               ///< [kLatent]
  const T* inverse_length;      ///< [kKernelInputs]
  const T* train;               ///< panels of [N][kKernelInputs]
  const T* train_norm;          ///< [N]
  const T* alpha;               ///< [kMaxOutputs][N]; zeros where there is no output
  const T* mean_weight;         ///< [kMaxOutputs][kKernelInputs]
  const T* mean_bias;           ///< [kMaxOutputs]
  const T* inverse_factor;      ///< panels of L^-1
  const T* prefix;              ///< panels of the first kPrefixRows rows of L^-1
  const T* sketch_train;        ///< panels of [prefix_rows()][kKernelInputs]
  const T* sketch_alpha;        ///< [kMaxOutputs][kPrefixRows]; zeros where there is no sample
  Remainder<T> remainder;       ///< of the sketch
  OutputScale<T> scale;

  /// Panels that hold the samples.
  POLARIS_HD int panels() const { return panel_count(samples, kSamplePanel); }
  /// Samples of the sketch, and rows of L^-1 in the cheap bound.
  POLARIS_HD int prefix_rows() const { return samples < kPrefixRows ? samples : kPrefixRows; }
};

/// Columns of panel p of a lower triangle of `rows` rows packed by panels of `panel` rows.
POLARIS_HD constexpr int triangle_depth(int p, int rows, int panel) {
  return (p + 1) * panel - panel_padding(rows, panel);
}
/// Its first element.
POLARIS_HD constexpr std::int64_t triangle_offset(int p, int rows, int panel) {
  return std::int64_t{panel} * p * ((p + 1) * panel - 2 * panel_padding(rows, panel)) / 2;
}

template <typename T>
class DeviceModel {
 public:
  /// Queues the copy of `host`, which may die as soon as this returns. `sketch`: of the same model.
  DeviceModel(const PosteriorView<T>& host, const StarlightSketch& sketch,
              const DeviceStream& stream);

  /// For kernels on `stream`, and on others once `stream` has been synchronised.
  const DeviceModelView<T>& view() const { return view_; }
  std::size_t bytes() const { return arrays_.size() * sizeof(T); }

 private:
  struct Packing;
  DeviceModel(const Packing& packing, const DeviceStream& stream);

  DeviceBuffer<T> arrays_;  ///< all of them, one after the other
  DeviceModelView<T> view_;
};

extern template class DeviceModel<float>;
extern template class DeviceModel<double>;

}  // namespace polaris
