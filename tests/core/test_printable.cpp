// Nothing that acts on a terminal gets through, and nothing else is touched.
#include <gtest/gtest.h>

#include <string>

#include "host/core/printable.hpp"

namespace polaris {
namespace {

TEST(Printable, TextOfAllScriptsStays) {
  for (const std::string text : {"", "conv2_3x3", "ViT-B/16 (197)", "Größe µJ", "畳み込み", "שלום",
                                 "ok \U0001F44D", "a\u00A0b", "\U0010FFFD"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, ControlsBecomeQuestionMarks) {
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "?[31mred?[0m");
  EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a?b?c?d?");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "?x");
  EXPECT_EQ(printable("\u009b31m\u0080\u009f\u00a1"), "?31m??\u00a1");  // C1 as UTF-8
  EXPECT_EQ(printable_lines("a\nb\tc\rd\x1b"), "a\nb\tc?d?");
}

TEST(Printable, MarksOfDirectionBecomeQuestionMarks) {
  for (const char* mark : {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d",
                           "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029"})
    EXPECT_EQ(printable(std::string("a") + mark + "b"), "a?b") << mark;
  EXPECT_EQ(printable("\u202f\u2065\u206a"), "\u202f\u2065\u206a");
}

TEST(Printable, BytesThatAreNotUtf8BecomeQuestionMarks) {
  EXPECT_EQ(printable("\x9b\x33\x31m"), "?31m");            // C1 in Latin-1
  EXPECT_EQ(printable("\xc3"), "?");                        // cut short
  EXPECT_EQ(printable("\xc0\x9b|\xe0\x82\x9b"), "??|???");  // longer than need be
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");              // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");         // above U+10FFFF
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("\xe2\x80"), "??");
}

TEST(Printable, Names) {
  EXPECT_TRUE(is_name("ViT-B/16"));
  EXPECT_TRUE(is_name(std::string(256, 'x')));
  EXPECT_FALSE(is_name(""));
  EXPECT_FALSE(is_name(std::string(257, 'x')));
  EXPECT_FALSE(is_name("a\u202eb"));
  EXPECT_FALSE(is_name("a\nb"));
  EXPECT_FALSE(is_name("\xff"));
}

TEST(Printable, FileNamesStayInTheirFolder) {
  EXPECT_EQ(file_name_of("default-2.0_a"), "default-2.0_a");
  EXPECT_EQ(file_name_of("../../tmp/evil"), "_._.._tmp_evil");
  EXPECT_EQ(file_name_of(".."), "_.");
  EXPECT_EQ(file_name_of("."), "_");
  EXPECT_EQ(file_name_of("-rf"), "_rf");
  EXPECT_EQ(file_name_of("a b\n\u00e4"), "a_b___");
}

}  // namespace
}  // namespace polaris
