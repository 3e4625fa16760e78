// Index -> candidates: the blocks of a tile, decoded and checked once for all their loop orders,
// with every index counted in its class.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "host/sweep/coverage.hpp"
#include "host/sweep/plan.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {

/// All that the mappings of one block have in common.
struct Block {
  std::uint64_t first;      ///< mapping number of its first loop order
  Mapping mapping;          ///< in the loop order of `first`
  TileFootprint footprint;  ///< of all its loop orders
};

/// A hardware position on which the range holds a part of the block only.
struct PartialBlock {
  std::size_t position;
  std::uint32_t begin, end;  ///< loop orders
};

/// Blocks of one layer, in the order of their mappings.
class BlockWalker {
 public:
  BlockWalker(const SweepPlan& plan, const SweepLayer& layer) : plan_(plan), layer_(layer) {}

  /// Calls visit(block, orders, positions) with the candidates of `blocks`: every order of `orders`
  /// on every hardware of `positions` (ascending) is a canonical feasible point of the range. Adds
  /// them to `coverage` as scored, and the other indices of the range to their classes.
  template <typename Visit>
  void walk(const IndexRange& blocks, Coverage& coverage, Visit&& visit) {
    const LayerSpaceView& view = layer_.view();
    for (std::uint64_t b = blocks.begin; b < blocks.end; ++b) {
      Block block{b * view.order_count, view.decode(b * view.order_count).mapping, {}};
      block.footprint = tile_footprint(view.layer, block.mapping);
      sort_out(block, coverage);
      const auto orders = layer_.orders.of(block.mapping);
      if (!whole_.empty()) {
        count(whole_.size(), view.order_count, orders.size(), coverage);
        visit(block, orders, std::span<const std::size_t>(whole_));
      }
      for (const PartialBlock& partial : partial_) {
        const auto part = cut(orders, partial);
        count(1, partial.end - partial.begin, part.size(), coverage);
        visit(block, part, std::span<const std::size_t>(&partial.position, 1));
      }
    }
  }

 private:
  /// Loop orders [begin, end) of the block that the range holds on a hardware.
  IndexRange clip(const Block& block, std::uint64_t ordinal) const {
    const std::uint64_t base = ordinal * layer_.view().mapping_count + block.first;
    const std::uint64_t begin = std::max(base, layer_.range.begin);
    const std::uint64_t end = std::min(base + layer_.view().order_count, layer_.range.end);
    return begin < end ? IndexRange{begin - base, end - base} : IndexRange{};
  }

  /// Finds the hardware that can run the block and counts the other's indices.
  void sort_out(const Block& block, Coverage& coverage) {
    whole_.clear();
    partial_.clear();
    for (const std::uint64_t ordinal : plan_.excluded()) {
      const IndexRange part = clip(block, ordinal);
      coverage.excluded += part.end - part.begin;
    }
    for (std::size_t p = 0; p < plan_.hardware().size(); ++p) {
      const IndexRange part = clip(block, plan_.ordinal(p));
      const std::uint64_t length = part.end - part.begin;
      if (length == 0) continue;
      if (check_rows(plan_.hardware()[p], block.footprint, block.mapping) != Feasibility::feasible)
        coverage.infeasible += length;
      else if (length == layer_.view().order_count)
        whole_.push_back(p);
      else
        partial_.push_back(
            {p, static_cast<std::uint32_t>(part.begin), static_cast<std::uint32_t>(part.end)});
    }
  }

  static std::span<const LoopOrder> cut(std::span<const LoopOrder> orders,
                                        const PartialBlock& part) {
    const auto before = [](const LoopOrder& order, std::uint32_t rank) {
      return order.rank < rank;
    };
    const auto begin = std::lower_bound(orders.begin(), orders.end(), part.begin, before);
    const auto end = std::lower_bound(begin, orders.end(), part.end, before);
    return {begin, end};
  }

  static void count(std::uint64_t machines, std::uint64_t orders, std::uint64_t canonical,
                    Coverage& coverage) {
    coverage.scored += machines * canonical;
    coverage.duplicate += machines * (orders - canonical);
  }

  const SweepPlan& plan_;
  const SweepLayer& layer_;
  std::vector<std::size_t> whole_;
  std::vector<PartialBlock> partial_;
};

}  // namespace polaris
