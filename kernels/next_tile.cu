// tile = [next, next + min(tile_size, end - next)); next += step; the lists of the tile before are
// counted and emptied. One thread: a dozen words.

#include "kernels/device/launch.cuh"
#include "kernels/next_tile.cuh"

namespace polaris {
namespace {

__global__ void next_tile_kernel(ScanState* state) {
  for (int s = 0; s < kScanStages; ++s) {
    state->totals[s] += state->sizes[s];
    state->sizes[s] = 0;
  }
  ScanRange& range = state->range;
  const std::uint64_t left = range.next < range.end ? range.end - range.next : 0;
  state->tile.first = range.next;
  state->tile.count = left < range.tile_size ? static_cast<std::uint32_t>(left) : range.tile_size;
  // An end near 2^64 must not wrap round to a new beginning.
  range.next = left > range.step ? range.next + range.step : range.end;
}

}  // namespace

void next_tile(ScanState* state, const DeviceStream& stream) {
  launch(next_tile_kernel, {1, 1}, stream.get(), state);
}

}  // namespace polaris
