#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "host/core/atomic_file.hpp"
#include "host/core/error.hpp"
#include "host/io/table.hpp"
#include "models/space/philox.hpp"
#include "tests/refusal.hpp"

namespace polaris {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<std::string>>;

std::string refusal(const std::string& text) {
  return refusal_of([&] { parse_table(text, "t.csv"); });
}

/// A folder of this test's own, removed at its end.
class TableFiles : public testing::Test {
 protected:
  TableFiles()
      : folder_(fs::path(testing::TempDir()) /
                ("polaris_table_" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::create_directories(folder_);
  }
  ~TableFiles() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  const fs::path folder_;
};

TEST(Table, ReadsPlainAndQuotedFields) {
  const Table t = parse_table("a,b,c\n1,\"x, \"\"y\"\"\nz\",\r\n\n,,last", "t.csv");
  EXPECT_EQ(t.columns, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(t.rows, (Rows{{"1", "x, \"y\"\nz", ""}, {"", "", "last"}}));
  EXPECT_EQ(t.column("b"), 1);
  EXPECT_EQ(t.column("d"), -1);
  EXPECT_EQ(t.require("c"), 2);
}

TEST(Table, LineEndsAndByteOrderMark) {
  const Table wanted = parse_table("a,b\n1,2\n", "t.csv");
  for (const char* text : {"a,b\r\n1,2\r\n", "a,b\n1,2",
                           "\xEF\xBB\xBF"
                           "a,b\n\n1,2\n\n",
                           "\na,b\n1,2"})
    EXPECT_EQ(parse_table(text, "t.csv").rows, wanted.rows);
  EXPECT_EQ(parse_table("a,b", "t.csv").rows.size(), 0u);
  EXPECT_EQ(parse_table("a\n\"\"\n", "t.csv").rows, (Rows{{""}}));
  EXPECT_EQ(parse_table("a\nx\ry\n", "t.csv").rows, (Rows{{"x\ry"}}));
}

TEST(Table, RefusesWithLineNumber) {
  EXPECT_EQ(refusal(""), "t.csv: expected a line of column names, got an empty file");
  EXPECT_EQ(refusal("\n\n"), "t.csv: expected a line of column names, got an empty file");
  EXPECT_EQ(refusal("a,b\n1,2\n3\n"), "t.csv:3: expected 2 fields, got 1");
  EXPECT_EQ(refusal("a,b\n\"1\n\n\",2\n3,4,5\n"), "t.csv:5: expected 2 fields, got 3");
  EXPECT_EQ(refusal("a,b,a\n"), "t.csv:1: expected column names to differ, got 'a' twice");
  EXPECT_EQ(refusal("a\n\n\"x"), "t.csv:3: expected a closing quote, got the end of the file");
  EXPECT_EQ(refusal("a\nx\"y\n"),
            "t.csv:2: expected quotes around the whole field, got a quote inside it");
  EXPECT_EQ(
      refusal("a\n\"x\"y\n"),
      "t.csv:2: expected a comma or the end of the line after a closing quote, got more text");
}

TEST(Table, ColumnsAtTheEndWithoutNameAndDataAreDropped) {
  const Table wanted = parse_table("a,b\n1,2\n,\n", "t.csv");
  for (const char* text :
       {"a,b,\n1,2,\n,,\n", "a,b, ,\n1,2,\t,\n,,,\n", "a,b,\"\"\n1,2\n,\n", "a,b\n1,2,\n,,,\n"}) {
    const Table t = parse_table(text, "t.csv");
    EXPECT_EQ(t.columns, wanted.columns) << text;
    EXPECT_EQ(t.rows, wanted.rows) << text;
  }
  EXPECT_EQ(refusal("a,b,,\n1,2,,\n1,2,x,\n"),
            "t.csv:3: expected nothing in a column without a name, got 'x'");
  EXPECT_EQ(refusal(" ,,\n1,2,\n"),
            "t.csv:1: expected a line of column names, got a line without any");
  // A name that is missing elsewhere stays: tables with an index column begin so.
  EXPECT_EQ(parse_table(",a\n0,1\n", "t.csv").columns, (std::vector<std::string>{"", "a"}));
}

TEST(Table, BlanksAroundNamesAndFieldsAreKeptAndDoNotCount) {
  const Table t = parse_table(" a,\tb \n 1, \"x, y\" \n \t\n\n2,z ", "t.csv");
  EXPECT_EQ(t.rows, (Rows{{" 1", "x, y"}, {"2", "z "}}));
  EXPECT_EQ(t.column("a"), 0);
  EXPECT_EQ(t.require("b"), 1);
  EXPECT_EQ(format_table(t), " a,\tb \n 1,\"x, y\"\n2,z \n");
  EXPECT_EQ(refusal("a, a\n"), "t.csv:1: expected column names to differ, got 'a' twice");
}

TEST(Table, LinesMayEndInCarriageReturnsAlone) {
  const Table t = parse_table("a,b\r1,\"x\ry\"\r\r2,3", "t.csv");
  EXPECT_EQ(t.rows, (Rows{{"1", "x\ry"}, {"2", "3"}}));
  EXPECT_EQ(refusal("a,b\r1,2\r3\r"), "t.csv:3: expected 2 fields, got 1");
}

TEST(Table, SemicolonsSeparateWhereTheFirstLineHasNoComma) {
  EXPECT_EQ(parse_table("\n a;b\n1;x y\n", "t.csv").rows, (Rows{{"1", "x y"}}));
  EXPECT_EQ(parse_table("a;b,c\n1,2\n", "t.csv").columns, (std::vector<std::string>{"a;b", "c"}));
  EXPECT_EQ(parse_table("\"a;b\"\n1;2\n", "t.csv").rows, (Rows{{"1;2"}}));
  for (const char* number : {"1,5", " -1,5 ", "1,28E+02", "\"12,0\""})
    EXPECT_THAT(refusal(std::string("a;b\nx;y\n2;") + number + "\n"),
                testing::StartsWith("t.csv:3: expected numbers with a decimal point, got"));
  EXPECT_EQ(parse_table("a;b\nx, y;1,2,3\n", "t.csv").rows, (Rows{{"x, y", "1,2,3"}}));
}

TEST(Table, RefusesWhatIsNoTextAndWhatExceedsALimit) {
  EXPECT_EQ(refusal(std::string("a,b\n1,\0\n", 8)),
            "t.csv:2: expected text in UTF-8, got a NUL byte");
  EXPECT_EQ(refusal(std::string("\xFF\xFE"
                                "a\0,\0",
                                6)),
            "t.csv: expected text in UTF-8, got UTF-16");
  EXPECT_EQ(refusal("a\n" + std::string(kMaxRecordBytes + 1, 'x')),
            "t.csv:2: expected a row of at most 16 MiB, got a longer one");
  EXPECT_EQ(refusal("a" + std::string(kMaxColumns + 1, ',')),
            "t.csv:1: expected at most 65536 fields, got more");
}

TEST(Table, RequireNamesTheMissingColumnAndTheSource) {
  const Table t = parse_table("a,b\n", "t.csv");
  try {
    t.require("prob.C");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t.csv: expected a column prob.C, got none of that name among 2");
  }
}

TEST(Table, RandomTextIsReadOrRefusedAndReadTextRoundTrips) {
  int accepted = 0;
  for (std::uint64_t i = 0; i < 50000; ++i) {
    std::uint64_t counter = 0;
    const auto below = [&](std::uint64_t bound) { return uniform_below(bound, 5, i, counter++); };
    const std::string alphabet = "ab,,\"\n\r\t\xEF";
    std::string text = below(2) == 0 ? "p,q\n" : "";
    for (std::uint64_t n = below(24); n > 0; --n) text += alphabet[below(alphabet.size())];
    try {
      const Table t = parse_table(text, "t.csv");
      ++accepted;
      const Table back = parse_table(format_table(t), "t.csv");
      ASSERT_EQ(back.columns, t.columns) << text;
      ASSERT_EQ(back.rows, t.rows) << text;
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), testing::StartsWith("t.csv:"));
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST_F(TableFiles, RoundTripPlainAndGzipped) {
  Table t = parse_table("a,b\n1,\"x,y\"\n,\n", "");
  for (int i = 0; i < 50000; ++i) t.rows.push_back({std::to_string(i * 7919), "text"});
  for (const char* name : {"t.csv", "t.csv.gz"}) {
    const fs::path path = folder_ / name;
    write_table(t, path);
    const Table back = read_table(path);
    EXPECT_EQ(back.columns, t.columns);
    EXPECT_EQ(back.rows, t.rows);
    EXPECT_EQ(back.source, path.string());
    const std::string bytes = read_file(path);
    write_table(t, path);
    EXPECT_EQ(read_file(path), bytes);
  }
  EXPECT_LT(fs::file_size(folder_ / "t.csv.gz"), fs::file_size(folder_ / "t.csv") / 2);
}

TEST(Table, SpreadsheetsDoNotRunText) {
  for (const std::string text :
       {"=HYPERLINK(\"http://x\")", "+1+cmd|' /C calc'!A0", "-1+2", "-", "@SUM(A1)", "\t=1", "\r=1",
        "\n=1", "=", "+1", "\uFF1D1", "\uFF0B1", "\uFF0D1", "\uFF201", "-1.5 "})
    EXPECT_EQ(spreadsheet_text(text), "'" + text);
  for (const std::string text : {"", "-1.5", "-0", "-1e-300", "-inf", "conv=1", "'=1", "a-b", " =1",
                                 "{\"batch\": 4}", "L3[WIO] K4", "\u00fc"})
    EXPECT_EQ(spreadsheet_text(text), text);
}

TEST_F(TableFiles, RefusesDamagedGzip) {
  Table t = parse_table("a,b\n", "");
  for (int i = 0; i < 500; ++i) t.rows.push_back({std::to_string(i), std::to_string(i * i)});
  const fs::path whole = folder_ / "whole.csv.gz";
  write_table(t, whole);
  const std::string bytes = read_file(whole);
  for (std::size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_THROW(read_table(write("cut.csv.gz", bytes.substr(0, length))), Error) << length;
  constexpr std::size_t kHeader = 10;
  for (std::size_t at = kHeader; at < bytes.size(); at += 11) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    EXPECT_THROW(read_table(write("damaged.csv.gz", damaged)), Error) << at;
  }
  EXPECT_THROW(read_table(write("plain.csv.gz", "a,b\n1,2\n")), Error);
  EXPECT_THROW(read_table(folder_ / "absent.csv.gz"), Error);
  EXPECT_THROW(read_table(folder_ / "absent.csv"), Error);
  EXPECT_THROW(read_table(folder_), Error);
}

TEST_F(TableFiles, GzipMembersFollowOneAnother) {
  std::string bytes;
  for (const char* line : {"a,b\n", "1,2\n", "3,4\n"}) {
    write_table(parse_table(line, ""), folder_ / "one.csv.gz");
    bytes += read_file(folder_ / "one.csv.gz");
  }
  EXPECT_EQ(read_table(write("all.csv.gz", bytes)).rows, (Rows{{"1", "2"}, {"3", "4"}}));
}

TEST_F(TableFiles, ATextThatExceedsTheLimitIsRefusedAndNamesIt) {
  Table zeros = parse_table("a\n", "");
  zeros.rows.assign(4096, {std::string(1024, '0')});
  const auto message = [&](const char* name) {
    write_table(zeros, folder_ / name);
    try {
      read_table(folder_ / name, std::uintmax_t{3} << 20);
    } catch (const Error& error) {
      return std::string(error.what()).substr(folder_.string().size() + 1);
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message("a.csv"), "a.csv: expected at most 3 MiB, got 4.004 MiB");
  EXPECT_EQ(message("a.csv.gz"), "a.csv.gz: expected at most 3 MiB of decompressed text, got more");
}

TEST_F(TableFiles, DevicesAndFoldersAreRefused) {
  for (const char* path : {"/dev/zero", "/dev/urandom", "/dev/null"}) {
    try {
      read_table(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), std::string(path) + ": expected a file or a pipe, got a device");
    }
  }
  EXPECT_THROW(read_table(folder_), Error);
}

TEST_F(TableFiles, AFileThatCannotBeWrittenIsAnErrorAndLeavesNothing) {
  EXPECT_THROW(write_table(parse_table("a\n1\n", ""), folder_ / "none" / "t.csv"), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace polaris
