// Accuracy on the published Gemmini measurements, where they are present.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "host/engine/engine.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/pretrain.hpp"
#include "host/io/dataset.hpp"
#include "host/io/table.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

const std::filesystem::path kData = std::filesystem::path(POLARIS_SHARED_DATA) / "data";

/// Ranks; the measured cycles have no ties worth averaging.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) out[order[i]] = static_cast<double>(i);
  return out;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = ranks(a), y = ranks(b);
  const double n = static_cast<double>(a.size());
  double squares = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) squares += (x[i] - y[i]) * (x[i] - y[i]);
  return 1.0 - 6.0 * squares / (n * (n * n - 1.0));
}

TEST(PublicData, RanksHeldOutMeasurements) {
  const auto low_path = kData / "timeloop" / "timeloop_dataset.csv.gz";
  const auto high_path = kData / "gemmini_rtl" / "gemmini_rtl_train.csv";
  if (!std::filesystem::exists(low_path) || !std::filesystem::exists(high_path))
    GTEST_SKIP() << "no public data in " << kData;
  std::vector<LayerPoint> low;
  for (const DatasetRow& row : read_design_points(read_table(low_path), ArraySize::from_columns, 0))
    if (row.error.empty() && low.size() < 60000)
      low.push_back({row.layer, row.hardware, row.mapping});
  PretrainOptions pretrain_options;
  pretrain_options.epochs = 5;
  const Pretrained pretrained = pretrain(low, pretrain_options);

  const Table table = read_table(high_path);
  const auto target = static_cast<std::size_t>(table.require("target.gemmini_cycle"));
  const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_mapping);
  std::vector<DesignSample> samples;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].error.empty())
      samples.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping,
                         std::stod(table.rows[i][target]),
                         std::numeric_limits<double>::quiet_NaN()});
  for (std::size_t i = samples.size() - 1; i > 0; --i)
    std::swap(samples[i], samples[uniform_below(i + 1, 1, 0, i)]);

  constexpr std::size_t kTrain = 611;
  ASSERT_GT(samples.size(), 2 * kTrain);
  const StarlightModel model = fit_starlight(pretrained, {samples.data(), kTrain}, {});
  std::vector<LayerPoint> points;
  std::vector<double> truth, predicted;
  for (std::size_t i = kTrain; i < samples.size(); ++i) {
    points.push_back({samples[i].layer, samples[i].hardware, samples[i].mapping});
    truth.push_back(std::log(samples[i].cycles));
  }
  std::vector<ExactPrediction> predictions(points.size());
  make_engine("cpu")->predict_points(model, points, predictions);
  double covered = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    predicted.push_back(predictions[i].log_latency);
    covered += std::abs(truth[i] - predicted[i]) < 1.645 * predictions[i].log_latency_sd;
  }
  const double coverage = covered / static_cast<double>(points.size());
  EXPECT_GE(spearman(truth, predicted), 0.97);
  EXPECT_GE(coverage, 0.80);
  EXPECT_LE(coverage, 0.99);
}

}  // namespace
}  // namespace polaris
