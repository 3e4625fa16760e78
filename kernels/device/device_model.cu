#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/device/device_model.hpp"
#include "kernels/screen_precision.hpp"

namespace polaris {
namespace {

/// Arrays begin where a warp's access can: at multiples of 128 bytes in either precision.
constexpr std::size_t kAlignment = 32;

/// Element (row, column) of a matrix, read through a function so that two matrices can be packed
/// as one.
template <typename T, typename Element>
void append_panel(std::vector<T>& out, int first_row, int panel, int depth,
                  const Element& element) {
  for (int k = 0; k < depth; ++k)
    for (int r = first_row; r < first_row + panel; ++r)
      out.push_back(r >= 0 ? element(r, k) : T(0));
}

}  // namespace

template <typename T>
struct DeviceModel<T>::Packing {
  using Pointer = const T* DeviceModelView<T>::*;

  Packing(const PosteriorView<T>& host, const StarlightSketch& sketch) {
    view.samples = host.samples;
    view.scale = host.scale;
    const int n = host.samples;
    add(&DeviceModelView<T>::feature_mean, host.feature_mean, 1, kFeatures, kFeatures);
    add(&DeviceModelView<T>::feature_inverse_sd, host.feature_inverse_sd, 1, kFeatures, kFeatures);
    const T* e = host.encoder;
    add_panels(&DeviceModelView<T>::weight1, kHidden1, kHidden1Panel, kFeatures,
               [e](int r, int k) { return e[EncoderLayout::weight1 + r * kFeatures + k]; });
    add(&DeviceModelView<T>::bias1, e + EncoderLayout::bias1, 1, kHidden1, kHidden1);
    add_panels(&DeviceModelView<T>::weight2, kHidden2, kHidden2Panel, kHidden1,
               [e](int r, int k) { return e[EncoderLayout::weight2 + r * kHidden1 + k]; });
    add(&DeviceModelView<T>::bias2, e + EncoderLayout::bias2, 1, kHidden2, kHidden2);
    add_panels(&DeviceModelView<T>::weight3, kLatent, kHidden2Panel, kHidden2 + kFeatures,
               [e](int r, int k) {
                 return k < kHidden2 ? e[EncoderLayout::weight3 + r * kHidden2 + k]
                                     : e[EncoderLayout::skip + r * kFeatures + k - kHidden2];
               });
    add(&DeviceModelView<T>::bias3, e + EncoderLayout::bias3, 1, kLatent, kLatent);
    add(&DeviceModelView<T>::inverse_length, host.inverse_length, 1, kKernelInputs, kKernelInputs);
    add_panels(&DeviceModelView<T>::train, n, kSamplePanel, kKernelInputs,
               [&host](int r, int k) { return host.train[r * kKernelInputs + k]; });
    add(&DeviceModelView<T>::train_norm, host.train_norm, 1, n, n);
    const int outputs = host.scale.outputs;
    add(&DeviceModelView<T>::alpha, host.alpha, outputs, n, n);
    add(&DeviceModelView<T>::mean_weight, host.mean_weight, outputs, kKernelInputs, kKernelInputs);
    add(&DeviceModelView<T>::mean_bias, host.mean_bias, outputs, 1, 1);
    const auto inverse = [&host](int r, int k) {
      return k <= r ? host.inverse_factor[static_cast<std::size_t>(r) *
                                              static_cast<std::size_t>(host.samples) +
                                          static_cast<std::size_t>(k)]
                    : T(0);
    };
    add_triangle(&DeviceModelView<T>::inverse_factor, n, kSamplePanel, inverse);
    add_triangle(&DeviceModelView<T>::prefix, view.prefix_rows(), kPrefixPanel, inverse);
    add_panels(&DeviceModelView<T>::sketch_train, view.prefix_rows(), kPrefixPanel, kKernelInputs,
               [&host](int r, int k) { return host.train[r * kKernelInputs + k]; });
    begin(&DeviceModelView<T>::sketch_alpha);
    for (const std::vector<double>& alpha : sketch.alpha) {
      arrays.insert(arrays.end(), alpha.begin(), alpha.end());
      arrays.resize(arrays.size() + kPrefixRows - alpha.size());
    }
    for (int o = 0; o < kMaxOutputs; ++o) view.remainder.norm[o] = static_cast<T>(sketch.rest[o]);
    // The sketch is computed in T throughout.
    constexpr ScreenPrecision kPrecision =
        sizeof(T) == sizeof(float) ? ScreenPrecision::fp32 : ScreenPrecision::fp64;
    view.remainder.slack =
        static_cast<T>(screen_bounds(kPrecision).sd) * std::sqrt(host.scale.unit_variance);
  }

  std::vector<T> arrays;
  std::vector<std::pair<Pointer, std::size_t>> places;  ///< each array's offset
  DeviceModelView<T> view{};

 private:
  void begin(Pointer pointer) {
    arrays.resize((arrays.size() + kAlignment - 1) / kAlignment * kAlignment);
    places.emplace_back(pointer, arrays.size());
  }

  /// `rows` rows, up to kMaxOutputs of them if there are several, each padded to `stride`.
  void add(Pointer pointer, const T* values, int rows, int columns, int stride) {
    begin(pointer);
    for (int r = 0; r < rows; ++r) {
      arrays.insert(arrays.end(), values + r * columns, values + (r + 1) * columns);
      arrays.resize(arrays.size() + static_cast<std::size_t>(stride - columns));
    }
    arrays.resize(arrays.size() + static_cast<std::size_t>((kMaxOutputs - rows) * stride));
  }

  template <typename Element>
  void add_panels(Pointer pointer, int rows, int panel, int depth, const Element& element) {
    begin(pointer);
    for (int p = 0; p < panel_count(rows, panel); ++p)
      append_panel(arrays, p * panel - panel_padding(rows, panel), panel, depth, element);
  }

  template <typename Element>
  void add_triangle(Pointer pointer, int rows, int panel, const Element& element) {
    begin(pointer);
    for (int p = 0; p < panel_count(rows, panel); ++p)
      append_panel(arrays, p * panel - panel_padding(rows, panel), panel,
                   triangle_depth(p, rows, panel), element);
  }
};

template <typename T>
DeviceModel<T>::DeviceModel(const PosteriorView<T>& host, const StarlightSketch& sketch,
                            const DeviceStream& stream)
    : DeviceModel(Packing(host, sketch), stream) {}

template <typename T>
DeviceModel<T>::DeviceModel(const Packing& packing, const DeviceStream& stream)
    : arrays_(packing.arrays.size(), "a Starlight model"), view_(packing.view) {
  arrays_.upload(packing.arrays, stream);
  for (const auto& [pointer, offset] : packing.places) view_.*pointer = arrays_.data() + offset;
}

template class DeviceModel<float>;
template class DeviceModel<double>;

}  // namespace polaris
