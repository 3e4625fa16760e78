// What a model may claim that has seen next to nothing: measurements of our RTL that it has not
// seen must lie where it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "host/engine/engine.hpp"
#include "host/fit/quality.hpp"
#include "host/io/dataset.hpp"
#include "host/io/table.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

constexpr double kPicojoulePerMicrojoule = 1e6;

/// 64 designs of 21 layers and 3 array sizes, simulated.
const std::vector<DesignSample>& measured() {
  static const std::vector<DesignSample> samples = [] {
    const Table table = read_table(std::string(POLARIS_TEST_DATA) + "/golden_rtl.csv");
    const auto number = [&table](std::size_t row, const char* column) {
      return std::stod(table.rows[row][static_cast<std::size_t>(table.require(column))]);
    };
    std::vector<DesignSample> out;
    const std::vector<DatasetRow> rows = read_design_points(table, ArraySize::from_columns);
    for (std::size_t i = 0; i < rows.size(); ++i)
      out.push_back({rows[i].layer, rows[i].hardware, rows[i].mapping, number(i, "target.cycle"),
                     kPicojoulePerMicrojoule * number(i, "target.energy")});
    return out;
  }();
  return samples;
}

const Pretrained& encoder() {
  static const Pretrained model = [] {
    std::vector<LayerPoint> points;
    for (const DesignSample& s : measured()) points.push_back({s.layer, s.hardware, s.mapping});
    PretrainOptions options;
    options.epochs = 3;
    return pretrain(points, options);
  }();
  return model;
}

struct Score {
  double mean_squared_deviation = 0.0;  ///< of ln cycles, in predicted deviations
  double coverage = 0.0;                ///< of 90 % intervals
  double median_sd = 0.0;               ///< of ln cycles
};

Score score(const std::vector<DesignSample>& train, const std::vector<DesignSample>& test) {
  const StarlightModel model = fit_starlight(encoder(), train, {});
  std::vector<LayerPoint> points;
  for (const DesignSample& s : test) points.push_back({s.layer, s.hardware, s.mapping});
  std::vector<ExactPrediction> predictions(points.size());
  make_engine("cpu")->predict_points(model, points, predictions);
  Score out;
  std::vector<double> sd;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const double count = static_cast<double>(test.size());
    const double z =
        (std::log(test[i].cycles) - predictions[i].log_latency) / predictions[i].log_latency_sd;
    out.mean_squared_deviation += z * z / count;
    out.coverage += (std::abs(z) < 1.645) / count;
    sd.push_back(predictions[i].log_latency_sd);
  }
  std::nth_element(sd.begin(), sd.begin() + static_cast<std::ptrdiff_t>(sd.size() / 2), sd.end());
  out.median_sd = sd[sd.size() / 2];
  return out;
}

/// Samples 0, step, 2 step .. of the measured ones, as many as asked for, from `first` on.
std::vector<DesignSample> every(std::size_t first, std::size_t count) {
  constexpr std::size_t kStep = 13;  // shares no factor with 64: all are met
  std::vector<DesignSample> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(measured()[(first + i * kStep) % measured().size()]);
  return out;
}

std::vector<DesignSample> chosen(const std::function<bool(const DesignSample&)>& choice) {
  std::vector<DesignSample> out;
  std::copy_if(measured().begin(), measured().end(), std::back_inserter(out), choice);
  return out;
}

TEST(FewSamples, IntervalsHoldFromOneSampleOn) {
  for (const std::size_t count : {1u, 2u, 3u, 5u, 8u, 16u, 32u}) {
    SCOPED_TRACE(count);
    double deviation = 0.0, coverage = 0.0;
    constexpr std::size_t kFits = 16;
    for (std::size_t first = 0; first < kFits; ++first) {
      const Score s = score(every(first, count), measured());
      deviation += s.mean_squared_deviation / kFits;
      coverage += s.coverage / kFits;
    }
    EXPECT_LT(deviation, 1.2);
    EXPECT_GT(coverage, 0.88);
  }
}

TEST(FewSamples, OneSampleIsSureOfNothingElse) {
  for (const std::size_t i : {0u, 21u, 42u, 63u}) {
    const DesignSample& one = measured()[i];
    const std::vector<DesignSample> others =
        chosen([&](const DesignSample& s) { return !(s.layer == one.layer); });
    EXPECT_GT(score({one}, others).median_sd, 2.0 * score({one}, {one}).median_sd);
    EXPECT_GT(score({one}, others).median_sd, 0.1);
  }
}

TEST(FewSamples, CopiesOfOneAreNoMoreThanOne) {
  const DesignSample& one = measured()[29];
  std::vector<DesignSample> copies(40, one), varied = copies;
  for (std::size_t i = 0; i < varied.size(); ++i) varied[i].cycles += static_cast<double>(i);
  const double sd = score({one}, measured()).median_sd;
  EXPECT_EQ(score(copies, measured()).median_sd, sd);
  EXPECT_NEAR(score(varied, measured()).median_sd, sd, 0.03 * sd);
  // Nor do copies of eight make 320.
  std::vector<DesignSample> eight = every(0, 8), many;
  for (int n = 0; n < 40; ++n)
    for (DesignSample sample : eight) {
      sample.cycles += n;
      many.push_back(sample);
    }
  const double sd_of_eight = score(eight, measured()).median_sd;
  EXPECT_NEAR(score(many, measured()).median_sd, sd_of_eight, 0.15 * sd_of_eight);
}

