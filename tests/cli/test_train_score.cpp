// polaris train and polaris score as a user meets them: columns, units, options, wrong inputs.
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "host/io/table.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

using nlohmann::json;

const std::string kGolden = std::string(POLARIS_TEST_DATA) + "/golden_rtl.csv";

double number(const Table& table, std::size_t row, const std::string& column) {
  return std::stod(table.rows.at(row).at(static_cast<std::size_t>(table.require(column))));
}

/// Trains on changed copies of 64 points of our accelerator.
class TrainScore : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pretrained_ = new TemporaryFolder;
    const Outcome outcome =
        run_polaris("train --low '" + kGolden + "' --out '" + *pretrained_ / "encoder" + "'");
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  static void TearDownTestSuite() { delete pretrained_; }

  std::string write(const std::string& name, const std::function<void(Table&)>& change) const {
    Table table = read_table(kGolden);
    change(table);
    write_table(table, folder_ / name);
    return folder_ / name;
  }
  Outcome train(const std::string& high, const std::string& more = "--energy target.energy") const {
    return run_polaris("train --pretrained '" + *pretrained_ / "encoder" + "' --high '" + high +
                       "' --target target.cycle --json --out '" + folder_ / "model" + "' " + more);
  }
  Outcome score(const std::string& in, const std::string& more = "") const {
    return run_polaris("score --json --model '" + folder_ / "model" + "' --in '" + in +
                       "' --out '" + folder_ / "scored.csv" + "' " + more);
  }
  /// Trains on `high`, scores all points, and checks that every prediction is finite and ordered.
  void expect_sane(const std::string& high) const {
    const Outcome trained = train(high);
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    ASSERT_EQ(score(kGolden).exit_code, 0);
    const Table table = read_table(folder_ / "scored.csv");
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      for (const std::string quantity : {"pred.cycle", "pred.edp"}) {
        const double low = number(table, i, quantity + "_p05"), mid = number(table, i, quantity),
                     high_end = number(table, i, quantity + "_p95");
        ASSERT_TRUE(low > 0.0 && low <= mid && mid < high_end && std::isfinite(high_end))
            << quantity << " of row " << i << ": " << low << ' ' << mid << ' ' << high_end;
        ASSERT_GT(number(table, i, "pred.std_log"), 0.0);
      }
  }
  void expect_training_refused(const std::string& high, const std::string& part,
                               const std::string& more = "") const {
    expect_refused(train(high, more), kWrongInput, part);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "model"));
  }

  static TemporaryFolder* pretrained_;
  const TemporaryFolder folder_;
};
TemporaryFolder* TrainScore::pretrained_ = nullptr;

std::size_t place(const Table& table, const std::string& column) {
  return static_cast<std::size_t>(table.require(column));
}

TEST_F(TrainScore, AddsEveryColumnInItsUnit) {
  ASSERT_EQ(train(kGolden).exit_code, 0);
  ASSERT_EQ(score(kGolden).exit_code, 0);
  const Table in = read_table(kGolden), out = read_table(folder_ / "scored.csv");
  ASSERT_EQ(out.rows.size(), in.rows.size());
  for (std::size_t c = 0; c < in.columns.size(); ++c) EXPECT_EQ(out.columns[c], in.columns[c]);
  double cycle_error = 0.0, edp_error = 0.0;
  const auto rows = static_cast<double>(in.rows.size());
  for (std::size_t i = 0; i < in.rows.size(); ++i) {
    for (std::size_t c = 0; c < in.columns.size(); ++c) EXPECT_EQ(out.rows[i][c], in.rows[i][c]);
    EXPECT_EQ(out.rows[i][place(out, "pred.error")], "");
    const double cycles = number(in, i, "target.cycle");
    const double edp = cycles * number(in, i, "target.energy") * 1e-6;  // uJ to J
    cycle_error += std::abs(number(out, i, "pred.cycle") / cycles - 1.0) / rows;
    edp_error += std::abs(number(out, i, "pred.edp") / edp - 1.0) / rows;
    // 90 % of ln cycles lie within 1.645 deviations; only the compute bound cuts the interval.
    EXPECT_NEAR(std::log(number(out, i, "pred.cycle_p95") / number(out, i, "pred.cycle")),
                1.6448536 * number(out, i, "pred.std_log"), 1e-6);
  }
  EXPECT_LT(cycle_error, 0.1);
  EXPECT_LT(edp_error, 0.1);
}

