// Runs every kernel once on a small, typical problem; on the executor with SIMT_PTX and
// SIMT_PROFILE this counts what the kernels do. Writes how many items each kernel has worked on, so
// that the report can give counts per item. Usage: gpu_workload ITEMS.json
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/any_fit.hpp"
#include "host/engine/posterior_view.hpp"
#include "host/space/layer_space.hpp"
#include "kernels/device/device_model.hpp"
#include "kernels/device/device_space.hpp"
#include "kernels/device/encoder_block.cuh"
#include "kernels/exhaustive_top_k.hpp"
#include "kernels/feasible_candidates.cuh"
#include "kernels/next_tile.cuh"
#include "kernels/starlight_score.cuh"
#include "tests/simt/control.hpp"

namespace {

using namespace polaris;

constexpr int kBlocksPerMultiprocessor = 3, kMultiprocessors = 2;  // of the emulated device

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

/// Items by the kernel's name in the profile: how many, and what they are.
std::map<std::string, std::pair<std::uint64_t, std::string>> items;

/// The k best of the analytical model.
void run_exhaustive(const LayerSpaceView& space, std::uint64_t begin) {
  constexpr std::uint64_t kCandidates = 6144;
  constexpr int kBest = 10;
  const ExhaustiveResult result =
      exhaustive_top_k(space, {.begin = begin, .end = begin + kCandidates, .k = kBest});
  if (2 * result.feasible < kCandidates)
    throw std::runtime_error("only " + std::to_string(result.feasible) + " of " +
                             std::to_string(kCandidates) + " candidates are feasible");
  items["polaris::space_score_kernel"] = {kCandidates, "candidates"};
  items["polaris::select_top_k_kernel"] = {kBest * kBlocksPerMultiprocessor * kMultiprocessors,
                                           "entries"};
}

void run_scan_steps(const LayerSpaceView& space, std::uint64_t begin) {
  constexpr std::uint32_t kCandidates = 2048;
  const DeviceStream stream;
  const DeviceSpace device_space(space, stream);
  DeviceBuffer<ScanState> state(1, "workload");
  state.upload(std::vector<ScanState>{{{}, {}, {begin, kCandidates, space.size, kCandidates}, {}}},
               stream);
  next_tile(state.data(), stream);
  DeviceBuffer<std::uint32_t> places(kCandidates, "workload");
  feasible_candidates({.source = {device_space.view(), nullptr, nullptr, 0, 1},
                       .tile = &state.data()->tile,
                       .lists = {{places.data(), state.data()->sizes}},
                       .blocks = kMultiprocessors},
                      stream);
  stream.synchronize();
  items["polaris::next_tile_kernel"] = {1, "tiles"};
  items["polaris::feasible_candidates_kernel"] = {kCandidates, "candidates"};
}

/// Any finite numbers: counts of the scoring kernels do not depend on them.
template <typename T>
PosteriorTensors<T> any_model(int samples) {
  const auto n = static_cast<std::size_t>(samples);
  const auto values = [](std::size_t count) { return std::vector<T>(count, T(1) / T(64)); };
  constexpr std::size_t kInputs = kKernelInputs;
  return {.samples = samples,
          .outputs = kMaxOutputs,
          .warp = true,
          .feature_mean = values(kFeatures),
          .feature_inverse_sd = values(kFeatures),
          .encoder = values(EncoderLayout::size),
          .inverse_length = values(kInputs),
          .train = values(n * kInputs),
          .train_norm = values(n),
          .inverse_factor = values(n * n),
          .alpha = values(kMaxOutputs * n),
          .mean_weight = values(kMaxOutputs * kInputs),
          .mean_bias = values(kMaxOutputs),
          .sd = values(kMaxOutputs),
          .unit_variance = T(1)};
}

/// The layout of `columns` candidates a product tile with the most shared memory.
ScoreLayout layout_of(int columns, int kept_rows, std::size_t element_bytes) {
  for (std::size_t limit = shared_memory_limit(); limit > 0; limit -= 1024)
    if (const ScoreLayout layout = choose_score_layout(kept_rows, element_bytes, limit);
        layout.columns == columns)
      return layout;
  throw std::logic_error("no layout has " + std::to_string(columns) + " columns");
}

std::string kernel_name(const std::string& type, int columns, ScreenPrecision precision) {
  const std::map<ScreenPrecision, std::string> products = {{ScreenPrecision::fp64, "Plain"},
                                                           {ScreenPrecision::fp32, "Plain"},
                                                           {ScreenPrecision::tf32, "Tf32"},
                                                           {ScreenPrecision::bf16, "Bf16"}};
  const std::string lane = std::to_string(columns / 8);  // eight lanes lie across a tile
  return "void polaris::starlight_score_kernel<" + type + ", " + lane +
         ", polaris::" + products.at(precision) + "Products>";
}

struct ScoreRun {
  int columns;
  ScreenPrecision precision;
  int samples = 64;
  bool screen = false;  ///< a list of places in, those that survive out; else predictions
  ScoreDepth depth = ScoreDepth::whole;
  std::uint32_t candidates = 64;
};

template <typename T>
void run_score(const LayerSpaceView& space, std::uint64_t begin, const ScoreRun& run) {
  const DeviceStream stream;
  const DeviceSpace device_space(space, stream);
  const PosteriorTensors<T> tensors = any_model<T>(run.samples);
  const DeviceModel<T> model(posterior_view(tensors), StarlightSketch(), stream);
  const std::size_t count = run.candidates;
  DeviceBuffer<CandidateTile> tile(1, "workload");
  tile.upload(std::vector<CandidateTile>{{0, run.candidates}}, stream);
  DeviceBuffer<BasicPrediction<T>> out(count, "workload");
  DeviceBuffer<std::uint32_t> in_places(count, "workload"), out_places(count, "workload"),
      sizes(2, "workload");
  std::vector<std::uint32_t> places(count);
  std::iota(places.begin(), places.end(), 0u);
  in_places.upload(places, stream);
  sizes.upload(std::vector<std::uint32_t>{run.candidates, 0}, stream);
  DeviceBuffer<ScoredIndex> kth_best(1, "workload");
  kth_best.upload(std::vector<ScoredIndex>{no_candidate()}, stream);  // all survive
  StarlightScoreParams<T> params{};
  params.source = {device_space.view(), nullptr, nullptr, begin, 1};
  params.tile = tile.data();
  params.model = model.view();
  params.precision = run.precision;
  params.depth = run.depth;
  params.output = run.screen ? ScoreOutput::survivors : ScoreOutput::predictions;
  if (run.screen) params.places = {in_places.data(), sizes.data()};
  params.predictions = out.data();
  params.kth_best = kth_best.data();
  params.survivors = {out_places.data(), sizes.data() + 1};
  params.layout = layout_of(run.columns, score_kept_rows(model.view(), run.depth), sizeof(T));
  params.blocks = 1;
  starlight_score(params, stream);
  stream.synchronize();
}

/// What the report of single kernels is about.
template <typename T>
void run_kernel(const LayerSpaceView& space, std::uint64_t begin, const ScoreRun& run) {
  run_score<T>(space, begin, run);
  items[kernel_name(sizeof(T) == sizeof(float) ? "float" : "double", run.columns, run.precision)] =
      {run.candidates, std::to_string(run.samples) + " samples, candidates"};
}

/// What the report of whole candidates is about: the passes of a screen for some numbers of panels,
/// the first one filled as that of the numbers of samples in question; and passes with twice the
/// candidates, which tell their traffic from the model's.
void run_passes(const LayerSpaceView& space, std::uint64_t begin) {
  const auto pass = [&](const ScoreRun& run) {
    const std::map<ScoreDepth, std::string> depths = {{ScoreDepth::sketch, "sketch "},
                                                      {ScoreDepth::bound, "bound "},
                                                      {ScoreDepth::whole, "whole "}};
    const std::string label =
        depths.at(run.depth) + std::to_string(run.samples) + " " + std::to_string(run.candidates);
    simt::set_profile_label(label);
    run_score<float>(space, begin, run);
    items[kernel_name("float", run.columns, run.precision) + " " + label] = {run.candidates,
                                                                             "candidates"};
  };
  constexpr int kPanels[] = {3, 5, 7, 9};
  for (const int target : {256, 611, 1567}) {
    // Candidates of a product tile with the whole variance, by what a block may have.
    std::set<int> widths;
    for (const auto& [arch, kib] : {std::pair{80, 163}, std::pair{90, 227}}) {
      const int rows = panel_count(target, kSamplePanel) * kSamplePanel;
      const int columns =
          choose_score_layout(rows, sizeof(float), static_cast<std::size_t>(kib) * 1024).columns;
      items["columns sm_" + std::to_string(arch) + " " + std::to_string(target)] = {
          static_cast<std::uint64_t>(columns), "columns"};
      widths.insert(columns);
    }
    for (const int panels : kPanels) {
      const int samples = panels * kSamplePanel - panel_padding(target, kSamplePanel);
      for (const ScreenPrecision precision :
           {ScreenPrecision::fp32, ScreenPrecision::tf32, ScreenPrecision::bf16}) {
        for (const int columns : widths)
          // Narrow tiles are not for tensor cores.
          if (columns >= 32 || precision == ScreenPrecision::fp32)
            pass({columns, precision, samples, true, ScoreDepth::whole});
        // In bfloat16 the bound is that of tf32.
        if (precision != ScreenPrecision::bf16)
          pass({64, precision, samples, true, ScoreDepth::bound});
      }
      // The sketch is always in float.
      pass({64, ScreenPrecision::fp32, samples, true, ScoreDepth::sketch});
    }
  }
  for (const ScoreDepth depth : {ScoreDepth::sketch, ScoreDepth::bound, ScoreDepth::whole})
    pass({64, ScreenPrecision::fp32, kPanels[0] * kSamplePanel, true, depth, 128});
  simt::set_profile_label("");
  items["tiles per trial"] = {kTilesPerTrial, "tiles"};
}

/// One step of a fit with dropout.
void run_fit() {
  constexpr int kSamples = 64;
  const AnyFit fit(kSamples);
  std::vector<double> gradient(fit.parameters.size());
  StarlightFitter(fit.data()).evaluate(fit.parameters, 0, gradient);
  constexpr std::uint64_t kPairs = kSamples * (kSamples + 1) / 2;
  items["polaris::encoder_forward_kernel"] = {kSamples, "samples"};
  items["polaris::encoder_backward_kernel"] = {kSamples, "samples"};
  items["polaris::encoder_gradient_kernel"] = {
      EncoderLayout::size,
      "parameters, " + std::to_string(encoder_blocks(kSamples)) + " gradients each"};
  items["polaris::covariance_kernel"] = {kPairs, "pairs of samples"};
  items["polaris::covariance_gradient_kernel"] = {kPairs, "pairs of samples"};
  items["polaris::factor_terms_kernel"] = {kSamples, "samples"};
  items["polaris::gradient_terms_kernel"] = {(kKernelInputs + 1) * kSamples,
                                             "kernel inputs of samples"};
}

void run_all(const std::string& path) {
  const LayerSpace space = typical_space();
  const LayerSpaceView& view = space.view();
  // Here three in four candidates are feasible: the model runs, not only the decoder.
  const std::uint64_t begin = view.size / 5;
  run_exhaustive(view, begin);
  run_scan_steps(view, begin);
  for (const int columns : {8, 16, 32})
    run_kernel<double>(view, begin, {columns, ScreenPrecision::fp64});
  for (const int columns : {8, 16, 32, 64})
    run_kernel<float>(view, begin, {columns, ScreenPrecision::fp32});
  for (const ScreenPrecision precision : {ScreenPrecision::tf32, ScreenPrecision::bf16})
    for (const int columns : {32, 64}) run_kernel<float>(view, begin, {columns, precision});
  run_passes(view, begin);
  run_fit();
  std::ofstream(path) << nlohmann::json(items).dump(2) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    run_all(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_workload: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