TEST(FewSamples, OtherLayersAndArraysAreLessCertain) {
  const Layer layer = measured()[0].layer;
  const auto of_layer = [&](const DesignSample& s) { return s.layer == layer; };
  const auto of_array = [](const DesignSample& s) { return s.hardware.dim == 8; };
  const auto check = [](const auto& known) {
    const auto inside = chosen(known);
    const auto outside = chosen([&](const DesignSample& s) { return !known(s); });
    const Score there = score(inside, outside);
    EXPECT_LT(there.mean_squared_deviation, 1.0);
    EXPECT_GT(there.coverage, 0.9);
    EXPECT_GT(there.median_sd, 1.5 * score(inside, inside).median_sd);
  };
  check(of_layer);
  check(of_array);
}

TEST(FewSamples, EqualTargetsTeachNothing) {
  std::vector<DesignSample> equal = measured();
  for (DesignSample& sample : equal)
    sample.cycles = 3.0 * lower_bound_cycles(sample.layer, sample.hardware);
  EXPECT_EQ(fit_starlight(encoder(), equal, {}).parameters().steps, 0);
  EXPECT_GT(score(equal, measured()).median_sd, 0.3);
  for (DesignSample& sample : equal) sample.cycles = 5e7;
  EXPECT_EQ(fit_starlight(encoder(), equal, {}).parameters().steps, 0);
  EXPECT_GT(score(equal, measured()).median_sd, 0.3);
}

TEST(FewSamples, EnoughAreFitted) {
  EXPECT_EQ(fit_starlight(encoder(), every(0, 39), {}).parameters().steps, 0);
  EXPECT_GT(fit_starlight(encoder(), every(0, 40), {}).parameters().steps, 0);
}

TEST(Quality, IsTheErrorOfWhatWasHeldOut) {
  const std::vector<DesignSample> samples = every(0, 32);
  const StarlightModel model = fit_starlight(encoder(), samples, {});
  const Quality quality = judge(model, encoder(), samples, {});
  EXPECT_EQ(quality.designs, 32);
  EXPECT_GT(quality.layers, 10);
  EXPECT_EQ(quality.held_out, "layers");
  EXPECT_EQ(quality.how, "refitted");
  ASSERT_TRUE(quality.cycles && quality.energy);
  const std::vector<DesignSample> rest = chosen([&](const DesignSample& s) {
    return std::none_of(samples.begin(), samples.end(),
                        [&](const DesignSample& t) { return t.cycles == s.cycles; });
  });
  const Score truth = score(samples, rest);
  EXPECT_NEAR(quality.cycles->coverage, truth.coverage, 0.12);
  EXPECT_GT(quality.cycles->median, 0.005);
  EXPECT_LT(quality.cycles->median, 0.1);
  EXPECT_GE(quality.cycles->p90, quality.cycles->median);
  EXPECT_NEAR(quality.cycles->mean_squared_deviation, truth.mean_squared_deviation, 0.6);
}

TEST(Quality, ClosedFormEqualsConditioningOnTheRest) {
  const std::vector<DesignSample> samples = every(0, 24);
  const StarlightModel model = fit_starlight(encoder(), samples, {});
  const Groups layers = samples_by_layer(samples);
  for (const std::size_t o : {0u, 1u}) {
    const TargetErrors errors = leave_out(model, layers, o);
    for (const auto& group : layers) {
      std::vector<DesignSample> held, rest;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const auto position = static_cast<std::int64_t>(i);
        const bool in = std::find(group.begin(), group.end(), position) != group.end();
        (in ? held : rest).push_back(samples[i]);
      }
      const TargetErrors expected = model.with_samples(rest).errors(held)[o];
      for (std::size_t i = 0; i < group.size(); ++i) {
        const auto position = static_cast<std::size_t>(group[i]);
        ASSERT_NEAR(errors.residual[position], expected.residual[i], 1e-9);
        ASSERT_NEAR(errors.sd[position], expected.sd[i], 1e-9);
      }
    }
  }
}

TEST(Quality, WarnsOfWhatIsMissing) {
  const auto warning = [](const std::vector<DesignSample>& samples) {
    return warning_of(judge(fit_starlight(encoder(), samples, {}), encoder(), samples, {}));
  };
  EXPECT_NE(warning({measured()[0]}).find("1 different design point "), std::string::npos);
  EXPECT_NE(warning({measured()[0]}).find("one layer only"), std::string::npos);
  EXPECT_NE(warning(std::vector<DesignSample>(40, measured()[0])).find("1 different design point "),
            std::string::npos);
  std::vector<DesignSample> cycles_only = measured();
  for (DesignSample& sample : cycles_only) sample.energy_pj = std::nan("");
  EXPECT_EQ(warning(cycles_only), "");
  Quality bad{.designs = 100, .layers = 9, .held_out = "layers", .how = "refitted"};
  bad.cycles = {.median = 9.0, .p90 = 20.0, .coverage = 0.9, .mean_squared_deviation = 1.0};
  EXPECT_NE(warning_of(bad).find("cycles of held-out layers off by 900 % in the median"),
            std::string::npos)
      << warning_of(bad);
  bad.cycles = {.median = 0.1, .p90 = 0.2, .coverage = 0.5, .mean_squared_deviation = 4.0};
  EXPECT_NE(warning_of(bad).find("cycles of held-out layers inside 50 % of their 90 % intervals"),
            std::string::npos)
      << warning_of(bad);
}

}  // namespace
}  // namespace polaris
