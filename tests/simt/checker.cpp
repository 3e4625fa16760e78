// The checker: bounds, initialisation and races of every access, word by word.
//
// Two accesses to a word, one of them a write, are a race unless one happens before the other. As
// in CUDA's memory model, __syncthreads orders the block, __syncwarp the lanes that take part, the
// end of a launch everything; shuffles and votes order nothing. This does not depend on the
// schedule: a race is found even where the order of execution hides it.
//
// Known gaps (false negatives only): of several unordered readers two are remembered; atomics
// order nothing, and of several atomic writers the last is remembered.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>

#include "tests/simt/executor.hpp"

// The linker's marks: read-only image, then writable data and bss.
extern "C" char __ehdr_start, __data_start, _end;

namespace simt {

bool instrumented = false;  // set by the call-backs' __tsan_init, before other initialisers

namespace {

constexpr std::uintptr_t kWordBytes = 4;

/// A stretch of one thread between two synchronisations.
struct Segment {
  std::uint64_t block;
  int thread, lane;
  std::uint32_t barriers, clock;
};

std::vector<Segment> segments;       // of the running launch
std::uint32_t segment_base = 1;      // number of segments[0]; 0 stands for "none"
std::vector<Region> shared_regions;  // of the running block, ascending

/// What a thread knows of the past: a thread's own point of view, or its copy at a fence.
struct View {
  std::uint64_t block;
  int thread;
  const Clock* clock;
};
/// A thread made its past known through an atomic operation.
struct Release {
  std::uint64_t block;
  int thread;
  Clock clock;
  FenceScope scope;
};
/// Somebody read what atomic operations left at `word`: the first `count` releases there.
struct Acquisition {
  std::uintptr_t word;
  std::size_t count;
  std::uint32_t segment;  ///< of the reader
};
std::map<std::uintptr_t, std::vector<Release>> releases;  // of the running launch, by word
std::vector<Acquisition> acquisitions;                    // of the running block

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

std::uint32_t next_segment() { return segment_base + static_cast<std::uint32_t>(segments.size()); }

void begin_segment(Thread& thread) {
  thread.clock.segment = next_segment();
  segments.push_back({block.number, thread.linear, thread.lane, thread.clock.barriers,
                      thread.clock.lane[thread.lane]});
}

const Segment& segment(std::uint32_t number) { return segments[number - segment_base]; }

/// Whether barriers alone put segment `earlier` before what `view` knows.
bool precedes(std::uint32_t earlier, const View& view) {
  const Segment& s = segment(earlier);
  if (s.block != view.block) return false;
  if (s.thread == view.thread) return earlier <= view.clock->segment;
  if (s.barriers < view.clock->barriers) return true;
  return s.thread / kWarp == view.thread / kWarp && s.clock <= view.clock->lane[s.lane];
}

bool released_to(std::uint32_t earlier, const View& reader) {
  for (const Acquisition& a : acquisitions) {
    if (!precedes(a.segment, reader)) continue;
    const std::vector<Release>& known = releases[a.word];
    for (std::size_t i = 0; i < a.count; ++i) {
      const Release& r = known[i];
      if (r.scope == FenceScope::block && r.block != reader.block) continue;
      if (precedes(earlier, {r.block, r.thread, &r.clock})) return true;
    }
  }
  return false;
}

/// Whether `earlier`, a segment of this or a former launch, happens before what `thread` does now.
bool happens_before(std::uint32_t earlier, const Thread& thread) {
  if (earlier < segment_base) return true;
  const View view{block.number, thread.linear, &thread.clock};
  return precedes(earlier, view) || released_to(earlier, view);
}

void note_release_and_acquisition(const Thread& thread, std::uintptr_t word) {
  std::vector<Release>& known = releases[word];
  if (!known.empty()) acquisitions.push_back({word, known.size(), thread.clock.segment});
  if (thread.released.segment != 0)
    known.push_back({block.number, thread.linear, thread.released, thread.scope});
}

/// Calls visit(cell, byte mask) for each word of [begin, begin + bytes).
template <class Visit>
void for_each_word(Region& region, std::uintptr_t begin, std::size_t bytes, Visit visit) {
  for (std::uintptr_t at = begin - region.begin, end = at + bytes; at < end;) {
    const std::uintptr_t offset = at % kWordBytes;
    const std::uintptr_t count = std::min(kWordBytes - offset, end - at);
    visit(region.cells[at / kWordBytes], static_cast<std::uint8_t>(((1u << count) - 1) << offset));
    at += count;
  }
}

struct Access {
  std::uintptr_t address;
  std::size_t bytes;
  bool write, atomic;
  std::uintptr_t pc;

