#include "bench/accuracy/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/accuracy/splits.hpp"
#include "host/fit/feature_matrix.hpp"
#include "host/io/table.hpp"
#include "models/analytical/analytical.hpp"

namespace polaris {
namespace {

/// Name and value of everything that describes a point, nothing derived from it.
std::vector<std::pair<std::string, double>> description(const DesignSample& s) {
  std::vector<std::pair<std::string, double>> out;
  const auto add = [&out](const std::string& name, auto value) {
    out.emplace_back("raw_" + name, std::log2(static_cast<double>(value)));
  };
  add("dim", s.hardware.dim);
  add("accumulator", s.hardware.accumulator_words);
  add("scratchpad", s.hardware.scratchpad_bytes);
  add("bus", s.hardware.bus_bytes);
  add("stride_w", s.layer.stride_w);
  add("stride_h", s.layer.stride_h);
  add("dilation_w", s.layer.dilation_w);
  add("dilation_h", s.layer.dilation_h);
  add("spatial_C", s.mapping.spatial_c);
  add("spatial_K", s.mapping.spatial_k);
  for (int d = 0; d < kDims; ++d) {
    add(fmt::format("bound_{}", kDimLetters[d]), s.layer.size[d]);
    for (int level = 0; level < kLevels; ++level)
      add(fmt::format("tile_{}_{}", level, kDimLetters[d]), s.mapping.temporal[level][d]);
  }
  for (int place = 0; place < kDims; ++place) {
    const Dim dim = s.mapping.order[index_of(Level::dram)][place];
    out.emplace_back(fmt::format("raw_place_{}", kDimLetters[index_of(dim)]), place);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Table points_table(const std::vector<MeasuredPoint>& points) {
  std::vector<DesignSample> samples;
  for (const MeasuredPoint& point : points) samples.push_back(point.sample);
  const Matrix<double> features = feature_values(samples, 0);
  Table table;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const DesignSample& s = samples[i];
    const AnalyticalResult model = evaluate_analytical(s.layer, s.hardware, s.mapping);
    std::vector<std::pair<std::string, double>> row = {
        {"ln_cycles", std::log(s.cycles)},
        {"ln_energy", std::log(s.energy_pj)},
        {"ln_analytical_cycles", std::log(static_cast<double>(model.cycles))},
        {"ln_analytical_energy", std::log(model.energy_pj)}};
    for (auto& entry : description(s)) row.push_back(std::move(entry));
    for (int f = 0; f < kFeatures; ++f)
      row.emplace_back(fmt::format("feature_{}", kFeatureNames[f]),
                       features(f, static_cast<Eigen::Index>(i)));
    table.rows.emplace_back();
    for (const auto& [name, value] : row) {
      if (i == 0) table.columns.push_back(name);
      table.rows.back().push_back(fmt::to_string(value));
    }
  }
  return table;
}

}  // namespace

void export_splits(const std::vector<MeasuredPoint>& points, const std::vector<std::string>& splits,
                   const Seeds& seeds, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  Table table;
  table.columns = {"split", "seed", "role", "point"};
  for (const std::string& split : splits)
    for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
      const Division division = divide(points, split_of(split), seed, seeds.folds);
      for (const auto& [role, members] :
           {std::pair("pool", &division.pool), std::pair("test", &division.test)})
        for (const std::size_t point : *members)
          table.rows.push_back({split, fmt::to_string(seed), role, fmt::to_string(point)});
    }
  write_table(points_table(points), folder / "points.csv");
  write_table(table, folder / "splits.csv");
}

}  // namespace polaris
