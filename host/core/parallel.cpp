#include "host/core/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>

#include "host/core/error.hpp"

namespace polaris {

int default_threads() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

int worker_count(int threads) { return threads > 0 ? threads : default_threads(); }

std::vector<std::jthread> start_threads(int count, const std::function<void(int)>& body,
                                        const std::function<void()>& stop) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    try {
      threads.emplace_back(body, i);
    } catch (const std::exception& error) {
      stop();
      threads.clear();
      throw Failure("could not start thread " + std::to_string(i + 1) + " of " +
                    std::to_string(count) + ": " + error.what());
    }
  }
  return threads;
}

void parallel_for(std::int64_t count, std::int64_t grain, int threads,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  parallel_for_workers(count, grain, threads,
                       [&body](int, std::int64_t begin, std::int64_t end) { body(begin, end); });
}

void parallel_for_workers(std::int64_t count, std::int64_t grain, int threads,
                          const std::function<void(int, std::int64_t, std::int64_t)>& body) {
  if (count <= 0) return;
  grain = std::max<std::int64_t>(1, grain);
  const std::int64_t chunks = (count + grain - 1) / grain;
  const int workers = static_cast<int>(std::min<std::int64_t>(worker_count(threads), chunks));
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&](int worker) {
    try {
      for (std::int64_t chunk = next++; chunk < chunks; chunk = next++)
        body(worker, chunk * grain, std::min(count, (chunk + 1) * grain));
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = chunks;
    }
  };
  auto others = start_threads(
      workers - 1, [&work](int index) { work(index + 1); }, [&] { next = chunks; });
  work(0);
  others.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace polaris
