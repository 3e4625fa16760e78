#include "host/core/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace polaris {
namespace {

constexpr int kExitAfter = 3;
constexpr int kExitCode = 130;  // the shell's code for a process ended by SIGINT
std::atomic<int> signals{0};

void say(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

void on_signal(int) {
  const int count = ++signals;
  if (count >= kExitAfter) ::_exit(kExitCode);
  say(count == 1 ? "\npolaris: stopping after the running step (again: abandon simulations)\n"
                 : "\npolaris: abandoning running simulations (again: exit at once)\n");
}

}  // namespace

void install_interrupt_handler() {
  signals = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGQUIT}) sigaction(number, &action, nullptr);
  struct sigaction hang_up {};
  if (sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
}

bool interrupted() { return signals.load(std::memory_order_relaxed) >= 1; }
bool abandoned() { return signals.load(std::memory_order_relaxed) >= 2; }

}  // namespace polaris
