// The arithmetic of a tile of candidates in float32, once for every instruction set.
//
// A tile is a row of strips. A strip holds `lanes` candidates side by side: quantity q of the
// candidate in lane i is strip[q * lanes + i]. All matrices that multiply strips are packed in
// panels of `rows` rows: element (r, c) of panel p is panel[p * depth * rows + c * rows + r]
// (host/engine/screen_model.hpp makes them), so that products read memory in order.
//
// What bounds the speed, counted per candidate for N samples and D kernel inputs (numbers: N = 611,
// D = 79): encoder 14 k operations, distances 2 N D = 97 k, Matern about 27 N = 16 k, mean 4 N = 2
// k, variance N^2 = 374 k: arithmetic, provided that operands come from the nearest caches. A
// product does 2 rows lanes operations for lanes + rows floats read: with AVX2 12 multiply-adds (6
// cycles) for 8 loads (4 cycles). A panel (7 KB on average in the variance, 2 KB in the distances)
// stays in the L1 cache while it meets every strip of the tile; the tile's kernel rows (N x 64
// candidates: 156 KB) stay in L2, read at 11 bytes a cycle; L^-1 (750 KB) comes from L3 or memory
// once a tile: 12 KB per candidate, 2 bytes a cycle. Whitened values stay in registers: only the
// sum of their squares is kept. Every sum runs in the order of its index, whatever the width: all
// instruction sets give equal bits.
#pragma once

#include <cstddef>

