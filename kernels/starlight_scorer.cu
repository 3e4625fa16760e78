// The loop of tiles over the lanes of all devices: plain host code.

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "kernels/device/device_space.hpp"
#include "kernels/device/range.hpp"
#include "kernels/device/scan.hpp"
#include "kernels/device/score_lane.hpp"
#include "kernels/feasible_candidates.cuh"
#include "kernels/select_top_k.cuh"
#include "kernels/starlight_scorer.hpp"

namespace polaris {
namespace {

static_assert(kMaxScorerTopK == kMaxTopK);

/// Streams of a device: the short lists at the end of one tile leave room for the next tile's
/// beginning.
constexpr int kLanesPerDevice = 2;
/// Scans shorter than this many warm-ups do without.
constexpr std::uint64_t kWarmUpShare = 4;

/// A device and its lanes, which share its copy of the model.
struct Device {
  int number;
  std::string model_id;
  std::vector<std::unique_ptr<ScoreLane>> lanes;

  void activate() const { POLARIS_CUDA(cudaSetDevice(number)); }

  void attach(const ScorerModel& model) {
    activate();
    if (model.id == model_id) return;
    model_id.clear();
    const DeviceStream& stream = lanes[0]->stream();
    const StarlightSketch sketch = sketch_of(model.f64);
    const auto f32 = std::make_shared<const DeviceModel<float>>(model.f32, sketch, stream);
    const auto f64 = std::make_shared<const DeviceModel<double>>(model.f64, sketch, stream);
    stream.synchronize();
    for (const auto& lane : lanes) lane->attach(f32, f64);
    model_id = model.id;
  }
};

void validate(const ScanRequest& request) {
  const CandidateSet& c = request.candidates;
  if (request.k < 1 || request.k > kMaxScorerTopK)
    throw std::invalid_argument("StarlightScorer: k: expected 1 to " +
                                std::to_string(kMaxScorerTopK) + ", got " +
                                std::to_string(request.k));
  if (c.begin > c.end || c.end > c.space.size)
    throw std::invalid_argument(
        "StarlightScorer: range: expected begin <= end <= " + std::to_string(c.space.size) +
        ", got " + std::to_string(c.begin) + " and " + std::to_string(c.end));
}

}  // namespace

class StarlightScorer::Impl {
 public:
  explicit Impl(const ScorerOptions& options) : warm_up_(options.warm_up) {
    for (const int number : options.devices) {
      Device& device = devices_.emplace_back(Device{number, {}, {}});
      device.activate();
      // The other half is for the model and whoever else uses the device.
      const std::size_t wanted = options.list_bytes / kLanesPerDevice;
      const std::size_t bytes = std::max(std::min(wanted, free_memory() / 2 / kLanesPerDevice),
                                         std::min(wanted, kLeastListBytes));
      for (int i = 0; i < kLanesPerDevice; ++i)
        device.lanes.push_back(std::make_unique<ScoreLane>(bytes, options.shared_limit));
    }
  }

  template <typename T>
  void predict(const ScorerModel& model, const LayerSpaceView& space,
               std::span<const std::uint64_t> indices, std::span<BasicPrediction<T>> out) {
    ScoreLane& lane = prepare_first(model);
    const DeviceSpace device_space(space, lane.stream());
    in_chunks(lane, indices, out, [&](const std::uint64_t* chunk) {
      return CandidateSource{device_space.view(), nullptr, chunk, 0, 1};
    });
  }

  template <typename T>
  void predict(const ScorerModel& model, std::span<const LayerPoint> points,
               std::span<BasicPrediction<T>> out) {
    in_chunks(prepare_first(model), points, out, [](const LayerPoint* chunk) {
      return CandidateSource{{}, chunk, nullptr, 0, 1};
    });
  }

