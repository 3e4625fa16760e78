#include "simt/library.hpp"

#include <optional>

#include "tests/simt/executor.hpp"

namespace simt {

cudaError_t library_call(cudaStream_t stream, const char* name, std::vector<Extent> extents,
                         std::function<void()> work) {
  const Entered lock;
  return push(stream, {[name, extents = std::move(extents), work = std::move(work)] {
                for (const Extent& e : extents)
                  if (!check_range(name, e.data, e.bytes)) return failed(cudaErrorInvalidValue);
                const DeviceAccess access;
                work();
                for (const Extent& e : extents)
                  if (e.written) check_host_write(const_cast<void*>(e.data), e.bytes);
                return cudaSuccess;
              }});
}

namespace {

int sections = 0;
std::optional<DeviceAccess> section_access;

void enter_section() {
  if (sections++ == 0) section_access.emplace();
}

}  // namespace

HostSection::HostSection(cudaStream_t stream) {
  const Entered lock;
  if (refuse_in_capture())
    report(Fault::api, 0, "a library that waits for its stream is called during a capture");
  else
    drain(&stream_of(stream));
  enter_section();
}

HostSection::HostSection(const HostSection&) { enter_section(); }

HostSection::~HostSection() {
  const Entered lock;
  if (--sections > 0) return;
  if (checking()) check_foreign_writes();
  section_access.reset();
}

}  // namespace simt
