// Shards whose hash is right and whose content is not: what a sweep does not write is refused in
// one line that names it, before it is used.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/core/hash.hpp"
#include "tests/sweep/fixture.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kHuge = ~std::uint64_t{0};

class HostileShards : public testing::Test {
 protected:
  HostileShards() : plan_(small_spec({layer_of(1, 1, 4, 2, 8, 4, 1)})), file_(folder_ / "s.json") {
    const auto scorer = make_analytical_scorer(plan_, 1);
    run_shard(plan_, {}, *scorer, {.file = file_, .threads = 1, .progress = nullptr});
    honest_ = ordered_json::parse(read_file(file_));
    honest_.erase("hash");
  }

  /// Writes `content` with the hash that belongs to it.
  void sign(const ordered_json& content) const {
    ordered_json json = content;
    json["hash"] = content_hash(content.dump());
    std::ofstream(file_, std::ios::binary) << json.dump();
  }

  /// What `polaris merge` says of the file.
  std::string refusal() const {
    try {
      const SweepPlan plan(read_shard_spec(file_));
      const std::vector<std::filesystem::path> files = {file_};
      merge_shards(plan, files);
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      return message;
    }
    return "accepted";
  }

  /// The same with the value at one place replaced.
  std::string refusal_with(const std::string& pointer, const ordered_json& value) const {
    ordered_json json = honest_;
    json[ordered_json::json_pointer(pointer)] = value;
    sign(json);
    return refusal();
  }

  const TemporaryFolder folder_;
  const SweepPlan plan_;
  const std::filesystem::path file_;
  ordered_json honest_;
};