  ScanResult top_k(const ScorerModel& model, const ScanRequest& request) {
    validate(request);
    for (Device& device : devices_) device.attach(model);
    const ScoredIndex bound = warm_up(request);

    // Tiles are dealt to the lanes in turn.
    std::vector<Part> parts;
    std::uint32_t tile = static_cast<std::uint32_t>(kMaxTileCandidates);
    for (Device& device : devices_)
      for (const auto& lane : device.lanes) {
        device.activate();
        parts.push_back({device, std::make_unique<Scan>(*lane, request, bound)});
        tile = std::min(tile, Scan::tile_size(*lane));
      }
    const std::uint64_t count = request.candidates.size();
    const std::uint64_t tiles = (count + tile - 1) / tile;
    if (request.candidates.indices.empty())
      for (std::size_t p = 0; p < parts.size() && p < tiles; ++p) {
        parts[p].device.activate();
        parts[p].scan->set_range({request.candidates.begin + p * tile, parts.size() * tile,
                                  request.candidates.end, tile});
      }
    for (std::uint64_t t = 0; t < tiles; ++t) {
      Part& part = parts[t % parts.size()];
      part.device.activate();
      part.scan->wait();
      if (request.stop && request.stop()) throw ScanStopped();
      if (request.candidates.indices.empty())
        part.scan->run_next();
      else
        part.scan->run_list(request.candidates.indices.subspan(
            t * tile, std::min<std::uint64_t>(tile, count - t * tile)));
    }
    return combine(parts, request.k);
  }

 private:
  struct Part {
    Device& device;
    std::unique_ptr<Scan> scan;
  };

  ScoreLane& prepare_first(const ScorerModel& model) {
    devices_[0].attach(model);
    return *devices_[0].lanes[0];
  }

  /// The k-th best of points spread over the candidates: no worse than the k-th best of all.
  ScoredIndex warm_up(const ScanRequest& request) {
    const CandidateSet& c = request.candidates;
    const std::uint64_t count = c.size();
    devices_[0].activate();
    ScoreLane& lane = *devices_[0].lanes[0];
    const std::uint64_t sample = std::min<std::uint64_t>(
        std::max<std::uint64_t>(warm_up_, static_cast<std::uint64_t>(request.k)),
        Scan::tile_size(lane));
    if (count / kWarmUpShare < sample || sample < static_cast<std::uint64_t>(request.k))
      return no_candidate();
    const ProfilerRange range("warm-up");
    const std::uint64_t stride = count / sample;
    Scan scan(lane, request, no_candidate());
    if (c.indices.empty()) {
      scan.run_strided(c.begin, stride, static_cast<std::uint32_t>(sample));
    } else {
      std::vector<std::uint64_t> spread;
      for (std::uint64_t i = 0; i < sample; ++i) spread.push_back(c.index(i * stride));
      scan.run_list(spread);
    }
    const std::vector<ScoredIndex> best = scan.finish().best;
    return best.size() == static_cast<std::size_t>(request.k) ? best.back() : no_candidate();
  }

  static ScanResult combine(std::vector<Part>& parts, int k) {
    ScanResult out;
    for (Part& part : parts) {
      part.device.activate();
      const ScanResult one = part.scan->finish();
      out.best.insert(out.best.end(), one.best.begin(), one.best.end());
      out.feasible += one.feasible;
      out.sketched += one.sketched;
      out.survivors += one.survivors;
      out.finalists += one.finalists;
    }
    std::sort(out.best.begin(), out.best.end(), ranks_before);
    out.best.resize(std::min(out.best.size(), static_cast<std::size_t>(k)));
    return out;
  }

