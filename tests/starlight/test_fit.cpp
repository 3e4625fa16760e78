#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/engine/engine.hpp"
#include "tests/starlight/fixture.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<ExactPrediction> predict(const StarlightModel& model, std::size_t count = 300) {
  const std::vector<LayerPoint> points = test_points(count, 77);
  std::vector<ExactPrediction> out(count);
  make_engine("cpu")->predict_points(model, points, out);
  return out;
}

void expect_sane(const StarlightModel& model) {
  for (const ExactPrediction& p : predict(model)) {
    ASSERT_TRUE(std::isfinite(p.log_latency) && std::isfinite(p.log_energy));
    ASSERT_GT(p.log_latency_sd, 0.0);
    ASSERT_LT(p.log_latency_sd, 10.0);
  }
}

struct TemporaryFolder {
  fs::path path =
      fs::path(testing::TempDir()) /
      ("starlight_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
  TemporaryFolder() { fs::remove_all(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

TEST(Pretrain, SameForAnyNumberOfThreadsOtherForOtherSeeds) {
  PretrainOptions options;
  options.epochs = 1;
  const std::vector<LayerPoint> points = test_points(1100, 9);
  options.threads = 1;
  const Pretrained one = pretrain(points, options);
  options.threads = 2;
  EXPECT_EQ(pretrain(points, options).encoder, one.encoder);
  options.seed = 1;
  EXPECT_NE(pretrain(points, options).encoder, one.encoder);
}

TEST(Pretrain, LearnsAndRefusesTooFewPoints) {
  EXPECT_LT(test_pretrained().reconstruction_loss, 0.9);  // 1: knowing nothing
  EXPECT_THROW(pretrain(test_points(1, 9), {}), Error);
  PretrainOptions options;
  options.epochs = 1;
  EXPECT_TRUE(std::isfinite(pretrain(test_points(2, 9), options).prediction_loss));
}

TEST(Fit, PredictsHeldOutPointsBetterThanTheAnalyticalModel) {
  const std::vector<LayerPoint> points = test_points(300, 77);
  const std::vector<ExactPrediction> predictions = predict(test_model());
  double model_error = 0.0, analytical_error = 0.0, energy_error = 0.0;
  int covered = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const DesignSample truth = measure(points[i]);
    const double analytical = static_cast<double>(
        evaluate_analytical(points[i].layer, points[i].hardware, points[i].mapping).cycles);
    const double error = std::log(truth.cycles) - predictions[i].log_latency;
    model_error += error * error;
    analytical_error += std::pow(std::log(truth.cycles / analytical), 2);
    energy_error += std::pow(std::log(truth.energy_pj) - predictions[i].log_energy, 2);
    covered += std::abs(error) < 1.645 * predictions[i].log_latency_sd;
  }
  EXPECT_LT(std::sqrt(model_error), 0.6 * std::sqrt(analytical_error));
  EXPECT_LT(std::sqrt(energy_error / 300.0), 0.02);
  EXPECT_GT(covered, 210);
}

TEST(Fit, SameForAnyNumberOfThreads) {
  FitOptions options;
  options.steps = 10;
  options.threads = 1;
  const std::vector<DesignSample> samples = test_samples(140);
  const StarlightModel one = fit_starlight(test_pretrained(), samples, options);
  options.threads = 2;
  EXPECT_EQ(fit_starlight(test_pretrained(), samples, options).hash(), one.hash());
  options.seed = 1;
  EXPECT_NE(fit_starlight(test_pretrained(), samples, options).hash(), one.hash());
}

TEST(Fit, DegenerateSamplesGiveSaneModels) {
  const std::vector<DesignSample> samples = test_samples(12);
  expect_sane(fit_starlight(test_pretrained(), {samples.data(), 1}, {}));
  expect_sane(fit_starlight(test_pretrained(), {samples.data(), 2}, {}));

  std::vector<DesignSample> constant = samples;  // the same ratio to the bound everywhere
  for (DesignSample& sample : constant)
    sample.cycles = 7.0 * lower_bound_cycles(sample.layer, sample.hardware);
  expect_sane(fit_starlight(test_pretrained(), constant, {}));

  std::vector<DesignSample> contradictory = samples;
  for (DesignSample sample : samples) {
    sample.cycles *= 40.0;
    contradictory.push_back(sample);
  }
  const StarlightModel model = fit_starlight(test_pretrained(), contradictory, {});
  EXPECT_EQ(model.sample_count().used, 24);
  expect_sane(model);
}

TEST(Fit, DropsDuplicatesAndImpossibleSamples) {
  std::vector<DesignSample> samples = test_samples(20);
  samples.push_back(samples[3]);
  samples.push_back(samples[4]);
  samples.back().cycles = 0.5 * lower_bound_cycles(samples[4].layer, samples[4].hardware);
  const SampleCount count = fit_starlight(test_pretrained(), samples, {}).sample_count();
  EXPECT_EQ(count.used, 20);
  EXPECT_EQ(count.duplicates, 1);
  EXPECT_EQ(count.below_bound, 1);
}

TEST(Fit, LeavesOutFailedMeasurements) {
  std::vector<DesignSample> samples = test_samples(60);
  const StarlightModel clean =
      fit_starlight(test_pretrained(), std::span(samples).subspan(0, 59), {});
  EXPECT_EQ(clean.parameters().failures, 0);
  samples[59].cycles *= 1e6;
  std::vector<bool> failed(60);
  failed[59] = true;
  EXPECT_EQ(failed_measurements(samples, 1), failed);
  const StarlightModel model = fit_starlight(test_pretrained(), samples, {});
  EXPECT_EQ(model.parameters().failures, 1);
  EXPECT_EQ(model.sample_count().used, 59);
  const auto a = predict(model, 50), b = predict(clean, 50);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i].log_latency, b[i].log_latency);
  // Without an estimate to compare with, every measurement counts.
  FitOptions options;
  options.estimate_deviation = 0.0;
  EXPECT_EQ(fit_starlight(test_pretrained(), samples, options).sample_count().used, 60);
}

TEST(Fit, StartsFromTheEstimateOfTheMachineThatWasMeasured) {
  const std::vector<LayerPoint> points = test_points(300, 77);
  for (const bool gemmini : {false, true}) {
    const auto cycles = [gemmini](const auto& p) {
      const TileFootprint footprint = tile_footprint(p.layer, p.mapping);
      return 1.3 * (gemmini ? estimate_gemmini(p.layer, p.hardware, p.mapping, footprint).cycles
                            : estimate_pipeline(p.layer, p.hardware, p.mapping, footprint).cycles);
    };
    std::vector<DesignSample> samples = test_samples(12);
    for (DesignSample& s : samples) s.cycles = cycles(s);
    const auto median_error = [&](const StarlightModel& model) {
      const std::vector<ExactPrediction> predictions = predict(model);
      std::vector<double> error;
      for (std::size_t i = 0; i < points.size(); ++i)
        error.push_back(std::abs(predictions[i].log_latency - std::log(cycles(points[i]))));
      std::nth_element(error.begin(), error.begin() + 150, error.end());
      return error[150];
    };
    const StarlightModel model = fit_starlight(test_pretrained(), samples, {});
    EXPECT_EQ(model.parameters().machine, gemmini ? "gemmini" : "ours");
    FitOptions options;
    options.estimate_deviation = 0.0;
    const StarlightModel without = fit_starlight(test_pretrained(), samples, options);
    EXPECT_EQ(without.parameters().machine, "all");
    EXPECT_LT(median_error(model), 0.5 * median_error(without));
    // What the other machine would spend is not seen.
    const auto seen = [&](int f) {
      return model.parameters().scaler.inverse_sd[static_cast<std::size_t>(f)] > 0.0;
    };
    EXPECT_EQ(seen(feature_index("gemmini_excess")), gemmini);
    EXPECT_EQ(seen(feature_index("pipeline_excess")), !gemmini);
  }
}

TEST(Fit, CalibratesTheDeviations) {
  // Layers told apart by their batch alone, each slower by a factor that no other layer tells.
  std::vector<DesignSample> samples;
  for (int layer = 0; layer < 8; ++layer) {
    std::vector<DesignSample> part = test_samples(15, static_cast<std::uint64_t>(layer) + 50);
    for (DesignSample& sample : part) {
      sample.layer.size[index_of(Dim::N)] = layer + 1;
      sample.mapping.temporal[index_of(Level::dram)][index_of(Dim::N)] = layer + 1;
      const double slower = (layer + 1) * (layer % 3 == 1 ? 4.0 : 1.0);
      sample.cycles *= slower;
      sample.energy_pj *= layer + 1;
    }
    samples.insert(samples.end(), part.begin(), part.end());
  }
  FitOptions options;
  options.validation = 0.0;  // early stopping leaves less to widen
  const StarlightModel wide = fit_starlight(test_pretrained(), samples, options);
  options.calibrate = false;
  const StarlightModel as_fitted = fit_starlight(test_pretrained(), samples, options);
  const auto a = predict(wide, 50), b = predict(as_fitted, 50);
  const double factor = a[0].log_energy_sd / b[0].log_energy_sd;
  EXPECT_GT(wide.parameters().outputs[0].log_sd, as_fitted.parameters().outputs[0].log_sd + 0.1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].log_latency, b[i].log_latency);
    ASSERT_GE(a[i].log_latency_sd, b[i].log_latency_sd);
    ASSERT_NEAR(a[i].log_energy_sd / b[i].log_energy_sd, factor, 1e-9);
  }
}

