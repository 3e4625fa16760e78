#include "host/sweep/shard_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/read_file.hpp"
#include "host/io/json_reader.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr int kSchema = 2;

ordered_json coverage_json(const Coverage& c) {
  return {c.excluded, c.infeasible, c.duplicate, c.avoided,
          c.pruned,   c.over_limit, c.scored,    c.checksum};
}

/// Two numbers that rank the point, its index, and the estimate.
ordered_json row(double a, double b, std::uint64_t index, const Estimate& e) {
  return {a, b, index, e.cycles, e.energy_pj, e.log_cycles_sd, e.log_energy_sd};
}

ordered_json layer_json(const LayerResult& layer) {
  ordered_json hardware = ordered_json::array();
  for (const HardwareResult& kept : layer.hardware) {
    ordered_json best = ordered_json::array(), front = ordered_json::array();
    for (const RankedPoint& p : kept.best.points())
      best.push_back(row(p.key.score, 0.0, p.key.index, p.estimate));
    for (const FrontPoint& p : kept.front.points())
      front.push_back(row(p.latency, p.energy, p.index, p.estimate));
    hardware.push_back({std::move(best), std::move(front)});
  }
  return {{"coverage", coverage_json(layer.coverage)}, {"hardware", std::move(hardware)}};
}

/// 10,000 best points on each of 75 machines for each of 20 layers, and as many on the fronts.
constexpr std::size_t kMaxValues = std::size_t{1} << 28;

JsonDocument read_json(const std::filesystem::path& path) {
  try {
    return JsonDocument::read(path, {.bytes = longest_file(), .values = kMaxValues});
  } catch (const JsonSyntaxError&) {
    throw Error::expected(fmt::format("a whole shard file of schema {}", kSchema),
                          "a damaged one, or one cut short", path.string());
  }
}

/// The file's content, its hash verified.
JsonDocument read_content(const std::filesystem::path& path) {
  JsonDocument document = read_json(path);
  const JsonNode root = document.root();
  if (!root.raw().is_object() || !root.find("polaris_sweep"))
    throw Error::expected(fmt::format("a shard file of schema {}", kSchema), "another file",
                          path.string());
  const JsonNode schema = root.at("polaris_sweep");
  if (!schema.raw().is_number_unsigned() || schema.raw() != kSchema)
    throw schema.error(fmt::format("a shard file of schema {}", kSchema));
  // What was hashed is the text before the hash, which comes last.
  const auto hash_node = root.find("hash");
  const std::string hash = hash_node ? hash_node->text() : "";
  std::string content = root.raw().dump();
  const std::string end = ",\"hash\":\"" + hash + "\"}";
  const bool ends = content.ends_with(end);
  if (ends) content.replace(content.size() - end.size(), std::string::npos, 1, '}');
  if (!ends || content_hash(content) != hash)
    throw Error::expected("a file with content hash " + in_quotes(hash), "changed content",
                          path.string());
  root.expect_keys({"polaris_sweep", "spec", "shard", "tiles_done", "tiles", "layers", "hash"});
  return document;
}

/// Every class lies within the layer's range, and so does their sum.
Coverage read_coverage(const JsonNode& json, const SweepLayer& layer) {
  constexpr std::size_t kFields = 8;
  const auto fields = json.items(kFields, kFields);
  std::uint64_t left = layer.range.end - layer.range.begin;
  const auto next = [&](std::size_t i) {
    const std::uint64_t value = fields[i].count(0, left);
    left -= value;
    return value;
  };
  Coverage out;
  std::size_t i = 0;
  for (std::uint64_t* value : {&out.excluded, &out.infeasible, &out.duplicate, &out.avoided,
                               &out.pruned, &out.over_limit, &out.scored})
    *value = next(i++);
  out.checksum = fields[i].count(0, std::numeric_limits<std::uint64_t>::max());
  return out;
}

/// Numbers of a kept point in the order of `row`.
struct KeptRow {
  double first, second;
  std::uint64_t index;
  Estimate estimate;
};

/// The list that a row belongs to, by which its first two numbers go: a score and nothing, or
/// latency and energy.
enum class KeptList : std::uint8_t { best, front };

/// Rows of the points that a list of a layer keeps for the hardware at `position`.
class RowReader {
 public:
  RowReader(const SweepPlan& plan, const SweepLayer& layer, std::size_t position, KeptList list)
      : plan_(plan), layer_(layer), ordinal_(plan.ordinal(position)), list_(list) {}

  KeptRow read(const JsonNode& json) const {
    constexpr std::size_t kFields = 7;
    constexpr double kLargest = std::numeric_limits<double>::max();
    const auto fields = json.items(kFields, kFields);
    const KeptRow out = {fields[0].number(),
                         fields[1].number(),
                         read_index(fields[2]),
                         {fields[3].number(0.0, kLargest), fields[4].number(0.0, kLargest),
                          fields[5].number(0.0, kLargest), fields[6].number(0.0, kLargest)}};
    if (plan_.spec().fidelity == Fidelity::analytical) expect_exact(out, json);
    return out;
  }

