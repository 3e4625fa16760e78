// Signals as requests, each in a process of its own.
#include <gtest/gtest.h>

#include <csignal>

#include "host/core/interrupt.hpp"
#include "tests/cli/child.hpp"

namespace polaris {
namespace {

/// Exit code of a process that runs `body` after installing the handler.
template <typename Body>
int exit_code_of(const Body& body) {
  const pid_t child = new_child(::fork());
  if (child == 0) ::_exit(body());
  const int status = end_of(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Interrupt, EverySignalThatAsksForTheEndIsARequest) {
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP})
    EXPECT_EQ(exit_code_of([number] {
                install_interrupt_handler();
                const bool before = interrupted();
                std::raise(number);
                const bool once = interrupted() && !abandoned();
                std::raise(number);
                return !before && once && abandoned() ? 0 : 1;
              }),
              0)
        << number;
}

TEST(Interrupt, TheThirdEndsTheProcess) {
  constexpr int kExitCode = 130;
  EXPECT_EQ(exit_code_of([] {
              install_interrupt_handler();
              for (const int number : {SIGHUP, SIGTERM, SIGINT}) std::raise(number);
              return 0;
            }),
            kExitCode);
}

TEST(Interrupt, AHangUpThatIsIgnoredStaysIgnored) {
  EXPECT_EQ(exit_code_of([] {
              std::signal(SIGHUP, SIG_IGN);  // as nohup does
              install_interrupt_handler();
              std::raise(SIGHUP);
              return interrupted() ? 1 : 0;
            }),
            0);
}

}  // namespace
}  // namespace polaris
