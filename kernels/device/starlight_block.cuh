// One thread block scores a batch of candidates with Starlight: the stages of starlight_score.cu.
//
// Shared memory, in elements of T (B: batch, M: columns of a product tile):
//
//   features [kFeatures][B]    standardised; after encode() over the length-scales
//   scratch  [max(kHidden1 + kHidden2, kept rows)][M]   hidden layers, then the kernel row
//   latent   [kLatent][M]      over the length-scales
//   norm     [M]               squared norm of the kernel inputs
//   prior    [kMaxOutputs][M]  linear mean
//   partial  [warps][kResults][M]
//   result   [kResults][B]     means, explained variance
//   logs     [2][B]            ln of the cycles' lower bound and of the analytical energy
#pragma once

#include "kernels/device/candidate_source.hpp"
#include "kernels/device/device_model.hpp"
#include "kernels/device/tensor_product.cuh"
#include "kernels/device/warp_product.cuh"
#include "kernels/port.cuh"
#include "kernels/starlight_score.cuh"
#include "models/analytical/analytical.hpp"
#include "models/starlight/features.hpp"
#include "models/starlight/kernel.hpp"
#include "models/starlight/network.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

inline constexpr int kScoreWarps = static_cast<int>(kScoreThreads / kWarpThreads);
inline constexpr int kExplained = kMaxOutputs;    ///< place of the variance behind the means
inline constexpr int kResults = kMaxOutputs + 1;  ///< per candidate

/// Elements of the kernel row's region, which holds the hidden layers before.
POLARIS_HD constexpr int score_scratch_rows(int kept_rows) {
  constexpr int kHidden = kHidden1 + kHidden2;
  return kept_rows > kHidden ? kept_rows : kHidden;
}

/// Elements of shared memory but for the scratch region.
POLARIS_HD constexpr int score_fixed_elements(int columns, int batch) {
  return (kFeatures + kResults + 2) * batch +
         (kLatent + 1 + kMaxOutputs + kScoreWarps * kResults) * columns;
}

/// Products over the samples, in which nearly all the work lies, by the screen's precision.
struct PlainProducts {
  template <typename T, int C>
  using Distance = WarpProduct<T, kSamplePanel / kLaneRows, C>;
  template <typename T, int C>
  using Variance = Distance<T, C>;
};
struct Tf32Products {
  template <typename T, int C>
  using Distance = TensorProduct<C, SplitTf32>;
  template <typename T, int C>
  using Variance = Distance<T, C>;
};
struct Bf16Products {
  template <typename T, int C>
  using Distance = TensorProduct<C, SplitTf32>;
  template <typename T, int C>
  using Variance = TensorProduct<C, SplitBf16>;
};

/// Every member must be called by all kScoreThreads threads of the block together. C: candidates of
/// a product tile per lane, M = 8 C in all.
template <typename T, int C, class Products>
class StarlightBlock {
 public:
  static constexpr int kColumns = kLaneColumns * C;

  /// `shared`: the block's dynamic shared memory. `row`: device memory for the kernel row, or null:
  /// shared memory has room for it.
  __device__ StarlightBlock(const DeviceModelView<T>& model, int batch, ScoreDepth depth, T* shared,
                            T* row)
      : model_(model), batch_(batch), depth_(depth) {
    const auto take = [&shared](int elements) {
      T* const out = shared;
      shared += elements;
      return out;
    };
    features_ = take(kFeatures * batch);
    result_ = take(kResults * batch);
    logs_ = take(2 * batch);
    latent_ = take(kLatent * kColumns);
    norm_ = take(kColumns);
    prior_ = take(kMaxOutputs * kColumns);
    partial_ = take(kScoreWarps * kResults * kColumns);
    hidden1_ = shared;
    hidden2_ = hidden1_ + kHidden1 * kColumns;
    row_ = row != nullptr ? row : shared;
  }

