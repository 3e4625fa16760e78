// The one way host code starts threads and spreads a loop over cores.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace polaris {

/// Threads to use where the user names none: the cores this process may run on.
int default_threads();

/// Starts `count` threads that run body(0) to body(count - 1). Where the system refuses one, calls
/// `stop`, which has to make the bodies return, joins those that run, and throws Failure.
std::vector<std::jthread> start_threads(int count, const std::function<void(int index)>& body,
                                        const std::function<void()>& stop);

/// Calls body(begin, end) for consecutive chunks of at most `grain` items of [0, count), from up to
/// `threads` threads (0: default_threads()). Chunk borders do not depend on `threads`, so a body
/// that writes only its own chunk's results is reproducible. The first exception of a body is
/// rethrown after all threads have stopped; throws Failure where a thread cannot be started.
void parallel_for(std::int64_t count, std::int64_t grain, int threads,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

/// The same for bodies that keep something per thread: `worker`, below worker_count(threads), is
/// the number of the thread that calls.
void parallel_for_workers(
    std::int64_t count, std::int64_t grain, int threads,
    const std::function<void(int worker, std::int64_t begin, std::int64_t end)>& body);

/// Threads that `threads` stands for: itself, or default_threads() where it is 0.
int worker_count(int threads);

}  // namespace polaris
