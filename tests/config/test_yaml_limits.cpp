// Files made to exhaust a reader: refused with the limit, or read in linear time and memory.
#include <gtest/gtest.h>

#include <string>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/config/yaml_reader.hpp"
#include "tests/config/yaml_file.hpp"

namespace polaris {
namespace {

/// Message that both readers refuse `text` with, on one line.
std::string refusal_by_both(const std::string& text) {
  const std::string message = refusal(text, [](const auto& path) { read_workload(path); });
  EXPECT_NE(message, "");
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_NE(refusal(text, [](const auto& path) { read_design_space(path); }), "");
  return message;
}

TEST(YamlLimits, ExtremeFilesAreRefused) {
  const std::size_t deep = 100000;
  for (const char* nest : {"[", "{", "- ", "? ", "{a: "}) {
    std::string text;
    for (std::size_t i = 0; i < deep; ++i) text += nest;
    EXPECT_NE(refusal_by_both(text).find("expected at most 64 levels of nesting, got more"),
              std::string::npos)
        << nest;
  }
  std::string nested;
  for (int i = 0; i < 3000; ++i) nested += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  refusal_by_both(nested);
  refusal_by_both("polaris: " + std::string(deep, '9'));
  refusal_by_both(std::string(deep, 'a') + ": 1");
  refusal_by_both(std::string(1000, '\0'));
  refusal_by_both("\xef\xbb\xbf");
  refusal_by_both("\xff\xfe\x00\x01");
  refusal_by_both("&a [*a]");
  EXPECT_NE(refusal_by_both(std::string((16u << 20) + 1, ' ')).find("expected at most 16 MiB"),
            std::string::npos);
}

// Each key was compared with all before it.
TEST(YamlLimits, ManyKeysAreReadInLinearTime) {
  std::string text;
  constexpr int kKeys = 150'000;
  for (int i = 0; i < kKeys; ++i) text.append("k").append(std::to_string(i)).append(": 1\n");
  EXPECT_NE(YamlNode::parse(text, "t").find("k149999"), nullptr);
  try {
    YamlNode::parse(text + "k7: 2\n", "t");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t:150001:1: expected each key once, got 'k7' again");
  }
}

// Every node held the keys above it: gigabytes for these.
TEST(YamlLimits, LongKeysOverManyNodesTakeLittleMemory) {
  std::string text = "? \"" + std::string(70'000, 'k') + "\"\n: [";
  for (int i = 0; i < 35'000; ++i) text += "a,";
  const YamlNode root = YamlNode::parse(text + "b]\n", "t");
  const std::string message =
      root.at(std::string(70'000, 'k')).items(35'001, 35'001)[7].error("x").what();
  EXPECT_NE(message.find("kkk[7]: expected x, got 'a'"), std::string::npos);
}

TEST(YamlLimits, PathsNameTheWayFromTheRoot) {
  const YamlNode root = YamlNode::parse("[{a: [1, {b: c}]}]", "t");
  const YamlNode& list = root.items(1, 1)[0].at("a");
  EXPECT_STREQ(list.items(2, 2)[1].at("b").error("x").what(),
               "t:1:14: [0].a[1].b: expected x, got 'c'");
  EXPECT_STREQ(root.error("x").what(), "t:1:1: expected x, got a list");
}

}  // namespace
}  // namespace polaris
