// Names, paths and words from outside: nothing of them acts on a terminal or leaves its folder.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>

#include <array>
#include <vector>

#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

const std::vector<std::string> kHostile = {
    "\x1b[2J", "\x1b]0;title\x07", "a\rb", "\u202egpj.exe", "\u009b31m", "\xff", "\u2067x", "\x7f"};

void expect_harmless(const std::string& text) {
  for (const std::string& hostile : kHostile)
    EXPECT_EQ(text.find(hostile), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

class UntrustedNames : public testing::Test {
 protected:
  /// A workload of one layer, for the space command.
  Outcome space_of(const std::string& workload_name, const std::string& layer_name,
                   const std::string& more = "") const {
    std::ofstream(folder_ / "w.yaml")
        << "polaris: 1\nkind: workload\nname: \"" << workload_name << "\"\nlayers:\n  - {name: \""
        << layer_name << "\", gemm: {M: 8, K: 8, N: 8}}\n";
    return run_polaris("space --space small --workload '" + folder_ / "w.yaml" + "'" + more);
  }

  const TemporaryFolder folder_;
};

TEST_F(UntrustedNames, OfFilesAreRefusedInPrintableWords) {
  for (const char* escape : {"\\e[2J", "\\u202e", "\\x9b31m", "\\r", "\\x7f", "\\u2066"}) {
    for (const Outcome& outcome :
         {space_of(std::string("net") + escape, "a"), space_of("net", std::string("a") + escape)}) {
      expect_refused(outcome, kWrongInput, "expected a ");
      expect_harmless(outcome.err);
    }
  }
  expect_refused(space_of("net", "\xff"), kWrongInput, "expected ");
  expect_refused(space_of(std::string(257, 'x'), "a"), kWrongInput, "at most 256 bytes");
  const Outcome fine = space_of("ViT-B/16 \u00e4\u7573", "=1+1");
  EXPECT_EQ(fine.exit_code, 0) << fine.err;
  EXPECT_NE(fine.out.find("workload ViT-B/16 \u00e4\u7573"), std::string::npos) << fine.out;
}

TEST_F(UntrustedNames, OnTheCommandLineAreShownPrintable) {
  for (const std::string& name : kHostile) {
    for (const std::string& command :
         {"evaluate --in '" + name + "' --out x", "space --space small --workload '" + name + "'",
          "report --store '" + name + "' --what runs", "'" + name + "'",
          "doctor --backend '" + name + "'", "search --workload resnet50 --store '" + name + "/x'",
          "search --workload resnet50 --evaluator '" + name + "'",
          "train --space small --out x "
          "--workloads '" +
              name + "'"}) {
      const Outcome outcome = run_polaris(command);
      EXPECT_EQ(outcome.exit_code, kWrongInput);
      expect_harmless(outcome.err + outcome.out);
    }
  }
}

/// In logs, too: the file's name is part of the warning about its first invalid row.
TEST_F(UntrustedNames, InLogsAreShownPrintable) {
  const std::string file = folder_ / "\x1b[2J\u202e.csv";
  std::ofstream(file) << "mapping.mapping,arch.meshX,arch.mem1_entries,arch.mem2_entries,prob.C,"
                         "prob.Hdilation,prob.Hstride,prob.K,prob.N,prob.P,prob.Q,prob.R,prob.S,"
                         "prob.Wdilation,prob.Wstride\n\x1b[1m,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n";
  const Outcome outcome = run_polaris("evaluate --in '" + file + "' --out '" + file + "'");
  EXPECT_NE(outcome.err.find("?[2J?.csv: first invalid row is 1"), std::string::npos)
      << outcome.err;
  expect_harmless(outcome.err + outcome.out);
}

/// What the program writes to a terminal, run under one.
std::string on_a_terminal(const std::vector<std::string>& words) {
  int terminal = -1;
  const pid_t child = new_child(::forkpty(&terminal, nullptr, nullptr, nullptr));
  if (child == 0) become(words);
  std::string out;
  std::array<char, 4096> piece{};
  for (ssize_t got; (got = ::read(terminal, piece.data(), piece.size())) > 0;)
    out.append(piece.data(), static_cast<std::size_t>(got));
  end_of(child);
  ::close(terminal);
  return out;
}

/// Data for programs go to a terminal printable, and to files as they are.
TEST_F(UntrustedNames, DataAreChangedOnATerminalOnly) {
  const std::string file = folder_ / "\u202e\u009b.csv";
  std::ofstream(folder_ / "in.csv")
      << "mapping.mapping,arch.meshX,arch.mem1_entries,arch.mem2_entries,prob.C,prob.Hdilation,"
         "prob.Hstride,prob.K,prob.N,prob.P,prob.Q,prob.R,prob.S,prob.Wdilation,prob.Wstride\n";
  const std::vector<std::string> words = {POLARIS_BINARY, "evaluate", "--in",  folder_ / "in.csv",
                                          "--out",        file,       "--json"};
  EXPECT_NE(on_a_terminal(words).find("/??.csv\""), std::string::npos);
  const Outcome piped =
      run_polaris("evaluate --in '" + folder_ / "in.csv" + "' --out '" + file + "' --json");
  EXPECT_NE(piped.out.find("/\u202e\u009b.csv\""), std::string::npos) << piped.out;
}

}  // namespace
}  // namespace polaris
