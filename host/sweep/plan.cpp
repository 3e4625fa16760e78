#include "host/sweep/plan.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "host/core/error.hpp"
#include "models/analytical/area.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {
namespace {

std::size_t loop_mask(const Mapping& mapping) {
  std::size_t mask = 0;
  for (int d = 0; d < kDims; ++d)
    if (mapping.temporal[index_of(Level::dram)][d] > 1) mask |= std::size_t{1} << d;
  return mask;
}

/// Whether `order` is the canonical one of its schedule where the loops of `mask` have a bound
/// above 1: these first, the others behind them by number. Only its first `count` dimensions have
/// a digit, the others are of size 1.
bool is_canonical(const Dim order[kDims], int count, std::size_t mask) {
  int last = -1;
  for (int i = 0; i < count; ++i) {
    const int d = index_of(order[i]);
    const bool looped = (mask >> d & 1) != 0;
    if (looped ? last >= 0 : d < last) return false;
    if (!looped) last = d;
  }
  return true;
}

bool within(const HardwareConfig& hardware, const SweepSpec& spec) {
  const SweepLimits& limits = spec.limits;
  const double area = area_mm2(hardware);
  return (spec.space.max_area_mm2 <= 0.0 || area <= spec.space.max_area_mm2) &&
         (limits.area_mm2 <= 0.0 || area <= limits.area_mm2) &&
         (limits.accumulator_bytes <= 0 ||
          hardware.accumulator_bytes() <= limits.accumulator_bytes) &&
         (limits.scratchpad_bytes <= 0 || hardware.scratchpad_bytes <= limits.scratchpad_bytes);
}

/// Sets which tiles the layer's range touches.
void set_tiles(SweepLayer& layer) {
  const std::uint64_t mappings = layer.view().mapping_count;
  const std::uint64_t all = (layer.block_count() + layer.tile_blocks - 1) / layer.tile_blocks;
  const std::uint64_t length = layer.range.end - layer.range.begin;
  const auto tile_of = [&](std::uint64_t index) {
    return index % mappings / layer.view().order_count / layer.tile_blocks;
  };
  layer.start_tile = 0;
  layer.tile_count = length == 0 ? 0 : all;
  if (length == 0 || length >= mappings) return;
  const std::uint64_t first = tile_of(layer.range.begin), last = tile_of(layer.range.end - 1);
  const bool same_round = layer.range.begin / mappings == (layer.range.end - 1) / mappings;
  layer.start_tile = first;
  // Running over the end and back to the tile of the start, the range meets that one twice.
  layer.tile_count = std::min(all, same_round ? last - first + 1 : all - first + last + 1);
}

}  // namespace

OrderTable::OrderTable(const LayerSpaceView& view) {
  std::size_t most = 0;
  for (int d = 0; d < kDims; ++d)
    if (view.layer.size[d] > 1) most |= std::size_t{1} << d;
  for (std::uint64_t rank = 0; rank < view.order_count; ++rank) {
    LoopOrder order{static_cast<std::uint32_t>(rank), {}};
    const Mapping mapping = view.decode(rank).mapping;
    std::copy_n(mapping.order[index_of(Level::dram)], kDims, order.dims);
    for (std::size_t mask = 0; mask <= most; ++mask)
      if ((mask & ~most) == 0 && is_canonical(order.dims, view.permuted_count, mask))
        orders_[mask].push_back(order);
  }
}

std::span<const LoopOrder> OrderTable::of(const Mapping& mapping) const {
  return orders_[loop_mask(mapping)];
}

IndexRange SweepLayer::blocks(std::uint64_t i) const {
  const std::uint64_t all = (block_count() + tile_blocks - 1) / tile_blocks;
  const std::uint64_t tile = (start_tile + i) % all;
  return {tile * tile_blocks, std::min(block_count(), (tile + 1) * tile_blocks)};
}

