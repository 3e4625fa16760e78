#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "host/io/number_text.hpp"

namespace polaris {
namespace {

TEST(NumberText, IntegersInEveryNotation) {
  for (const char* text : {"128", " 128", "128\t", "+128", "128.0", "128.", "128.000", "1.28e+02",
                           "1.28E2", "12800e-2", "0.128e3", ".128e3", "0128", "\t +1.280E+02 "})
    EXPECT_EQ(read_integer(text), 128) << text;
  EXPECT_EQ(read_integer("-1.5e1"), -15);
  EXPECT_EQ(read_integer("2.62144E5"), 262144);
  EXPECT_EQ(read_integer("0e99"), 0);
  EXPECT_EQ(read_integer("-0.0"), 0);
  EXPECT_EQ(read_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read_integer("9.223372036854775807e18"), std::numeric_limits<std::int64_t>::max());
}

TEST(NumberText, WhatIsNoIntegerIsRefused) {
  for (const char* text : {"",       " ",
                           "+",      "-",
                           ".",      "e",
                           "e5",     "1e",
                           "1e+",    "1e 2",
                           "1.5",    "128.00000000000000001",
                           "128e-1", "1e-400",
                           "1e400",  "9223372036854775808",
                           "9.3e18", "1e99999999999",
                           "nan",    "inf",
                           "0x10",   "1 2",
                           "1,000",  "1,28e2",
                           "++1",    "+-1",
                           "--1",    "1e++2",
                           "1..0",   "1.0.0",
                           "12a"})
    EXPECT_EQ(read_integer(text), std::nullopt) << text;
}

TEST(NumberText, FiniteNumbers) {
  EXPECT_EQ(read_number(" +1.5e3\t"), 1500.0);
  EXPECT_EQ(read_number("-7"), -7.0);
  for (const char* text : {"", "nan", "inf", "-inf", "1e999", "1,5", "+-1", "1x"})
    EXPECT_EQ(read_number(text), std::nullopt) << text;
}

}  // namespace
}  // namespace polaris