TEST_F(TrainScore, UsesTheEnergyOfTheRowWhereNoneWasMeasured) {
  ASSERT_EQ(train(kGolden, "").exit_code, 0);
  const std::string doubled = write("doubled.csv", [](Table& table) {
    for (auto& row : table.rows) {
      std::string& energy = row[place(table, "target.energy")];
      energy = std::to_string(2.0 * std::stod(energy));
    }
  });
  ASSERT_EQ(score(kGolden).exit_code, 0);
  const Table once = read_table(folder_ / "scored.csv");
  ASSERT_EQ(score(doubled).exit_code, 0);
  const Table twice = read_table(folder_ / "scored.csv");
  for (std::size_t i = 0; i < once.rows.size(); ++i) {
    EXPECT_NEAR(number(once, i, "pred.edp"),
                number(once, i, "pred.cycle") * number(once, i, "target.energy") * 1e-6,
                1e-6 * number(once, i, "pred.edp"));
    EXPECT_NEAR(number(twice, i, "pred.edp") / number(once, i, "pred.edp"), 2.0, 1e-5);
  }
}

TEST_F(TrainScore, ReadsAndWritesGzipAndKnowsTheVariants) {
  const std::string packed = write("high.csv.gz", [](Table&) {});
  const Outcome trained =
      run_polaris("train --variant paper --json --low '" + packed + "' --high '" + packed +
                  "' --target target.cycle --out '" + folder_ / "model" + "'");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(json::parse(trained.out)["variant"], "paper");
  const std::string out = folder_ / "scored.csv.gz";
  const Outcome scored = run_polaris("score --model '" + folder_ / "model" + "' --in '" + packed +
                                     "' --out '" + out + "'");
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_EQ(read_table(out).rows.size(), 64u);
  expect_refused(train(kGolden, "--variant other"), kWrongInput, "--variant");
}

TEST_F(TrainScore, ArraySizeOfTheMapping) {
  // The dummy array of the public training file: without the option every bound is wrong.
  const std::string dummy = write("dummy.csv", [](Table& table) {
    for (auto& row : table.rows) row[place(table, "arch.meshX")] = "128";
  });
  ASSERT_EQ(train(dummy, "--array-size mapping").exit_code, 0);
  ASSERT_EQ(score(dummy, "--array-size mapping").exit_code, 0);
  const Table by_mapping = read_table(folder_ / "scored.csv");
  ASSERT_EQ(score(dummy).exit_code, 0);
  EXPECT_NE(number(read_table(folder_ / "scored.csv"), 0, "pred.cycle"),
            number(by_mapping, 0, "pred.cycle"));
}

TEST_F(TrainScore, FarQueriesAreSaid) {
  ASSERT_EQ(train(kGolden).exit_code, 0);
  const Outcome near = score(kGolden);
  EXPECT_EQ(json::parse(near.out)["far"], 0);
  EXPECT_EQ(near.err.find("far from"), std::string::npos);
  const std::string in = write("far.csv", [](Table& table) {
    const auto set = [&table](const std::string& column, const std::string& value) {
      table.rows[1][place(table, column)] = value;
    };
    set("mapping.mapping", "L3[WIO] N4096 - L2[WI] N1 - L1[O] S31 R31 - L0[W] N1");
    for (const std::string dim : {"P", "Q", "C", "K"}) set("prob." + dim, "1");
    set("prob.R", "31");
    set("prob.S", "31");
    set("prob.N", "4096");
    set("prob.Wstride", "8");
    set("prob.Hstride", "8");
  });
  const Outcome far = score(in);
  EXPECT_EQ(json::parse(far.out)["far"], 1);
  EXPECT_NE(far.err.find("1 of 64 rows lie far from"), std::string::npos) << far.err;
}

TEST_F(TrainScore, OddSamplesGiveSaneModels) {
  const auto set_cycles = [](Table& table, auto value) {
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      table.rows[i][place(table, "target.cycle")] = value(i);
  };
  expect_sane(write("one.csv", [](Table& table) { table.rows.resize(1); }));
  expect_sane(write("constant.csv", [&](Table& table) {
    set_cycles(table, [](std::size_t) { return "50000000"; });
  }));
  expect_sane(write("equal.csv", [](Table& table) {
    table.rows.resize(5);
    for (auto& row : table.rows) row = table.rows[0];
  }));
  expect_sane(write("contradictory.csv", [](Table& table) {
    const auto rows = table.rows;
    for (auto row : rows) {
      std::string& cycles = row[place(table, "target.cycle")];
      cycles = std::to_string(40.0 * std::stod(cycles));
      table.rows.push_back(row);
    }
  }));
}

