// The scheduler on external evaluators that answer, fail in every way, or are examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/config/space_yaml.hpp"
#include "host/core/error.hpp"
#include "host/core/hash.hpp"
#include "host/rtl/external.hpp"
#include "host/rtl/scheduler.hpp"
#include "host/search/rtl_evaluator.hpp"
#include "tests/cli/run_polaris.hpp"
#include "tests/limited_process.hpp"
#include "tests/rtl/fake_worker.hpp"
#include "tests/search/synthetic.hpp"

namespace polaris {
namespace {

using test::ScriptFolder;
using test::tiny_job;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGood[] = R"(echo '{"cycles": 42, "energy_pj": 7.5, "counters": {"stalls": 3}}')";

RtlResult run_one(const std::vector<std::string>& command, const RtlJob& job) {
  RtlSchedulerOptions options;
  options.threads = 1;
  options.evaluator = command;
  RtlScheduler scheduler(options);
  scheduler.submit(job);
  return scheduler.wait_any(-1.0)->second;
}

TEST(SplitCommand, WordsQuotesAndBackslashes) {
  EXPECT_THAT(split_command("a"), ElementsAre("a"));
  EXPECT_THAT(split_command("  a\tb  c "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_command(R"(a 'b  "c' "d 'e" f'g 'h)"),
              ElementsAre("a", "b  \"c", "d 'e", "fg h"));
  EXPECT_THAT(split_command(R"(a\ b '\n' "x\"y" '' $HOME *)"),
              ElementsAre("a b", "\\n", "x\"y", "", "$HOME", "*"));
  for (const char* wrong : {"", "  ", "'a", "a \"b", "''"})
    EXPECT_THROW(split_command(wrong), Error) << wrong;
}

TEST(EvaluatorRequest, IsTheDocumentedObject) {
  RtlJob job;
  const auto set = [&](Dim dim, std::int32_t size) { job.layer.size[index_of(dim)] = size; };
  const auto tile = [&](Level level, Dim dim, std::int32_t factor) {
    job.point.mapping.temporal[index_of(level)][index_of(dim)] = factor;
  };
  set(Dim::R, 3);
  set(Dim::P, 8);
  set(Dim::C, 8);
  set(Dim::K, 4);
  job.layer.stride_w = 2;
  job.layer.dilation_h = 3;
  tile(Level::dram, Dim::P, 2);
  tile(Level::accumulator, Dim::C, 2);
  tile(Level::accumulator, Dim::R, 3);
  tile(Level::registers, Dim::P, 4);
  job.point.mapping.spatial_c = job.point.mapping.spatial_k = 4;
  job.point.hardware = {4, 16, 1024, 8};
  job.memory = {60, 16, 64, 12, 4};
  job.max_cycles = 5000;
  EXPECT_EQ(
      evaluator_request(7, job),
      R"({"schema":1,"job":7,"layer":{"R":3,"S":1,"P":8,"Q":1,"C":8,"K":4,"N":1,"stride_w":2,)"
      R"("stride_h":1,"dilation_w":1,"dilation_h":3},"hardware":{"dim":4,)"
      R"("accumulator_words_per_column":16,"scratchpad_bytes":1024,"bus_bytes":8},)"
      R"("mapping":{"text":"L3[WIO] P2 - L2[WI] N1 K4X - L1[O] R3 C2 C4X - L0[W] P4","levels":[)"
      R"({"level":"dram","loops":[{"dim":"P","bound":2}],"spatial":[]},)"
      R"({"level":"scratchpad","loops":[],"spatial":[{"dim":"K","bound":4}]},)"
      R"({"level":"accumulator","loops":[{"dim":"R","bound":3},{"dim":"C","bound":2}],)"
      R"("spatial":[{"dim":"C","bound":4}]},)"
      R"({"level":"registers","loops":[{"dim":"P","bound":4}],"spatial":[]}]},)"
      R"("memory":{"latency":60,"max_outstanding":16,"burst_bytes":64,"page_miss":12,)"
      R"("scratchpad_banks":4},"max_cycles":5000})"
      "\n");
}

TEST(EvaluatorResult, GoodAnswers) {
  RtlJob job = tiny_job(4);
  job.max_cycles = 100;
  const RtlResult plain = evaluator_result(job, "\n{\"energy_pj\": 5, \"cycles\": 100}\n\n");
  EXPECT_EQ(plain.status, RtlStatus::ok) << plain.reason;
  EXPECT_EQ(plain.cycles, 100);
  EXPECT_EQ(plain.energy_pj, 5.0);
  EXPECT_TRUE(plain.named_counters && plain.named_counters->empty());
  const RtlResult counted =
      evaluator_result(job, R"({"cycles": 1, "energy_pj": 1e-3, "counters": {"b": -2.5, "a": 3}})");
  EXPECT_EQ(counted.named_counters, (std::map<std::string, double>{{"a", 3.0}, {"b", -2.5}}));
  const RtlResult infeasible = evaluator_result(job, R"({"infeasible": "no\nroom"})");
  EXPECT_EQ(infeasible.status, RtlStatus::infeasible);
  EXPECT_EQ(infeasible.reason, "evaluator: no?room");
  const RtlResult error = evaluator_result(job, R"({"error": "no licence"})");
  EXPECT_EQ(error.status, RtlStatus::crashed);
  EXPECT_EQ(error.reason, "evaluator: no licence");
  for (const char* slow : {R"({"cycles": 101, "energy_pj": 5})", R"({"cycles": 101})",
                           R"({"cycles": 18446744073709551615})"}) {
    const RtlResult result = evaluator_result(job, slow);
    EXPECT_EQ(result.status, RtlStatus::cycle_limit) << slow;
    EXPECT_EQ(result.cycles, 100);
    EXPECT_EQ(result.energy_pj, 0.0);
    EXPECT_EQ(result.reason, "not finished after 100 cycles");
  }
}

TEST(EvaluatorResult, EverythingElseIsNamedInOneLine) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "expected one JSON object on stdout, got nothing"},
      {"hello\nworld", "got 'hello?world'"},
      {"[1, 2]", "got '[1, 2]'"},
      {"{\"cycles\": 1, \"energy_pj\": 1} {}", "expected one JSON object"},
      {R"({"cycles": 1, "energy_pj": NaN})", "expected one JSON object"},
      {R"({"cycles": 1, "energy_pj": 1e999})", "expected one JSON object"},
      {"{\"error\": \"\xff\"}", "expected one JSON object"},
      {std::string(1000, 'x'), "xxx..."},
      {"{}", "'cycles', a positive integer, got nothing"},
      {R"({"energy_pj": 1})", "'cycles', a positive integer, got nothing"},
      {R"({"cycles": 1.5, "energy_pj": 1})", "positive integer, got 1.5"},
      {R"({"cycles": "9", "energy_pj": 1})", "positive integer, got \"9\""},
      {R"({"cycles": 0, "energy_pj": 1})", "positive integer, got 0"},
      {R"({"cycles": -3, "energy_pj": 1})", "positive integer, got -3"},
      {R"({"cycles": true, "energy_pj": 1})", "positive integer, got true"},
      {R"({"cycles": 1})", "'energy_pj', a positive number, got nothing"},
      {R"({"cycles": 1, "energy_pj": null})", "positive number, got null"},
      {R"({"cycles": 1, "energy_pj": 0.0})", "positive number, got 0.0"},
      {R"({"cycles": 1, "energy_pj": -1})", "positive number, got -1"},
      {R"({"cycles": 1, "energy_pj": 1, "counters": [1]})", "'counters', an object of numbers"},
      {R"({"cycles": 1, "energy_pj": 1, "counters": {"a": "b"}})", "'counters', an object"},
      {R"({"cycles": 1, "energy_pj": 1, "energy": 2})", "got 'energy'"},
      {"{\"error\": " + std::string(500'000, '[') + std::string(500'000, ']') + "}",
       "answer: expected at most 64 levels of nesting, got more"},
      {"{\"cycles\": 1, \"energy_pj\": 1, \"counters\": " + std::string(500'000, '['),
       "answer: expected at most 64 levels of nesting, got more"},
      {R"({"cycles": 5, "energy_pj": 1, "cycles": 6})",
       "answer: expected each key once, got 'cycles' again"},
      {std::string("{\"cycles\": 5, \"energy_pj\": 1}\0x", 33),
       "expected one JSON object on stdout"},
      {R"({"error": 3})", "'error' alone, a string"},
      {R"({"infeasible": "x", "cycles": 3})", "'infeasible' alone, a string"}};
  for (const auto& [answer, reason] : cases) {
    const RtlResult result = evaluator_result(tiny_job(4), answer);
    EXPECT_EQ(result.status, RtlStatus::crashed) << answer;
    EXPECT_THAT(result.reason, AllOf(HasSubstr(reason), Not(HasSubstr("\n")))) << answer;
    EXPECT_LT(result.reason.size(), 400u);
    EXPECT_EQ(result.cycles, 0);
    EXPECT_EQ(result.energy_pj, 0.0);
    EXPECT_FALSE(result.named_counters);
  }
}

class ExternalTest : public ::testing::Test {
 protected:
  /// One script whose behaviour is chosen by the job's array size; a size of its own per case.
  void on(int dim, const std::string& body) {
    body_ += "*'\"dim\":" + std::to_string(dim) + ",'*)\n" + body + "\n;;\n";
  }

  RtlSchedulerOptions options(int threads) {
    const auto script = folder_.script(
        "evaluator", "job=$(cat)\ncase $job in\n" + body_ + "*) " + kGood + ";;\nesac\n");
    RtlSchedulerOptions out;
    out.threads = threads;
    out.evaluator = {script.string()};
    return out;
  }

  std::string path(const char* name) const { return (folder_.path() / name).string(); }

  void wait_for_file(const char* name) const {
    while (!std::filesystem::exists(folder_.path() / name))
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  static std::map<RtlScheduler::Id, RtlResult> drain(RtlScheduler& scheduler) {
    std::map<RtlScheduler::Id, RtlResult> out;
    while (auto result = scheduler.wait_any(-1.0)) out.insert(std::move(*result));
    return out;
  }

  ScriptFolder folder_;
  std::string body_;
};

TEST_F(ExternalTest, EveryKindOfEndHasItsStatusAndOthersGoOn) {
  on(1, "echo 'warming up' >&2; echo 'no  licence' >&2; exit 3");
  on(2, "echo x >> " + path("attempts") + "; echo dying >&2; kill -SEGV $$");
  on(3, "if [ ! -e " + path("mark") + " ]; then touch " + path("mark") + "; kill -KILL $$; fi\n" +
            kGood);
  on(4, "echo garbage");
  on(5, "true");
  on(6, "while :; do echo 0123456789012345678901234567890123456789; done");
  on(7, "echo '{\"infeasible\": \"too small\"}'");
  on(8, "echo '{\"error\": \"wrong\"}'");
  on(9, "echo '{\"cycles\": 2000000000, \"energy_pj\": 1}'");
  on(10, "(sleep 600; touch " + path("late") + ") & " + kGood);  // leaves a child behind
  on(11,
     "i=0; while [ $i -lt 3000 ]; do echo noise noise noise noise noise; i=$((i + 1)); done >&2\n" +
         std::string("exit 1"));
  const std::pair<RtlStatus, const char*> wanted[] = {
      {RtlStatus::ok, ""},
      {RtlStatus::crashed, "evaluator ended with exit code 3: no  licence"},
      {RtlStatus::crashed, "evaluator ended with signal 11: dying, twice"},
      {RtlStatus::ok, ""},
      {RtlStatus::crashed, "evaluator: expected one JSON object on stdout, got 'garbage?'"},
      {RtlStatus::crashed, "evaluator: expected one JSON object on stdout, got nothing"},
      {RtlStatus::crashed, "evaluator: expected an answer of at most 1048576 bytes, got more"},
      {RtlStatus::infeasible, "evaluator: too small"},
      {RtlStatus::crashed, "evaluator: wrong"},
      {RtlStatus::cycle_limit, "not finished after 1000000000 cycles"},
      {RtlStatus::ok, ""},
      {RtlStatus::crashed, "evaluator ended with exit code 1: noise noise noise noise noise"},
      {RtlStatus::ok, ""}};
  RtlScheduler scheduler(options(3));
  scheduler.submit(tiny_job(64));
  for (int dim = 1; dim <= 12; ++dim) scheduler.submit(tiny_job(dim));
  const auto results = drain(scheduler);
  ASSERT_EQ(results.size(), std::size(wanted));
  for (const auto& [id, result] : results) {
    EXPECT_EQ(result.status, wanted[id].first) << id << ": " << result.reason;
    EXPECT_EQ(result.reason, wanted[id].second) << id;
    if (result.status != RtlStatus::ok) continue;
    EXPECT_EQ(result.cycles, 42);
    EXPECT_EQ(result.energy_pj, 7.5);
    EXPECT_EQ(result.named_counters, (std::map<std::string, double>{{"stalls", 3.0}}));
  }
  EXPECT_EQ(std::filesystem::file_size(path("attempts")), 4u);
}

TEST_F(ExternalTest, TheTimeLimitKillsTheWholeProcessGroup) {
  // Both the evaluator and its child ignore a polite end; the child would tell.
  on(4, "trap '' TERM INT HUP; (sleep 1; touch " + path("alive") + ") & touch " + path("started") +
            "; echo waiting >&2; sleep 600");
  RtlScheduler scheduler(options(1));
  RtlJob job = tiny_job(4);
  job.time_limit_s = 0.5;
  scheduler.submit(job);
  scheduler.submit(tiny_job(8));
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).status, RtlStatus::time_limit);
  EXPECT_THAT(results.at(0).reason, HasSubstr("evaluator: no answer within the time limit"));
  EXPECT_GE(results.at(0).seconds, 0.5);
  EXPECT_EQ(results.at(1).status, RtlStatus::ok) << results.at(1).reason;
  if (!std::filesystem::exists(path("started"))) GTEST_SKIP() << "too busy a machine";
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_FALSE(std::filesystem::exists(path("alive")));
}

TEST_F(ExternalTest, CancelsQueuedAndRunningJobs) {
  on(4, "touch " + path("running") + "; sleep 600");
  RtlScheduler scheduler(options(1));
  const auto running = scheduler.submit(tiny_job(4));
  wait_for_file("running");
  const auto queued = scheduler.submit(tiny_job(4));
  const auto other = scheduler.submit(tiny_job(8));
  scheduler.cancel(queued);
  scheduler.cancel(running);
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(queued).status, RtlStatus::cancelled);
  EXPECT_EQ(results.at(running).status, RtlStatus::cancelled);
  EXPECT_EQ(results.at(other).status, RtlStatus::ok) << results.at(other).reason;
}

TEST_F(ExternalTest, DestructorEndsRunningJobs) {
  on(4, "touch " + path("running") + "; sleep 600");
  RtlScheduler scheduler(options(2));
  for (int i = 0; i < 5; ++i) scheduler.submit(tiny_job(4));
  wait_for_file("running");
}

TEST_F(ExternalTest, StdinMayBeReadOrNot) {
  // The whole request, also where it is opened by name; or nothing of it.
  const auto echo = folder_.script("by_name", "cat /dev/stdin > " + path("request") + "\n" + kGood);
  const RtlJob job = tiny_job(4);
  EXPECT_EQ(run_one({echo.string()}, job).status, RtlStatus::ok);
  EXPECT_EQ(content_of(path("request")), evaluator_request(0, job));
  const auto deaf = folder_.script("deaf", std::string("exec < /dev/null\n") + kGood);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(run_one({deaf.string()}, job).status, RtlStatus::ok);
}

TEST_F(ExternalTest, RefusesWhatNoEvaluatorCanMean) {
  RtlScheduler scheduler(options(1));
  RtlJob with_data = tiny_job(4), wrong_product = tiny_job(4), too_wide = tiny_job(4),
         no_bus = tiny_job(4), odd = tiny_job(5), ideal = tiny_job(4);
  with_data.functional = true;
  wrong_product.layer.size[index_of(Dim::P)] = 5;
  too_wide.layer.size[index_of(Dim::K)] = too_wide.point.mapping.spatial_k = 8;
  no_bus.point.hardware.bus_bytes = 0;
  ideal.mechanisms.page_misses = false;
  odd.memory.scratchpad_banks = 3;  // not for us to judge
  odd.layer.size[index_of(Dim::Q)] = 2;
  odd.point.mapping.temporal[index_of(Level::scratchpad)][index_of(Dim::Q)] = 2;
  for (const RtlJob& job : {with_data, wrong_product, too_wide, no_bus, odd, ideal})
    scheduler.submit(job);
  const auto results = drain(scheduler);
  EXPECT_EQ(results.at(0).reason, "runs with data: expected the built-in accelerator");
  EXPECT_EQ(results.at(1).reason, "factors of P: expected a product of 5, got 4");
  EXPECT_EQ(results.at(2).reason, "spatial factor exceeds the array");
  EXPECT_EQ(results.at(3).reason, "bus_bytes: expected at least 1, got 0");
  EXPECT_EQ(results.at(5).reason, "runs without a mechanism: expected the built-in accelerator");
  for (const int id : {0, 1, 2, 3, 5}) EXPECT_EQ(results.at(id).status, RtlStatus::infeasible);
  EXPECT_EQ(results.at(4).status, RtlStatus::ok) << results.at(4).reason;
}

TEST_F(ExternalTest, AProgramThatIsNotThereOrDisappears) {
  const auto open_with = [](const std::string& program) {
    RtlSchedulerOptions options;
    options.evaluator = {program};
    RtlScheduler scheduler(options);
  };
  std::ofstream(path("text")) << "not executable";
  for (const std::string& program : {path("absent"), path("text"), folder_.path().string(),
                                     std::string("polaris-no-such-program")})
    EXPECT_THROW(open_with(program), Error) << program;
  const RtlSchedulerOptions gone = options(1);
  RtlScheduler scheduler(gone);
  std::filesystem::remove(gone.evaluator.front());
  scheduler.submit(tiny_job(4));
  const RtlResult result = scheduler.wait_any(-1.0)->second;
  EXPECT_EQ(result.status, RtlStatus::crashed);
  EXPECT_THAT(result.reason, HasSubstr("cannot start: No such file"));
}

/// It said nothing and waited for ever for the threads that had started.
TEST_F(ExternalTest, ThreadsThatCannotStartAreAFailure) {
  EXPECT_EQ(said_by_nobody([]() -> std::string {
              RtlSchedulerOptions options;
              options.threads = 2;
              options.evaluator = {"sh"};
              forbid_threads();
              try {
                RtlScheduler scheduler(options);
              } catch (const Failure& failure) {
                return failure.what();
              }
              return "started";
            }),
            "could not start thread 1 of 2: Resource temporarily unavailable");
}

TEST_F(ExternalTest, TheHashCoversProgramArgumentsAndFiles) {
  const auto hash = [](const std::vector<std::string>& command) {
    return make_external_backend(command)->hash();
  };
  const std::string a = folder_.script("a", "true\n"), same = folder_.script("same", "true\n"),
                    b = folder_.script("b", "false\n");
  std::ofstream(path("config")) << "corner slow";
  EXPECT_EQ(hash({a}).size(), 32u);
  EXPECT_EQ(hash({a}), hash({same}));
  EXPECT_NE(hash({a}), hash({b}));
  EXPECT_NE(hash({a}), hash({a, ""}));
  EXPECT_NE(hash({a, "x y"}), hash({a, "x", "y"}));
  EXPECT_NE(hash({a, "\xff"}), hash({a, "x"}));
  const std::string before = hash({a, path("config")});
  EXPECT_EQ(before, hash({a, path("config")}));
  std::ofstream(path("config")) << "corner fast";
  EXPECT_NE(before, hash({a, path("config")}));
  EXPECT_EQ(hash({"sh"}), hash({"sh"}));  // found in PATH
}

TEST_F(ExternalTest, ResultsOfDifferentEvaluatorsNeverMix) {
  const SearchProblem problem(testing::small_workload(), testing::small_space());
  Store store(path("store.sqlite"), OpenMode::write);
  std::vector<RunRequest> batch;
  for (int layer = 0; layer < problem.layer_count(); ++layer)
    batch.push_back({problem.fallback(layer, 0), 1'000'000});
  const auto measure = [&](const std::string& script) {
    RtlSchedulerOptions options;
    options.threads = 2;
    options.evaluator = {script};
    RtlScheduler scheduler(options);
    RunInfo info;
    info.kind = "search";
    info.rtl_hash = scheduler.rtl_hash();
    RtlEvaluator evaluator(problem, scheduler, store, store.begin_run(info), 60.0);
    evaluator.submit(batch);
    const auto observations = evaluator.wait();
    for (const Observation& o : observations) EXPECT_EQ(o.outcome, RunOutcome::measured);
    return std::make_tuple(observations.front().cycles, evaluator.simulated(), evaluator.reused());
  };
  const std::string a = folder_.script("a", "echo '{\"cycles\": 10, \"energy_pj\": 1}'"),
                    b = folder_.script("b", "echo '{\"cycles\": 20, \"energy_pj\": 1}'"),
                    moved = folder_.script("moved", "echo '{\"cycles\": 10, \"energy_pj\": 1}'");
  EXPECT_EQ(measure(a), std::make_tuple(10.0, 3, 0));
  EXPECT_EQ(measure(b), std::make_tuple(20.0, 3, 0));
  EXPECT_EQ(measure(a), std::make_tuple(10.0, 0, 3));
  EXPECT_EQ(measure(moved), std::make_tuple(10.0, 0, 3));
  EXPECT_EQ(store.evaluations({}).size(), 6u);
}

/// One point, asked for in several searches on one store.
class RememberedRuns : public ExternalTest {
 protected:
  /// Outcome of one request in run `run` of the store, and whether the evaluator was asked.
  std::pair<Observation, bool> ask(std::int64_t run, std::int64_t max_cycles = 1000,
                                   double time_limit_s = 60.0) {
    RtlScheduler scheduler(law());
    RtlEvaluator evaluator(problem_, scheduler, store_, run, time_limit_s);
    evaluator.submit(std::vector<RunRequest>{{problem_.fallback(0, 0), max_cycles}});
    const Observation out = evaluator.wait().at(0);
    EXPECT_EQ(evaluator.simulated() + evaluator.reused() + evaluator.unavailable(), 1);
    EXPECT_EQ(evaluator.unavailable() != 0, !evaluator.first_failure().empty());
    return {out, evaluator.reused() == 0};
  }

