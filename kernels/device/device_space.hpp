// A layer's space with its split tables in device memory.
#pragma once

#include "kernels/device/buffer.hpp"
#include "models/space/layer_space.hpp"

namespace polaris {

class DeviceSpace {
 public:
  /// Queues the copy of the tables of `host`, which may die as soon as this returns.
  DeviceSpace(const LayerSpaceView& host, const DeviceStream& stream);

  /// For kernels on `stream`, and on others once `stream` has been synchronised.
  const LayerSpaceView& view() const { return view_; }

 private:
  DeviceBuffer<Split> splits_;  ///< all tables, one after the other
  LayerSpaceView view_;
};

}  // namespace polaris