SweepPlan::SweepPlan(SweepSpec spec) : spec_(std::move(spec)), identity_(format_spec(spec_)) {
  const HardwareGrid& grid = spec_.space.hardware;
  std::vector<std::tuple<std::int32_t, std::int32_t, std::uint64_t>> order;
  for (std::size_t l = 0; l < spec_.workload.layers.size(); ++l) {
    LayerSpace space(spec_.workload.layers[l].layer, grid);
    const LayerSpaceView& view = space.view();
    if (spec_.ranges[l].begin > spec_.ranges[l].end || spec_.ranges[l].end > view.size)
      throw Error::expected(
          "a range of indices within 0:" + std::to_string(view.size),
          std::to_string(spec_.ranges[l].begin) + ":" + std::to_string(spec_.ranges[l].end),
          "layer " + spec_.workload.layers[l].name);
    OrderTable orders(view);
    const std::uint64_t block_points = view.order_count * grid.size();
    SweepLayer layer{.number = l,
                     .space = std::move(space),
                     .range = spec_.ranges[l],
                     .orders = std::move(orders),
                     .tile_blocks = std::max<std::uint64_t>(1, spec_.tile_points / block_points),
                     .first_tile = tile_count_,
                     .tile_count = 0,
                     .avoided = {},
                     .start_tile = 0};
    set_tiles(layer);
    tile_count_ += layer.tile_count;
    layers_.push_back(std::move(layer));
  }
  const LayerSpaceView& first = layers_.front().view();
  const auto hardware_of = [&first](std::uint64_t ordinal) {
    return first.decode(ordinal * first.mapping_count).hardware;
  };
  for (std::uint64_t h = 0; h < grid.size(); ++h) {
    const HardwareConfig hardware = hardware_of(h);
    if (within(hardware, spec_))
      order.emplace_back(hardware.dim, hardware.bus_bytes, h);
    else
      excluded_.push_back(h);
  }
  if (order.empty())
    throw Error::expected("a hardware configuration within the limits on area and capacities",
                          "none", "space " + spec_.space.name);
  std::sort(order.begin(), order.end());
  for (const auto& [dim, bus, ordinal] : order) {
    ordinals_.push_back(ordinal);
    hardware_.push_back(hardware_of(ordinal));
  }
}

const SweepLayer& SweepPlan::layer_of(std::uint64_t tile) const {
  const auto after = std::upper_bound(
      layers_.begin(), layers_.end(), tile,
      [](std::uint64_t t, const SweepLayer& layer) { return t < layer.first_tile; });
  return *(after - 1);
}

bool SweepPlan::can_run(const SweepLayer& layer, std::uint64_t index) const {
  const DesignPoint point = layer.view().decode(index);
  return index >= layer.range.begin && index < layer.range.end && within(point.hardware, spec_) &&
         check(layer.view().layer, point) == Feasibility::feasible;
}

bool SweepPlan::would_score(const SweepLayer& layer, std::uint64_t index) const {
  const std::uint64_t mappings = layer.view().mapping_count;
  return can_run(layer, index) &&
         !std::binary_search(layer.avoided.begin(), layer.avoided.end(),
                             AvoidedPoint{index % mappings, index / mappings});
}

void SweepPlan::prune_above(std::vector<double> thresholds) {
  spec_.thresholds = std::move(thresholds);
  identity_ = format_spec(spec_);
}

void SweepPlan::avoid(std::span<const std::pair<std::size_t, std::uint64_t>> points) {
  for (const auto& [number, given] : points) {
    SweepLayer& layer = layers_[number];
    const LayerSpaceView& view = layer.view();
    if (given >= view.size)
      throw Error::expected("an index below " + std::to_string(view.size), std::to_string(given),
                            "point to avoid in layer " + spec_.workload.layers[number].name);
    const std::uint64_t index = view.canonical(given);
    if (can_run(layer, index))
      layer.avoided.push_back({index % view.mapping_count, index / view.mapping_count});
  }
  for (SweepLayer& layer : layers_) {
    std::sort(layer.avoided.begin(), layer.avoided.end());
    layer.avoided.erase(std::unique(layer.avoided.begin(), layer.avoided.end()),
                        layer.avoided.end());
  }
}

}  // namespace polaris
