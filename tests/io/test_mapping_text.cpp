#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "host/core/error.hpp"
#include "host/io/mapping_text.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

constexpr std::uint64_t kSeed = 77;
const std::string kText =
    "L3[WIO] P28 R7 Q56 K8 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] P2";

TEST(MappingText, ReadsEveryPart) {
  const Mapping m = parse_mapping(kText);
  EXPECT_EQ(m.spatial_k, 4);
  EXPECT_EQ(m.spatial_c, 3);
  EXPECT_EQ(m.factor(Level::dram, Dim::P), 28);
  EXPECT_EQ(m.factor(Level::dram, Dim::Q), 56);
  EXPECT_EQ(m.factor(Level::dram, Dim::S), 1);
  EXPECT_EQ(m.factor(Level::accumulator, Dim::S), 7);
  EXPECT_EQ(m.factor(Level::registers, Dim::P), 2);
  EXPECT_EQ(m.tile(Dim::K), 8);
  EXPECT_EQ(m.column_tile(Dim::P), 4);
  EXPECT_EQ(format_mapping(m), kText);
}

TEST(MappingText, LoopsKeepTheirOrderAndCanonicalOrderIsKept) {
  const Mapping m = parse_mapping(kText);
  std::string order;
  for (const Dim dim : m.order[index_of(Level::dram)])
    if (m.factor(Level::dram, dim) > 1) order += kDimLetters[index_of(dim)];
  EXPECT_EQ(order, "PRQK");
  for (int l = 0; l < index_of(Level::dram); ++l)
    EXPECT_TRUE(std::equal(m.order[l], m.order[l] + kDims, kCanonicalOrder)) << "level " << l;
  const Mapping other = parse_mapping("L3[WIO] N1 - L2[WI] C2 K3 - L1[O] P2 Q2 - L0[W] Q2 P2");
  EXPECT_EQ(other.order[1][5], Dim::P);
  EXPECT_EQ(other.order[1][6], Dim::Q);
  EXPECT_EQ(format_mapping(other), "L3[WIO] N1 - L2[WI] C2 K3 - L1[O] P2 Q2 - L0[W] Q2 P2");
}

TEST(MappingText, BoundsOfOneLeaveNoTrace) {
  EXPECT_TRUE(parse_mapping("L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1") == Mapping());
  EXPECT_TRUE(parse_mapping("L3[WIO] P1 K1 C1 - L2[WI] K1X - L1[O] C1X - L0[W] R1") == Mapping());
  EXPECT_EQ(format_mapping(Mapping()), "L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1");
}

struct Refusal {
  const char* text;
  const char* message;
};

class MappingTextRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(MappingTextRefuses, WithTokenAndPosition) {
  try {
    parse_mapping(GetParam().text);
    FAIL() << "accepted " << GetParam().text;
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, MappingTextRefuses,
    testing::Values(
        Refusal{"", "mapping, character 1: expected 'L3[WIO]', got the end"},
        Refusal{"   ", "mapping, character 4: expected 'L3[WIO]', got the end"},
        Refusal{"L2[WI] N1", "mapping, character 1: expected 'L3[WIO]', got 'L2[WI]'"},
        Refusal{"L3[WIO] K2",
                "mapping, character 11: expected '-' and the level below, got the end"},
        Refusal{"L3[WIO] - L2[WI] N1",
                "mapping, character 9: expected a loop, N1 where there is none, got '-'"},
        Refusal{"L3[WIO]",
                "mapping, character 8: expected a loop, N1 where there is none, got the end"},
        Refusal{"L3[WIO] N1 - L1[O] N1", "mapping, character 14: expected 'L2[WI]', got 'L1[O]'"},
        Refusal{"L3[WIO] Z4",
                "mapping, character 9: expected a loop such as K8 over one of R S P Q "
                "C K N, got 'Z4'"},
        Refusal{"L3[WIO] k4",
                "mapping, character 9: expected a loop such as K8 over one of R S P Q "
                "C K N, got 'k4'"},
        Refusal{"L3[WIO] K",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, got "
                "'K'"},
        Refusal{"L3[WIO] KX",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, "
                "got 'KX'"},
        Refusal{"L3[WIO] K0",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, "
                "got 'K0'"},
        Refusal{"L3[WIO] K-4",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, "
                "got 'K-4'"},
        Refusal{"L3[WIO] K4.5",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, "
                "got 'K4.5'"},
        Refusal{"L3[WIO] K2147483648",
                "mapping, character 9: expected a loop bound from 1 to 2147483647, got "
                "'K2147483648'"},
        Refusal{"L3[WIO] K2 P2 K2",
                "mapping, character 15: expected each dimension once in a level, got 'K2'"},
        Refusal{"L3[WIO] K2X",
                "mapping, character 9: expected spatial factors K..X at L2 and C..X "
                "at L1 only, got 'K2X'"},
        Refusal{"L3[WIO] N1 - L2[WI] C2X",
                "mapping, character 21: expected spatial factors K..X at "
                "L2 and C..X at L1 only, got 'C2X'"},
        Refusal{"L3[WIO] N1 - L2[WI] K2X K2",
                "mapping, character 25: expected no loop after a spatial factor, got 'K2'"},
        Refusal{"L3[WIO] N1 - L2[WI] K2X K2X",
                "mapping, character 25: expected no loop after a spatial factor, got 'K2X'"},
        Refusal{"L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1 - L0[W] N1",
                "mapping, character 46: expected the end, got '-'"},
        Refusal{"L3[WIO] a\nb\t",
                "mapping, character 9: expected a loop such as K8 over one of R S P Q C K N, got "
                "'a?b?'"},
        Refusal{"L3[WIO] abcdefghijklmnopqrstuvwxyz",
                "mapping, character 9: expected a loop such as K8 over one of R S P Q C K N, got "
                "'abcdefghijklmnopqrstuvwx...'"}));

/// Any mapping whose bounds are positive, in any order.
Mapping random_mapping(std::uint64_t stream) {
  std::uint64_t counter = 0;
  const auto below = [&](std::uint64_t bound) {
    return static_cast<std::int32_t>(uniform_below(bound, kSeed, stream, counter++));
  };
  Mapping m;
  for (int l = 0; l < kLevels; ++l)
    for (int d = 0; d < kDims; ++d) {
      m.temporal[l][d] = below(2) == 0 ? 1 : 1 + below(2147483647);
      std::swap(m.order[l][d], m.order[l][below(static_cast<std::uint64_t>(d) + 1)]);
    }
  m.spatial_c = 1 + below(3);
  m.spatial_k = 1 + below(2147483647);
  return m;
}

TEST(MappingText, FormatThenParseRunsTheSameSchedule) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Mapping m = random_mapping(i);
    const std::string text = format_mapping(m);
    const Mapping back = parse_mapping(text);
    ASSERT_TRUE(same_schedule(back, m)) << text;
    ASSERT_EQ(format_mapping(back), text);
  }
}

TEST(MappingText, MutatedTextIsReadOrRefusedInOneLine) {
  int accepted = 0;
  for (std::uint64_t i = 0; i < 50000; ++i) {
    std::uint64_t counter = 0;
    const auto below = [&](std::uint64_t bound) {
      return uniform_below(bound, kSeed + 1, i, counter++);
    };
    std::string text = kText;
    const std::string alphabet = "RSPQCKNX0123456789 -L[]WIO\n\x01\xff";
    for (std::uint64_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(text.size() + 1);
      const char c = alphabet[below(alphabet.size())];
      switch (below(4)) {
        case 0:
          text.insert(at, 1, c);
          break;
        case 1:
          text.erase(at, below(4));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size() + 1), below(12)));
          break;
        default:
          if (at < text.size()) text[at] = c;
      }
    }
    try {
      const Mapping m = parse_mapping(text);
      ++accepted;
      ASSERT_TRUE(parse_mapping(format_mapping(m)) == m) << text;
    } catch (const Error& error) {
      const std::string message = error.what();
      ASSERT_THAT(message, testing::StartsWith("mapping, character "));
      ASSERT_EQ(message.find('\n'), std::string::npos) << text;
    }
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace polaris
