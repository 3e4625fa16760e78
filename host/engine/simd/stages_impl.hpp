// Stages for a vector type V, for the sources that are compiled for one instruction set.
#pragma once

#include "host/engine/simd/stages.hpp"
#include "host/engine/simd/variance.hpp"
#include "host/engine/simd/vector.hpp"

namespace polaris::simd {

template <typename V>
struct StagesOf : VarianceOf<V> {
  using Base = VarianceOf<V>;
  using Base::explain;
  using Base::first_sums;
  using Base::kLanes;
  using Base::kRows;
  using Base::panel_sums;
  using Base::product;
  using Base::project;
  using Base::regress;
  using typename Base::Picked;
  using typename Base::Sums;

  static void standardise(const FeatureScaling& scaling, const float* quantities, float* features) {
    for (int f = 0; f < scaling.count; ++f) {
      const float* from = quantities + scaling.source[f] * kLanes;
      float* to = features + f * kLanes;
      const V slope = V::all(scaling.slope[f]), shift = V::all(scaling.shift[f]);
      const V low = V::all(scaling.low[f]), high = V::all(scaling.high[f]);
      for (int i = 0; i < kLanes; i += V::kLanes) {
        V value = V::load(from + i);
        if (f < scaling.log_count) value = log2_positive(value);
        // NaN stays NaN
        smaller_of(high, larger_of(low, multiply_add(value, slope, shift))).store(to + i);
      }
    }
  }

  static void encode(const EncoderStages& encoder, const SharedSums* shared, int strip,
                     float* inputs, float* scratch) {
    float* latent = inputs + encoder.features * kLanes;
    float* hidden1 = scratch;  // [hidden1][lanes], then hidden layer 2
    float* hidden2 = scratch + encoder.hidden1 * kLanes;
    const auto store_first = [&](int row, int lane, V sum) {
      if (row < encoder.hidden1)
        gelu(sum).store(hidden1 + row * kLanes + lane);
      else
        sum.store(latent + (row - encoder.hidden1) * kLanes + lane);
    };
    if (shared == nullptr) {
      product(encoder.first, inputs, store_first);
    } else {
      const Picked picked(shared->lane + strip * kLanes);
      product(encoder.first, inputs, store_first, encoder.shared, shared->first, &picked);
    }
    product(encoder.second, hidden1,
            [&](int row, int lane, V sum) { gelu(sum).store(hidden2 + row * kLanes + lane); });
    product(encoder.third, hidden2, [&](int row, int lane, V sum) {
      float* z = latent + row * kLanes + lane;
      (V::load(z) + sum).store(z);
    });
  }

  /// The linear sums of one half of a strip.
  struct Linear {
    V norm, mean[2];

    /// Adds the inputs [begin, end) of `strip`.
    inline void add(const KernelStages& stages, int begin, int end, const float* strip) {
      for (int c = begin; c < end; ++c) {
        const V x = V::load(strip + c * kLanes);
        norm = multiply_add(V::all(stages.own[c]) * x, x, norm);
        mean[0] = multiply_add(V::all(stages.mean_weight[0][c]), x, mean[0]);
        mean[1] = multiply_add(V::all(stages.mean_weight[1][c]), x, mean[1]);
      }
    }
  };
  static inline Linear linear_bias(const KernelStages& stages) {
    return {V::all(0.0f), {V::all(stages.mean_bias[0]), V::all(stages.mean_bias[1])}};
  }

  static void share_product(const PackedMatrix& matrix, int depth, int begin, int end,
                            const float* strip, float* out) {
    for (int row = begin; row < end; row += kRows) {
      const Sums sums = first_sums(matrix, row, strip, depth);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r)
        for (int half = 0; half < 2; ++half)
          sums.of[r][half].store(out + (row + r) * kLanes + half * V::kLanes);
    }
  }

  static void share_linear(const KernelStages& stages, const float* strip, float* out) {
    for (int i = 0; i < kLanes; i += V::kLanes) {
      Linear sums = linear_bias(stages);
      sums.add(stages, 0, stages.shared, strip + i);
      sums.norm.store(out + i);
      sums.mean[0].store(out + kLanes + i);
      sums.mean[1].store(out + 2 * kLanes + i);
    }
  }

  /// Of a strip: its part of the distances, [lanes], and the linear part of the means.
  static inline void linear_sums(const KernelStages& stages, const SharedSums* shared,
                                 const int* lane, const float* strip, float* own_norm,
                                 float* mean) {
    for (int i = 0; i < kLanes; i += V::kLanes) {
      Linear sums = linear_bias(stages);
      if (shared != nullptr) {
        const auto lanes = V::lanes(lane + i);
        sums = {
            V::pick(shared->linear, lanes),
            {V::pick(shared->linear + kLanes, lanes), V::pick(shared->linear + 2 * kLanes, lanes)}};
      }
      sums.add(stages, shared != nullptr ? stages.shared : 0, stages.train.depth, strip + i);
      sums.norm.store(own_norm + i);
      sums.mean[0].store(mean + i);
      sums.mean[1].store(mean + kLanes + i);
    }
  }

