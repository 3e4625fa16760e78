// The index-addressed design space of one layer: every (hardware, mapping) has one 64-bit index,
// decoded by mixed radix; nothing is materialised but small tables of factor splits.
//
// Digits, most significant first: 4 hardware axes | split of R S P Q C K N | DRAM loop order.
// All mappings of one hardware configuration are therefore one contiguous index range.
#pragma once

#include <cstdint>

#include "models/space/feasibility.hpp"
#include "models/space/hardware.hpp"
#include "models/space/layer.hpp"
#include "models/space/mapping.hpp"
#include "models/space/philox.hpp"

namespace polaris {

inline constexpr int kMaxChoices = 16;   ///< values of one hardware axis
inline constexpr int kMaxPrimes = 9;     ///< distinct primes of a 31-bit number
inline constexpr int kHardwareAxes = 4;  ///< dim, accumulator, scratchpad, bus
inline constexpr std::uint64_t kNoIndex = ~std::uint64_t{0};  ///< "no such design point"

/// Choices of the hardware knobs. Accumulator and scratchpad are given as bytes in all.
struct HardwareGrid {
  std::int64_t value[kHardwareAxes][kMaxChoices];  ///< [axis][choice], ascending
  std::int32_t count[kHardwareAxes];               ///< choices per axis, each >= 1

  POLARIS_HD constexpr std::uint64_t size() const {
    std::uint64_t product = 1;
    for (int a = 0; a < kHardwareAxes; ++a) product *= static_cast<std::uint64_t>(count[a]);
    return product;
  }
  POLARIS_HD constexpr HardwareConfig at(const std::int32_t digit[kHardwareAxes]) const {
    HardwareConfig hardware;
    hardware.dim = static_cast<std::int32_t>(value[0][digit[0]]);
    hardware.accumulator_words = value[1][digit[1]] / (4 * value[0][digit[0]]);
    hardware.scratchpad_bytes = value[2][digit[2]];
    hardware.bus_bytes = static_cast<std::int32_t>(value[3][digit[3]]);
    return hardware;
  }
};

/// One way to write a loop bound as a product over the levels.
struct Split {
  std::int32_t dram;
  std::int32_t accumulator;
  std::int32_t inner;  ///< P, Q: register level; C, K: spatial; R, S, N: always 1
};

struct DesignPoint {
  HardwareConfig hardware;
  Mapping mapping;
};

POLARIS_HD constexpr bool operator==(const DesignPoint& a, const DesignPoint& b) {
  return a.hardware == b.hardware && a.mapping == b.mapping;
}

/// The digits of an index; the form in which neighbours are taken.
struct SpaceDigits {
  std::int32_t hardware[kHardwareAxes];
  std::int32_t split[kDims];
  std::uint64_t order;
};

POLARIS_HD constexpr Feasibility check(const Layer& layer, const DesignPoint& point) {
  return check_rows(point.hardware, tile_footprint(layer, point.mapping), point.mapping);
}

/// View of a layer's space; trivially copyable, its tables may lie in host or device memory.
/// Built by `LayerSpace` (host/space/layer_space.hpp).
struct LayerSpaceView {
  Layer layer;
  HardwareGrid hardware;
  const Split* splits[kDims];             ///< ascending by (dram, accumulator, inner)
  std::int32_t split_count[kDims];        ///< entries of each table
  std::int32_t prime[kDims][kMaxPrimes];  ///< distinct primes of each loop bound
  std::int32_t prime_count[kDims];
  Dim permuted[kDims];  ///< dims of size > 1, the ones whose order matters
  std::int32_t permuted_count;
  std::uint64_t order_count;    ///< permuted_count!
  std::uint64_t mapping_count;  ///< mappings per hardware configuration
  std::uint64_t size;           ///< design points in all

  POLARIS_HD constexpr SpaceDigits digits(std::uint64_t index) const {
    SpaceDigits out{};
    out.order = index % order_count;
    index /= order_count;
    for (int d = kDims - 1; d >= 0; --d) {
      const std::uint64_t radix = static_cast<std::uint64_t>(split_count[d]);
      out.split[d] = static_cast<std::int32_t>(index % radix);
      index /= radix;
    }
    for (int a = kHardwareAxes - 1; a >= 0; --a) {
      const std::uint64_t radix = static_cast<std::uint64_t>(hardware.count[a]);
      out.hardware[a] = static_cast<std::int32_t>(index % radix);
      index /= radix;
    }
    return out;
  }

  POLARIS_HD constexpr std::uint64_t index(const SpaceDigits& digits) const {
    std::uint64_t out = 0;
    for (int a = 0; a < kHardwareAxes; ++a)
      out = out * static_cast<std::uint64_t>(hardware.count[a]) +
            static_cast<std::uint64_t>(digits.hardware[a]);
    for (int d = 0; d < kDims; ++d)
      out = out * static_cast<std::uint64_t>(split_count[d]) +
            static_cast<std::uint64_t>(digits.split[d]);
    return out * order_count + digits.order;
  }