  /// Decodes this thread's candidate of the batch (column threadIdx.x): its standardised features
  /// and the two logarithms. Threads without one leave zeros.
  __device__ void decode(const CandidateSource& source, bool valid, std::uint64_t candidate) {
    const int column = static_cast<int>(threadIdx.x);
    if (column >= batch_) return;
    if (!valid) {
      for (int f = 0; f < kFeatures; ++f) features_[f * batch_ + column] = T(0);
      logs_[column] = logs_[batch_ + column] = T(0);
      return;
    }
    const LayerPoint point = source.point(candidate);
    POLARIS_KEEP_IN_MEMORY(point);
    feature_quantities(point.layer, point.hardware, point.mapping,
                       FeatureColumn{features_ + column, batch_});
    for (int f = 0; f < kFeatures; ++f) {
      T& x = features_[f * batch_ + column];
      x = standardise_feature(f < kLogFeatures, x, model_.feature_mean[f],
                              model_.feature_inverse_sd[f]);
    }
    POLARIS_KEEP_IN_MEMORY(point);
    logs_[column] = static_cast<T>(std::log(lower_bound_cycles(point.layer, point.hardware)));
    logs_[batch_ + column] = static_cast<T>(
        std::log(evaluate_analytical(point.layer, point.hardware, point.mapping).energy_pj));
  }