TEST(Fit, RefusesBadSamples) {
  const std::vector<DesignSample> good = test_samples(5);
  const auto refused = [&good](auto change) {
    std::vector<DesignSample> samples = good;
    change(samples);
    EXPECT_THROW(fit_starlight(test_pretrained(), samples, {}), Error);
  };
  refused([](auto& s) { s.clear(); });
  refused([](auto& s) { s[2].cycles = kNan; });
  refused([](auto& s) { s[2].cycles = 0.0; });
  refused([](auto& s) { s[2].cycles = std::numeric_limits<double>::infinity(); });
  refused([](auto& s) { s[2].energy_pj = -1.0; });
  refused([](auto& s) { s[2].energy_pj = kNan; });  // the others have energy
  refused([](auto& s) {
    for (DesignSample& sample : s) sample.cycles = 1e-3;
  });
}

TEST(Fit, WithoutEnergyTheAnalyticalEnergyIsPredicted) {
  std::vector<DesignSample> samples = test_samples(20);
  for (DesignSample& sample : samples) sample.energy_pj = kNan;
  const StarlightModel model = fit_starlight(test_pretrained(), samples, {});
  EXPECT_FALSE(model.has_energy());
  const std::vector<LayerPoint> points = test_points(10, 77);
  const std::vector<ExactPrediction> predictions = predict(model, 10);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const LayerPoint& p = points[i];
    EXPECT_NEAR(predictions[i].log_energy,
                std::log(evaluate_analytical(p.layer, p.hardware, p.mapping).energy_pj), 1e-12);
    EXPECT_EQ(predictions[i].log_energy_sd, 0.0);
  }
  EXPECT_THROW(test_model().with_samples(samples), Error);
}

