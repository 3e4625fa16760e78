// Index -> decode -> features, for candidates that come in any order. Neighbours in the index
// differ in the order of their DRAM loops only, so a tiling is decoded and checked once, and its
// features are computed once for each class of its orders.
#pragma once

#include <cstdint>
#include <vector>

#include "host/engine/screen_tile.hpp"
#include "models/space/layer_space.hpp"
#include "models/starlight/order_class.hpp"

namespace polaris {

/// All loop orders of a space, or none where fewer than so many candidates are wanted.
class LoopOrders {
 public:
  LoopOrders(const LayerSpaceView& space, std::uint64_t candidates);
  bool empty() const { return dims_.empty(); }
  const Dim* of(std::uint64_t rank) const { return dims_.data() + rank * kDims; }

 private:
  std::vector<Dim> dims_;  // [rank][kDims]
};

/// Fills one tile. The references must outlive it.
class TileFiller {
 public:
  TileFiller(const LayerSpaceView& space, const LoopOrders& orders, ScreenTile& tile)
      : space_(space), orders_(orders), tile_(tile) {
    share(false);
  }

  /// Adapts to the candidates index(begin) to index(end - 1), which come next. To be called where
  /// the tile is empty.
  template <typename Index>
  void expect(const Index& index, std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t kPairs = 64;
    // Of a pair in two tilings neither shares anything.
    std::int64_t pairs = 0, equal = 0;
    const std::int64_t step = (end - begin) / kPairs + 1;
    for (std::int64_t i = begin; i + 1 < end; i += step, ++pairs)
      equal += index(i) / space_.order_count == index(i + 1) / space_.order_count;
    share(!orders_.empty() && kShareOf * equal > (kShareOf - 1) * pairs);
  }

  bool sharing() const { return sharing_; }

  /// Forgets what the candidates so far have in common. To be called where the tile is empty.
  void share(bool sharing) {
    sharing_ = sharing;
    tile_.share(sharing);
    known_.clear();
  }

  /// Puts a candidate into slot `size`; false, and nothing put, where it is infeasible. Where there
  /// is no room for what it would share, `run` comes first: it scores the candidates in the tile
  /// and sets `size` to 0.
  template <typename Run>
  bool put(const int& size, std::uint64_t index, const Run& run) {
    if (!decode(index)) return false;
    if (!sharing_) {
      tile_.put(size, space_.layer, point_.hardware, point_.mapping);
      return true;
    }
    const Known* known = find();
    if (known == nullptr) {
      run();
      share(true);
      known = find();
    }
    float ranks[kDims];
    rank_quantities(point_.mapping, 0, ranks);
    tile_.put_shared(size, known->own.lane, ranks, known->own.energy_ratio, bound_,
                     known->own.analytical_pj);
    return true;
  }

 private:
  /// Candidates share where all but one of so many neighbours are of one tiling.
  static constexpr std::int64_t kShareOf = 6;

  /// What was found for the tiling: candidates of equal class and input words differ in their ranks
  /// only.
  struct Known {
    OrderClass order_class;
    std::int64_t input_fills;
    SharedStrip::Own own;
  };

  void enter(std::uint64_t block);
  /// point_ of the index; false where it is infeasible.
  bool decode(std::uint64_t index);
  /// Null where the strip of shared features is full.
  const Known* find();

  const LayerSpaceView& space_;
  const LoopOrders& orders_;
  ScreenTile& tile_;
  bool sharing_ = false;
  std::uint64_t block_ = kNoIndex;  // index over order_count
  DesignPoint point_{};
  TileFootprint footprint_{};
  bool feasible_ = false;
  double bound_ = 0.0;
  std::vector<Known> known_;  // of the block
};

}  // namespace polaris