  /// Latents of the candidates [first, first + kColumns) of the batch, their features over the
  /// length-scales, their norms and linear means. Begins and ends with a barrier.
  __device__ void encode(int first) {
    T* const x = features_ + first;
    __syncthreads();
    layer<2>(model_.weight1, model_.bias1, kHidden1, kFeatures, x, batch_, hidden1_);
    __syncthreads();
    layer<1>(model_.weight2, model_.bias2, kHidden2, kHidden1, hidden1_, kColumns, hidden2_);
    __syncthreads();
    latents(x);
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < kFeatures * kColumns; i += kThreads)
      x[i / kColumns * batch_ + i % kColumns] *= model_.inverse_length[kLatent + i / kColumns];
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < kResults * kColumns; i += kThreads) {
      const int column = i % kColumns, quantity = i / kColumns;
      if (quantity < kMaxOutputs)
        prior_[i] = model_.mean_bias[quantity] +
                    dot_inputs(x, column, model_.mean_weight + quantity * kKernelInputs);
      else
        norm_[column] = squared_norm(x, column);
    }
    __syncthreads();
  }

  /// Correlation of the candidates of encode(first) with every sample, or those of the sketch, and
  /// the posterior means; the rows that the variance needs are kept.
  __device__ void correlate(int first) {
    if (depth_ == ScoreDepth::sketch)
      correlate_with<PrefixProduct>(first, model_.prefix_rows(), model_.sketch_train,
                                    model_.sketch_alpha, kPrefixRows);
    else
      correlate_with<DistanceProduct>(first, model_.samples, model_.train, model_.alpha,
                                      model_.samples);
    // A row in device memory needs no more than one in shared memory: barriers order both.
    __syncthreads();
  }

  /// Explained variance: |L^-1 k|^2, or the part of its first rows.
  __device__ void whiten() {
    if (depth_ != ScoreDepth::whole) {
      T explained[PrefixProduct::kColumnsPerLane] = {};
      const int rows = model_.prefix_rows();
      for (int p = warp(); p < panel_count(rows, kPrefixPanel); p += kScoreWarps)
        add_squares<PrefixProduct>(model_.prefix + triangle_offset(p, rows, kPrefixPanel),
                                   triangle_depth(p, rows, kPrefixPanel), explained);
      put_partial<PrefixProduct>(kExplained, explained);
      return;
    }
    // A panel's work grows with its number: dealt there and back, from the longest on.
    T explained[VarianceProduct::kColumnsPerLane] = {};
    const int panels = model_.panels();
    for (int round = 0; round * kScoreWarps < panels; ++round) {
      const int deal = round % 2 == 0 ? warp() : kScoreWarps - 1 - warp();
      const int p = panels - 1 - round * kScoreWarps - deal;
      if (p >= 0)
        add_squares<VarianceProduct>(
            model_.inverse_factor + triangle_offset(p, model_.samples, kSamplePanel),
            triangle_depth(p, model_.samples, kSamplePanel), explained);
    }
    put_partial<VarianceProduct>(kExplained, explained);
  }

  /// Sums of all warps, for the candidates of encode(first). Begins with a barrier.
  __device__ void combine(int first) {
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < kResults * kColumns; i += kThreads) {
      const int column = i % kColumns, quantity = i / kColumns;
      T sum = quantity < kMaxOutputs ? prior_[i] : T(0);
      for (int w = 0; w < kScoreWarps; ++w)
        sum += partial_[(w * kResults + quantity) * kColumns + column];
      result_[quantity * batch_ + first + column] = sum;
    }
  }

  /// Prediction for this thread's candidate of the batch, after combine() and a barrier.
  __device__ BasicPrediction<T> prediction() const {
    const int column = static_cast<int>(threadIdx.x);
    const T mean[kMaxOutputs] = {result_[column], result_[batch_ + column]};
    const T explained = result_[kExplained * batch_ + column];
    const T log_bound = logs_[column], log_analytical = logs_[batch_ + column];
    return depth_ == ScoreDepth::sketch
               ? to_sketch(model_.scale, model_.remainder, mean, explained, log_bound,
                           log_analytical)
               : to_prediction(model_.scale, mean, explained, log_bound, log_analytical);
  }

 private:
  using DistanceProduct = typename Products::template Distance<T, C>;
  using VarianceProduct = typename Products::template Variance<T, C>;
  /// Of the sketch's samples and the first rows of L^-1: each of the eight warps has a panel.
  using PrefixProduct = WarpProduct<T, kPrefixPanel / kLaneRows, C>;

  static constexpr int kThreads = static_cast<int>(kScoreThreads);

  /// One candidate's features, a column of the array, in the order feature_quantities writes them.
  struct FeatureColumn {
    T* column;
    int stride;
    __device__ T& operator[](int f) const { return column[f * stride]; }
  };

  __device__ static int warp() { return static_cast<int>(threadIdx.x / kWarpThreads); }

  /// out [rows][kColumns] = gelu(weight in + bias); R rows a lane.
  template <int R>
  __device__ void layer(const T* weight, const T* bias, int rows, int depth, const T* in,
                        int in_stride, T* out) const {
    using Product = WarpProduct<T, R, C>;
    for (int p = warp(); p < panel_count(rows, Product::kRows); p += kScoreWarps) {
      Product product;
      product.clear();
      product.add(weight + p * Product::kRows * depth, in, in_stride, depth);
      for (int r = 0; r < R; ++r) {
        const int row = p * Product::kRows + product.row(r);
        if (row >= rows) continue;
        for (int c = 0; c < C; ++c)
          out[row * kColumns + product.column(c)] = gelu(product.at(r, c) + bias[row]);
      }
    }
  }

  __device__ void latents(const T* x) {
    using Product = WarpProduct<T, 1, C>;
    constexpr int kDepth = kHidden2 + kFeatures;
    for (int p = warp(); p < panel_count(kLatent, Product::kRows); p += kScoreWarps) {
      Product product;
      product.clear();
      const T* const panel = model_.weight3 + p * Product::kRows * kDepth;
      product.add(panel, hidden2_, kColumns, kHidden2);
      product.add(panel + Product::kRows * kHidden2, x, batch_, kFeatures);
      const int row = p * Product::kRows + product.row(0);
      if (row >= kLatent) continue;
      for (int c = 0; c < C; ++c)
        latent_[row * kColumns + product.column(c)] =
            (product.at(0, c) + model_.bias3[row]) * model_.inverse_length[row];
    }
  }

  /// weight . kernel inputs of one candidate
  __device__ T dot_inputs(const T* x, int column, const T* weight) const {
    T sum = T(0);
    for (int k = 0; k < kLatent; ++k)
      sum = std::fma(weight[k], latent_[k * kColumns + column], sum);
    for (int f = 0; f < kFeatures; ++f)
      sum = std::fma(weight[kLatent + f], x[f * batch_ + column], sum);
    return sum;
  }

  __device__ T squared_norm(const T* x, int column) const {
    T sum = T(0);
    for (int k = 0; k < kLatent; ++k) {
      const T z = latent_[k * kColumns + column];
      sum = std::fma(z, z, sum);
    }
    for (int f = 0; f < kFeatures; ++f) {
      const T z = x[f * batch_ + column];
      sum = std::fma(z, z, sum);
    }
    return sum;
  }

  /// correlate() with the first `samples` samples. `alpha` [kMaxOutputs][stride].
  template <class Product>
  __device__ void correlate_with(int first, int samples, const T* train, const T* alpha,
                                 int stride) {
    constexpr int kAcross = Product::kColumnsPerLane;
    const T* const x = features_ + first;
    const int kept = depth_ == ScoreDepth::whole ? samples : model_.prefix_rows();
    const int padding = panel_padding(samples, Product::kRows);
    T norm[kAcross], mean[kMaxOutputs][kAcross] = {};
#pragma unroll
    for (int c = 0; c < kAcross; ++c) norm[c] = norm_[Product::column(c)];
    for (int p = warp(); p < panel_count(samples, Product::kRows); p += kScoreWarps) {
      Product product;
      product.clear();
      const T* const panel = train + p * Product::kRows * kKernelInputs;
      product.add(panel, latent_, kColumns, kLatent);
      product.add(panel + Product::kRows * kLatent, x, batch_, kFeatures);
#pragma unroll
      for (int r = 0; r < Product::kRowsPerLane; ++r) {
        const int n = p * Product::kRows + product.row(r) - padding;
        if (n < 0) continue;
        const T train_norm = model_.train_norm[n], weight[] = {alpha[n], alpha[stride + n]};
#pragma unroll
        for (int c = 0; c < kAcross; ++c) {
          const T d2 = std::fma(T(-2), product.at(r, c), train_norm + norm[c]);
          const T k = matern52(d2);
#pragma unroll
          for (int o = 0; o < kMaxOutputs; ++o) mean[o][c] = std::fma(weight[o], k, mean[o][c]);
          if (n < kept) row_[n * kColumns + kept_column(n, Product::column(c))] = k;
        }
      }
    }
#pragma unroll
    for (int o = 0; o < kMaxOutputs; ++o) put_partial<Product>(o, mean[o]);
  }

  /// Where a row's column lies: as whiten() reads it.
  __device__ int kept_column(int row, int column) const {
    return depth_ == ScoreDepth::whole ? VarianceProduct::skewed_column(row, column) : column;
  }

  /// Adds the squares of a panel of L^-1 times the kernel rows.
  template <class Product>
  __device__ void add_squares(const T* panel, int depth,
                              T explained[Product::kColumnsPerLane]) const {
    Product product;
    product.clear();
    product.add_skewed(panel, row_, kColumns, depth);
#pragma unroll
    for (int r = 0; r < Product::kRowsPerLane; ++r)
#pragma unroll
      for (int c = 0; c < Product::kColumnsPerLane; ++c)
        explained[c] = std::fma(product.at(r, c), product.at(r, c), explained[c]);
  }

  /// Sum over this warp's rows of one quantity.
  template <class Product>
  __device__ void put_partial(int quantity, const T value[Product::kColumnsPerLane]) {
#pragma unroll
    for (int c = 0; c < Product::kColumnsPerLane; ++c) {
      const T sum = Product::sum_over_rows(value[c]);
      if (threadIdx.x % kWarpThreads < Product::kColumnLanes)
        partial_[(warp() * kResults + quantity) * kColumns + Product::column(c)] = sum;
    }
  }

  const DeviceModelView<T>& model_;
  int batch_;
  ScoreDepth depth_;
  T *features_, *result_, *logs_, *latent_, *norm_, *prior_, *partial_, *hidden1_, *hidden2_, *row_;
};

}  // namespace polaris
