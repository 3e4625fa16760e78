// kill -9 at any moment: what was acknowledged is there, nothing is half there.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <csignal>

#include "host/store/store.hpp"
#include "models/space/philox.hpp"
#include "tests/store/store_fixture.hpp"

namespace polaris {
namespace {

/// Records evaluations from number `first` on and writes a byte to `pipe` after each call.
[[noreturn]] void write_forever(const std::filesystem::path& file, int pipe, std::uint64_t first) {
  Store store(file, OpenMode::write);
  auto run = store.resume_run(sample_run());
  if (!run) run = store.begin_run(sample_run());
  for (std::uint64_t i = first;; ++i) {
    store.record_evaluation(*run, sample_evaluation(i));
    if (::write(pipe, "x", 1) != 1) ::_exit(1);
  }
}

TEST(StoreKill, AcknowledgedEvaluationsSurvive) {
  const StoreFolder folder;
  std::uint64_t acknowledged = 0, present = 0;
  constexpr int kKills = 20;
  for (int round = 0; round < kKills; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_forever(folder.file(), ends[1], present);
    }
    ::close(ends[1]);
    // Early kills hit the creation of the file, later ones the writing.
    if (round > 0) {
      char byte;
      ASSERT_EQ(::read(ends[0], &byte, 1), 1);
      ++acknowledged;
    }
    ::usleep(
        static_cast<useconds_t>(uniform_below(20000, 5, 0, static_cast<std::uint64_t>(round))));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    char bytes[4096];
    for (ssize_t n; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;)
      acknowledged += static_cast<std::uint64_t>(n);
    ::close(ends[0]);

    Store store(folder.file(), OpenMode::write);
    const auto kept = store.evaluations({});
    present = kept.size();
    ASSERT_GE(present, acknowledged);
    ASSERT_LE(present, acknowledged + 1);  // recorded, and killed before it could say so
    acknowledged = present;
    for (std::uint64_t i = 0; i < present; ++i)
      ASSERT_EQ(kept[i].cycles, sample_evaluation(i).cycles);
    ASSERT_LE(store.runs().size(), 1u);  // each round resumed the run of the first
    if (present > 0) {
      ASSERT_TRUE(store.resume_run(sample_run()));
      ASSERT_EQ(store.evaluations({.run = store.resume_run(sample_run())}).size(), present);
    }
  }
  EXPECT_GE(present, static_cast<std::uint64_t>(kKills - 1));
}

}  // namespace
}  // namespace polaris
