#include "host/report/search_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "host/core/version.hpp"
#include "host/io/mapping_text.hpp"
#include "host/space/hardware_text.hpp"
#include "models/analytical/analytical.hpp"
#include "models/analytical/area.hpp"

namespace polaris {
namespace {

using nlohmann::json;

json hardware_json(const HardwareConfig& h) {
  return {{"dim", h.dim},
          {"accumulator_words_per_column", h.accumulator_words},
          {"scratchpad_bytes", h.scratchpad_bytes},
          {"bus_bytes", h.bus_bytes},
          {"area_mm2", area_mm2(h)}};
}

double design_points(const SearchProblem& problem) {
  double sum = 0;
  for (int l = 0; l < problem.layer_count(); ++l) sum += static_cast<double>(problem.view(l).size);
  return sum;
}

/// Candidates scored per second of scoring, over all steps.
double score_rate(const SearchResult& result) {
  double scored = 0, seconds = 0;
  for (const SearchStep& step : result.steps) {
    scored += static_cast<double>(step.scored);
    seconds += step.score_seconds;
  }
  return seconds > 0 ? scored / seconds : 0.0;
}

/// What the runs without a measurement mean for the answer of a strategy.
void reservations(const SearchResult& r, std::string& out) {
  if (r.undecided > 0)
    out += fmt::format(
        "{}: {} points whose runs were stopped at their cycle limit may still belong to a better "
        "design\n",
        r.strategy, r.undecided);
  else if (r.best && r.stopped > 0 && r.least_edp < r.best->cost.edp())
    out += fmt::format(
        "{}: designs that were not run to their end may be better; none is below {:.6g} J*cycle\n",
        r.strategy, r.least_edp);
  else if (r.best && r.stopped > 0)
    out += fmt::format(
        "{}: {} runs were stopped at their cycle limit; no better design was lost by it\n",
        r.strategy, r.stopped);
  if (r.unavailable > 0)
    out += fmt::format(
        "{}: {} of {} runs were lost to failures of the machine; the next search asks for them "
        "again\n",
        r.strategy, r.unavailable, r.runs);
}

void strategies(const SearchReport& report, std::string& out) {
  const auto& best = report.results.front().best;
  out += fmt::format("{:<12} {:>8} {:>8} {:>7} {:>14} {:>9}  {}\n", "strategy", "RTL runs",
                     "stopped", "failed", "EDP (J*cycle)", "relative", "best hardware");
  for (const SearchResult& r : report.results) {
    out += fmt::format("{:<12} {:>8} {:>8} {:>7} ", r.strategy, r.runs, r.stopped,
                       r.failed + r.unavailable);
    if (!r.best) {
      const bool bounded = std::isfinite(r.least_edp);
      out += fmt::format(
          "{:>14} {:>9}  no design measured in every layer{}",
          bounded ? fmt::format(">={:.6g}", r.least_edp) : "-",
          bounded && best ? fmt::format(">={:.1f}x", r.least_edp / best->cost.edp()) : "-",
          bounded ? "; the EDP is a proven bound" : "");
    } else {
      const double edp = r.best->cost.edp();
      out += fmt::format("{:>14.6g} {:>9}  {}", edp,
                         best ? fmt::format("{:.3f}x", edp / best->cost.edp()) : "-",
                         hardware_text(report.problem.hardware_config(r.best->hardware)));
    }
    out += fmt::format("  [{}]\n", r.stop_reason);
  }
  for (const SearchResult& r : report.results) reservations(r, out);
}

void convergence(const SearchResult& result, std::string& out) {
  out += fmt::format("\nConvergence of {}\n{:>9} {:>8} {:>14} {:>10} {:>8} {:>7} {:>9}\n",
                     result.strategy, "iteration", "RTL runs", "EDP (J*cycle)", "scored", "score s",
                     "fit s", "elapsed s");
  for (const SearchStep& s : result.steps)
    out += fmt::format("{:>9} {:>8} {:>14.6g} {:>10} {:>8.1f} {:>7.1f} {:>9.1f}\n", s.iteration,
                       s.runs, s.best_edp, s.scored, s.score_seconds, s.fit_seconds,
                       s.elapsed_seconds);
}

/// `measured`: the design's costs are those of RTL runs, else those of the analytical model.
void best_design(const SearchReport& report, const Design& design, bool measured,
                 std::string& out) {
  const SearchProblem& problem = report.problem;
  const HardwareConfig hardware = problem.hardware_config(design.hardware);
  out += fmt::format("\n{}: {}, area {:.3f} mm^2\n",
                     measured ? "Best design" : "Best design by the analytical model, not measured",
                     hardware_text(hardware), area_mm2(hardware));
  out += fmt::format("network: {:.6g} cycles, {:.6g} uJ, EDP {:.6g} J*cycle ({})\n",
                     design.cost.cycles, design.cost.energy_pj * 1e-6, design.cost.edp(),
                     measured ? "RTL-measured" : "analytical");
  out += measured
             ? fmt::format("{:<16} {:>5} {:>12} {:>12} {:>6} {:>12} {:>6}  {}\n", "layer", "count",
                           "RTL cycles", "analytical", "ratio", "RTL uJ", "ratio", "mapping")
             : fmt::format("{:<16} {:>5} {:>12} {:>12}  {}\n", "layer", "count", "cycles", "uJ",
                           "mapping");
  for (int l = 0; l < problem.layer_count(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    const LayerCost analytical = problem.analytical_cost(design.points[at]);
    const LayerCost& cost = design.costs[at];
    const double count = problem.count(l);
    const std::string mapping = format_mapping(problem.point(design.points[at]).mapping);
    out += fmt::format("{:<16} {:>5} {:>12.0f} ", problem.workload().layers[at].name, count,
                       cost.cycles / count);
    if (measured)
      out += fmt::format("{:>12.0f} {:>6.2f} {:>12.6g} {:>6.2f}  {}\n", analytical.cycles / count,
                         cost.cycles / analytical.cycles, cost.energy_pj / count * 1e-6,
                         cost.energy_pj / analytical.energy_pj, mapping);
    else
      out += fmt::format("{:>12.6g}  {}\n", cost.energy_pj / count * 1e-6, mapping);
  }
}

/// Names of the layers that were listed more than once and measured once.
void equal_layers(const SearchProblem& problem, std::string& out) {
  for (int l = 0; l < problem.layer_count(); ++l)
    if (const std::size_t times = problem.names(l).size(); times > 1)
      out += fmt::format("{}: stands for {} equal layers of the workload\n",
                         problem.names(l).front(), times);
}

json finite_or_null(double value) { return std::isfinite(value) ? json(value) : json(); }

/// `source` names what priced the design: "rtl", or "analytical" where nothing was measured.
json design_json(const SearchProblem& problem, const Design& design, const std::string& source) {
  json layers = json::array();
  for (int l = 0; l < problem.layer_count(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    const LayerCost analytical = problem.analytical_cost(design.points[at]);
    const double count = problem.count(l);
    json layer = {{"name", problem.workload().layers[at].name},
                  {"names", problem.names(l)},
                  {"count", problem.workload().layers[at].count},
                  {"index", design.points[at].index},
                  {"mapping", format_mapping(problem.point(design.points[at]).mapping)},
                  {"analytical_cycles", analytical.cycles / count},
                  {"analytical_energy_pj", analytical.energy_pj / count}};
    if (source == "rtl") {
      layer["rtl_cycles"] = design.costs[at].cycles / count;
      layer["rtl_energy_pj"] = design.costs[at].energy_pj / count;
    }
    layers.push_back(std::move(layer));
  }
  return {{"source", source},
          {"edp", design.cost.edp()},
          {"cycles", design.cost.cycles},
          {"energy_pj", design.cost.energy_pj},
          {"hardware", hardware_json(problem.hardware_config(design.hardware))},
          {"layers", std::move(layers)}};
}

json result_json(const SearchProblem& problem, const SearchResult& result) {
  json out = {{"strategy", result.strategy},
              {"rtl_runs", result.runs},
              {"stopped", result.stopped},
              {"failed", result.failed},
              {"unavailable", result.unavailable},
              {"undecided", result.undecided},
              {"stop_reason", result.stop_reason},
              {"least_edp", finite_or_null(result.least_edp)},
              {"candidates_per_second", score_rate(result)},
              {"best", nullptr},
              {"steps", json::array()}};
  for (const SearchStep& s : result.steps)
    out["steps"].push_back({{"iteration", s.iteration},
                            {"rtl_runs", s.runs},
                            {"best_edp", finite_or_null(s.best_edp)},
                            {"scored", s.scored},
                            {"score_seconds", s.score_seconds},
                            {"fit_seconds", s.fit_seconds},
                            {"elapsed_seconds", s.elapsed_seconds}});
  if (result.best) out["best"] = design_json(problem, *result.best, "rtl");
  return out;
}

}  // namespace

std::string format_text(const SearchReport& report) {
  const SearchProblem& problem = report.problem;
  std::string out = fmt::format(
      "Polaris search: {} ({} layers) on space {} ({} hardware configurations, {:.3g} design "
      "points), seed {}\n\n",
      problem.workload().name, problem.layer_count(), problem.space().name,
      problem.hardware().size(), design_points(problem), report.seed);
  if (report.results.empty()) {
    best_design(report, report.analytical, false, out);
    equal_layers(problem, out);
    return out;
  }
  strategies(report, out);
  for (const SearchResult& result : report.results) convergence(result, out);
  const SearchResult& first = report.results.front();
  if (score_rate(first) > 0)
    out += fmt::format("scored {:.3g} candidates/s, proposal included\n", score_rate(first));
  if (first.best)
    best_design(report, *first.best, true, out);
  else
    best_design(report, report.analytical, false, out);
  equal_layers(problem, out);
  if (!report.verification.empty()) out += "\n" + report.verification + "\n";
  return out;
}

std::string format_json(const SearchReport& report) {
  json out = {{"polaris", kVersion},
              {"workload", report.problem.workload().name},
              {"space", report.problem.space().name},
              {"seed", report.seed},
              {"rtl_hash", report.rtl_hash},
              {"verification", report.verification},
              {"design_points", design_points(report.problem)},
              {"complete", report.complete},
              {"analytical", design_json(report.problem, report.analytical, "analytical")},
              {"results", json::array()}};
  for (const SearchResult& result : report.results)
    out["results"].push_back(result_json(report.problem, result));
  return out.dump(2) + "\n";
}

}  // namespace polaris
