#include <vector>

#include "kernels/device/device_space.hpp"

namespace polaris {
namespace {

std::vector<Split> concatenated(const LayerSpaceView& view) {
  std::vector<Split> out;
  for (int d = 0; d < kDims; ++d)
    out.insert(out.end(), view.splits[d], view.splits[d] + view.split_count[d]);
  return out;
}

}  // namespace

DeviceSpace::DeviceSpace(const LayerSpaceView& host, const DeviceStream& stream)
    : splits_(concatenated(host).size(), "the split tables of a layer"), view_(host) {
  splits_.upload(concatenated(host), stream);
  const Split* table = splits_.data();
  for (int d = 0; d < kDims; ++d) {
    view_.splits[d] = table;
    table += view_.split_count[d];
  }
}

}  // namespace polaris
