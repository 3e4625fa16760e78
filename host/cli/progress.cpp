#include "host/cli/progress.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "host/cli/options.hpp"

namespace polaris {
namespace {

constexpr double kBarSeconds = 0.2, kLineSeconds = 10.0;
constexpr int kBarWidth = 30;

double now() {
  static const auto start = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {
  next_ = now() + (terminal_ ? kBarSeconds : kLineSeconds);
}

ProgressLine::~ProgressLine() {
  if (drawn_) fmt::print(stderr, "\n");
}

void ProgressLine::show(double share, const std::string& text) {
  if (global_options().quiet || now() < next_) return;
  next_ = now() + (terminal_ ? kBarSeconds : kLineSeconds);
  if (!terminal_) {
    spdlog::info("{:.1f} %, {}", 100.0 * share, text);
    return;
  }
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  fmt::print(stderr, "\r[{:<{}}] {:5.1f} % {}\033[K", std::string(filled, '#'), kBarWidth,
             100.0 * share, text);
  std::fflush(stderr);
  drawn_ = true;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  const long long hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{} h {} min", hours, minutes);
  if (minutes > 0) return fmt::format("{} min {} s", minutes, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace polaris
