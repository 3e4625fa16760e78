#include <gtest/gtest.h>

#include <string>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/atomic_file.hpp"
#include "host/core/paths.hpp"
#include "models/space/philox.hpp"
#include "tests/config/yaml_file.hpp"

namespace polaris {
namespace {

/// Both readers either read `text` or refuse it by an Error on one line.
void expect_read_or_refused(const std::string& text) {
  for (const std::string& message :
       {refusal(text, [](const auto& path) { read_workload(path); }),
        refusal(text, [](const auto& path) { read_design_space(path); })})
    ASSERT_EQ(message.find('\n'), std::string::npos) << text;
}

TEST(YamlFuzz, MutatedFilesAreReadOrRefused) {
  constexpr std::uint64_t kSeed = 2412;
  constexpr int kRounds = 2000;
  // What breaks parsers: structure characters, long numbers, bytes outside ASCII.
  const std::string pieces[] = {"{", "}",  "[",    "]",          ":",    ",",  "- ",  "\n",
                                "#", "'",  "\"",   "&a ",        "*a",   "!t", "|",   ">",
                                "?", "\t", "\xff", "1e999",      "-",    "%",  "@",   "`",
                                "~", ".",  "0x1f", "4294967296", "\\u0", " ",  "--- "};
  const std::string files[] = {read_file(zoo_dir() / "workloads" / "bert_base.yaml"),
                               read_file(zoo_dir() / "spaces" / "default.yaml")};
  std::uint64_t counter = 0;
  const auto draw = [&counter](std::size_t bound) {
    return static_cast<std::size_t>(uniform_below(bound, kSeed, 0, counter++));
  };
  for (int round = 0; round < kRounds; ++round) {
    std::string text = files[round % 2];
    for (std::size_t edits = 1 + draw(4); edits > 0; --edits) {
      const std::size_t at = draw(text.size());
      switch (draw(4)) {
        case 0:
          text.insert(at, pieces[draw(std::size(pieces))]);
          break;
        case 1:
          text.erase(at, 1 + draw(8));
          break;
        case 2:
          text[at] = static_cast<char>(draw(256));
          break;
        default:
          text.insert(at, text.substr(draw(text.size()), draw(80)));
      }
    }
    expect_read_or_refused(text);
  }
}

TEST(YamlFuzz, ExtremeFilesAreRefused) {
  const std::size_t deep = 100000;
  expect_read_or_refused(std::string(deep, '['));
  expect_read_or_refused(std::string(deep, '{'));
  std::string nested;
  for (int i = 0; i < 3000; ++i) nested += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  expect_read_or_refused(nested);
  expect_read_or_refused("polaris: " + std::string(deep, '9'));
  expect_read_or_refused(std::string(deep, 'a') + ": 1");
  expect_read_or_refused(std::string(1000, '\0'));
  expect_read_or_refused("\xef\xbb\xbf");
  expect_read_or_refused("\xff\xfe\x00\x01");
  expect_read_or_refused("&a [*a]");
  EXPECT_NE(
      refusal(std::string((16u << 20) + 1, ' '), [](const auto& path) { read_design_space(path); })
          .find("expected at most 16 MiB"),
      std::string::npos);
}

}  // namespace
}  // namespace polaris
