// Child processes end with their parent, however it ends, and take all their descendants along.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "host/core/error.hpp"
#include "host/rtl/subprocess.hpp"
#include "tests/cli/child.hpp"
#include "tests/marked_processes.hpp"
#include "tests/rtl/fake_worker.hpp"

namespace polaris {
namespace {

using test::ScriptFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Runs children that leave the process group in every usual way, and notes when all have begun:
/// `timeout` makes a group of its own, setsid a session, and a double fork loses its parent.
std::string escaping(const std::string& folder) {
  return "cd '" + folder +
         "'; trap '' TERM HUP INT\n"
         "timeout 600 sh -c 'touch a; sleep 600' &\n"
         "setsid sh -c 'touch b; sleep 600' &\n"
         "(setsid sh -c 'trap \"\" TERM; touch c; sleep 600 & wait' &)\n"
         "while [ ! -e a ] || [ ! -e b ] || [ ! -e c ]; do sleep 0.01; done\n"
         "touch all\n";
}

class SubprocessTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

  void wait_for(const std::string& name) const {
    while (!std::filesystem::exists(file(name)))
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  /// Lets `body` start children in a process of its own, which then gets `signal`.
  template <typename Body>
  void kill_parent(int signal, const Body& body) {
    const pid_t parent = new_child(::fork());
    if (parent == 0) {
      body();
      ::_exit(0);
    }
    wait_for("all");
    EXPECT_GE(mark_.running().size(), 5u);  // the parent, the guard, the shell, three sleepers
    ::kill(parent, signal);
    end_of(parent);
    EXPECT_THAT(mark_.left(), IsEmpty());
  }

  ProcessMark mark_;
  ScriptFolder folder_;
};

TEST_F(SubprocessTest, NothingOutlivesAParentThatIsKilled) {
  const auto script = folder_.script("runs", escaping(folder_.path().string()) + "sleep 600\n");
  for (const int signal : {SIGKILL, SIGSEGV, SIGPIPE, SIGHUP}) {
    kill_parent(signal, [&] { FilterProcess({script.string()}).run("", 0.0, 1000); });
    for (const char* name : {"a", "b", "c", "all"}) std::filesystem::remove(file(name));
  }
  kill_parent(SIGKILL, [&] {
    Subprocess process({script.string()});
    std::string line;
    process.read_line(line, 0.0);
  });
}

/// The thread that started the child is gone: the child stays, as its process lives.
TEST_F(SubprocessTest, ChildrenOutliveTheThreadThatStartedThem) {
  const auto echo = folder_.script("echo", "read line; echo \"$line\"; sleep 600\n");
  std::unique_ptr<Subprocess> process;
  std::thread([&] { process = std::make_unique<Subprocess>(std::vector{echo.string()}); }).join();
  ASSERT_TRUE(process->write("hello\n"));
  std::string line;
  EXPECT_EQ(process->read_line(line, 0.0), Subprocess::Read::line);
  EXPECT_EQ(line, "hello");
  process.reset();
  EXPECT_THAT(mark_.left(), IsEmpty());
}

TEST_F(SubprocessTest, NothingOutlivesACommandThatEndsOrIsEnded) {
  const std::string begin = escaping(folder_.path().string());
  const auto ends = folder_.script("ends", begin + "echo answer; exit 7\n");
  const auto output = FilterProcess({ends.string()}).run("", 0.0, 1000);
  EXPECT_EQ(output.ending, FilterProcess::Ending::exited);
  EXPECT_EQ(output.code, 7);
  EXPECT_EQ(output.out, "answer\n");
  EXPECT_THAT(mark_.left(), IsEmpty());

  const auto stays = folder_.script("stays", begin + "sleep 600\n");
  FilterProcess late({stays.string()});
  EXPECT_EQ(late.run("", monotonic_seconds() + 0.2, 1000).ending, FilterProcess::Ending::timed_out);
  EXPECT_THAT(mark_.left(), IsEmpty());

  std::filesystem::remove(file("all"));
  const auto log = folder_.path() / "log";
  EXPECT_EQ(
      run_command({stays.string()}, log, [&] { return std::filesystem::exists(file("all")); }),
      128 + SIGKILL);
  EXPECT_THAT(mark_.left(), IsEmpty());
}

/// A common line in scripts; the guard is not of that group.
TEST_F(SubprocessTest, ACommandMayKillItsOwnGroup) {
  const auto script = folder_.script("group", "(sleep 600) & echo out; kill -KILL 0\n");
  const auto output = FilterProcess({script.string()}).run("", 0.0, 1000);
  EXPECT_EQ(output.ending, FilterProcess::Ending::signalled);
  EXPECT_EQ(output.code, SIGKILL);
  EXPECT_EQ(output.out, "out\n");
  EXPECT_THAT(mark_.left(), IsEmpty());
}

TEST_F(SubprocessTest, AGuardThatIsKilledTakesItsCommandAlong) {
  const auto script = folder_.script("alone", "touch " + file("all") + "; exec sleep 600\n");
  Subprocess process({script.string()});
  wait_for("all");
  for (const std::string& running : mark_.running())
    if (running.find("job-guard") != std::string::npos) ::kill(std::stoi(running), SIGKILL);
  std::string line;
  EXPECT_EQ(process.read_line(line, 0.0), Subprocess::Read::closed);
  EXPECT_EQ(process.end(), "signal 9");
  EXPECT_THAT(mark_.left(), IsEmpty());
}

TEST_F(SubprocessTest, AFailedStartNamesItsReason) {
  const auto reason = [](const auto& start) -> std::string {
    try {
      start();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "started";
  };
  EXPECT_EQ(reason([&] { Subprocess({file("absent")}); }),
            file("absent") + ": cannot start: No such file or directory");
  std::ofstream(file("text")) << "no program";
  EXPECT_EQ(reason([&] { FilterProcess({file("text")}).run("", 0.0, 10); }),
            file("text") + ": cannot start: Permission denied");
  EXPECT_EQ(reason([&] { run_command({"true"}, folder_.path(), nullptr); }),
            folder_.path().string() + ": cannot create: Is a directory");

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string said[] = {reason([] { Subprocess({"true"}); }),
                              reason([] { FilterProcess({"true"}).run("", 0.0, 10); }),
                              reason([&] { run_command({"true"}, file("log"), nullptr); })};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const std::string& text : said) EXPECT_THAT(text, HasSubstr("Too many open files"));
}

/// Without the three standard streams, new descriptors would take their numbers.
TEST_F(SubprocessTest, WorksWithoutStandardStreams) {
  const pid_t child = new_child(::fork());
  if (child == 0) {
    for (const int stream : {0, 1, 2}) ::close(stream);
    const auto output = FilterProcess({"cat"}).run("text", 0.0, 100);
    ::_exit(output.out == "text" && output.code == 0 ? 0 : 1);
  }
  EXPECT_EQ(end_of(child), 0);
}

}  // namespace
}  // namespace polaris
