// Inputs that are no files with an end, files as other people's tools write them, and too little
// memory: through the program, as a script meets it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "host/io/table.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

class Inputs : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  const TemporaryFolder folder_;
};

TEST_F(Inputs, DevicesAndFoldersAreRefusedByEveryReader) {
  const std::string out = " --out '" + (folder_ / "out") + "'";
  const std::string points = write("points.csv", "a\n1\n");
  for (const std::string& target :
       {std::string("/dev/zero"), std::string("/dev/urandom"), folder_.path().string()}) {
    const std::string quoted = "'" + target + "'";
    std::filesystem::remove_all(folder_ / "model");
    std::filesystem::create_directory(folder_ / "model");
    std::filesystem::create_symlink(target, folder_ / "model/model.json");
    for (const std::string& arguments :
         {"evaluate --in " + quoted + out, "space --workload " + quoted,
          "space --workload resnet50 --space " + quoted,
          "merge '" + (folder_ / "out") + "' " + quoted,
          "score --model '" + (folder_ / "model") + "' --in '" + points + "'" + out,
          "sweep --workload resnet50 --avoid " + quoted + out}) {
      expect_refused(run_polaris(arguments), kWrongInput, "expected ");
      EXPECT_FALSE(std::filesystem::exists(folder_ / "out")) << arguments;
    }
  }
}

TEST_F(Inputs, APipeIsReadLikeAFile) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "a,b\n1,2\n"; });
  const Outcome outcome =
      run_polaris("evaluate --in '" + pipe + "' --out '" + (folder_ / "o") + "'");
  writer.join();
  expect_refused(outcome, kWrongInput,
                 "expected a column mapping.mapping, got none of that name among 2");
}

// The files of an issue: 1.28e+02 of R and MATLAB, ", " and trailing commas of spreadsheets.
TEST_F(Inputs, TablesOfOtherToolsGiveTheSameNumbers) {
  const std::string names =
      "arch.meshX,arch.mem1_entries,arch.mem2_entries,prob.R,prob.S,prob.P,prob.Q,prob.C,prob.K,"
      "prob.N,prob.Wstride,prob.Hstride,prob.Wdilation,prob.Hdilation,mapping.mapping";
  const std::string mapping =
      "L3[WIO] K4 C4 - L2[WI] N1 K16X - L1[O] K2 S3 R3 Q2 P2 C2 C16X - L0[W] Q14 P14";
  const std::string row = "16,2048,262144,3,3,28,28,128,128,1,1,1,1,1," + mapping;
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
    return text;
  };
  const std::string plain = names + "\n" + row + "\n";
  for (const std::string& text :
       {plain, with(with(plain, "262144", "2.62144E5"), "28,128", "28,1.28e+02"),
        with(plain, ",", ", "), with(plain, ",", "\t,\t"), with(plain, "\n", ",,\n"),
        with(plain, "128", "\"128\""), with(plain, "128", "+128.0"), with(plain, ",", ";"),
        with(plain, "\n", "\r\n"), with(plain, "\n", "\r"), "\xEF\xBB\xBF" + plain,
        "\n  \n" + with(plain, "\n", " \n\n\t\n")}) {
    const std::string out = folder_ / "out.csv";
    const Outcome outcome =
        run_polaris("evaluate --in '" + write("in.csv", text) + "' --out '" + out + "'");
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err << text;
    const Table table = read_table(out);
    ASSERT_EQ(table.rows.size(), 1u) << text;
    EXPECT_EQ(table.rows[0][static_cast<std::size_t>(table.require("pred.cycle"))], "451584")
        << text;
    EXPECT_EQ(table.rows[0][static_cast<std::size_t>(table.require("pred.energy"))],
              "290.4137035678231")
        << text;
  }
}

TEST_F(Inputs, FilesBeyondTheMemoryAreRefusedWithTheLimit) {
  const std::string file = write("long.csv", "a\n" + std::string(3'000'000, '\n'));
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40);  // takes no room
  const Outcome outcome =
      run_polaris("evaluate --in '" + file + "' --out '" + (folder_ / "o") + "'");
  expect_refused(outcome, kWrongInput, "long.csv: expected at most ");
  EXPECT_NE(outcome.err.find("got 1024 GiB"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace polaris
