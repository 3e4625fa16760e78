// Loads, stores and asynchronous copies, every one of them inside its bounds.
#include <algorithm>
#include <cstring>

#include "cuda_pipeline.h"
#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

alignas(256) unsigned char parameters[kParameterBytes];

[[noreturn]] void fault(Fault kind, const Instruction& in, const char* what, std::uint64_t address,
                        std::size_t bytes) {
  const auto line = static_cast<std::uintptr_t>(in.line);
  report(kind, line, "%s: %s (%zu bytes at %llx): %s", place_name(line).c_str(), what, bytes,
         static_cast<unsigned long long>(address), in.text.c_str());
  abandon();
}

bool inside(std::uint64_t address, std::size_t bytes, std::uint64_t begin, std::size_t size) {
  return address >= begin && address - begin <= size && size - (address - begin) >= bytes;
}

/// Which space an address of the generic space belongs to; makes it relative to that space.
Space space_of(std::uint64_t& address) {
  const std::uint64_t window = to_bits(shared_window());
  if (address - window < kSharedWindowBytes) {
    address -= window;
    return Space::shared;
  }
  constexpr std::uint64_t kLocalRange = std::uint64_t{1} << 32;
  if (address - kLocalBase < kLocalRange) {
    address -= kLocalBase;
    return Space::local;
  }
  return address - to_bits(parameter_memory()) < kParameterBytes ? Space::param : Space::global;
}

unsigned char* shared_at(const Kernel& kernel, const Instruction& in, std::uint64_t address,
                         std::size_t bytes) {
  for (const Variable& variable : kernel.shared) {
    const bool dynamic = kernel.dynamic_shared && &variable == &kernel.shared.back();
    const std::size_t size = dynamic ? block.launch->shared_bytes : variable.bytes;
    if (inside(address, bytes, variable.offset, size))
      return reinterpret_cast<unsigned char*>(shared_window()) + address;
  }
  fault(Fault::out_of_bounds, in, "outside every shared variable", address, bytes);
}

unsigned char* global_at(const Instruction& in, std::uint64_t address, std::size_t bytes) {
  auto* const host = reinterpret_cast<unsigned char*>(address);
  if (!in_device_memory(address)) {
    if (is_module_data(host, bytes)) return host;
    fault(Fault::host_memory, in, "not device memory", address, bytes);
  }
  const Region* region = allocation_before(address);
  if (region == nullptr || !region->live ||
      !inside(address, bytes, region->begin, region->end - region->begin) ||
      region->device != block.launch->device)
    fault(Fault::out_of_bounds, in, "outside every live allocation of this device", address, bytes);
  return host;
}

}  // namespace

unsigned char* parameter_memory() { return parameters; }

unsigned char* locate(Machine& machine, const Instruction& in, std::uint64_t address, Space space,
                      std::size_t bytes, bool write) {
  if (space == Space::generic) space = space_of(address);
  if (space == Space::shared) address &= 0xFFFFFFFFu;  // base registers of 32 bits wrap
  constexpr std::size_t kWidest = 16;
  if (address % std::min(bytes, kWidest) != 0)
    fault(Fault::misaligned, in, "address not a multiple of the access", address, bytes);
  if (profiling()) profile_access(machine, in, space, address, bytes, write);
  switch (space) {
    case Space::shared:
      return shared_at(machine.kernel, in, address, bytes);
    case Space::local:
      if (!inside(address, bytes, 0, machine.context.local.size()))
        fault(Fault::out_of_bounds, in, "outside local memory", address, bytes);
      return machine.context.local.data() + address;
    case Space::param:
      if (write || !inside(address, bytes, to_bits(parameters), machine.kernel.parameter_bytes))
        fault(Fault::out_of_bounds, in, "outside the parameters", address, bytes);
      return reinterpret_cast<unsigned char*>(address);
    default:
      return global_at(in, address, bytes);
  }
}

unsigned char* access(Machine& machine, const Instruction& in, std::uint64_t address, Space space,
                      std::size_t bytes, bool write, bool atomic) {
  unsigned char* const host = locate(machine, in, address, space, bytes, write);
  const std::uint64_t at = to_bits(host);
  if (checking() && (in_device_memory(at) || at - to_bits(shared_window()) < kSharedWindowBytes))
    check_access(host, bytes, write, atomic, pc_of(in));
  return host;
}