  POLARIS_HD constexpr DesignPoint point(const SpaceDigits& digits) const {
    DesignPoint out;
    out.hardware = hardware.at(digits.hardware);
    for (int d = 0; d < kDims; ++d) {
      const Split split = splits[d][digits.split[d]];
      const Dim dim = static_cast<Dim>(d);
      out.mapping.temporal[index_of(Level::dram)][d] = split.dram;
      out.mapping.temporal[index_of(Level::accumulator)][d] = split.accumulator;
      if (dim == Dim::C)
        out.mapping.spatial_c = split.inner;
      else if (dim == Dim::K)
        out.mapping.spatial_k = split.inner;
      else
        out.mapping.temporal[index_of(Level::registers)][d] = split.inner;
    }
    unrank_order(digits.order, out.mapping.order[index_of(Level::dram)]);
    return out;
  }

  /// Design point of `index`. Precondition: index < size.
  POLARIS_HD constexpr DesignPoint decode(std::uint64_t index) const {
    return point(digits(index));
  }

  /// Index of `point`, or kNoIndex where the space does not hold it (other sizes, hardware outside
  /// the grid, loops at the scratchpad level, a non-canonical inner order).
  POLARIS_HD constexpr std::uint64_t encode(const DesignPoint& point) const {
    SpaceDigits out{};
    if (!find_hardware(point.hardware, out.hardware)) return kNoIndex;
    const Mapping& mapping = point.mapping;
    for (int d = 0; d < kDims; ++d) {
      const Dim dim = static_cast<Dim>(d);
      const bool is_spatial = dim == Dim::C || dim == Dim::K;
      if (mapping.factor(Level::scratchpad, dim) != 1) return kNoIndex;
      if (is_spatial && mapping.factor(Level::registers, dim) != 1) return kNoIndex;
      const Split wanted{
          mapping.temporal[index_of(Level::dram)][d],
          mapping.temporal[index_of(Level::accumulator)][d],
          static_cast<std::int32_t>(is_spatial ? mapping.spatial(dim)
                                               : mapping.factor(Level::registers, dim))};
      out.split[d] = find_split(d, wanted);
      if (out.split[d] < 0) return kNoIndex;
    }
    for (int l = 0; l < index_of(Level::dram); ++l)
      for (int i = 0; i < kDims; ++i)
        if (mapping.order[l][i] != kCanonicalOrder[i]) return kNoIndex;
    out.order = rank_order(mapping.order[index_of(Level::dram)]);
    return out.order == kNoIndex ? kNoIndex : index(out);
  }

  /// The one index that stands for all points with the schedule of `index`: DRAM loops of bound 1,
  /// whose place changes nothing, moved innermost.
  POLARIS_HD constexpr std::uint64_t canonical(std::uint64_t index) const {
    DesignPoint out = decode(index);
    Dim* order = out.mapping.order[index_of(Level::dram)];
    Dim moved[kDims] = {};
    int front = 0;
    for (int i = 0; i < kDims; ++i)
      if (out.mapping.factor(Level::dram, order[i]) > 1) moved[front++] = order[i];
    for (int d = 0; d < kDims; ++d)
      if (out.mapping.temporal[index_of(Level::dram)][d] == 1) moved[front++] = static_cast<Dim>(d);
    for (int i = 0; i < kDims; ++i) order[i] = moved[i];
    return encode(out);
  }

  /// The one index that stands for all points whose schedules differ from that of `twin` only in
  /// the order in which the array meets the pixels of a tile: loops over P and Q stand innermost at
  /// the accumulator level, where they keep the weights just as at the register level, and are
  /// moved there. Tiles, DRAM traffic, weight loads and analytical cost are the same, and so is the
  /// RTL's energy; its cycles were at most 3.4 % above a twin's (one in ten by more than 0.1 %) and
  /// up to 43 % below, in 400 pairs of ResNet-50 and BERT-base. Canonical.
  POLARIS_HD constexpr std::uint64_t representative(std::uint64_t twin) const {
    SpaceDigits out = digits(twin);
    for (const Dim dim : {Dim::P, Dim::Q}) {
      const int d = static_cast<int>(dim);
      const Split split = splits[d][out.split[d]];
      out.split[d] = find_split(d, Split{split.dram, 1, split.accumulator * split.inner});
    }
    return canonical(index(out));
  }

  /// Uniform sample number `counter` of (seed, stream); feasible or not.
  POLARIS_HD constexpr std::uint64_t sample(std::uint64_t seed, std::uint64_t stream,
                                            std::uint64_t counter) const {
    return uniform_below(size, seed, stream, counter);
  }

  /// Slots that a dimension's prime factors are spread over.
  POLARIS_HD static constexpr int slots(Dim dim) {
    return dim == Dim::P || dim == Dim::Q || dim == Dim::C || dim == Dim::K ? 3 : 2;
  }

  /// Moves from a point: each hardware axis up or down, each prime of each bound from one level to
  /// another, each swap of two DRAM loops.
  POLARIS_HD constexpr int neighbour_count() const {
    int count = 2 * kHardwareAxes + permuted_count * (permuted_count - 1) / 2;
    for (int d = 0; d < kDims; ++d) {
      const int n = slots(static_cast<Dim>(d));
      count += prime_count[d] * n * (n - 1);
    }
    return count;
  }

