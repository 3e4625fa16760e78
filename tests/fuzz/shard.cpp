#include <array>

#include "host/core/hash.hpp"
#include "host/io/json_reader.hpp"
#include "host/sweep/network.hpp"
#include "host/sweep/shard_file.hpp"
#include "host/sweep/sweep.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

namespace {

/// Factorising and ordering a layer's space is no matter of reading, and slow for large ones.
bool is_small(const SweepSpec& spec) {
  constexpr std::int32_t kLargest = 64;
  constexpr std::size_t kMostLayers = 4;
  for (const WorkloadLayer& layer : spec.workload.layers)
    for (const std::int32_t bound : layer.layer.size)
      if (bound > kLargest) return false;
  return spec.workload.layers.size() <= kMostLayers && spec.space.hardware.size() <= 64;
}

void merge(const std::filesystem::path& path) {
  const SweepSpec spec = read_shard_spec(path);
  if (!is_small(spec)) return;
  const SweepPlan plan(spec);
  const std::array<std::filesystem::path, 1> files = {path};
  const std::vector<LayerResult> layers = merge_shards(plan, files);
  if (spec.fidelity == Fidelity::analytical) rank_hardware(plan, layers, nullptr);
}

}  // namespace

/// The input is a shard without hash; it gets the right ones, as a liar would give it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = fuzz::scratch("s.json");
  std::string text(fuzz::text_of(data, size));
  fuzz::refusal([&] { text = JsonDocument::parse(text, "t").root().raw().dump(); });
  for (int mended = 0; mended < 3; ++mended) {
    std::string file = text;
    if (file.ends_with('}'))
      file.replace(file.size() - 1, 1, ",\"hash\":\"" + content_hash(text) + "\"}");
    fuzz::write(path, file);
    const std::string message = fuzz::refusal([&] { merge(path); });
    const std::string hash = fuzz::wanted_by(message, "spec.space_hash: expected ");
    const std::size_t at = text.find("\"space_hash\":\"");
    if (hash.empty() || at == std::string::npos) break;
    const std::size_t begin = at + 14;
    text.replace(begin, text.find('"', begin) - begin, hash);
  }
  return 0;
}