namespace {

std::uint64_t address_of(const Machine& m, const Instruction& in, std::size_t operand) {
  return m.raw(in, operand) + static_cast<std::uint64_t>(in.offset);
}

/// variant: the space, plus kSigned where narrow elements are sign-extended.
constexpr std::uint8_t kSigned = 0x80;
Space space_in(const Instruction& in) { return static_cast<Space>(in.variant & ~kSigned); }

bool load(Machine& m, const Instruction& in) {
  const std::size_t bytes = in.bytes, count = in.count;
  const unsigned char* from =
      access(m, in, address_of(m, in, count), space_in(in), bytes * count, false, false);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t value = 0;
    std::memcpy(&value, from + i * bytes, bytes);
    if ((in.variant & kSigned) != 0) {
      const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes);
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
    }
    m.set(in, i, value);
  }
  return true;
}

bool store(Machine& m, const Instruction& in) {
  const std::size_t bytes = in.bytes, count = in.count;
  unsigned char* to = access(m, in, address_of(m, in, 0), space_in(in), bytes * count, true, false);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t value = m.raw(in, 1 + i);
    std::memcpy(to + i * bytes, &value, bytes);
  }
  return true;
}

/// cp.async [shared], [global], size{, size of the source}.
bool copy_asynchronously(Machine& m, const Instruction& in) {
  const auto bytes = m.get<std::uint32_t>(in, 2);
  const std::uint32_t copied = in.operands.size() > 3 ? m.get<std::uint32_t>(in, 3) : bytes;
  unsigned char* to = locate(m, in, address_of(m, in, 0), Space::shared, bytes, true);
  const std::uint64_t source = m.raw(in, 1) + static_cast<std::uint64_t>(in.offset2);
  const unsigned char* from = copied == 0 ? to : locate(m, in, source, Space::global, bytes, false);
  async_copy(to, from, bytes, bytes - std::min(copied, bytes), pc_of(in));
  return true;
}
bool commit_copies(Machine&, const Instruction&) {
  async_commit();
  return true;
}
bool wait_for_copies(Machine& m, const Instruction& in) {
  async_wait(m.get<std::uint32_t>(in, 0));
  return true;
}
bool wait_for_all_copies(Machine&, const Instruction&) {
  async_commit();
  async_wait(0);
  return true;
}

Space take_space(Mnemonic& mnemonic) {
  if (mnemonic.take("global")) return Space::global;
  if (mnemonic.take("shared")) return Space::shared;
  if (mnemonic.take("local")) return Space::local;
  if (mnemonic.take("param")) return Space::param;
  if (mnemonic.take("const")) return Space::global;
  return Space::generic;
}

void decode_copies(Mnemonic& mnemonic, Instruction& in) {
  if (!mnemonic.take("async")) return;
  if (mnemonic.take("commit_group"))
    in.run = commit_copies;
  else if (mnemonic.take("wait_group"))
    in.run = wait_for_copies;
  else if (mnemonic.take("wait_all"))
    in.run = wait_for_all_copies;
  else if ((mnemonic.take("ca") || mnemonic.take("cg")) && mnemonic.take("shared") &&
           mnemonic.take("global")) {
    for (const char* hint : {"L2::64B", "L2::128B", "L2::256B"}) mnemonic.take(hint);
    in.run = copy_asynchronously;
    in.work = Work::memory;
  }
}

}  // namespace

void decode_memory(Mnemonic& mnemonic, Instruction& in) {
  if (mnemonic.base() == "cp") return decode_copies(mnemonic, in);
  const bool loads = mnemonic.base() == "ld" || mnemonic.base() == "ldu";
  if (!loads && mnemonic.base() != "st") return;
  // Hints to caches, and strengths that the executor, which runs one thread at a time, all has.
  for (const char* hint : {"nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "weak", "volatile",
                           "L1::no_allocate", "L1::evict_last", "L2::128B", "L2::256B"})
    mnemonic.take(hint);
  const Space space = take_space(mnemonic);
  in.count = mnemonic.take("v2") ? 2 : mnemonic.take("v4") ? 4 : 1;
  const std::string type = mnemonic.take_type();
  in.bytes = static_cast<std::uint8_t>(bytes_of_type(type));
  const bool extends = loads && is_signed_type(type) && in.bytes < 8;
  in.variant = static_cast<std::uint8_t>(static_cast<unsigned>(space) | (extends ? kSigned : 0u));
  in.work = space == Space::param ? Work::other : Work::memory;
  in.run = loads ? load : store;
}

}  // namespace simt::ptx
