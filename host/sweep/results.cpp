#include "host/sweep/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/core/output_target.hpp"
#include "host/core/version.hpp"
#include "host/io/mapping_text.hpp"
#include "host/io/table.hpp"
#include "host/space/hardware_text.hpp"
#include "host/sweep/network.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr int kSchema = 2;
constexpr const char* kCertificate = "certificate.json";
constexpr double kJoulePerPicojoule = 1e-12;
constexpr std::size_t kShownMachines = 10;  // rows of the summary's ranking

using Row = std::vector<std::string>;

void extend(Row& row, Row more) {
  row.insert(row.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Builds the tables of one sweep.
class Tables {
 public:
  Tables(const SweepPlan& plan, const std::vector<LayerResult>& layers)
      : plan_(plan), layers_(layers), sweep_(content_hash(plan.identity())) {}

  const std::string& sweep() const { return sweep_; }

  /// The best points of each layer, all hardware together.
  Table top() const {
    Table table = point_table({"rank", "score"});
    for (const SweepLayer& layer : plan_.layers()) {
      BestList best(plan_.spec().top);
      for (const HardwareResult& kept : layers_[layer.number].hardware) best.merge(kept.best);
      add_ranked(table, layer, best);
    }
    return table;
  }

  /// The best points of each layer on each hardware, hardware by ordinal.
  Table by_hardware() const {
    Table table = point_table({"rank", "score"});
    for (const SweepLayer& layer : plan_.layers())
      for (const std::size_t p : by_ordinal())
        add_ranked(table, layer, layers_[layer.number].hardware[p].best);
    return table;
  }

  /// The front of latency, energy and area of each layer.
  Table pareto() const {
    Table table = point_table({});
    for (const SweepLayer& layer : plan_.layers())
      for (const AreaPoint& p : area_front(plan_, layers_[layer.number]))
        table.rows.push_back(point_row(layer, {}, p.point.index, p.point.estimate));
    return table;
  }

  Table network(const std::vector<NetworkDesign>& designs) const {
    Table table;
    table.columns = {"sweep", "rank"};
    extend(table.columns, hardware_columns());
    extend(table.columns, {"cycles", "energy_pj", "edp", "edp_median", "log_edp_sd", "pareto"});
    std::size_t rank = 0;
    for (const NetworkDesign& d : designs) {
      Row row = {sweep_, fmt::to_string(++rank)};
      extend(row, hardware_fields(plan_.hardware()[d.position]));
      extend(row, {fmt::to_string(d.cost.cycles), fmt::to_string(d.cost.energy_pj),
                   fmt::to_string(d.cost.edp()), fmt::to_string(d.edp_median),
                   fmt::to_string(d.log_edp_sd), d.pareto ? "1" : "0"});
      table.rows.push_back(std::move(row));
    }
    return table;
  }

  /// The mappings behind each row of `network`.
  Table network_points(const std::vector<NetworkDesign>& designs) const {
    Table table = point_table({"network_rank"});
    std::size_t rank = 0;
    for (const NetworkDesign& d : designs) {
      ++rank;
      for (const SweepLayer& layer : plan_.layers()) {
        const FrontPoint& point = d.points[layer.number];
        table.rows.push_back(point_row(layer, {fmt::to_string(rank)}, point.index, point.estimate));
      }
    }
    return table;
  }

 private:
  static Row hardware_columns() {
    return {"dim", "accumulator_kib", "scratchpad_kib", "bus_bytes", "area_mm2"};
  }
  static Row hardware_fields(const HardwareConfig& h) {
    return {fmt::to_string(h.dim), fmt::to_string(h.accumulator_bytes() / 1024),
            fmt::to_string(h.scratchpad_bytes / 1024), fmt::to_string(h.bus_bytes),
            fmt::to_string(area_mm2(h))};
  }

  /// `own`: columns of this table alone.
  static Table point_table(Row own) {
    Table table;
    table.columns = {"sweep", "layer"};
    extend(table.columns, std::move(own));
    extend(table.columns, {"index"});
    extend(table.columns, hardware_columns());
    extend(table.columns,
           {"cycles", "energy_pj", "edp", "log_cycles_sd", "log_energy_sd", "mapping"});
    return table;
  }

  Row point_row(const SweepLayer& layer, Row own, std::uint64_t index, const Estimate& e) const {
    const DesignPoint point = layer.view().decode(index);
    Row row = {sweep_, spreadsheet_text(plan_.spec().workload.layers[layer.number].name)};
    extend(row, std::move(own));
    extend(row, {fmt::to_string(index)});
    extend(row, hardware_fields(point.hardware));
    extend(row, {fmt::to_string(e.cycles), fmt::to_string(e.energy_pj),
                 fmt::to_string(NetworkCost{e.cycles, e.energy_pj}.edp()),
                 fmt::to_string(e.log_cycles_sd), fmt::to_string(e.log_energy_sd),
                 format_mapping(point.mapping)});
    return row;
  }

  void add_ranked(Table& table, const SweepLayer& layer, const BestList& best) const {
    std::size_t rank = 0;
    for (const RankedPoint& p : best.points())
      table.rows.push_back(point_row(layer,
                                     {fmt::to_string(++rank), fmt::to_string(shown_score(p))},
                                     p.key.index, p.estimate));
  }

  /// The model's EDP; the mean of ln EDP in J * cycle; or the acquisition's value.
  double shown_score(const RankedPoint& point) const {
    if (plan_.spec().fidelity == Fidelity::analytical) return point.key.score;
    return plan_.spec().objective == "mean" ? point.key.score + std::log(kJoulePerPicojoule)
                                            : -point.key.score;
  }

  std::vector<std::size_t> by_ordinal() const {
    std::vector<std::size_t> out(plan_.hardware().size());
    for (std::size_t p = 0; p < out.size(); ++p) out[p] = p;
    std::sort(out.begin(), out.end(),
              [this](std::size_t a, std::size_t b) { return plan_.ordinal(a) < plan_.ordinal(b); });
    return out;
  }

  const SweepPlan& plan_;
  const std::vector<LayerResult>& layers_;
  std::string sweep_;
};

ordered_json coverage_json(const Coverage& c) {
  return {{"points", c.total()},
          {"scored", c.scored},
          {"over_limit", c.over_limit},
          {"pruned", c.pruned},
          {"avoided", c.avoided},
          {"duplicate", c.duplicate},
          {"infeasible", c.infeasible},
          {"excluded_hardware", c.excluded},
          {"checksum", fmt::format("{:016x}", c.checksum)}};
}

Coverage sum_of(const std::vector<LayerResult>& layers) {
  Coverage sum;
  for (const LayerResult& layer : layers) sum.add(layer.coverage);
  return sum;
}

ordered_json certificate(const SweepPlan& plan, const std::vector<LayerResult>& layers) {
  ordered_json out = {{"polaris", kVersion},
                      {"kind", "sweep"},
                      {"schema", kSchema},
                      {"sweep", content_hash(plan.identity())},
                      {"spec", ordered_json::parse(plan.identity())},
                      {"coverage", coverage_json(sum_of(layers))},
                      {"layers", ordered_json::array()}};
  for (const SweepLayer& layer : plan.layers())
    out["layers"].push_back({{"name", plan.spec().workload.layers[layer.number].name},
                             {"coverage", coverage_json(layers[layer.number].coverage)}});
  return out;
}

}  // namespace

void write_results(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                   const std::vector<NetworkDesign>& ranking, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error::expected("a folder that can be made", error.message(), folder.string());
  const OutputTarget older = find_output_target(folder / kCertificate);
  if (older.status && S_ISREG(older.status->st_mode)) std::filesystem::remove(older.path, error);
  if (error)
    throw Error::expected("a certificate that can be replaced", error.message(), folder.string());
  const Tables tables(plan, layers);
  std::vector<std::pair<std::string, Table>> files = {{"top.csv", tables.top()}};
  if (plan.spec().thresholds.empty()) {
    files.emplace_back("hardware.csv", tables.by_hardware());
    files.emplace_back("pareto.csv", tables.pareto());
  }
  if (ranks_hardware(plan.spec())) {
    files.emplace_back("network.csv", tables.network(ranking));
    files.emplace_back("network_points.csv", tables.network_points(ranking));
  }
  ordered_json json = certificate(plan, layers);
  for (const auto& [name, table] : files) {
    const std::string text = format_table(table);
    json["tables"][name] = content_hash(text);
    AtomicFile file(folder / name);
    file.stream() << text;
    file.commit();
  }
  AtomicFile file(folder / kCertificate);
  file.stream() << json.dump(2) << '\n';
  file.commit();
}

std::string format_text(const SweepPlan& plan, const std::vector<LayerResult>& layers,
                        const std::vector<NetworkDesign>& ranking) {
  const Coverage c = sum_of(layers);
  std::string out = fmt::format(
      "Sweep {}: {} ({} layers) on space {}, {}\n"
      "{} points: {} scored, {} pruned, {} duplicate, {} infeasible, {} on excluded hardware, {} "
      "over the limits, {} avoided; checksum {:016x}\n",
      content_hash(plan.identity()), plan.spec().workload.name, layers.size(),
      plan.spec().space.name,
      plan.spec().fidelity == Fidelity::analytical ? "analytical" : "starlight", c.total(),
      c.scored, c.pruned, c.duplicate, c.infeasible, c.excluded, c.over_limit, c.avoided,
      c.checksum);
  out += fmt::format("\n{:<20} {:>16} {:>16} {:>14}  {}\n", "layer", "points", "scored",
                     "EDP (J*cycle)", "best point");
  for (const SweepLayer& layer : plan.layers()) {
    const LayerResult& result = layers[layer.number];
    BestList best(1);
    for (const HardwareResult& kept : result.hardware) best.merge(kept.best);
    out += fmt::format("{:<20} {:>16} {:>16} ", plan.spec().workload.layers[layer.number].name,
                       result.coverage.total(), result.coverage.scored);
    if (best.points().empty()) {
      out += fmt::format("{:>14}  none\n", "-");
      continue;
    }
    const RankedPoint& p = best.points().front();
    const DesignPoint point = layer.view().decode(p.key.index);
    out += fmt::format("{:>14.6g}  {}; {}\n",
                       NetworkCost{p.estimate.cycles, p.estimate.energy_pj}.edp(),
                       hardware_text(point.hardware), format_mapping(point.mapping));
  }
  if (!ranks_hardware(plan.spec())) return out;
  out += fmt::format("\nNetwork: {} of {} hardware configurations run all layers\n", ranking.size(),
                     plan.hardware().size());
  if (!ranking.empty())
    out += fmt::format("{:>4} {:>14} {:>14} {:>14} {:>13} {:>9}  {}\n", "rank", "EDP (J*cycle)",
                       "cycles", "energy uJ", "sd of ln EDP", "area mm2", "hardware");
  for (std::size_t i = 0; i < std::min(kShownMachines, ranking.size()); ++i) {
    const NetworkDesign& d = ranking[i];
    const HardwareConfig& h = plan.hardware()[d.position];
    const std::string sd = d.log_edp_sd > 0.0 ? fmt::format("{:.3f}", d.log_edp_sd) : "-";
    out += fmt::format("{:>4} {:>14.6g} {:>14.6g} {:>14.6g} {:>13} {:>9.3f}  {}{}\n", i + 1,
                       d.cost.edp(), d.cost.cycles, d.cost.energy_pj * 1e-6, sd, area_mm2(h),
                       hardware_text(h), d.pareto ? " *" : "");
  }
  if (!ranking.empty()) out += "* not beaten in latency, energy and area by another row\n";
  return out;
}

std::string format_json(const SweepPlan& plan, const std::vector<LayerResult>& layers) {
  return certificate(plan, layers).dump(2) + "\n";
}

}  // namespace polaris
