#include "host/sweep/shard_file.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr int kSchema = 2;

ordered_json coverage_json(const Coverage& c) {
  return {c.excluded, c.infeasible, c.duplicate, c.avoided,
          c.pruned,   c.over_limit, c.scored,    c.checksum};
}

Coverage read_coverage(const ordered_json& json) {
  return {json.at(0), json.at(1), json.at(2), json.at(3),
          json.at(4), json.at(5), json.at(6), json.at(7)};
}

/// Two numbers that rank the point, its index, and the estimate.
ordered_json row(double a, double b, std::uint64_t index, const Estimate& e) {
  return {a, b, index, e.cycles, e.energy_pj, e.log_cycles_sd, e.log_energy_sd};
}

Estimate read_estimate(const ordered_json& row) {
  return {row.at(3), row.at(4), row.at(5), row.at(6)};
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

void read_layer(const ordered_json& json, LayerResult& layer) {
  layer.coverage = read_coverage(json.at("coverage"));
  const ordered_json& hardware = json.at("hardware");
  if (hardware.size() != layer.hardware.size()) throw Error("another number of machines");
  for (std::size_t p = 0; p < hardware.size(); ++p) {
    for (const ordered_json& r : hardware[p].at(0))
      layer.hardware[p].best.offer({{r.at(0), r.at(2)}, read_estimate(r)});
    for (const ordered_json& r : hardware[p].at(1))
      layer.hardware[p].front.offer({r.at(0), r.at(1), r.at(2), read_estimate(r)});
  }
}

/// The file's content, its hash verified and removed.
ordered_json read_content(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("polaris_sweep", 0) != kSchema)
    throw Error::expected(fmt::format("a whole shard file of schema {}", kSchema),
                          json.is_discarded() ? "a damaged one, or one cut short" : "another file",
                          path.string());
  const std::string hash = json.value("hash", "");
  json.erase("hash");
  if (content_hash(json.dump()) != hash)
    throw Error::expected("a file with content hash " + hash, "changed content", path.string());
  return json;
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
  const ordered_json json = read_content(path);
  try {
    const std::string other = spec_difference(plan.identity(), json.at("spec").dump());
    if (!other.empty())
      throw Error(path.string() + ": expected a file of this sweep, got " + other);
    ShardState state(plan, {json.at("shard").at(0), json.at("shard").at(1)});
    json.at("tiles_done").get_to(state.tiles_done);
    for (std::size_t l = 0; l < state.layers.size(); ++l)
      read_layer(json.at("layers").at(l), state.layers[l]);
    return state;
  } catch (const nlohmann::json::exception& error) {
    throw Error::expected("a shard file of polaris sweep", error.what(), path.string());
  }
}

SweepSpec read_shard_spec(const std::filesystem::path& path) {
  const ordered_json json = read_content(path);
  const auto spec = json.find("spec");
  return parse_spec(spec == json.end() ? "" : spec->dump(), path.string());
}

}  // namespace polaris
