// `polaris simulate` as a user runs it.
#include <fcntl.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/space/layer_text.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_polaris.hpp"

namespace polaris {
namespace {

constexpr int kFailed = 1, kWrongInput = 2;
const char* const kCache = "POLARIS_CACHE='" POLARIS_RTL_CACHE "'";
const char* const kLayer =
    "simulate --layer-sizes 3,1,4,4,8,8,2 --stride 2,1 --dilation 1,2 --dim 4";
const char* const kMapping =
    " --mapping 'L3[WIO] N2 P2 K2 - L2[WI] N1 K4X - L1[O] R3 Q2 C2 C4X - L0[W] P2 Q2'";

Outcome simulate(const std::string& arguments) { return run_polaris(arguments, kCache); }

TEST(Simulate, TextShowsBothFidelities) {
  const Outcome outcome = simulate(std::string(kLayer) + kMapping + " --functional");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part :
       {"layer     R3 S1 P4 Q4 C8 K8 N2 stride 2 1 dilation 1 2\n",
        "hardware  dim 4, accumulator 64 KiB, scratchpad 256 KiB, bus 8 B\n", "cycles  ",
        "energy uJ", "EDP J*cycle", "weight_stalls", "outputs equal to the reference"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
}

TEST(Simulate, JsonHoldsCountersAndTimingOnlyAgrees) {
  const Outcome timing = simulate(std::string(kLayer) + kMapping + " --json");
  const Outcome functional = simulate(std::string(kLayer) + kMapping + " --json --functional");
  ASSERT_EQ(timing.exit_code, 0) << timing.err;
  ASSERT_EQ(functional.exit_code, 0) << functional.err;
  const auto a = nlohmann::json::parse(timing.out), b = nlohmann::json::parse(functional.out);
  EXPECT_EQ(a["rtl"], b["rtl"]);
  EXPECT_EQ(a["rtl"]["counters"]["mesh_rows"], 3 * 4 * 4 * 8 * 8 * 2 / 16);
  EXPECT_EQ(a["rtl"]["cycles"], a["rtl"]["counters"]["cycles"]);
  EXPECT_EQ(a["rtl_hash"].get<std::string>().size(), 32u);
  EXPECT_EQ(a["mapping"], "L3[WIO] N2 P2 K2 - L2[WI] N1 K4X - L1[O] R3 Q2 C2 C4X - L0[W] P2 Q2");
}

TEST(Simulate, PointOfASpaceByItsIndex) {
  const TemporaryFolder folder;
  std::ofstream(folder / "tiny.yaml")
      << "polaris: 1\nkind: space\nname: tiny\nhardware:\n  dim: [4]\n  accumulator_kib: [16]\n"
         "  scratchpad_kib: [16]\n  bus_bytes: [8]\n";
  const std::string point =
      "simulate --layer-sizes 1,1,4,1,4,4,1 --space '" + folder / "tiny.yaml" + "' --index ";
  const Outcome outcome = simulate(point + "3 --json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["hardware"]["dim"], 4);
  expect_refused(simulate(point + "9999999"), kWrongInput, "--index: expected an index below ");
}

TEST(Simulate, WithoutMechanisms) {
  const std::string base = std::string(kLayer) + kMapping + " --functional";
  const Outcome real = simulate(base + " --json");
  const Outcome ideal = simulate(base + " --json --without page_misses,dram_latency");
  ASSERT_EQ(real.exit_code, 0) << real.err;
  ASSERT_EQ(ideal.exit_code, 0) << ideal.err;
  const auto a = nlohmann::json::parse(real.out), b = nlohmann::json::parse(ideal.out);
  EXPECT_TRUE(a["without"].empty());
  EXPECT_EQ(b["without"], (std::vector<std::string>{"dram_latency", "page_misses"}));
  EXPECT_LT(b["rtl"]["cycles"], a["rtl"]["cycles"]);
  EXPECT_EQ(b["rtl"]["energy_pj"], a["rtl"]["energy_pj"]);  // both cost time only
  const Outcome text = simulate(base + " --without pass_overlap");
  EXPECT_NE(text.out.find("without   pass_overlap: not the real machine\n"), std::string::npos)
      << text.out;
  expect_refused(simulate(base + " --without gravity"), kWrongInput,
                 "--without: expected one of dram_latency, page_misses, ");
}

TEST(Simulate, RefusesAndFailsInOneLine) {
  const std::string layer(kLayer);
  expect_refused(simulate("simulate"), kWrongInput, "--workload with --layer, or --layer-sizes");
  expect_refused(simulate(layer), kWrongInput, "--mapping, or --space with --index");
  expect_refused(simulate("simulate --workload resnet50 --layer none" + std::string(kMapping)),
                 kWrongInput, "--layer: expected one of conv1, ");
  expect_refused(simulate(layer + " --mapping nonsense"), kWrongInput, "mapping");
  expect_refused(simulate("simulate --layer-sizes 1,2,3" + std::string(kMapping)), kWrongInput,
                 "--layer-sizes");
  expect_refused(simulate(layer + kMapping + " --bus-bytes 3"), kWrongInput,
                 "infeasible design point: bus_bytes: expected a power of two");
  expect_refused(simulate(layer + " --quiet --max-cycles 5" + kMapping), kFailed,
                 "simulate: cycle_limit: not finished after 5 cycles");
}

std::int64_t cycles_of(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return nlohmann::json::parse(outcome.out)["rtl"]["cycles"];
}

struct Times {
  std::int64_t first = -1, last = -1;
};

/// First and last time stamp of a VCD.
Times times_of(const std::string& vcd) {
  Times out;
  std::istringstream in(vcd);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with('#')) {
      const std::int64_t time = std::stoll(line.substr(1));
      EXPECT_GT(time, out.last);
      if (out.first < 0) out.first = time;
      out.last = time;
    }
  return out;
}

TEST(SimulateTrace, VcdHoldsAllSignalsOfAllCyclesOrOfAWindow) {
  const TemporaryFolder folder;
  const std::string file = folder / "run.vcd";
  const std::string command = std::string(kLayer) + kMapping + " --json --trace '" + file + "'";
  const std::int64_t cycles = cycles_of(simulate(command));
  const std::string vcd = content_of(file);
  for (const char* part : {"$timescale 1ns $end", "$scope module accelerator $end", " clk_i $end",
                           " done_o $end", "$scope module u_mesh $end", "$enddefinitions $end"})
    EXPECT_NE(vcd.find(part), std::string::npos) << part;
  const Times all = times_of(vcd);
  EXPECT_EQ(all.first, 0);
  EXPECT_EQ(all.last, 2 * cycles);
  // The same cycles as without a waveform.
  EXPECT_EQ(cycles_of(simulate(std::string(kLayer) + kMapping + " --json")), cycles);

  EXPECT_EQ(cycles_of(simulate(command + " --trace-cycles 100:200")), cycles);
  const Times window = times_of(content_of(file));
  EXPECT_EQ(window.first, 200);
  EXPECT_EQ(window.last, 400);
  // A run cut at its limit leaves its waveform.
  expect_refused(simulate(command + " --max-cycles 10 --quiet"), kFailed, "cycle_limit");
  EXPECT_EQ(times_of(content_of(file)).last, 20);
}

/// Header block of FST: type 0, then big-endian numbers of 8 bytes: length, first and last time, a
/// test pattern, memory, scopes, variables.
TEST(SimulateTrace, FstEndsWithTheRun) {
  const TemporaryFolder folder;
  const std::string file = folder / "run.fst";
  const std::int64_t cycles = cycles_of(
      simulate(std::string(kLayer) + kMapping + " --json --functional --trace '" + file + "'"));
  const std::string fst = content_of(file);
  ASSERT_GT(fst.size(), 64u);
  const auto number = [&fst](int i) {
    std::uint64_t value = 0;
    for (int b = 0; b < 8; ++b)
      value = value << 8 | static_cast<std::uint8_t>(fst[static_cast<std::size_t>(1 + 8 * i + b)]);
    return static_cast<std::int64_t>(value);
  };
  EXPECT_EQ(fst[0], 0);
  EXPECT_EQ(number(0), 329);
  EXPECT_EQ(number(1), 0);
  EXPECT_EQ(number(2), 2 * cycles);
  EXPECT_GT(number(5), 20);
  EXPECT_GT(number(6), 500);
}

TEST(SimulateTrace, FullDisksAndBadNamesLeaveNothing) {
  const TemporaryFolder folder;
  const std::string command = std::string(kLayer) + kMapping + " --quiet --trace ";
  for (const std::string name : {"run.vcd", "run.fst"}) {
    const std::string file = folder / name;
    ASSERT_EQ(simulate(command + "'" + file + "'").exit_code, 0);
    std::filesystem::remove(file);
    // Files of at most 32 KiB: the simulator's writes fail, as they do on a full disk.
    expect_refused(run_polaris(command + "'" + file + "'",
                               std::string("trap '' XFSZ; ulimit -f 64; ") + kCache),
                   kFailed, "simulate: crashed: cannot write the waveform: ");
    EXPECT_TRUE(std::filesystem::is_empty(folder / "")) << name;
  }
  expect_refused(simulate(command + "'" + folder / "absent/run.vcd" + "'"), kWrongInput,
                 "run.vcd: expected a writable file");
  expect_refused(simulate(command + "'" + folder / "run.txt" + "'"), kWrongInput,
                 "--trace: expected a name that ends in .vcd or .fst");
  const std::string window = command + "'" + folder / "run.vcd" + "' --trace-cycles ";
  for (const char* wrong : {"5", "5:", ":5", "7:5", "-1:5", "1:2:3"})
    expect_refused(simulate(window + wrong), kWrongInput, "--trace-cycles");
  expect_refused(simulate(window + "100000:100001"), kWrongInput, "expected a first cycle of [0, ");
  EXPECT_TRUE(std::filesystem::is_empty(folder / ""));
}

struct Process {
  std::string name;
  char state = '-';  ///< '-': there is none
  pid_t parent = 0;
};

Process process(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t open = line.find('('), close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  Process out;
  out.name = line.substr(open + 1, close - open - 1);
  std::istringstream(line.substr(close + 1)) >> out.state >> out.parent;
  return out;
}

/// A running worker of the process `parent`, with or without a guard between the two; empty where
/// there is none.
std::string worker_of(pid_t parent) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    const Process found = process(pid);
    if (found.name != "worker" || found.state != 'R') continue;
    if (found.parent == parent || process(std::to_string(found.parent)).parent == parent)
      return pid;
  }
  return "";
}

TEST(SimulateKilled, ItsWorkerEndsSoon) {
  // About a minute of simulation.
  const std::string command =
      "exec env " + std::string(kCache) +
      " '" POLARIS_BINARY
      "' simulate --quiet --layer-sizes 1,1,1024,1024,64,64,1 --dim 4"
      " --mapping 'L3[WIO] P1024 Q64 K16 C16 - L2[WI] N1 K4X - L1[O] N1 C4X - L0[W] Q16'";
  const pid_t parent = new_child(::fork());
  if (parent == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  std::string worker;
  int status = 0;
  while (worker.empty() && ::waitpid(parent, &status, WNOHANG) == 0) {
    worker = worker_of(parent);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_NE(worker, "") << "ended early with status " << status;
  ::kill(parent, SIGKILL);
  ::waitpid(parent, &status, 0);
  const auto alive = [&] {
    const Process now = process(worker);
    return now.name == "worker" && now.state != 'Z' && now.state != 'X';
  };
  for (int i = 0; i < 1000 && alive(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(alive());
}

}  // namespace
}  // namespace polaris