TEST(Fit, StopsWhereLayersHeldOutArePredictedBest) {
  // Four layers that agree, told apart by their batch alone: nothing to gain from stopping late.
  std::vector<DesignSample> samples;
  for (const std::int32_t k : {16, 32, 64, 128}) {
    std::vector<DesignSample> part = test_samples(40, static_cast<std::uint64_t>(k));
    for (DesignSample& sample : part) {
      const double ratio = sample.cycles / lower_bound_cycles(sample.layer, sample.hardware);
      sample.layer.size[index_of(Dim::N)] = k;
      sample.mapping.temporal[index_of(Level::dram)][index_of(Dim::N)] = k;
      sample.cycles = ratio * lower_bound_cycles(sample.layer, sample.hardware);
      sample.energy_pj *= k;
    }
    samples.insert(samples.end(), part.begin(), part.end());
  }
  FitOptions options;
  options.steps = 30;
  options.validation = 0.25;
  const StarlightModel one = fit_starlight(test_pretrained(), samples, options);
  EXPECT_EQ(one.parameters().steps % 10, 0);
  EXPECT_GE(one.parameters().steps, 10);
  EXPECT_LE(one.parameters().steps, 30);
  options.threads = 1;
  EXPECT_EQ(fit_starlight(test_pretrained(), samples, options).hash(), one.hash());
  // One layer: all steps. Too few samples to tell when a fit goes wrong: none.
  EXPECT_EQ(fit_starlight(test_pretrained(), test_samples(20), options).parameters().steps, 0);
  EXPECT_EQ(fit_starlight(test_pretrained(), test_samples(120), options).parameters().steps, 30);
}

TEST(Fit, WarmStartContinues) {
  const std::vector<DesignSample> samples = test_samples(100);
  FitOptions options;
  options.steps = 0;
  options.warm_start = &test_model();
  const StarlightModel warm = fit_starlight(test_pretrained(), samples, options);
  EXPECT_EQ(warm.parameters().log_length, test_model().parameters().log_length);
  EXPECT_EQ(warm.parameters().encoder, test_model().parameters().encoder);
  options.warm_start = nullptr;
  const StarlightModel cold = fit_starlight(test_pretrained(), samples, options);
  EXPECT_LT(warm.negative_log_likelihood(), cold.negative_log_likelihood());
}

