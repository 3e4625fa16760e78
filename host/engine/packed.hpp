// Matrices as the float32 stages want them: in panels (simd/stages.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "host/engine/simd/stages.hpp"
#include "host/fit/model.hpp"

namespace polaris {

/// Floats on cache lines of their own.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size)
      : data_(static_cast<float*>(::operator new(size * sizeof(float), kAlignment))), size_(size) {
    std::fill(data_.get(), data_.get() + size, 0.0f);
  }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data_.get()[i]; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t size_ = 0;
};

/// Rows of L^-1 that bound a deviation where the whole variance is not asked for (yet).
inline constexpr int kBoundRows = 64;

constexpr int whole_panels(int rows, int panel_rows) {
  return (rows + panel_rows - 1) / panel_rows;
}

/// Rows that are elements row(r, c) and biases bias(r), packed for the stages.
struct PackedPanels {
  AlignedFloats data, bias;

  template <typename Row, typename Bias>
  simd::PackedMatrix pack(const simd::Stages& stages, int rows, int depth, const Row& row,
                          const Bias& bias_of) {
    const int padded = whole_panels(rows, stages.rows) * stages.rows;
    data = AlignedFloats(static_cast<std::size_t>(padded) * static_cast<std::size_t>(depth));
    bias = AlignedFloats(static_cast<std::size_t>(padded));
    std::size_t at = 0;
    for (int first = 0; first < padded; first += stages.rows)
      for (int c = 0; c < depth; ++c)
        for (int r = first; r < first + stages.rows; ++r, ++at)
          if (r < rows) data[at] = static_cast<float>(row(r, c));
    for (int r = 0; r < rows; ++r)
      bias[static_cast<std::size_t>(r)] = static_cast<float>(bias_of(r));
    return {data.data(), bias.data(), rows, depth};
  }
};

/// L^-1 in panels of stages.rows rows; what every layer's screen shares.
class PackedFactor {
 public:
  /// Of the first `rows` samples, or of all where there are fewer.
  PackedFactor(const PosteriorTensors<double>& model, int rows, const simd::Stages& stages);
  const float* data() const { return data_.data(); }
  int panels() const { return panels_; }
  int samples() const { return samples_; }  ///< padded to whole panels
  int panel_rows() const { return samples_ / panels_; }
  /// Panels of the rows that bound a deviation.
  int bound_panels() const { return std::min(whole_panels(kBoundRows, panel_rows()), panels_); }

 private:
  int panels_, samples_;
  AlignedFloats data_;
};

}  // namespace polaris
