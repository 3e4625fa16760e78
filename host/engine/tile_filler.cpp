#include "host/engine/tile_filler.hpp"

#include <algorithm>

#include "models/space/feasibility.hpp"
#include "models/starlight/warp.hpp"

namespace polaris {

LoopOrders::LoopOrders(const LayerSpaceView& space, std::uint64_t candidates) {
  if (candidates < space.order_count) return;
  dims_.reserve(space.order_count * kDims);
  for (std::uint64_t rank = 0; rank < space.order_count; ++rank) {
    const Mapping mapping = space.decode(rank).mapping;
    const Dim* order = mapping.order[index_of(Level::dram)];
    dims_.insert(dims_.end(), order, order + kDims);
  }
}

void TileFiller::enter(std::uint64_t block) {
  block_ = block;
  point_ = space_.decode(block * space_.order_count);
  footprint_ = tile_footprint(space_.layer, point_.mapping);
  feasible_ = check_rows(point_.hardware, footprint_, point_.mapping) == Feasibility::feasible;
  bound_ = lower_bound_cycles(space_.layer, point_.hardware);
  known_.clear();
}

const TileFiller::Known* TileFiller::find() {
  const Mapping& mapping = point_.mapping;
  const OrderClass order_class = polaris::order_class(mapping);
  const std::int64_t fills = scratchpad_input_fills(space_.layer, mapping, footprint_);
  const Known* same_class = nullptr;
  for (const Known& known : known_) {
    if (known.order_class != order_class) continue;
    if (known.input_fills == fills) return &known;
    same_class = &known;
  }
  if (same_class == nullptr) {
    if (tile_.shared().full()) return nullptr;
    known_.push_back(
        {order_class, fills, tile_.shared().add(space_.layer, point_.hardware, mapping)});
  } else {
    float q[kFeatures];
    const int lane = same_class->own.lane;
    const double analytical = feature_quantities(space_.layer, point_.hardware, mapping, q);
    known_.push_back({order_class, fills, {lane, q[kEnergyRatio], analytical}});
  }
  return &known_.back();
}

bool TileFiller::decode(std::uint64_t index) {
  const std::uint64_t block = index / space_.order_count;
  if (block != block_) enter(block);
  if (!feasible_) return false;
  if (orders_.empty())
    point_.mapping = space_.decode(index).mapping;
  else
    std::copy_n(orders_.of(index - block * space_.order_count), kDims,
                point_.mapping.order[index_of(Level::dram)]);
  return true;
}

}  // namespace polaris