namespace polaris::simd {

inline constexpr int kMaxLanes = 32;        ///< of a strip
inline constexpr int kTileCandidates = 64;  ///< of a tile; a multiple of every strip's lanes

inline constexpr float kLn2 = 0.693147180559945309f;
inline constexpr float kLog2E = 1.44269504088896341f;
/// Factor of a squared distance d^2 in the argument of Matern-5/2: r = sqrt(5) d is measured in
/// units of ln 2, so that e^-r is a power of two without another product.
inline constexpr float kMaternScale = 5.0f * kLog2E * kLog2E;

/// Standardisation of the features that vary, the logarithmic ones first.
struct FeatureScaling {
  int count;          ///< features that vary
  int log_count;      ///< of them those that enter as log2
  const int* source;  ///< [count] row of each one's quantity in the strip
  // value = slope quantity + shift, cut to [low, high]
  const float* slope;
  const float* shift;
  const float* low;
  const float* high;
};

struct PackedMatrix {
  const float* panels;  ///< rows beyond `count` are zeros
  const float* bias;    ///< [panels * rows]
  int count;            ///< rows that are used
  int depth;
};

/// Inputs come in this order: features that many candidates share, features of their own, latent.
/// A sum over inputs may begin with the part over the shared ones, which was computed before.
struct EncoderStages {
  int shared;           ///< features that are shared
  int features;         ///< that vary, the shared ones included
  PackedMatrix first;   ///< hidden layer 1, then the linear path, on features
  PackedMatrix second;  ///< hidden layer 2 on 1
  PackedMatrix third;   ///< latent on hidden layer 2
  int hidden1;
};

struct KernelStages {
  int shared;          ///< as above
  PackedMatrix train;  ///< -2 kMaternScale times the samples; bias: kMaternScale times their norms
  int samples;         ///< padded to whole panels
  const float* own;    ///< [depth] kMaternScale / length^2
  const float* alpha[2];        ///< [samples]
  const float* mean_weight[2];  ///< [depth]
  float mean_bias[2];
};

/// Sums over the shared features, one lane for every set of them: row r of lane i is at
/// r * lanes + i.
struct SharedSums {
  const float* first;   ///< of the encoder's first matrix
  const float* train;   ///< of the samples
  const float* linear;  ///< [3] of the norm and both means
  const int* lane;      ///< [strip][lanes]: where each candidate's sums are
};

/// One strip of anchors: points whose posterior is known with its gradient, from which that of
/// points nearby is bounded (host/engine/anchors.hpp). Own inputs are all but the shared ones.
struct AnchorRows {
  float* mean;         ///< [2][lanes]
  float* gradient;     ///< [2][own inputs][lanes] of the means by the inputs
  float* unexplained;  ///< [lanes] root of the share of the variance left, or more
  float* inputs;       ///< [own inputs][lanes]
};

/// Lengths of the posterior means in the kernel's feature space (StarlightSketch::norm).
struct PosteriorNorm {
  float of[2];
};

/// Rows of a strip out of `near`.
struct NearRows {
  float* mean;       ///< [2][lanes] lower bounds
  float* spread;     ///< [lanes] by how much the first mean may be larger
  float* explained;  ///< [lanes] lower bound
};

/// Weights of the squares of a tail (host/engine/tail_factor.hpp): of each row of the projection,
/// and of what it leaves, for the least and the most that the tail may explain.
struct TailWeights {
  const float* low;
  const float* high;
  float rest_low, rest_high;
};

/// What turns unit posteriors into predictions (OutputScale).
struct FinishScaling {
  bool warp;
  bool has_energy;
  float sd[2];
  float unit_variance;
};

/// For `finish` where only some of the samples were looked at: how far the means may be from those
/// of all (ScreenModel).
struct Remainder {
  float norm[2];  ///< of the rest of each output's coefficients
  float slack;    ///< rounding of the root of the unexplained variance
};

/// Rows of a strip in and out of `finish`.
struct FinishRows {
  const float* mean[2];
  const float* spread;  ///< null, or by how much the first mean may be larger
  const float* explained;
  const float* bound;       ///< lower_bound_cycles
  const float* analytical;  ///< pJ
  float* log_latency;
  float* log_latency_sd;
  float* log_energy;
  float* log_energy_sd;
};

/// Functions of one instruction set. All strips have `lanes` lanes, all panels `rows` rows.
struct Stages {
  const char* name;
  int lanes;
  int rows;
  /// One strip of quantities -> standardised features, [count][lanes].
  void (*standardise)(const FeatureScaling&, const float* quantities, float* features);
  /// Strip number `strip` of kernel inputs: reads the features, writes the latent behind them,
  /// [kLatent][lanes]. `scratch`: [hidden units][lanes]. With shared sums (or null): shared
  /// features are not read; here and below the bits are the same.
  void (*encode)(const EncoderStages&, const SharedSums*, int strip, float* inputs, float* scratch);
  /// Strips of inputs [depth][lanes] (`stride` floats apart) -> strips of kernel rows
  /// [samples][lanes], and the means of both outputs, [strip][2][lanes].
  void (*kernel)(const KernelStages&, const SharedSums*, const float* inputs, std::size_t stride,
                 int strips, float* kernel, float* mean);
  /// Rows [begin, end), whole panels, of the part of a product over the first `depth` inputs of a
  /// strip, and of the linear sums: what SharedSums holds.
  void (*share_product)(const PackedMatrix&, int depth, int begin, int end, const float* strip,
                        float* sums);
  void (*share_linear)(const KernelStages&, const float* strip, float* sums);
  /// Adds the squares of the panels [begin, end) of L^-1 k to `explained` [strip][lanes]. Panel p
  /// has (p + 1) rows columns and begins at rows^2 p (p + 1) / 2.
  void (*explain)(const float* factor, int begin, int end, const float* kernel, int samples,
                  int strips, float* explained);
  /// Adds to the rows of `kernel` from `depth` on what the matrix makes of the first `depth`; the
  /// sums of their squares -> `square` [strip][lanes].
  void (*regress)(const PackedMatrix&, float* kernel, int samples, int strips, float* square);
  /// Least and most that the rows from `first` on, as `regress` left them, explain:
  /// [strip][lanes].
  void (*project)(const PackedMatrix&, const TailWeights&, const float* kernel, int first,
                  int samples, int strips, const float* square, float* low, float* high);
  /// One strip of inputs -> kernel rows [samples][lanes], and the means and gradients of `anchor`;
  /// shared inputs are not read.
  /// `samples`: the own inputs of all samples, [own inputs] rows by [samples], as in `train`;
  /// `slopes`: scratch, [2][samples][lanes].
  void (*anchor)(const KernelStages&, const PackedMatrix& samples, const SharedSums&,
                 const float* inputs, float* kernel, float* slopes, const AnchorRows& anchor);
  /// Bounds for one strip of inputs, of which only the own ones are read; `anchor`: [lanes], the
  /// lane of each candidate's anchor, which must be equal to it in all shared inputs.
  void (*near)(const KernelStages&, const PosteriorNorm&, const AnchorRows&, const int* anchor,
               const float* inputs, const NearRows&);
  /// One strip. With a remainder or a spread: no mean is lower than what it writes, no deviation
  /// larger.
  void (*finish)(const FinishScaling&, const Remainder*, const FinishRows&);
  /// For benchmarks: multiply-adds on registers only; returns the operations done.
  double (*multiply_adds)(long rounds);
  // For tests: elementwise on [lanes].
  void (*exp_of_minus)(const float* x, float* y);
  void (*matern52)(const float* scaled, float* y);
  void (*log2_positive)(const float* x, float* y);
  void (*gelu)(const float* x, float* y);
};

/// AVX2 and FMA: what the whole program is compiled for.
const Stages& avx2_stages();
/// Null where the compiler or the CPU has no AVX-512 (F, DQ).
const Stages* avx512_stages();
/// The widest that this CPU executes.
const Stages& best_stages();

}  // namespace polaris::simd
