// A Starlight model in device memory, its matrices packed for the warp products.
#pragma once

#include "kernels/device/buffer.hpp"
#include "kernels/starlight_model.hpp"
#include "models/starlight/network.hpp"

namespace polaris {

/// Rows of a panel, by the work that a lane has on it (device/warp_product.cuh).
inline constexpr int kSamplePanel = 32;  ///< of the samples and of L^-1
inline constexpr int kHidden1Panel = 8;  ///< of the first layer
inline constexpr int kHidden2Panel = 4;  ///< of the second layer and of the latent
inline constexpr int kPrefixPanel = 8;   ///< of the first rows of L^-1
inline constexpr int kPrefixRows = 64;   ///< rows of L^-1 in the cheap bound on the variance

POLARIS_HD constexpr int panel_count(int rows, int panel) { return (rows + panel - 1) / panel; }

/// Pointers into device memory. A matrix of R rows and D columns, packed by panels of H rows, is
/// [ceil(R / H)][D][H]: the elements of one step along the depth D lie side by side; zeros fill the
/// last panel.
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
  const T* train_norm;          ///< [N up to a panel]
  const T* alpha;               ///< [kMaxOutputs][N up to a panel]; zeros where there is no output
  const T* mean_weight;         ///< [kMaxOutputs][kKernelInputs]
  const T* mean_bias;           ///< [kMaxOutputs]
  const T* inverse_factor;      ///< panels of L^-1; panel p has 32 (p + 1) columns, not N
  const T* prefix;  ///< the first kPrefixRows rows alike, panel p with 8 (p + 1) columns
  OutputScale<T> scale;

  /// Panels that hold the samples.
  POLARIS_HD int panels() const { return panel_count(samples, kSamplePanel); }
  /// Rows of L^-1 in the cheap bound.
  POLARIS_HD int prefix_rows() const { return samples < kPrefixRows ? samples : kPrefixRows; }
};

/// First element of panel p of a lower triangle packed by panels of `panel` rows.
POLARIS_HD constexpr std::int64_t triangle_offset(int p, int panel) {
  return std::int64_t{panel} * panel * p * (p + 1) / 2;
}

template <typename T>
class DeviceModel {
 public:
  /// Queues the copy of `host`, which may die as soon as this returns.
  DeviceModel(const PosteriorView<T>& host, const DeviceStream& stream);

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
