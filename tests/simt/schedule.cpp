// The adversary: CUDA promises no order of blocks, threads or streams, so each seed takes another.
#include <cstdlib>

#include "models/space/philox.hpp"
#include "tests/simt/executor.hpp"

namespace simt {
namespace {

// Besides chance, the extremes that chance hardly ever meets: everything forwards, everything
// backwards, and one warp far ahead of all others.
enum class Policy { forward, backward, shuffled, first_warp_ahead, last_warp_ahead };
constexpr std::uint64_t kPolicies = 5;

std::uint64_t initial_seed() {
  const char* text = std::getenv("SIMT_SEED");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

std::uint64_t chosen_seed = initial_seed();
std::uint64_t drawn = 0;

Policy policy() { return static_cast<Policy>(chosen_seed % kPolicies); }

}  // namespace

void set_seed(std::uint64_t value) {
  chosen_seed = value;
  drawn = 0;
}

std::uint64_t seed() { return chosen_seed; }

std::uint64_t random_below(std::uint64_t bound) {
  return polaris::uniform_below(bound, chosen_seed, 0, drawn++);
}

Order order() {
  switch (policy()) {
    case Policy::forward:
    case Policy::first_warp_ahead:
      return Order::forward;
    case Policy::backward:
    case Policy::last_warp_ahead:
      return Order::backward;
    case Policy::shuffled:
      return Order::shuffled;
  }
  return Order::forward;
}

bool warps_run_ahead() {
  return policy() == Policy::first_warp_ahead || policy() == Policy::last_warp_ahead;
}

}  // namespace simt
