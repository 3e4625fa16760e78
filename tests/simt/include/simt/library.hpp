// How the stand-ins for NVIDIA's libraries run on the host, in the order of their stream.
#pragma once

#include <functional>
#include <vector>

#include "simt/runtime.hpp"

namespace simt {

/// Device memory that a library call reads or writes.
struct Extent {
  const void* data;
  std::size_t bytes;
  bool written;
};

/// Queues `work`; when it runs, all extents have to lie in live allocations.
cudaError_t library_call(cudaStream_t stream, const char* name, std::vector<Extent> extents,
                         std::function<void()> work);

/// Waits for `stream`, then lets host code touch device memory for as long as it lives. For
/// libraries that are templates and run where they are called, as Thrust does.
class HostSection {
 public:
  explicit HostSection(cudaStream_t stream);
  ~HostSection();
  HostSection(const HostSection&);
  HostSection& operator=(const HostSection&) = delete;
};

}  // namespace simt