TEST_F(HostileShards, TheHonestOneIsRead) {
  EXPECT_EQ(refusal(), "accepted");
  sign(honest_);
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(HostileShards, ValuesOutsideOfWhatASweepHas) {
  const ordered_json row = honest_["layers"][0]["hardware"][0][0][0];
  const std::vector<std::pair<std::string, std::vector<ordered_json>>> lies = {
      {"/polaris_sweep", {1, 3, "2", 2.0, -2}},
      {"/spec", {nullptr, 1, ordered_json::array(), ordered_json::object()}},
      {"/spec/polaris", {"9", 1}},
      {"/spec/fidelity", {"starlight", "x", 1}},
      {"/spec/engine", {1, "a\u001b[1m", nullptr}},
      {"/spec/model_hash", {"x", std::string(32, 'a'), std::string(31, 'a'), 1}},
      {"/spec/avoid_hash", {"x", std::string(32, 'G')}},
      {"/spec/workload_hash", {"x", std::string(32, 'a')}},
      {"/spec/space_hash", {"", std::string(32, 'a'), 1}},
      {"/spec/objective", {"ei", "x", 1}},
      {"/spec/incumbent_log_edp", {nullptr, "1", 1}},
      {"/spec/beta", {nullptr, -1.0, "1", 2}},
      {"/spec/top", {0, -1, 10001, 1e300, "5", nullptr, kHuge}},
      {"/spec/seed", {-1, 1.5, "0"}},
      {"/spec/thresholds", {1, {1.0}, {1.0, 2.0}, {"x"}}},
      {"/spec/max_area_mm2", {-1.0, "1", nullptr}},
      {"/spec/max_accumulator_bytes", {-1, 0.5, kHuge}},
      {"/spec/max_scratchpad_bytes", {-1, 0.5, kHuge}},
      {"/spec/max_energy_pj", {-1.0, nullptr}},
      {"/spec/max_cycles", {-1.0, "x"}},
      {"/spec/tile_points", {0, -1, kHuge, 1.5, 1}},
      {"/spec/workload", {"", "a\nb", 1}},
      {"/spec/space", {"", "\u007f", nullptr}},
      {"/spec/space_max_area_mm2", {-1.0, 1.0}},
      {"/spec/hardware", {1, ordered_json::array(), ordered_json::object()}},
      {"/spec/hardware/dim",
       {std::vector<int>(17, 4),
        std::vector<int>(1000, 4),
        ordered_json::array(),
        {0, 8},
        {-4, 8},
        {4, std::int64_t{1} << 62},
        {8, 4},
        {4, 4},
        {4, 5},
        {4.0, 8},
        {"4"},
        4,
        {{4, 8}}}},
      {"/spec/hardware/accumulator_bytes", {{0, 256}, {256, kHuge}, {-1}, {256, 255}}},
      {"/spec/hardware/scratchpad_bytes", {{0}, {std::int64_t{1} << 40}, {1.5}}},
      {"/spec/hardware/bus_bytes", {{0}, {3}, {128}, {-8}}},
      {"/spec/memory",
       {ordered_json::array(),
        {1},
        {-1, 16, 64, 12, 4},
        {60, 0, 64, 12, 4},
        {60, 16, 63, 12, 4},
        {60, 16, 64, 12, 3},
        {60, 16, 64, 12, 4, 1},
        {60, 16, 64, 1 << 30, 4},
        1}},
      {"/spec/whole", {0, "true", nullptr}},
      {"/spec/layers", {ordered_json::array(), 1, {1}}},
      {"/spec/layers/0/name", {"", "\u001b[31m=cmd|x", 1}},
      {"/spec/layers/0/count", {0, -5, 1.5, kHuge, std::int64_t{1} << 54}},
      {"/spec/layers/0/bounds",
       {"", 1, "R1 S1 P4 Q2 C8 K4 N1", "R0 S1 P4 Q2 C8 K4 N1 stride 1 1 dilation 1 1",
        "R-1 S1 P4 Q2 C8 K4 N1 stride 1 1 dilation 1 1",
        "R1 S1 P4 Q2 C8 K4 N1 stride 0 -1 dilation -1 0",
        "R1 S1 P4 Q2 C8 K4 N1 stride 1 1 dilation 1 1 ",
        "R99999999999 S1 P4 Q2 C8 K4 N1 stride 1 1 dilation 1 1",
        "R1 S1 P720720 Q720720 C720720 K720720 N720720 stride 1 1 dilation 1 1"}},
      {"/spec/layers/0/begin", {-1, 1, kHuge, 0.5}},
      {"/spec/layers/0/end", {-1, 0, kHuge, 1e300, std::int64_t{1} << 62}},
      {"/spec/more", {1}},
      {"/shard",
       {1,
        {1},
        {0, 0},
        {0, 1},
        {2, 1},
        {-1, -1},
        {1, 2},
        {1, kHuge},
        {kHuge, kHuge},
        {"1", "1"},
        {1.0, 1.0},
        {1, 1, 1},
        nullptr}},
      {"/tiles_done", {-1, 0, kHuge, 1e300, "1", nullptr}},
      {"/tiles", {-1, 0, kHuge, 1.0, nullptr}},
      {"/layers", {ordered_json::array(), 1, {1}, {1, 1}}},
      {"/layers/0", {1, ordered_json::array(), ordered_json::object()}},
      {"/layers/0/more", {1}},
      {"/layers/0/coverage",
       {ordered_json::array(),
        {1},
        std::vector<double>(8, 1e300),
        std::vector<int>(8, -1),
        std::vector<int>(9, 0),
        std::vector<std::uint64_t>(8, std::uint64_t{1} << 61),
        std::vector<int>(8, 0)}},
      {"/layers/0/hardware", {ordered_json::array(), 1, std::vector<int>(16, 1)}},
      {"/layers/0/hardware/0", {ordered_json::array(), {1}, {1, 1}, {{}, {}, {}}}},
      {"/layers/0/hardware/0/0", {1, std::vector<ordered_json>(6, row), {row, row}, {1}}},
      {"/layers/0/hardware/0/0/0", {1, ordered_json::array(), {1}, std::vector<int>(8, 1)}},
      {"/layers/0/hardware/0/0/0/0", {nullptr, "x", -1e308, 1.0}},
      {"/layers/0/hardware/0/0/0/1", {nullptr, 1.0}},
      {"/layers/0/hardware/0/0/0/2", {-1, kHuge, std::uint64_t{1} << 63, 1.5, "1", 0}},
      {"/layers/0/hardware/0/0/0/3", {nullptr, -1.0, 1.0, "x"}},
      {"/layers/0/hardware/0/0/0/4", {nullptr, -1.0, 1.0}},
      {"/layers/0/hardware/0/0/0/5", {nullptr, -1.0, 1.0}},
      {"/layers/0/hardware/0/0/0/6", {nullptr, -1.0, 1.0}},
      {"/layers/0/hardware/0/1/0/0", {nullptr, -1.0, 1.0}},
      {"/layers/0/hardware/0/1/0/1", {nullptr, -1.0, 1.0}},
      {"/layers/0/hardware/0/1/0/2", {-1, kHuge, 0}},
  };
  for (const auto& [pointer, values] : lies)
    for (const ordered_json& value : values) {
      const std::string message = refusal_with(pointer, value);
      EXPECT_TRUE(message.starts_with(file_.string() + ": ") || message.starts_with("merge: ") ||
                  message.starts_with("layer "))
          << pointer << " " << value.dump().substr(0, 100) << ": " << message;
    }
}

TEST_F(HostileShards, TheMessageNamesThePlace) {
  const std::string where = file_.string();
  EXPECT_EQ(refusal_with("/layers/0/hardware/0/0/0/2", -1),
            where + ": layers[0].hardware[0][0][0][2]: expected an integer of 0.." +
                std::to_string(plan_.layers()[0].range.end - 1) + ", got -1");
  EXPECT_EQ(refusal_with("/spec/hardware/dim", std::vector<int>(17, 4)),
            where + ": spec.hardware.dim: expected a list of 1 to 16, got a list of 17");
}

TEST_F(HostileShards, MissingValues) {
  for (const auto& [key, value] : honest_["spec"].items()) {
    ordered_json json = honest_;
    json["spec"].erase(key);
    sign(json);
    EXPECT_NE(refusal().find("expected the key '" + key + "', got none"), std::string::npos) << key;
  }
  for (const char* key : {"spec", "shard", "tiles_done", "tiles", "layers"}) {
    ordered_json json = honest_;
    json.erase(key);
    sign(json);
    EXPECT_NE(refusal(), "accepted") << key;
  }
}

TEST_F(HostileShards, RowsInAnotherPlaceOrOrder) {
  ordered_json json = honest_;
  auto& best = json["layers"][0]["hardware"][0][0];
  ASSERT_GE(best.size(), 2u);
  std::swap(best[0], best[1]);
  sign(json);
  EXPECT_NE(refusal().find("expected points in the order of their ranks"), std::string::npos);

  json = honest_;
  auto& hardware = json["layers"][0]["hardware"];
  std::swap(hardware[0], hardware[1]);
  sign(json);
  EXPECT_NE(refusal().find("scored on this hardware"), std::string::npos);

  json = honest_;
  auto& front = json["layers"][0]["hardware"][0][1];
  front.push_back(front[0]);
  sign(json);
  EXPECT_NE(refusal().find("expected a front of rising latency"), std::string::npos);
}

TEST_F(HostileShards, DeepAndRepeatedAndUnsigned) {
  const std::string text = honest_.dump();
  const auto write = [&](const std::string& content) {
    std::ofstream(file_, std::ios::binary) << content;
  };
  std::string deep = text;
  deep.insert(1, "\"x\":" + std::string(400'000, '[') + std::string(400'000, ']') + ",");
  write(deep);
  EXPECT_NE(refusal().find("expected at most 64 levels of nesting"), std::string::npos);
  write(text.substr(0, text.size() - 1) + ",\"shard\":[1,2],\"hash\":\"\"}");
  EXPECT_NE(refusal().find("expected each key once, got 'shard' again"), std::string::npos);
  write(text);
  EXPECT_NE(refusal().find("changed content"), std::string::npos);
  write("{\"hash\":\"" + content_hash(text) + "\"," + text.substr(1));  // not last
  EXPECT_NE(refusal().find("changed content"), std::string::npos);
  write("");
  EXPECT_NE(refusal(), "accepted");
}

}  // namespace
}  // namespace polaris