TEST(Fit, PaperVariant) {
  PretrainOptions options;
  options.epochs = 1;
  options.paper = true;
  const Pretrained pretrained = pretrain(test_points(1000, 9), options);
  for (int i = 0; i < kLatent * kFeatures; ++i)
    ASSERT_EQ(pretrained.encoder[static_cast<std::size_t>(EncoderLayout::skip + i)], 0.0);
  FitOptions fit = FitOptions::paper();
  fit.steps = 20;
  expect_sane(fit_starlight(pretrained, test_samples(40), fit));
}

TEST(Model, WithSamplesInterpolatesTheNewOnes) {
  const std::vector<DesignSample> samples = test_samples(60, 21);
  const StarlightModel model = test_model().with_samples(samples);
  EXPECT_EQ(model.parameters().encoder, test_model().parameters().encoder);
  EXPECT_EQ(model.sample_count().used, 60);
  const StarlightModel same = test_model().with_samples(test_samples(150));
  EXPECT_EQ(same.hash(), test_model().hash());
}

/// Largest difference of any entry, relative to the largest entry.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return most / scale;
}

TEST(Model, AddedSamplesGiveTheModelOfAllSamples) {
  const std::vector<DesignSample> all = test_samples(190, 21);
  for (const std::size_t first : {1u, 63u, 150u, 189u}) {
    StarlightModel grown = test_model().with_samples({all.data(), first});
    // One, none, and the rest with two that it has already.
    grown = grown.with_added({all.data() + first, 1});
    std::vector<DesignSample> rest(all.begin() + static_cast<std::ptrdiff_t>(first) + 1, all.end());
    rest.push_back(all[0]);
    rest.push_back(all[first]);
    grown = grown.with_added(rest);
    const StarlightModel whole = test_model().with_samples(all);
    ASSERT_EQ(grown.sample_count().used, 190);
    EXPECT_EQ(grown.sample_count().duplicates, 2);
    EXPECT_LT(difference(grown.tensors_f64().inverse_factor, whole.tensors_f64().inverse_factor),
              1e-9);
    EXPECT_LT(difference(grown.tensors_f64().alpha, whole.tensors_f64().alpha), 1e-9);
    EXPECT_NEAR(grown.negative_log_likelihood(), whole.negative_log_likelihood(), 1e-6);
    const auto a = predict(grown), b = predict(whole);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i].log_latency, b[i].log_latency, 1e-9);
      ASSERT_NEAR(a[i].log_latency_sd, b[i].log_latency_sd, 1e-9);
    }
  }
}

TEST(Model, AddingIsReproducible) {
  const std::vector<DesignSample> more = test_samples(30, 22);
  EXPECT_EQ(test_model().with_added(more, 1).hash(), test_model().with_added(more, 2).hash());
  std::vector<DesignSample> bad = more;
  bad[3].cycles = kNan;
  EXPECT_THROW(test_model().with_added(bad), Error);
  bad = more;
  for (DesignSample& sample : bad) sample.energy_pj = kNan;
  EXPECT_THROW(test_model().with_added(bad), Error);
}

TEST(Model, TestScoreIsThatOfItsPredictions) {
  const std::vector<DesignSample> samples = test_samples(80, 23);
  const TestScore score = test_model().test(samples);
  EXPECT_GT(score.mean_squared_deviation, 0.1);
  EXPECT_LT(score.mean_squared_deviation, 5.0);
  std::vector<DesignSample> worse = samples;
  for (DesignSample& sample : worse) sample.cycles *= 3.0;
  EXPECT_GT(test_model().test(worse).mean_squared_deviation, 3.0 * score.mean_squared_deviation);
  EXPECT_LT(test_model().test(worse).mean_log_density, score.mean_log_density);
}

TEST(Model, RecordsItsSettings) {
  FitOptions options;
  options.steps = 3;
  change_setting(options, "anchor", 7.0);
  const StarlightModel model = fit_starlight(test_pretrained(), test_samples(50), options);
  EXPECT_EQ(model.parameters().settings, settings_of(options));
  EXPECT_EQ(model.parameters().steps, 3);
  EXPECT_THROW(change_setting(options, "anker", 1.0), Error);
}

TEST(Model, RoundTripIsExact) {
  const TemporaryFolder folder;
  test_model().save(folder.path);
  const StarlightModel back = StarlightModel::load(folder.path);
  EXPECT_EQ(back.hash(), test_model().hash());
  EXPECT_EQ(back.tensors_f64().inverse_factor, test_model().tensors_f64().inverse_factor);
  EXPECT_EQ(back.tensors_f64().alpha, test_model().tensors_f64().alpha);
  const auto a = predict(test_model()), b = predict(back);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].log_latency, b[i].log_latency);
    ASSERT_EQ(a[i].log_energy_sd, b[i].log_energy_sd);
  }
  const auto bytes = read_file(folder.path / "model.json");
  back.save(folder.path);
  EXPECT_EQ(read_file(folder.path / "model.json"), bytes);
}