  const char* verb() const { return atomic ? "atomic update" : write ? "write" : "read"; }
  std::uintptr_t end() const { return address + bytes; }
};

std::string position(const Region& region, std::uintptr_t address) {
  return region.name + ", byte " +
         std::to_string(static_cast<std::intptr_t>(address - region.begin)) + " of " +
         std::to_string(region.end - region.begin);
}

[[noreturn]] void out_of_bounds(const Access& access, const std::string& where) {
  report(Fault::out_of_bounds, access.pc, "%s: %zu-byte %s outside %s",
         place_name(access.pc).c_str(), access.bytes, access.verb(), where.c_str());
  abandon();
}

bool is_built_in(const Access& access) {
  const auto within = [&access](const auto& variable) {
    return access.address >= address_of(&variable) && access.end() <= address_of(&variable + 1);
  };
  return within(threadIdx) || within(blockIdx) || within(blockDim) || within(gridDim);
}

/// The shared variable that an access must lie in.
Region* shared_variable_at(const Access& access) {
  auto next = std::upper_bound(shared_regions.begin(), shared_regions.end(), access.address,
                               [](std::uintptr_t a, const Region& r) { return a < r.begin; });
  if (next == shared_regions.begin()) out_of_bounds(access, "shared memory");
  --next;
  if (access.end() > next->end) out_of_bounds(access, position(*next, access.address));
  return &*next;
}

/// The region an access lies in; null where it needs no check. Reports and abandons the block
/// where it lies in none.
Region* find_region(const Access& access) {
  if (current()->fiber.owns(access.address)) return nullptr;
  if (in_device_memory(access.address)) {
    Region* region = allocation_before(access.address);
    if (region == nullptr) out_of_bounds(access, "device memory");
    if (!region->live) out_of_bounds(access, "live memory: freed " + region->name);
    if (access.end() > region->end) out_of_bounds(access, position(*region, access.address));
    if (region->device != block.launch->device)
      out_of_bounds(access, "this device's memory: " + region->name);
    return region;
  }
  const std::uintptr_t window = address_of(shared_window());
  if (access.address - window < kSharedWindowBytes + kPageBytes) return shared_variable_at(access);
  if (access.address >= address_of(&__data_start) && access.address < address_of(&_end))
    return is_built_in(access) ? nullptr : shared_variable_at(access);
  const bool constant =
      access.address >= address_of(&__ehdr_start) && access.address < address_of(&__data_start);
  const std::uintptr_t call = address_of(block.launch->call.get());
  const bool parameter =
      access.address >= call && access.end() <= call + block.launch->call->bytes();
  if (!access.write && (constant || parameter)) return nullptr;
  report(Fault::host_memory, access.pc,
         "%s: kernel's %s of host memory or of another thread's local variable",
         place_name(access.pc).c_str(), access.verb());
  abandon();
}

void report_race(const Access& access, const Region& region, std::uint32_t other,
                 std::uintptr_t other_pc, const char* other_verb) {
  const Segment& s = segment(other);
  report(
      Fault::race, access.pc, "%s: %s of %s, unordered with the %s by block %llu thread %d at %s",
      place_name(access.pc).c_str(), access.verb(), position(region, access.address).c_str(),
      other_verb, static_cast<unsigned long long>(s.block), s.thread, place_name(other_pc).c_str());
}

void check_word(const Access& access, const Region& region, const Thread& thread, Cell& cell,
                std::uint8_t bytes) {
  if ((!access.write || access.atomic) && (cell.initialised & bytes) != bytes) {
    report(Fault::uninitialised, access.pc, "%s: %s of %s", place_name(access.pc).c_str(),
           access.verb(), position(region, access.address).c_str());
    cell.initialised |= bytes;
  }
  if (cell.writer != 0 && (cell.written & bytes) != 0 && !(access.atomic && cell.atomic) &&
      !happens_before(cell.writer, thread))
    report_race(access, region, cell.writer, cell.write_pc, "write");
  if (access.write)
    for (const std::uint32_t reader : cell.reader)
      if (reader != 0 && (cell.read & bytes) != 0 && !happens_before(reader, thread)) {
        report_race(access, region, reader, cell.read_pc, "read");
        break;
      }
}

void record(const Access& access, const Thread& thread, Cell& cell, std::uint8_t bytes) {
  const std::uint32_t now = thread.clock.segment;
  if (access.write) {
    if (cell.writer != now) cell.written = 0;
    cell.writer = now;
    cell.write_pc = access.pc;
    cell.written |= bytes;
    cell.initialised |= bytes;
    cell.atomic = access.atomic;
    cell.reader[0] = cell.reader[1] = 0;
    cell.read = 0;
    return;
  }
  // Readers that happen before this one need no remembering: what is ordered after this one is
  // ordered after them. Of the others the second slot takes the latest.
  const bool covers = cell.reader[0] == 0 || happens_before(cell.reader[0], thread);
  if (covers) {
    cell.reader[0] = now;
    if (cell.reader[1] != 0 && happens_before(cell.reader[1], thread)) cell.reader[1] = 0;
  } else {
    cell.reader[1] = now;
  }
  cell.read |= bytes;
  cell.read_pc = access.pc;
}

}  // namespace

bool checking() {
  static const bool asked = interpreting() && std::getenv("SIMT_PTX_CHECK") != nullptr;
  return instrumented || asked;
}

void check_launch() {
  if (!checking()) return;
  segment_base = next_segment();
  segments.clear();
  releases.clear();
}

void check_block() {
  if (!checking()) return;
  acquisitions.clear();
  shared_regions.clear();
  const std::vector<Symbol>& variables =
      block.program != nullptr ? ptx::shared_variables() : shared_variables();
  for (const Symbol& variable : variables)
    shared_regions.push_back(
        make_region(variable.begin, variable.end - variable.begin, variable.name));
  if (block.program != nullptr) return;
  // Above the program's variables or below them, as the system places the window.
  Region dynamic =
      make_region(address_of(block.shared), block.launch->shared_bytes, "dynamic shared memory");
  const auto at = std::upper_bound(
      shared_regions.begin(), shared_regions.end(), dynamic.begin,
      [](std::uintptr_t begin, const Region& region) { return begin < region.begin; });
  shared_regions.insert(at, std::move(dynamic));
}

void check_thread_start(Thread& thread) {
  if (!checking()) return;
  thread.clock = thread.released = {};
  thread.clock.lane[thread.lane] = 1;
  begin_segment(thread);
}

void check_barrier() {
  if (!checking()) return;
  for (int i = 0; i < block.size; ++i) {
    Thread& thread = block.threads[static_cast<std::size_t>(i)];
    if (thread.state != State::at_barrier) continue;
    ++thread.clock.barriers;
    begin_segment(thread);
  }
}

void check_syncwarp(int warp, unsigned lanes) {
  if (!checking()) return;
  const auto thread_of = [warp](int lane) -> Thread& {
    return block.threads[static_cast<std::size_t>(warp * kWarp + lane)];
  };
  std::uint32_t joined[kWarp] = {};
  for (int l = 0; l < kWarp; ++l)
    if (lanes >> l & 1u)
      for (int k = 0; k < kWarp; ++k) joined[k] = std::max(joined[k], thread_of(l).clock.lane[k]);
  for (int l = 0; l < kWarp; ++l) {
    if ((lanes >> l & 1u) == 0) continue;
    Clock& clock = thread_of(l).clock;
    std::copy(std::begin(joined), std::end(joined), clock.lane);
    ++clock.lane[l];
    begin_segment(thread_of(l));
  }
}

void check_fence(Thread& thread, FenceScope scope) {
  if (!checking()) return;
  thread.released = thread.clock;
  thread.scope = scope;
  begin_segment(thread);  // what follows the fence is not released by it
}

void check_host_write(void* address, std::size_t bytes) {
  if (!checking()) return;
  Region& region = *allocation_before(address_of(address));
  for_each_word(region, address_of(address), bytes,
                [](Cell& cell, std::uint8_t mask) { cell.initialised |= mask; });
}

void check_host_copy(void* target, const void* source, std::size_t bytes) {
  if (!checking()) return;
  const Region& from = *allocation_before(address_of(source));
  Region& to = *allocation_before(address_of(target));
  std::uintptr_t word = address_of(source) - from.begin;
  for_each_word(to, address_of(target), bytes, [&](Cell& cell, std::uint8_t mask) {
    // Exact where both ends are aligned alike; else a partly written word counts as written.
    const std::uint8_t known = from.cells[word / kWordBytes].initialised;
    const bool aligned = (word - (address_of(target) - to.begin)) % kWordBytes == 0;
    cell.initialised =
        static_cast<std::uint8_t>((cell.initialised & ~mask) | (aligned      ? known & mask
                                                                : known != 0 ? mask
                                                                             : 0));
    word += static_cast<std::uintptr_t>(std::popcount(mask));
  });
}

void on_access(const void* address, std::size_t bytes, bool write, const void* pc) {
  const Thread* thread = current();
  if (thread != nullptr && !thread->in_executor && block.program == nullptr)
    check_access(address, bytes, write, false, pc);
}

void check_access(const void* address, std::size_t bytes, bool write, bool atomic, const void* pc) {
  const Thread* thread = current();
  const InExecutor scope;
  const Access access{address_of(address), bytes, write, atomic, address_of(pc)};
  Region* region = find_region(access);
  if (region == nullptr) return;
  constexpr std::size_t kWidestAccess = 16;
  const bool one_instruction = bytes <= kWidestAccess && (bytes & (bytes - 1)) == 0;
  if (one_instruction && access.address % bytes != 0)
    report(Fault::misaligned, access.pc, "%s: %zu-byte %s at %p", place_name(access.pc).c_str(),
           bytes, access.verb(), address);
  for_each_word(*region, access.address, bytes, [&](Cell& cell, std::uint8_t mask) {
    check_word(access, *region, *thread, cell, mask);
    record(access, *thread, cell, mask);
  });
  if (atomic) note_release_and_acquisition(*thread, access.address);
}

void note_atomic(const void* address, std::size_t bytes, const void* pc) {
  if (checking()) check_access(address, bytes, true, true, pc);
}

}  // namespace simt
