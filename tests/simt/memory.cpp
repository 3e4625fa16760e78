// Device memory: an arena of the host, out of reach for host code, poisoned, never used twice.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/simt/executor.hpp"

namespace simt {
namespace {

constexpr std::size_t kArenaBytes = std::size_t{1} << 36;  ///< addresses, not memory
constexpr std::size_t kAlign = 256;                        ///< of cudaMalloc

constexpr std::size_t kWordBytes = 4;  ///< of the checker's cells

constexpr std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::map<std::uintptr_t, Region> allocations;
std::size_t arena_used = 0;
int accesses = 0;
std::map<int, std::size_t> bytes_in_use;       // by device
std::size_t most_bytes = 0;                    // in use on one device
std::map<std::uintptr_t, std::size_t> pinned;  // host memory of cudaMallocHost

std::size_t initial_limit() {
  constexpr std::size_t kDefaultLimit = std::size_t{1} << 30;  // tests are small
  const char* text = std::getenv("SIMT_MEMORY");
  return text == nullptr ? kDefaultLimit : std::strtoull(text, nullptr, 10);
}
std::size_t limit = initial_limit();

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

void protect_all(int device, int protection) {
  for (const auto& [begin, region] : allocations)
    if (region.live && (device == DeviceAccess::kAllDevices || region.device == device))
      protect(region, protection);
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

bool is_pinned(const void* address) {
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  auto next = pinned.upper_bound(begin);
  return next != pinned.begin() && (--next, begin < next->first + next->second);
}

/// Whether device ends are device memory and host ends are not.
bool kinds_fit(const void* target, const void* source, cudaMemcpyKind kind) {
  const bool to_device = in_device_memory(reinterpret_cast<std::uintptr_t>(target));
  const bool from_device = in_device_memory(reinterpret_cast<std::uintptr_t>(source));
  if (kind == cudaMemcpyDefault) return to_device || from_device;
  return to_device == (kind != cudaMemcpyDeviceToHost) &&
         from_device == (kind != cudaMemcpyHostToDevice);
}

cudaError_t copy(void* target, const void* source, std::size_t bytes) {
  const bool to_device = in_device_memory(reinterpret_cast<std::uintptr_t>(target));
  const bool from_device = in_device_memory(reinterpret_cast<std::uintptr_t>(source));
  if ((to_device && !check_range("cudaMemcpy to device", target, bytes)) ||
      (from_device && !check_range("cudaMemcpy from device", source, bytes)))
    return failed(cudaErrorInvalidValue);
  const DeviceAccess access;
  std::memmove(target, source, bytes);
  if (to_device && from_device)
    check_host_copy(target, source, bytes);
  else if (to_device)
    check_host_write(target, bytes);
  return cudaSuccess;
}

}  // namespace

Region make_region(std::uintptr_t begin, std::size_t bytes, std::string name) {
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

bool check_range(const char* call, const void* address, std::size_t bytes) {
  if (bytes == 0 || inside_live_allocation(address, bytes)) return true;
  report(Fault::api, reinterpret_cast<std::uintptr_t>(address),
         "%s: %zu bytes at %p are not inside one live device allocation", call, bytes, address);
  return false;
}

void check_foreign_writes() {
  for (auto& [begin, region] : allocations)
    for (std::size_t i = 0; i < region.cells.size() && region.live; ++i) {
      const auto* word = reinterpret_cast<const unsigned char*>(begin) + i * kWordBytes;
      for (std::size_t byte = 0; byte < kWordBytes; ++byte)
        if (word[byte] != kPoison) region.cells[i].initialised |= 1u << byte;
    }
}

std::size_t memory_limit() { return limit; }
void set_memory_limit(std::size_t bytes) { limit = bytes; }

std::size_t take_peak_memory() {
  const std::size_t out = most_bytes;
  most_bytes = 0;
  for (const auto& [device, bytes] : bytes_in_use) most_bytes = std::max(most_bytes, bytes);
  return out;
}

DeviceAccess::DeviceAccess(int device) {
  if (accesses++ == 0) protect_all(device, PROT_READ | PROT_WRITE);
}
DeviceAccess::~DeviceAccess() {
  if (--accesses == 0) protect_all(kAllDevices, PROT_NONE);
}

}  // namespace simt

using namespace simt;

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entered lock;
  const std::size_t used = bytes_in_use[current_device()];
  *total = limit;
  *free = limit - std::min(limit, used);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  const Entered lock;
  install_fault_handler();
  *address = nullptr;
  if (device_count() == 0) return failed(cudaErrorNoDevice);
  if (refuse_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  if (bytes == 0) return cudaSuccess;
  std::size_t& used = bytes_in_use[current_device()];
  if (bytes > kArenaBytes || used + rounded_up(bytes, kAlign) > limit)
    return failed(cudaErrorMemoryAllocation);
  const std::size_t data = rounded_up(bytes, kAlign);
  const std::size_t pages = rounded_up(data, kPageBytes);
  // One page in front of each allocation is never mapped, nor is the one behind the last.
  if (arena_used + pages + 2 * kPageBytes > kArenaBytes) return failed(cudaErrorMemoryAllocation);
  used += data;
  most_bytes = std::max(most_bytes, used);
  arena_used += kPageBytes + pages;
  const auto begin = reinterpret_cast<std::uintptr_t>(arena()) + arena_used - data;
  const auto [entry, fresh] = allocations.emplace(
      begin, make_region(begin, bytes, "device allocation of " + std::to_string(bytes) + " bytes"));
  entry->second.device = current_device();
  const Pages writable = pages_of(entry->second);
  protect(entry->second, PROT_READ | PROT_WRITE);
  std::memset(writable.begin, kPoison, writable.bytes);
  if (accesses == 0) protect(entry->second, PROT_NONE);
  *address = reinterpret_cast<void*>(begin);
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  const Entered lock;
  if (address == nullptr) return cudaSuccess;
  if (refuse_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
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
  bytes_in_use[region.device] -= rounded_up(region.end - region.begin, kAlign);
  // Gives the pages back; the addresses stay reserved, so that a late use faults.
  const Pages pages = pages_of(region);
  if (mmap(pages.begin, pages.bytes, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    std::abort();
  return pending;
}

cudaError_t cudaMallocHost(void** address, std::size_t bytes) {
  const Entered lock;
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  *address = std::aligned_alloc(kPageBytes, rounded_up(bytes, kPageBytes));
  if (*address == nullptr) return failed(cudaErrorMemoryAllocation);
  std::memset(*address, kPoison, bytes);
  pinned[reinterpret_cast<std::uintptr_t>(*address)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* address) {
  const Entered lock;
  if (address == nullptr) return cudaSuccess;
  const cudaError_t pending = drain(nullptr);
  if (pinned.erase(reinterpret_cast<std::uintptr_t>(address)) == 0) {
    report(Fault::api, reinterpret_cast<std::uintptr_t>(address),
           "cudaFreeHost: %p is not pinned memory", address);
    return failed(cudaErrorInvalidValue);
  }
  std::free(address);
  return pending;
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  const Entered lock;
  return push(stream, {[=] {
                if (!check_range("cudaMemset", target, bytes)) return failed(cudaErrorInvalidValue);
                if (bytes == 0) return cudaSuccess;
                const DeviceAccess access;
                std::memset(target, value, bytes);
                check_host_write(target, bytes);
                return cudaSuccess;
              }});
}

cudaError_t cudaMemset(void* target, int value, std::size_t bytes) {
  return cudaMemsetAsync(target, value, bytes, nullptr);
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  const Entered lock;
  if (bytes == 0) return cudaSuccess;
  if (!kinds_fit(target, source, kind)) {
    report(Fault::api, reinterpret_cast<std::uintptr_t>(target),
           "cudaMemcpy from %p to %p: the kind does not fit the pointers", source, target);
    return failed(cudaErrorInvalidValue);
  }
  const bool from_host = !in_device_memory(reinterpret_cast<std::uintptr_t>(source));
  const bool to_host = !in_device_memory(reinterpret_cast<std::uintptr_t>(target));
  // A graph reads and writes the host's memory whenever it is launched.
  const bool captured = stream_of(stream).capture != nullptr;
  if (from_host && !captured && !is_pinned(source)) {
    // Pageable host memory is staged before the call returns: the caller may change it at once.
    const auto* first = static_cast<const char*>(source);
    return push(stream, {[=, staged = std::vector<char>(first, first + bytes)] {
                  return copy(target, staged.data(), bytes);
                }});
  }
  const cudaError_t error = push(stream, {[=] { return copy(target, source, bytes); }});
  // To pageable host memory: returns when the copy is done.
  if (error == cudaSuccess && to_host && !captured && !is_pinned(target))
    return drain(&stream_of(stream));
  return error;
}

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  const Entered lock;
  if (refuse_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  const cudaError_t error = cudaMemcpyAsync(target, source, bytes, kind, nullptr);
  return error == cudaSuccess ? drain(&stream_of(nullptr)) : error;
}
