// Device memory: an arena of the host, out of reach for host code, poisoned, never used twice.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

constexpr std::size_t kArenaBytes = std::size_t{1} << 30;  ///< tests are small
constexpr std::size_t kAlign = 256;                        ///< of cudaMalloc

constexpr std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::map<std::uintptr_t, Region> allocations;
std::size_t arena_used = 0;
int accesses = 0;

char* arena() {
  static char* const base = [] {
    void* const map =
        mmap(nullptr, kArenaBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) std::abort();
    return static_cast<char*>(map);
  }();
  return base;
}

/// The pages of an allocation: its data, rounded up to kAlign, ends where they end.
struct Pages {
  char* begin;
  std::size_t bytes;
};

Pages pages_of(const Region& region) {
  const std::size_t data = rounded_up(region.end - region.begin, kAlign);
  const std::size_t bytes = rounded_up(data, kPageBytes);
  return {reinterpret_cast<char*>(region.begin) + data - bytes, bytes};
}

void protect(const Region& region, int protection) {
  const Pages pages = pages_of(region);
  if (mprotect(pages.begin, pages.bytes, protection) != 0) std::abort();
}

void protect_all(int protection) {
  for (const auto& [begin, region] : allocations)
    if (region.live) protect(region, protection);
}

/// Bytes between the end of the data and the guard page are writable for lack of finer protection.
void check_slack(const Region& region) {
  const DeviceAccess access;
  const auto* end = reinterpret_cast<const unsigned char*>(region.end);
  for (std::size_t i = 0; (region.end + i) % kAlign != 0; ++i)
    if (end[i] != kPoison) {
      report(Fault::out_of_bounds, region.end, "written %zu bytes behind the end of %s", i + 1,
             region.name.c_str());
      return;
    }
}

bool inside_live_allocation(const void* address, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  const Region* region = allocation_before(begin);
  return in_device_memory(begin) && region != nullptr && region->live &&
         begin + bytes <= region->end;
}

cudaError_t check_range(const char* call, const void* address, std::size_t bytes) {
  if (inside_live_allocation(address, bytes)) return cudaSuccess;
  report(Fault::api, reinterpret_cast<std::uintptr_t>(address),
         "%s: %zu bytes at %p are not inside one live device allocation", call, bytes, address);
  return failed(cudaErrorInvalidValue);
}

}  // namespace

Region make_region(std::uintptr_t begin, std::size_t bytes, std::string name) {
  constexpr std::size_t kWordBytes = 4;
  return {begin, begin + bytes, std::move(name), true,
          std::vector<Cell>(checking() ? rounded_up(bytes, kWordBytes) / kWordBytes : 0)};
}

bool in_device_memory(std::uintptr_t address) {
  return address - reinterpret_cast<std::uintptr_t>(arena()) < kArenaBytes;
}

Region* allocation_before(std::uintptr_t address) {
  auto next = allocations.upper_bound(address);
  return next == allocations.begin() ? nullptr : &(--next)->second;
}

DeviceAccess::DeviceAccess() {
  if (accesses++ == 0) protect_all(PROT_READ | PROT_WRITE);
}
DeviceAccess::~DeviceAccess() {
  if (--accesses == 0) protect_all(PROT_NONE);
}

}  // namespace simt

using namespace simt;

cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  install_fault_handler();
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  const std::size_t data = rounded_up(bytes, kAlign);
  const std::size_t pages = rounded_up(data, kPageBytes);
  // One page in front of each allocation is never mapped, nor is the one behind the last.
  if (pages > kArenaBytes || arena_used + pages + 2 * kPageBytes > kArenaBytes)
    return failed(cudaErrorMemoryAllocation);
  arena_used += kPageBytes + pages;
  const auto begin = reinterpret_cast<std::uintptr_t>(arena()) + arena_used - data;
  const auto [entry, fresh] = allocations.emplace(
      begin, make_region(begin, bytes, "device allocation of " + std::to_string(bytes) + " bytes"));
  const Pages writable = pages_of(entry->second);
  protect(entry->second, PROT_READ | PROT_WRITE);
  std::memset(writable.begin, kPoison, writable.bytes);
  if (accesses == 0) protect(entry->second, PROT_NONE);
  *address = reinterpret_cast<void*>(begin);
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  if (address == nullptr) return cudaSuccess;
  const cudaError_t pending = drain(nullptr);
  const auto found = allocations.find(reinterpret_cast<std::uintptr_t>(address));
  if (found == allocations.end() || !found->second.live) {
    report(Fault::api, reinterpret_cast<std::uintptr_t>(address),
           "cudaFree: %p is not a live allocation", address);
    return failed(cudaErrorInvalidValue);
  }
  Region& region = found->second;
  check_slack(region);
  region.live = false;
  region.cells = {};
  // Gives the pages back; the addresses stay reserved, so that a late use faults.
  const Pages pages = pages_of(region);
  if (mmap(pages.begin, pages.bytes, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    std::abort();
  return pending;
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  push(stream, [=] {
    if (const cudaError_t error = check_range("cudaMemset", target, bytes)) return error;
    const DeviceAccess access;
    std::memset(target, value, bytes);
    check_host_write(target, bytes);
    return cudaSuccess;
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (kind == cudaMemcpyHostToDevice) {
    // Pageable host memory is staged before the call returns: the caller may change it at once.
    const auto* first = static_cast<const char*>(source);
    push(stream, [=, staged = std::vector<char>(first, first + bytes)] {
      if (const cudaError_t error = check_range("cudaMemcpy to device", target, bytes))
        return error;
      const DeviceAccess access;
      std::memcpy(target, staged.data(), bytes);
      check_host_write(target, bytes);
      return cudaSuccess;
    });
    return cudaSuccess;
  }
  push(stream, [=] {
    if (const cudaError_t error = check_range("cudaMemcpy to host", source, bytes)) return error;
    const DeviceAccess access;
    std::memcpy(target, source, bytes);
    return cudaSuccess;
  });
  // To pageable host memory: returns when the copy is done.
  return drain(stream == nullptr ? null_stream() : stream);
}

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t error = cudaMemcpyAsync(target, source, bytes, kind, nullptr);
  return error == cudaSuccess ? drain(null_stream()) : error;
}