  /// An evaluator that answers what the file "answer" makes the shell do.
  RtlSchedulerOptions law() {
    RtlSchedulerOptions out;
    out.threads = 1;
    out.evaluator = {folder_.script("law", ". " + path("answer") + "\n").string()};
    return out;
  }

  void answer(const std::string& body) { std::ofstream(path("answer")) << body << "\n"; }

  std::int64_t new_run() {
    RunInfo info;
    info.kind = "search";
    return store_.begin_run(info);
  }

  const SearchProblem problem_{testing::small_workload(), testing::small_space()};
  Store store_{path("store.sqlite"), OpenMode::write};
};

TEST_F(RememberedRuns, WhatTheMachineFailedAtIsAskedAgain) {
  const std::string failures[] = {"exit 3", "echo garbage", "echo '{\"error\": \"no licence\"}'",
                                  "kill -KILL $$", "sleep 600"};
  const std::int64_t run = new_run();
  for (const std::string& failure : failures) {  // within one run, as with --resume
    answer(failure);
    const auto [outcome, asked] = ask(run, 1000, failure == "sleep 600" ? 0.05 : 60.0);
    EXPECT_EQ(outcome.outcome, RunOutcome::unavailable) << failure;
    EXPECT_TRUE(asked) << failure;
  }
  answer("exit 4");
  EXPECT_EQ(ask(new_run()).first.outcome, RunOutcome::unavailable);
  const auto reported = store_.evaluations({});
  ASSERT_EQ(reported.size(), 2u);  // one a run
  EXPECT_EQ(reported[0].status, "crashed");
  EXPECT_EQ(reported[0].reason, "evaluator ended with exit code 3");
  EXPECT_EQ(reported[1].reason, "evaluator ended with exit code 4");

  answer(kGood);
  EXPECT_EQ(ask(run).first.outcome, RunOutcome::measured);
  answer("exit 3");
  const auto [kept, asked] = ask(new_run());
  EXPECT_EQ(kept.outcome, RunOutcome::measured);
  EXPECT_EQ(kept.cycles, 42.0);
  EXPECT_FALSE(asked);
}

TEST_F(RememberedRuns, WhatThePointDecidesIsKept) {
  answer("echo '{\"infeasible\": \"too small\"}'");
  EXPECT_EQ(ask(new_run()).first.outcome, RunOutcome::failed);
  answer("exit 3");
  const auto [kept, asked] = ask(new_run());
  EXPECT_EQ(kept.outcome, RunOutcome::failed);
  EXPECT_FALSE(asked);
}

TEST_F(RememberedRuns, AStoppedRunSaysItsLimitWhateverTheStoreKnows) {
  answer("echo '{\"cycles\": 501}'");
  const auto stopped_at = [&](std::int64_t limit, bool is_asked) {
    const auto [outcome, asked] = ask(new_run(), limit);
    EXPECT_EQ(outcome.outcome, RunOutcome::stopped);
    EXPECT_EQ(outcome.cycles, static_cast<double>(limit));
    EXPECT_EQ(outcome.energy_pj, 0.0);
    EXPECT_EQ(asked, is_asked);
  };
  stopped_at(500, true);
  stopped_at(500, false);
  stopped_at(400, true);  // another limit is another run
  answer("echo '{\"cycles\": 501, \"energy_pj\": 2}'");
  EXPECT_EQ(ask(new_run(), 1000).first.cycles, 501.0);
  stopped_at(500, false);
  stopped_at(300, false);  // the finished run tells enough
}

/// Stores of earlier versions hold both kinds of results under one kind of key.
TEST_F(RememberedRuns, OfAnEarlierVersionOnlyWhatIsFinal) {
  const PointId id = problem_.fallback(0, 0);
  const std::int64_t run = new_run();
  answer("echo '{\"cycles\": 5001}'");
  const std::string rtl_hash = RtlScheduler(law()).rtl_hash();
  const auto keep = [&](RtlStatus status, std::int64_t limit) {
    Evaluation old;
    old.layer = problem_.layer(id.layer);
    old.point = problem_.point(id);
    old.fidelity = Fidelity::rtl;
    old.evaluator_hash = content_hash(rtl_hash + "\n" + memory_hash(problem_.space().memory) +
                                      "\n" + std::to_string(limit) + " cycles");
    old.status = to_string(status);
    old.cycles = status == RtlStatus::cycle_limit ? limit : 0;
    store_.record_evaluation(run, old);
  };
  std::int64_t limit = 100;
  for (const RtlStatus status :
       {RtlStatus::time_limit, RtlStatus::crashed, RtlStatus::build_failed, RtlStatus::cancelled,
        RtlStatus::cycle_limit, RtlStatus::infeasible, RtlStatus::mismatch}) {
    keep(status, ++limit);
    const auto [outcome, asked] = ask(run, limit);
    EXPECT_EQ(asked, !is_final(status)) << to_string(status);
    const bool is_stopped = status == RtlStatus::cycle_limit || !is_final(status);
    EXPECT_EQ(outcome.outcome, is_stopped ? RunOutcome::stopped : RunOutcome::failed);
    EXPECT_EQ(outcome.cycles, is_stopped ? static_cast<double>(limit) : 0.0);
    EXPECT_FALSE(ask(run, limit).second) << to_string(status);  // the new answer is kept
  }
}

TEST_F(RememberedRuns, AStoreThatLiesIsRefused) {
  answer(kGood);
  ask(new_run());
  const std::pair<const char*, const char*> cases[] = {
      {"UPDATE evaluations SET status = 'excellent'",
       "row 1, status: expected the status of an RTL"},
      {"UPDATE evaluations SET status = 'ok', cycles = NULL", "row 1: expected cycles and energy"},
      {"UPDATE evaluations SET cycles = 9, energy_pj = NULL", "row 1: expected cycles and energy"}};
  for (const auto& [change, message] : cases) {
    Database(path("store.sqlite"), OpenMode::write).execute(change);
    try {
      ask(new_run());
      ADD_FAILURE() << change;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
}

constexpr char kPoint[] =
    "simulate --layer-sizes 3,1,4,4,8,8,2 --stride 2,1 --dilation 1,2 --dim 4 --mapping "
    "'L3[WIO] N2 P2 K2 - L2[WI] N1 K4X - L1[O] R3 Q2 C2 C4X - L0[W] P2 Q2' ";

TEST_F(ExternalTest, SimulateShowsTheEvaluatorsNumbers) {
  const std::string script = folder_.script("good", kGood);
  const std::string option = "--evaluator '" + script + " arg' ";
  const Outcome text = run_polaris(kPoint + option);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("evaluator       analytical"), HasSubstr("stalls"),
                              Not(HasSubstr("scratchpad  "))));
  const Outcome json = run_polaris(kPoint + option + "--json");
  ASSERT_EQ(json.exit_code, 0) << json.err;
  const auto result = nlohmann::json::parse(json.out);
  EXPECT_EQ(result["rtl"]["cycles"], 42);
  EXPECT_EQ(result["rtl"]["counters"], (nlohmann::json{{"stalls", 3.0}}));
  EXPECT_FALSE(result["rtl"].contains("energy"));
  EXPECT_EQ(result["rtl_hash"], make_external_backend({script, "arg"})->hash());

  const auto refused = [&](const std::string& arguments, int exit_code, const std::string& part) {
    expect_refused(run_polaris(kPoint + arguments), exit_code, part);
  };
  refused("--evaluator ''", kWrongInput, "evaluator: expected a command");
  refused("--evaluator /absent", kWrongInput, "evaluator: expected an executable program");
  refused(option + "--functional", kWrongInput, "--functional");
  refused(option + "--max-cycles 5", kFailed, "cycle_limit: not finished after 5 cycles");
  refused("--evaluator \"sh -c 'echo why >&2; exit 9'\"", kFailed, "ended with exit code 9: why");
  refused("--evaluator 'sleep 600' --time-limit 0.1", kFailed, "time_limit");
  EXPECT_THAT(run_polaris("simulate --help").out, HasSubstr("--evaluator"));
  EXPECT_THAT(run_polaris("search --help").out, HasSubstr("--evaluator"));
}

TEST_F(ExternalTest, TheExampleIsARoofline) {
  if (std::system("python3 -c pass > /dev/null 2>&1") != 0) GTEST_SKIP() << "no python3";
  const Outcome json =
      run_polaris(std::string(kPoint) + "--json --evaluator 'python3 " POLARIS_EXAMPLE "'");
  ASSERT_EQ(json.exit_code, 0) << json.err;
  const auto rtl = nlohmann::json::parse(json.out)["rtl"];
  // 3*4*4*8*8*2 MACs on 4 x 4; weights 3*8*8, inputs 2*8*9*4, outputs 4*4*8*2 over 8 bytes a cycle.
  EXPECT_EQ(rtl["counters"]["compute_cycles"], 6144 / 16);
  EXPECT_EQ(rtl["counters"]["transfer_cycles"], (192 + 576 + 256) / 8);
  EXPECT_EQ(rtl["cycles"], 384 + 60);
  EXPECT_EQ(rtl["energy_pj"], 0.5 * 6144 + 40.0 * 1024);
}

TEST_F(ExternalTest, ASearchRunsOnIt) {
  std::ofstream(path("tiny.yaml")) << "polaris: 1\nkind: workload\nname: tiny\nlayers:\n"
                                      "  - {name: gemm, gemm: {M: 8, K: 32, N: 16}}\n";
  // Energy far below the bounds of the built-in accelerator; a law of the job that needs no tools.
  const std::string script =
      folder_.script("law",
                     "read job\ncase $job in *'\"dim\":4,'*) c=900 ;; *) c=500 ;; esac\n"
                     "echo \"{\\\"cycles\\\": $c, \\\"energy_pj\\\": 1}\"");
  const Outcome outcome = run_polaris(
      "search --json --workload " + path("tiny.yaml") + " --space small --store " +
          path("store.sqlite") + " --rtl-budget 20 --batch 6 --initial 8 --candidates 500" +
          " --compare random,analytical --evaluator " + script,
      "POLARIS_CACHE=" + path("cache"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto report = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(report["rtl_hash"], make_external_backend({script})->hash());
  EXPECT_EQ(report["verification"], "Verification: none, an external evaluator moves no data");
  ASSERT_EQ(report["results"].size(), 3u);
  for (const auto& result : report["results"]) {
    EXPECT_EQ(result["best"]["cycles"], 500.0) << result["strategy"];
    EXPECT_EQ(result["failed"], 0);
  }
  // One layer: as many random designs as the budget has runs; none may be pruned.
  EXPECT_EQ(report["results"][1]["rtl_runs"], 20);
}

}  // namespace
}  // namespace polaris
