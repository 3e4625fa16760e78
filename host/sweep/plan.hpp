// How a sweep is cut up. The mappings of a layer come in blocks that differ in nothing but the
// order of the DRAM loops: a block's tiles, hence its feasibility, are those of all its orders. A
// tile is a fixed number of consecutive blocks, each on all hardware; all tiles of all layers, in
// order, are dealt out to the shards in turn.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/space/layer_space.hpp"
#include "host/sweep/spec.hpp"

namespace polaris {

struct LoopOrder {
  std::uint32_t rank;  ///< digit of the index
  Dim dims[kDims];     ///< outermost first
};

/// The canonical loop orders of a layer, by which of its DRAM loops have a bound above 1.
class OrderTable {
 public:
  explicit OrderTable(const LayerSpaceView& view);

  /// By ascending rank. Only the DRAM loops of `mapping` matter.
  std::span<const LoopOrder> of(const Mapping& mapping) const;

 private:
  std::array<std::vector<LoopOrder>, 1 << kDims> orders_;  // [bit mask of dims]
};

/// Points of a layer to leave out: canonical, feasible, on swept hardware, within the range.
struct AvoidedPoint {
  std::uint64_t mapping;  ///< index = ordinal * mapping_count + mapping
  std::uint64_t ordinal;

  friend auto operator<=>(const AvoidedPoint&, const AvoidedPoint&) = default;
};

struct SweepLayer {
  std::size_t number;  ///< position in the specification
  LayerSpace space;
  IndexRange range;
  OrderTable orders;
  std::uint64_t tile_blocks;          ///< blocks of a tile, the last of all may be short
  std::uint64_t first_tile;           ///< position of the first tile among those of all layers
  std::uint64_t tile_count;           ///< tiles that the range touches
  std::vector<AvoidedPoint> avoided;  ///< ascending

  const LayerSpaceView& view() const { return space.view(); }
  std::uint64_t block_count() const { return view().mapping_count / view().order_count; }
  /// Blocks [begin, end) of the i-th tile that the range touches.
  IndexRange blocks(std::uint64_t i) const;

  /// The tiles that the range touches are consecutive, counted modulo all tiles: a range that is
  /// shorter than a round of mappings may run over the end of one hardware into the next.
  std::uint64_t start_tile;
};

class SweepPlan {
 public:
  /// Precondition: at least one layer. Throws Error where a layer's space is too large, a range is
  /// not within it, or no hardware is within the limits.
  explicit SweepPlan(SweepSpec spec);

  const SweepSpec& spec() const { return spec_; }
  const std::string& identity() const { return identity_; }  ///< format_spec
  const std::vector<SweepLayer>& layers() const { return layers_; }
  std::uint64_t tile_count() const { return tile_count_; }  ///< of all layers
  /// The layer of one of all tiles.
  const SweepLayer& layer_of(std::uint64_t tile) const;

  /// Hardware within the limits; "position" everywhere in a sweep means this numbering. Machines of
  /// one array and bus stand together, because they share cycles.
  const std::vector<HardwareConfig>& hardware() const { return hardware_; }
  std::uint64_t ordinal(std::size_t position) const { return ordinals_[position]; }
  const std::vector<std::uint64_t>& excluded() const { return excluded_; }  ///< other ordinals

  /// Leaves out `points` (layer, index), of which those that would not be scored anyway change
  /// nothing. An index stands for all points of its schedule. Throws Error for an index outside.
  void avoid(std::span<const std::pair<std::size_t, std::uint64_t>> points);

  /// Whether the sweep evaluates `index` of a layer, if it is canonical and nothing is pruned: in
  /// the range, on hardware within the limits, feasible, not to be avoided.
  bool would_score(const SweepLayer& layer, std::uint64_t index) const;

  /// Becomes the plan of a sweep that prunes by these thresholds (SweepSpec).
  void prune_above(std::vector<double> thresholds);

 private:
  /// In the range, on hardware within the limits, feasible.
  bool can_run(const SweepLayer& layer, std::uint64_t index) const;

  SweepSpec spec_;
  std::string identity_;
  std::vector<SweepLayer> layers_;
  std::uint64_t tile_count_ = 0;
  std::vector<HardwareConfig> hardware_;
  std::vector<std::uint64_t> ordinals_;
  std::vector<std::uint64_t> excluded_;
};

/// Position-wise view of one shard: its tiles are number - 1, number - 1 + count, ...
struct Shard {
  std::uint64_t number = 1;  ///< 1 to count
  std::uint64_t count = 1;

  std::uint64_t tile(std::uint64_t i) const { return number - 1 + i * count; }
  /// Tiles of this shard among `all`.
  std::uint64_t tiles(std::uint64_t all) const {
    return all < number ? 0 : (all - number) / count + 1;
  }
};

}  // namespace polaris