TEST_F(TrainScore, SaysHowGoodItIs) {
  const Outcome whole = train(kGolden);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const json summary = json::parse(whole.out);
  EXPECT_EQ(summary["designs"], 64);
  EXPECT_EQ(summary["layers"], 21);
  EXPECT_EQ(summary["held_out"], "layers, refitted");
  for (const std::string quantity : {"cycles", "energy"}) {
    const auto figure = [&](const std::string& name) {
      return summary[quantity + name].get<double>();
    };
    EXPECT_LT(figure("_median_error"), 0.15);
    EXPECT_GE(figure("_p90_error"), figure("_median_error"));
    EXPECT_GT(figure("_inside_90"), 0.5);
    EXPECT_GT(figure("_mean_squared_z"), 0.0);
  }
  EXPECT_FALSE(json::parse(train(kGolden, "").out).contains("energy_median_error"));

  // One sample, and nothing to hold out: said when it is trained, and when it is used.
  const std::string one = write("one.csv", [](Table& table) { table.rows.resize(1); });
  const Outcome poor = train(one);
  ASSERT_EQ(poor.exit_code, 0) << poor.err;
  EXPECT_FALSE(json::parse(poor.out).contains("cycles_median_error"));
  EXPECT_NE(poor.err.find("1 different design point "), std::string::npos) << poor.err;
  const Outcome used = score(kGolden);
  ASSERT_EQ(used.exit_code, 0) << used.err;
  EXPECT_NE(used.err.find("1 different design point "), std::string::npos) << used.err;
  EXPECT_GT(json::parse(used.out)["far"], 48);
}

TEST_F(TrainScore, AModelWithoutQualityIsReadAsBefore) {
  ASSERT_EQ(train(kGolden).exit_code, 0);
  auto description = nlohmann::ordered_json::parse(content_of(folder_ / "model/model.json"));
  EXPECT_EQ(description.erase("quality"), 1u);
  std::ofstream(folder_ / "model/model.json") << description.dump(2);
  EXPECT_EQ(score(kGolden).exit_code, 0);
}

TEST_F(TrainScore, ADummyArraySizeIsSuspected) {
  const auto with_array = [this](const std::string& dim) {
    return write("dim" + dim + ".csv", [&dim](Table& table) {
      for (auto& row : table.rows) row[place(table, "arch.meshX")] = dim;
    });
  };
  const std::string hint = "--array-size mapping";
  EXPECT_NE(train(with_array("128")).err.find(hint), std::string::npos);
  EXPECT_EQ(train(with_array("128"), hint).err.find(hint), std::string::npos);
  EXPECT_NE(train(with_array("4")).err.find(hint), std::string::npos);
  EXPECT_EQ(train(kGolden).err.find(hint), std::string::npos);
}

TEST_F(TrainScore, CountsDuplicatesAndImpossibleRows) {
  const Outcome outcome = train(write("high.csv", [](Table& table) {
    table.rows.push_back(table.rows[3]);
    table.rows[5][place(table, "target.cycle")] = "1";
  }));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json summary = json::parse(outcome.out);
  EXPECT_EQ(summary["samples"], 63);
  EXPECT_EQ(summary["duplicates"], 1);
  EXPECT_EQ(summary["below_lower_bound"], 1);
  EXPECT_NE(outcome.err.find("fewer cycles than MACs / dim^2"), std::string::npos);
}

TEST_F(TrainScore, RefusesInOneLineAndWritesNothing) {
  const auto with_cycles = [this](const std::string& text) {
    return write("high.csv",
                 [&](Table& table) { table.rows[2][place(table, "target.cycle")] = text; });
  };
  for (const std::string text : {"nan", "inf", "-5", "0", "", "many"})
    expect_training_refused(with_cycles(text), "row 3: expected a number > 0");
  expect_training_refused(write("high.csv", [](Table& table) { table.rows.clear(); }),
                          "at least one");
  expect_training_refused(kGolden, "no.such", "--energy no.such");
  expect_training_refused(folder_ / "absent.csv", "absent.csv");
  expect_refused(score(kGolden), kWrongInput, "model");  // none was written
}

TEST_F(TrainScore, AnInvalidRowIsNamedAndTheOthersScored) {
  ASSERT_EQ(train(kGolden).exit_code, 0);
  const std::string in =
      write("in.csv", [](Table& table) { table.rows[1][place(table, "prob.K")] = "7"; });
  const Outcome outcome = score(in);
  ASSERT_EQ(outcome.exit_code, kPartial);
  EXPECT_EQ(json::parse(outcome.out)["invalid"], 1);
  const Table table = read_table(folder_ / "scored.csv");
  EXPECT_NE(table.rows[1][place(table, "pred.error")], "");
  EXPECT_EQ(table.rows[1][place(table, "pred.cycle")], "");
  EXPECT_GT(number(table, 0, "pred.cycle"), 0.0);
}

}  // namespace
}  // namespace polaris
