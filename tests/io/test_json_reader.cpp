#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "host/io/json_reader.hpp"
#include "tests/refusal.hpp"

namespace polaris {
namespace {

std::string parse_refusal(const std::string& text, const JsonLimits& limits = {}) {
  return refusal_of([&] { JsonDocument::parse(text, "t.json", limits); });
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(JsonReader, NamesTheValueThatIsWrong) {
  const JsonDocument document = JsonDocument::parse(
      R"({"layers": [{"top": [1]}, {"top": [1, {"index": -1}], "name": "a\u001b[31m"}]})",
      "t.json");
  const JsonNode layer = document.root().at("layers").items(2, 2)[1];
  const JsonNode row = layer.at("top").items(0, 5)[1];
  EXPECT_EQ(refusal_of([&] { row.at("index").count(0, 1234); }),
            "t.json: layers[1].top[1].index: expected an integer of 0..1234, got -1");
  EXPECT_EQ(refusal_of([&] { row.at("score"); }),
            "t.json: layers[1].top[1]: expected the key 'score', got none");
  EXPECT_EQ(refusal_of([&] { layer.at("top").items(3, 3); }),
            "t.json: layers[1].top: expected a list of 3, got a list of 2");
  EXPECT_EQ(refusal_of([&] { layer.expect_keys({"top"}); }),
            "t.json: layers[1]: expected one of the keys top, got 'name'");
  EXPECT_EQ(refusal_of([&] { layer.at("name").text(); }),
            "t.json: layers[1].name: expected a text on one line, or none, got 'a?[31m'");
  EXPECT_EQ(refusal_of([&] { document.root().number(); }),
            "t.json: expected a number, got an object");
}

TEST(JsonReader, NumbersAreCheckedForTypeAndRange) {
  const JsonDocument document = JsonDocument::parse(
      R"([18446744073709551615, 18446744073709551616, -9223372036854775808, 1.0, "1", null, true])",
      "t.json");
  const auto values = document.root().items(7, 7);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(values[0].count(0, kMax), kMax);
  EXPECT_EQ(values[2].integer(kLow, kHigh), kLow);
  EXPECT_EQ(values[3].number(0.0, 1.0), 1.0);
  EXPECT_THROW(values[0].integer(kLow, kHigh), Error);
  EXPECT_THROW(values[1].count(0, kMax), Error);
  EXPECT_THROW(values[2].count(0, kMax), Error);
  for (std::size_t i = 3; i < values.size(); ++i) {
    EXPECT_THROW(values[i].integer(kLow, kHigh), Error) << i;
    EXPECT_THROW(values[i].count(0, kMax), Error) << i;
  }
  EXPECT_THROW(values[4].number(), Error);
  EXPECT_THROW(values[3].number(2.0, 3.0), Error);
  EXPECT_THROW(values[5].boolean(), Error);
  EXPECT_TRUE(values[6].boolean());
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  EXPECT_EQ(parse_refusal(""), "t.json: expected JSON, got the end of the text");
  EXPECT_EQ(parse_refusal("{\n\"a\": [1,\n"), "t.json:3: expected JSON, got the end of the text");
  EXPECT_EQ(parse_refusal("{\n\"a\": x}"), "t.json:2: expected JSON, got '\"a\": x'");
  for (const char* text : {"NaN", "[Infinity]", "1e999", "{} {}", "[1,]", "{\"a\" 1}", "\"\xff\"",
                           "\"\x01\"", "01", "'a'", "[1] // comment"})
    EXPECT_NE(parse_refusal(text).find("expected JSON"), std::string::npos) << text;
  EXPECT_EQ(parse_refusal(std::string("{}\0[", 4)), "t.json: expected JSON, got a NUL byte");
  EXPECT_EQ(parse_refusal(R"({"a": {"b": 1, "c": 2, "b": 1}})"),
            "t.json: expected each key once, got 'b' again");
  EXPECT_EQ(parse_refusal(R"({"a": {"a": 1}, "b": {"a": 1}})"), "accepted");
}

TEST(JsonReader, LimitsAreKeptWhileParsing) {
  EXPECT_EQ(parse_refusal(nested(kMaxJsonDepth)), "accepted");
  EXPECT_EQ(parse_refusal(nested(kMaxJsonDepth + 1)),
            "t.json: expected at most 64 levels of nesting, got more");
  EXPECT_EQ(parse_refusal(std::string(5'000'000, '[')),
            "t.json: expected at most 64 levels of nesting, got more");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(parse_refusal(objects), "t.json: expected at most 64 levels of nesting, got more");
  EXPECT_EQ(parse_refusal("[1,2,3]", {.values = 4}), "accepted");
  EXPECT_EQ(parse_refusal("[1,2,3]", {.values = 3}), "t.json: expected at most 3 values, got more");
  EXPECT_EQ(parse_refusal("[1,2,3]", {.bytes = 6}),
            "t.json: expected at most 6 bytes of JSON, got 7 bytes");
}

// Each key was looked for among all before it: hours for a million.
TEST(JsonReader, AnObjectOfManyKeysIsReadInOrder) {
  std::string text = "{";
  constexpr int kKeys = 300'000;
  for (int i = 0; i < kKeys; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  const JsonDocument document = JsonDocument::parse(text + "}", "t.json");
  const auto entries = document.root().entries();
  ASSERT_EQ(entries.size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(entries[1234].first, "k1234");
}

}  // namespace
}  // namespace polaris