TEST(Model, CarriesItsQuality) {
  const TemporaryFolder folder;
  EXPECT_FALSE(test_model().quality());
  const Quality quality{.designs = 7,
                        .layers = 2,
                        .held_out = "layers",
                        .how = "refitted",
                        .cycles = HeldOutError{0.1, 0.2, 0.3, 0.4},
                        .energy = std::nullopt};
  const StarlightModel judged = test_model().with_quality(quality);
  EXPECT_EQ(judged.hash(), test_model().hash());
  judged.save(folder.path);
  const StarlightModel back = StarlightModel::load(folder.path);
  ASSERT_TRUE(back.quality() && back.quality()->cycles);
  EXPECT_EQ(back.quality()->designs, 7);
  EXPECT_EQ(back.quality()->layers, 2);
  EXPECT_EQ(back.quality()->held_out, "layers");
  EXPECT_EQ(back.quality()->how, "refitted");
  EXPECT_EQ(back.quality()->cycles->median, 0.1);
  EXPECT_EQ(back.quality()->cycles->p90, 0.2);
  EXPECT_EQ(back.quality()->cycles->coverage, 0.3);
  EXPECT_EQ(back.quality()->cycles->mean_squared_deviation, 0.4);
  EXPECT_FALSE(back.quality()->energy);
  EXPECT_FALSE(back.with_added(test_samples(3, 31)).quality());
  std::string json = read_file(folder.path / "model.json");
  json.replace(json.find("\"coverage\""), 10, "\"cover\"");
  std::ofstream(folder.path / "model.json", std::ios::binary | std::ios::trunc) << json;
  EXPECT_THROW(StarlightModel::load(folder.path), Error);
}

TEST(Model, PretrainedRoundTrip) {
  const TemporaryFolder folder;
  test_pretrained().save(folder.path);
  const Pretrained back = Pretrained::load(folder.path);
  EXPECT_EQ(back.hash(), test_pretrained().hash());
  EXPECT_EQ(back.source, "test");
  EXPECT_THROW(StarlightModel::load(folder.path), Error);  // another kind
}

TEST(Model, DamagedFilesAreRefused) {
  const TemporaryFolder folder;
  const fs::path json = folder.path / "model.json", arrays = folder.path / "model.safetensors";
  const auto damage = [&](const fs::path& file, auto change) {
    test_model().save(folder.path);
    std::string bytes = read_file(file);
    change(bytes);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    EXPECT_THROW(StarlightModel::load(folder.path), Error);
  };
  EXPECT_THROW(StarlightModel::load(folder.path), Error);
  damage(arrays, [](std::string& b) { b.resize(b.size() / 2); });
  damage(arrays, [](std::string& b) { b.clear(); });
  damage(arrays, [](std::string& b) { b[b.size() - 5] ^= 1; });
  damage(json, [](std::string& b) { b.resize(b.size() / 2); });
  damage(json, [](std::string& b) { b.replace(b.find("\"polaris\": 2"), 12, "\"polaris\": 3"); });
  damage(json, [](std::string& b) { b.replace(b.find("\"dim\""), 5, "\"din\""); });
  damage(json, [](std::string& b) { b.replace(b.find("\"log_noise\""), 11, "\"log_noisy\""); });
  const auto replace = [&](const std::string& from, const std::string& to) {
    damage(json, [&](std::string& b) {
      ASSERT_NE(b.find(from), std::string::npos) << from;
      b.replace(b.find(from), from.size(), to);
    });
  };
  replace("\"jitter\": ", "\"jitter\": -");
  replace("\"warp\": true", "\"warp\": 1");
  replace("\"warp\": true", "\"warp\": true, \"warp\": true");
  replace("\"seed\": ", "\"seed\": 1");  // another model than the one that is hashed
  replace("\"steps\": ", "\"steps\": -");
  replace("\"outputs\": [", "\"outputs\": [1,");
  replace("\"log_length\": [", "\"log_length\": [0.5,");
  replace("\"log_noise\": ", "\"log_noise\": 1e999, \"x\": ");
  replace("\"machine\": ", "\"machine\": " + std::string(100'000, '[') + ", \"x\": ");
  damage(json,
         [](std::string& b) { b.replace(b.find("\"samples\": 150"), 14, "\"samples\": -15"); });
}

}  // namespace
}  // namespace polaris