  /// Neighbour number `move` in [0, neighbour_count()) of `from`, or kNoIndex where that move
  /// leads out of the space.
  POLARIS_HD constexpr std::uint64_t neighbour(std::uint64_t from, int move) const {
    SpaceDigits out = digits(from);
    if (move < 2 * kHardwareAxes) {
      std::int32_t& digit = out.hardware[move / 2];
      digit += move % 2 == 0 ? 1 : -1;
      return digit < 0 || digit >= hardware.count[move / 2] ? kNoIndex : index(out);
    }
    move -= 2 * kHardwareAxes;
    for (int d = 0; d < kDims; ++d) {
      const int n = slots(static_cast<Dim>(d));
      const int moves = prime_count[d] * n * (n - 1);
      if (move >= moves) {
        move -= moves;
        continue;
      }
      const std::int32_t p = prime[d][move / (n * (n - 1))];
      const int pair = move % (n * (n - 1));
      const int source = pair / (n - 1);
      const int target = (source + 1 + pair % (n - 1)) % n;
      const Split split = splits[d][out.split[d]];
      std::int32_t factor[3] = {split.dram, split.accumulator, split.inner};
      if (factor[source] % p != 0) return kNoIndex;
      factor[source] /= p;
      factor[target] *= p;
      out.split[d] = find_split(d, Split{factor[0], factor[1], factor[2]});
      return out.split[d] < 0 ? kNoIndex : index(out);
    }
    Dim order[kDims] = {};
    unrank_order(out.order, order);
    for (int i = 0; i < permuted_count; ++i)
      for (int j = i + 1; j < permuted_count; ++j)
        if (move-- == 0) {
          const Dim swapped = order[i];
          order[i] = order[j];
          order[j] = swapped;
          out.order = rank_order(order);
          return index(out);
        }
    return kNoIndex;
  }

 private:
  POLARIS_HD constexpr bool find_hardware(const HardwareConfig& wanted,
                                          std::int32_t digit[kHardwareAxes]) const {
    const std::int64_t values[kHardwareAxes] = {wanted.dim, wanted.accumulator_bytes(),
                                                wanted.scratchpad_bytes, wanted.bus_bytes};
    for (int a = 0; a < kHardwareAxes; ++a) {
      digit[a] = -1;
      for (int i = 0; i < hardware.count[a]; ++i)
        if (hardware.value[a][i] == values[a]) digit[a] = i;
      if (digit[a] < 0) return false;
    }
    return true;
  }

  POLARIS_HD static constexpr bool before(const Split& a, const Split& b) {
    if (a.dram != b.dram) return a.dram < b.dram;
    if (a.accumulator != b.accumulator) return a.accumulator < b.accumulator;
    return a.inner < b.inner;
  }

  POLARIS_HD constexpr std::int32_t find_split(int d, const Split& wanted) const {
    std::int32_t low = 0, high = split_count[d];
    while (low < high) {
      const std::int32_t mid = low + (high - low) / 2;
      if (before(splits[d][mid], wanted))
        low = mid + 1;
      else
        high = mid;
    }
    return low < split_count[d] && !before(wanted, splits[d][low]) ? low : -1;
  }

  /// Lehmer code: the permuted dims in the order of rank, then the dims of size 1 by number.
  POLARIS_HD constexpr void unrank_order(std::uint64_t rank, Dim order[kDims]) const {
    Dim rest[kDims] = {};
    for (int i = 0; i < permuted_count; ++i) rest[i] = permuted[i];
    std::uint64_t radix = order_count;
    for (int i = 0; i < permuted_count; ++i) {
      const int left = permuted_count - i;
      radix /= static_cast<std::uint64_t>(left);
      const int pick = static_cast<int>(rank / radix);
      rank %= radix;
      order[i] = rest[pick];
      for (int j = pick; j + 1 < left; ++j) rest[j] = rest[j + 1];
    }
    int end = permuted_count;
    for (int d = 0; d < kDims; ++d)
      if (layer.size[d] == 1) order[end++] = static_cast<Dim>(d);
  }

  /// Inverse of unrank_order; dims of size 1 may stand anywhere. kNoIndex if not a permutation.
  POLARIS_HD constexpr std::uint64_t rank_order(const Dim order[kDims]) const {
    Dim rest[kDims] = {};
    for (int i = 0; i < permuted_count; ++i) rest[i] = permuted[i];
    std::uint64_t rank = 0;
    int left = permuted_count;
    for (int i = 0; i < kDims; ++i) {
      if (layer[order[i]] == 1) continue;
      int pick = 0;
      while (pick < left && rest[pick] != order[i]) ++pick;
      if (pick == left) return kNoIndex;
      rank = rank * static_cast<std::uint64_t>(left) + static_cast<std::uint64_t>(pick);
      for (int j = pick; j + 1 < left; ++j) rest[j] = rest[j + 1];
      --left;
    }
    return left == 0 ? rank : kNoIndex;
  }
};

}  // namespace polaris
