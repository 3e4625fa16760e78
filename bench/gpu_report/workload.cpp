// Runs every kernel once on a small, typical problem; on the executor with SIMT_PTX and
// SIMT_PROFILE this counts what the kernels do. Writes how many items each kernel has worked on, so
// that the report can give counts per item. Usage: gpu_workload ITEMS.json
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "host/space/layer_space.hpp"
#include "kernels/exhaustive_top_k.hpp"

namespace {

using namespace polaris;

/// A 3 x 3 convolution of the middle of ResNet-50 on a grid of common accelerators.
LayerSpace typical_space() {
  Layer layer;
  const std::int32_t sizes[] = {3, 3, 14, 14, 256, 256, 1};
  std::copy(std::begin(sizes), std::end(sizes), layer.size);
  layer.stride_w = layer.stride_h = 1;
  HardwareGrid grid{};
  const std::int64_t values[][4] = {{8, 16, 32, 64},
                                    {65536, 131072, 262144, 524288},
                                    {16384, 32768, 65536, 131072},
                                    {8, 16, 32, 64}};
  for (std::size_t a = 0; a < kHardwareAxes; ++a) {
    grid.count[a] = static_cast<std::int32_t>(std::size(values[a]));
    std::copy(std::begin(values[a]), std::end(values[a]), grid.value[a]);
  }
  return {layer, grid};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  constexpr std::uint64_t kCandidates = 6144;
  constexpr int kBest = 10;
  constexpr int kBlocks = 6;  // of the emulated device: 3 for each of 2 multiprocessors
  const LayerSpace space = typical_space();
  // Here three in four candidates are feasible: the model runs, not only the decoder.
  const std::uint64_t begin = space.view().size / 5;
  const ExhaustiveResult result =
      exhaustive_top_k(space.view(), {.begin = begin, .end = begin + kCandidates, .k = kBest});
  if (2 * result.feasible < kCandidates) {
    std::fprintf(stderr, "gpu_workload: only %llu of %llu candidates are feasible\n",
                 static_cast<unsigned long long>(result.feasible),
                 static_cast<unsigned long long>(kCandidates));
    return 1;
  }

  // One line per kernel: its name in the profile, the items it was given, what the items are.
  std::ofstream(argv[1]) << "{\n"
                         << R"("polaris::space_score_kernel": [)" << kCandidates
                         << R"(, "candidates"],)"
                         << "\n"
                         << R"("polaris::select_top_k_kernel": [)" << kBest * kBlocks
                         << R"(, "entries"])"
                         << "\n}\n";
}