 private:
  /// A point that the sweep scores, on this hardware.
  std::uint64_t read_index(const JsonNode& json) const {
    const LayerSpaceView& view = layer_.view();
    const std::uint64_t index = json.count(layer_.range.begin, layer_.range.end - 1);
    if (index / view.mapping_count != ordinal_ || !plan_.would_score(layer_, index) ||
        view.canonical(index) != index)
      throw json.error("the index of a point that is scored on this hardware");
    return index;
  }

  /// The analytical model is evaluated again: a row tells nothing that it does not say.
  void expect_exact(const KeptRow& row, const JsonNode& json) const {
    const DesignPoint point = layer_.view().decode(row.index);
    const AnalyticalResult result =
        evaluate_analytical(layer_.view().layer, point.hardware, point.mapping);
    const auto cycles = static_cast<double>(result.cycles);
    const bool best = list_ == KeptList::best;
    const Estimate& e = row.estimate;
    if (row.first != (best ? result.edp : cycles) ||
        row.second != (best ? 0.0 : result.energy_pj) || e.cycles != cycles ||
        e.energy_pj != result.energy_pj || e.log_cycles_sd != 0.0 || e.log_energy_sd != 0.0)
      throw json.error("what the analytical model says of the point", "other numbers");
  }

  const SweepPlan& plan_;
  const SweepLayer& layer_;
  std::uint64_t ordinal_;
  KeptList list_;
};

/// Reads what is kept of one layer. Rows come in the order that they are kept in: any other would
/// be no list of ours, and slow to sort in.
void read_layer(const JsonNode& json, const SweepPlan& plan, const SweepLayer& layer,
                LayerResult& out) {
  json.expect_keys({"coverage", "hardware"});
  out.coverage = read_coverage(json.at("coverage"), layer);
  const auto hardware = json.at("hardware").items(out.hardware.size(), out.hardware.size());
  for (std::size_t p = 0; p < hardware.size(); ++p) {
    const auto lists = hardware[p].items(2, 2);
    const RowReader best_rows(plan, layer, p, KeptList::best);
    BestList& best = out.hardware[p].best;
    const auto most =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(plan.spec().top), out.coverage.scored);
    for (const JsonNode& json_row : lists[0].items(0, most)) {
      const KeptRow r = best_rows.read(json_row);
      const ScoredIndex key{r.first, r.index};
      if (!best.points().empty() && !ranks_before(best.points().back().key, key))
        throw json_row.error("points in the order of their ranks", "another order");
      best.offer({key, r.estimate});
    }
    const RowReader front_rows(plan, layer, p, KeptList::front);
    ParetoFront& front = out.hardware[p].front;
    for (const JsonNode& json_row : lists[1].items(0, out.coverage.scored)) {
      const KeptRow r = front_rows.read(json_row);
      if (!front.points().empty() &&
          !(front.points().back().latency < r.first && front.points().back().energy > r.second))
        throw json_row.error("a front of rising latency and falling energy", "another order");
      front.offer({r.first, r.second, r.index, r.estimate});
    }
  }
}

}  // namespace

ShardState::ShardState(const SweepPlan& plan, const Shard& which) : shard(which) {
  for (std::size_t l = 0; l < plan.layers().size(); ++l)
    layers.emplace_back(plan.hardware().size(), plan.spec().top);
}

void write_shard(const ShardState& state, const SweepPlan& plan,
                 const std::filesystem::path& path) {
  ordered_json json = {{"polaris_sweep", kSchema},
                       {"spec", ordered_json::parse(plan.identity())},
                       {"shard", {state.shard.number, state.shard.count}},
                       {"tiles_done", state.tiles_done},
                       {"tiles", state.shard.tiles(plan.tile_count())},
                       {"layers", ordered_json::array()}};
  for (const LayerResult& layer : state.layers) json["layers"].push_back(layer_json(layer));
  json["hash"] = content_hash(json.dump());
  AtomicFile file(path);
  file.stream() << json.dump() << '\n';
  file.commit();
}

ShardState read_shard(const std::filesystem::path& path, const SweepPlan& plan) {
  const JsonDocument document = read_content(path);
  const JsonNode json = document.root();
  const std::string other = spec_difference(plan.identity(), json.at("spec").raw().dump());
  if (!other.empty()) throw Error(path.string() + ": expected a file of this sweep, got " + other);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto numbers = json.at("shard").items(2, 2);
  const std::uint64_t count = numbers[1].count(1, kMost);
  const Shard shard{numbers[0].count(1, count), count};
  const std::uint64_t tiles = shard.tiles(plan.tile_count());
  json.at("tiles").count(tiles, tiles);
  const auto layers = json.at("layers").items(plan.layers().size(), plan.layers().size());
  // Before memory is taken for them: the lists of all hardware must be there.
  for (const JsonNode& layer : layers)
    layer.at("hardware").items(plan.hardware().size(), plan.hardware().size());
  ShardState state(plan, shard);
  state.tiles_done = json.at("tiles_done").count(0, tiles);
  for (const SweepLayer& layer : plan.layers())
    read_layer(layers[layer.number], plan, layer, state.layers[layer.number]);
  return state;
}

SweepSpec read_shard_spec(const std::filesystem::path& path) {
  const JsonDocument document = read_content(path);
  SweepSpec spec = parse_spec(document.root().at("spec"));
  document.root().at("layers").items(spec.ranges.size(), spec.ranges.size());
  return spec;
}

}  // namespace polaris