  static void kernel(const KernelStages& stages, const SharedSums* shared, const float* inputs,
                     std::size_t stride, int strips, float* kernel, float* mean) {
    float own_norm[kTileCandidates];
    for (int s = 0; s < strips; ++s)
      linear_sums(stages, shared, shared != nullptr ? shared->lane + s * kLanes : nullptr,
                  inputs + static_cast<std::size_t>(s) * stride, own_norm + s * kLanes,
                  mean + 2 * s * kLanes);
    for (int row = 0; row < stages.samples; row += kRows) {
      for (int s = 0; s < strips; ++s) {
        const float* strip = inputs + static_cast<std::size_t>(s) * stride;
        Sums sums;
        if (shared == nullptr) {
          sums = panel_sums(stages.train, row, strip, 0, nullptr, nullptr);
        } else {
          const Picked picked(shared->lane + s * kLanes);
          sums = panel_sums(stages.train, row, strip, stages.shared, shared->train, &picked);
        }
        add_distances(sums, own_norm + s * kLanes);
        float* out = kernel + (static_cast<std::ptrdiff_t>(s) * stages.samples + row) * kLanes;
        store_kernel(stages, row, sums, out, mean + 2 * s * kLanes, [](int, int, const auto&) {});
      }
    }
  }

  [[gnu::always_inline]] static inline void add_distances(Sums& sums, const float* own_norm) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      for (int half = 0; half < 2; ++half)
        sums.of[r][half] = sums.of[r][half] + V::load(own_norm + half * V::kLanes);
  }

  /// Rows from `row` on of a strip's kernel row, of their scaled distances; adds to the means.
  /// see(r, lane, matern) is called for each.
  template <typename See>
  [[gnu::always_inline]] static inline void store_kernel(const KernelStages& stages, int row,
                                                         const Sums& distances, float* kernel,
                                                         float* mean, const See& see) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const int lane = half * V::kLanes;
      V sum0 = V::load(mean + lane), sum1 = V::load(mean + kLanes + lane);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Matern52<V> matern(distances.of[r][half]);
        const V k = matern.value();
        k.store(kernel + r * kLanes + lane);
        sum0 = multiply_add(V::all(stages.alpha[0][row + r]), k, sum0);
        sum1 = multiply_add(V::all(stages.alpha[1][row + r]), k, sum1);
        see(r, lane, matern);
      }
      sum0.store(mean + lane);
      sum1.store(mean + kLanes + lane);
    }
  }

  static void anchor(const KernelStages& stages, const PackedMatrix& samples,
                     const SharedSums& shared, const float* inputs, float* kernel, float* slopes,
                     const AnchorRows& anchor) {
    float own_norm[kLanes];
    linear_sums(stages, &shared, shared.lane, inputs, own_norm, anchor.mean);
    const Picked picked(shared.lane);
    V slope_sum[2][2];
    for (V(&of)[2] : slope_sum) of[0] = of[1] = V::all(0.0f);
    for (int row = 0; row < stages.samples; row += kRows) {
      Sums sums = panel_sums(stages.train, row, inputs, stages.shared, shared.train, &picked);
      add_distances(sums, own_norm);
      const auto store_slopes = [&](int r, int lane, const Matern52<V>& matern) {
        const V slope = matern.slope();
        for (int o = 0; o < 2; ++o) {
          const V weighted = V::all(stages.alpha[o][row + r]) * slope;
          weighted.store(slopes + (o * stages.samples + row + r) * kLanes + lane);
          V& sum = slope_sum[o][lane / V::kLanes];
          sum = sum + weighted;
        }
      };
      store_kernel(stages, row, sums, kernel + row * kLanes, anchor.mean, store_slopes);
    }
    const int own = samples.count;
    for (int o = 0; o < 2; ++o) {
      float* gradient = anchor.gradient + o * own * kLanes;
      product(samples, slopes + o * stages.samples * kLanes, [&](int c, int lane, V sum) {
        const int input = stages.shared + c;
        const V x = V::load(inputs + input * kLanes + lane);
        const V twice = V::all(2.0f * stages.own[input]) * x;
        const V of_kernel = multiply_add(twice, slope_sum[o][lane / V::kLanes], sum);
        multiply_add(V::all(Matern52<V>::kSlope), of_kernel, V::all(stages.mean_weight[o][input]))
            .store(gradient + c * kLanes + lane);
      });
    }
  }

  static void near(const KernelStages& stages, const PosteriorNorm& norm, const AnchorRows& anchor,
                   const int* anchor_lane, const float* inputs, const NearRows& out) {
    constexpr float kRootThird = 0.577350269189625765f;
    const int own = stages.train.depth - stages.shared;
    for (int i = 0; i < kLanes; i += V::kLanes) {
      const auto lanes = V::lanes(anchor_lane + i);
      V mean[2] = {V::pick(anchor.mean, lanes), V::pick(anchor.mean + kLanes, lanes)};
      V square = V::all(0.0f);
      for (int c = 0; c < own; ++c) {
        const V x = V::load(inputs + (stages.shared + c) * kLanes + i);
        const V step = x - V::pick(anchor.inputs + c * kLanes, lanes);
        square = multiply_add(V::all(stages.own[stages.shared + c]) * step, step, square);
        for (int o = 0; o < 2; ++o)
          mean[o] =
              multiply_add(V::pick(anchor.gradient + (o * own + c) * kLanes, lanes), step, mean[o]);
      }
      square = square * V::all(kLn2 * kLn2);
      const V r = square_root(square);
      const V far = V::all(0.5f) * square / multiply_add(V::all(1.0f / 3.0f), r, V::all(1.0f));
      for (int o = 0; o < 2; ++o)
        (mean[o] - V::all(norm.of[o]) * far).store(out.mean + o * kLanes + i);
      (V::all(2.0f * norm.of[0]) * far).store(out.spread + i);
      const V rest = multiply_add(V::all(kRootThird), r, V::pick(anchor.unexplained, lanes));
      (V::all(1.0f) - rest * rest).store(out.explained + i);
    }
  }

  /// e^g, or eps where that is larger: cycles over their bound, less 1 - eps.
  static inline V above_bound(V g) {
    return larger_of(V::all(0.1f), exponential(smaller_of(V::all(87.0f), g)));
  }

  /// As to_prediction; absolute errors below 1e-5 (logarithms of up to 1e12 in float).
  static void finish(const FinishScaling& scaling, const Remainder* remainder,
                     const FinishRows& rows) {
    const V zero = V::all(0.0f), one = V::all(1.0f), eps = V::all(0.1f);
    for (int i = 0; i < kLanes; i += V::kLanes) {
      const V explained = V::load(rows.explained + i);
      const V unit_sd = square_root(larger_of(zero, V::all(scaling.unit_variance) - explained));
      V g = V::load(rows.mean[0] + i), energy_mean = V::load(rows.mean[1] + i);
      if (remainder != nullptr) {
        const V rest = square_root(larger_of(zero, one - explained)) + V::all(remainder->slack);
        g = g - V::all(remainder->norm[0]) * rest;
        energy_mean = energy_mean - V::all(remainder->norm[1]) * rest;
      }
      const V target_sd = V::all(scaling.sd[0]) * unit_sd;
      V latency = g, latency_sd = target_sd;
      if (scaling.warp) {
        const V above = above_bound(g), scale = one - eps + above;
        latency = natural_log(V::load(rows.bound + i)) + natural_log(scale);
        // The deviation of ln cycles grows with g to that of g: of a remainder nothing but the
        // latter is known.
        if (remainder == nullptr) {
          const V most = rows.spread == nullptr ? above : above_bound(g + V::load(rows.spread + i));
          latency_sd =
              natural_log(one + most * (exponential(target_sd) - one) / (one - eps + most));
        }
      }
      latency.store(rows.log_latency + i);
      latency_sd.store(rows.log_latency_sd + i);
      V energy = natural_log(V::load(rows.analytical + i)), energy_sd = zero;
      if (scaling.has_energy) {
        energy = energy + energy_mean;
        energy_sd = V::all(scaling.sd[1]) * unit_sd;
      }
      energy.store(rows.log_energy + i);
      energy_sd.store(rows.log_energy_sd + i);
    }
  }

  static double multiply_adds(long rounds) {
    Sums sums;
    for (int r = 0; r < kRows; ++r) sums.of[r][0] = sums.of[r][1] = V::all(1.0f);
    const V factor = V::all(0.999f), term = V::all(0.001f);
    for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r)
        for (V& sum : sums.of[r]) sum = multiply_add(sum, factor, term);
    }
    // Looks at the sums, which stay 1.
    float lanes[kLanes];
    V total = V::all(0.0f);
    for (int r = 0; r < kRows; ++r) total = total + sums.of[r][0] + sums.of[r][1];
    total.store(lanes);
    return lanes[0] > 0.0f ? 2.0 * kRows * kLanes * static_cast<double>(rounds) : 0.0;
  }

  static void exp_of_minus_lanes(const float* x, float* y) {
    for (int i = 0; i < kLanes; i += V::kLanes) exp_of_minus(V::load(x + i)).store(y + i);
  }
  static void matern52_lanes(const float* x, float* y) {
    for (int i = 0; i < kLanes; i += V::kLanes) Matern52<V>(V::load(x + i)).value().store(y + i);
  }
  static void log2_positive_lanes(const float* x, float* y) {
    for (int i = 0; i < kLanes; i += V::kLanes) log2_positive(V::load(x + i)).store(y + i);
  }
  static void gelu_lanes(const float* x, float* y) {
    for (int i = 0; i < kLanes; i += V::kLanes) gelu(V::load(x + i)).store(y + i);
  }

  static const Stages& functions(const char* name) {
    static const Stages stages = {name,           kLanes,
                                  kRows,          standardise,
                                  encode,         kernel,
                                  share_product,  share_linear,
                                  explain,        regress,
                                  project,        anchor,
                                  near,           finish,
                                  multiply_adds,  exp_of_minus_lanes,
                                  matern52_lanes, log2_positive_lanes,
                                  gelu_lanes};
    return stages;
  }
};

}  // namespace polaris::simd