  /// Predictions of candidates that are given one by one, as many at a time as the arena holds.
  template <typename T, typename Given, typename MakeSource>
  static void in_chunks(ScoreLane& lane, std::span<const Given> given,
                        std::span<BasicPrediction<T>> out, const MakeSource& make_source) {
    constexpr bool kCheck = std::is_same_v<Given, std::uint64_t>;  // indices, not points
    constexpr std::size_t kArrays = 4;
    DeviceArena& arena = lane.arena();
    const DeviceStream& stream = lane.stream();
    const std::size_t most = (arena.size() - 2 * kArrays * DeviceArena::kAlignment) /
                             (sizeof(Given) + sizeof(std::uint32_t) + sizeof(BasicPrediction<T>));
    for (std::size_t begin = 0; begin < given.size(); begin += most) {
      const ProfilerRange range("predictions");
      const std::size_t count = std::min(most, given.size() - begin);
      arena.reset();
      Given* const chunk = arena.take<Given>(count);
      auto* const predictions = arena.take<BasicPrediction<T>>(count);
      auto* const places = arena.take<std::uint32_t>(count);
      auto* const tile = arena.take<PredictionTile>(1);
      const PredictionTile first{{0, static_cast<std::uint32_t>(count)}, 0};
      POLARIS_CUDA(cudaMemcpyAsync(chunk, given.data() + begin, count * sizeof(Given),
                                   cudaMemcpyHostToDevice, stream.get()));
      POLARIS_CUDA(
          cudaMemcpyAsync(tile, &first, sizeof first, cudaMemcpyHostToDevice, stream.get()));
      const CandidateSource source = make_source(chunk);
      auto params = lane.workbench<T>().params(source, &tile->tile, ScoreDepth::whole);
      params.output = ScoreOutput::predictions;
      params.predictions = predictions;
      if (kCheck) {
        // All bits set: NaN in every format.
        POLARIS_CUDA(
            cudaMemsetAsync(predictions, 0xFF, count * sizeof(BasicPrediction<T>), stream.get()));
        feasible_candidates({.source = source,
                             .tile = &tile->tile,
                             .lists = {{places, &tile->feasible}},
                             .blocks = lane.thread_blocks()},
                            stream);
        params.places = {places, &tile->feasible};
      }
      starlight_score(params, stream);
      POLARIS_CUDA(cudaMemcpyAsync(out.data() + begin, predictions,
                                   count * sizeof(BasicPrediction<T>), cudaMemcpyDeviceToHost,
                                   stream.get()));
      stream.synchronize();
    }
  }

  struct PredictionTile {
    CandidateTile tile;
    std::uint32_t feasible;
  };

  std::uint64_t warm_up_;
  std::vector<Device> devices_;
};

StarlightScorer::StarlightScorer(const ScorerOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
StarlightScorer::~StarlightScorer() = default;

template <typename T>
void StarlightScorer::predict(const ScorerModel& model, const LayerSpaceView& space,
                              std::span<const std::uint64_t> indices,
                              std::span<BasicPrediction<T>> predictions) {
  impl_->predict(model, space, indices, predictions);
}
template <typename T>
void StarlightScorer::predict(const ScorerModel& model, std::span<const LayerPoint> points,
                              std::span<BasicPrediction<T>> predictions) {
  impl_->predict(model, points, predictions);
}
template void StarlightScorer::predict(const ScorerModel&, const LayerSpaceView&,
                                       std::span<const std::uint64_t>, std::span<Prediction>);
template void StarlightScorer::predict(const ScorerModel&, const LayerSpaceView&,
                                       std::span<const std::uint64_t>, std::span<ExactPrediction>);
template void StarlightScorer::predict(const ScorerModel&, std::span<const LayerPoint>,
                                       std::span<Prediction>);
template void StarlightScorer::predict(const ScorerModel&, std::span<const LayerPoint>,
                                       std::span<ExactPrediction>);

ScanResult StarlightScorer::top_k(const ScorerModel& model, const ScanRequest& request) {
  return impl_->top_k(model, request);
}

int usable_device_count(std::string* reason) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return count;
  cudaGetLastError();  // or the next call would report it
  if (reason != nullptr) *reason = error != cudaSuccess ? cudaGetErrorString(error) : "no device";
  return 0;
}

}  // namespace polaris
