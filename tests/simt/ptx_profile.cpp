// Counts of what interpreted kernels do, for SIMT_PROFILE=file.json: facts about the instructions
// and addresses, no times. Accesses of a warp are put together by instruction and by how often the
// lane has run it, as a GPU would do for lanes that stay together.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "tests/simt/control.hpp"
#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

constexpr std::uint64_t kSectorBytes = 32;  ///< of DRAM and L2
constexpr std::uint64_t kBanks = 32, kBankBytes = 4;

/// Sectors or wavefronts: those needed, and the fewest that the same data would take.
struct Traffic {
  std::uint64_t requests = 0, needed = 0, ideal = 0;

  void add(const Traffic& other) {
    requests += other.requests;
    needed += other.needed;
    ideal += other.ideal;
  }
};

struct Counts {
  std::uint64_t launches = 0, blocks = 0, warps = 0, instructions = 0;
  std::uint64_t threads_per_block = 0, dynamic_shared = 0;  ///< largest
  std::uint64_t flops_fp32 = 0, flops_fp64 = 0, flops_tf32 = 0, flops_bf16 = 0, special = 0;
  std::uint64_t barriers = 0, atomics = 0, local_accesses = 0;
  std::uint64_t bytes_loaded = 0, bytes_stored = 0;            ///< of global memory, as asked for
  std::uint64_t compulsory_loaded = 0, compulsory_stored = 0;  ///< different sectors per launch
  Traffic global, shared;
  std::map<std::pair<const Instruction*, bool>, Traffic> by_instruction;  ///< true: shared memory
};

/// What the lanes of a warp do at one instruction at the same time.
struct Request {
  std::array<std::uint64_t, kWarp> address;
  std::uint32_t lanes = 0;
  std::uint64_t bytes;
  const Instruction* instruction;
  bool shared;
};
struct RequestKey {
  const Instruction* instruction;
  std::uint32_t warp, occurrence;
  bool operator==(const RequestKey&) const = default;
};
struct HashKey {
  std::size_t operator()(const RequestKey& key) const {
    return (reinterpret_cast<std::uintptr_t>(key.instruction) >> 4) * 31 + key.warp * 1009u +
           std::size_t{key.occurrence} * 2654435761u;
  }
};

std::map<std::string, Counts> all;  // by kernel and label
std::string label;
Counts* counts = nullptr;                                        // of the running kernel
std::unordered_map<RequestKey, Request, HashKey> open_requests;  // of the running block
std::unordered_map<std::uint64_t, std::uint32_t> occurrences;    // by thread and instruction
std::unordered_set<std::uint64_t> loaded, stored;                // sectors of the running launch

template <class Visit>
void for_each_lane(const Request& request, int begin, int end, Visit visit) {
  for (int lane = begin; lane < end; ++lane)
    if ((request.lanes >> lane & 1u) != 0) visit(request.address[static_cast<std::size_t>(lane)]);
}

std::uint64_t different(std::vector<std::uint64_t>& values) {
  std::sort(values.begin(), values.end());
  return static_cast<std::uint64_t>(
      std::distance(values.begin(), std::unique(values.begin(), values.end())));
}

Traffic global_traffic(const Request& request) {
  std::vector<std::uint64_t> sectors, addresses;
  for_each_lane(request, 0, kWarp, [&](std::uint64_t address) {
    addresses.push_back(address);
    for (std::uint64_t s = address / kSectorBytes;
         s <= (address + request.bytes - 1) / kSectorBytes; ++s)
      sectors.push_back(s);
  });
  const std::uint64_t wanted = different(addresses) * request.bytes;
  return {1, different(sectors), (wanted + kSectorBytes - 1) / kSectorBytes};
}

/// Lanes that read one word share it; different words of one bank take turns. Accesses of 8 and 16
/// bytes are served by half and quarter warps.
Traffic shared_traffic(const Request& request) {
  const int group = request.bytes <= 4 ? kWarp : request.bytes == 8 ? kWarp / 2 : kWarp / 4;
  Traffic out{1, 0, 0};
  for (int begin = 0; begin < kWarp; begin += group) {
    std::vector<std::uint64_t> words;
    for_each_lane(request, begin, begin + group, [&](std::uint64_t address) {
      for (std::uint64_t at = address; at < address + request.bytes; at += kBankBytes)
        words.push_back(at / kBankBytes);
    });
    const std::uint64_t count = different(words);
    std::array<std::uint64_t, kBanks> per_bank{};
    for (std::uint64_t i = 0; i < count; ++i) ++per_bank[words[i] % kBanks];
    out.needed += *std::max_element(per_bank.begin(), per_bank.end());
    out.ideal += count > 0 ? 1 : 0;
  }
  return out;
}

void close_block() {
  for (const auto& [key, request] : open_requests) {
    const Traffic traffic = request.shared ? shared_traffic(request) : global_traffic(request);
    (request.shared ? counts->shared : counts->global).add(traffic);
    counts->by_instruction[{request.instruction, request.shared}].add(traffic);
  }
  open_requests.clear();
  occurrences.clear();
}

void close_launch() {
  if (counts == nullptr) return;
  close_block();
  counts->compulsory_loaded += loaded.size() * kSectorBytes;
  counts->compulsory_stored += stored.size() * kSectorBytes;
  loaded.clear();
  stored.clear();
}

nlohmann::json as_json(const Traffic& traffic) {
  return {{"requests", traffic.requests}, {"needed", traffic.needed}, {"ideal", traffic.ideal}};
}

/// The places that waste most, by source line.
nlohmann::json worst_lines(const Counts& of) {
  std::map<std::pair<std::string, bool>, Traffic> by_line;
  for (const auto& [key, traffic] : of.by_instruction) {
    const Source& source = key.first->source;
    by_line[{source.file + ":" + std::to_string(source.line), key.second}].add(traffic);
  }
  std::vector<std::pair<std::uint64_t, nlohmann::json>> wasteful;
  for (const auto& [place, traffic] : by_line)
    if (traffic.needed > traffic.ideal)
      wasteful.push_back({traffic.needed - traffic.ideal,
                          {{"place", place.first},
                           {"memory", place.second ? "shared" : "global"},
                           {"traffic", as_json(traffic)}}});
  std::sort(wasteful.begin(), wasteful.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  constexpr std::size_t kShown = 5;
  nlohmann::json out = nlohmann::json::array();
  for (std::size_t i = 0; i < std::min(kShown, wasteful.size()); ++i)
    out.push_back(wasteful[i].second);
  return out;
}

void write_profile() {
  close_launch();
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [name, c] : all)
    out.push_back(
        {{"kernel", name},
         {"launches", c.launches},
         {"blocks", c.blocks},
         {"warps", c.warps},
         {"thread_instructions", c.instructions},
         {"threads_per_block", c.threads_per_block},
         {"dynamic_shared", c.dynamic_shared},
         {"flops",
          {{"fp32", c.flops_fp32},
           {"fp64", c.flops_fp64},
           {"tf32", c.flops_tf32},
           {"bf16", c.flops_bf16}}},
         {"special_functions", c.special},
         {"barriers", c.barriers},
         {"atomics", c.atomics},
         {"local_accesses", c.local_accesses},
         {"global_bytes", {{"loaded", c.bytes_loaded}, {"stored", c.bytes_stored}}},
         {"compulsory_bytes", {{"loaded", c.compulsory_loaded}, {"stored", c.compulsory_stored}}},
         {"global_sectors", as_json(c.global)},
         {"shared_wavefronts", as_json(c.shared)},
         {"worst_lines", worst_lines(c)}});
  std::ofstream(std::getenv("SIMT_PROFILE")) << out.dump(2) << "\n";
}

}  // namespace

bool profiling() {
  static const bool wanted = [] {
    const bool on = std::getenv("SIMT_PROFILE") != nullptr;
    if (on) std::atexit(write_profile);
    return on;
  }();
  return wanted;
}

void profile_block(int threads, bool first_of_launch) {
  if (first_of_launch)
    close_launch();
  else
    close_block();
  const std::uintptr_t function = reinterpret_cast<std::uintptr_t>(block.launch->kernel);
  counts = &all[function_at(function) + (label.empty() ? "" : " " + label)];
  counts->launches += first_of_launch ? 1 : 0;
  ++counts->blocks;
  counts->threads_per_block =
      std::max(counts->threads_per_block, static_cast<std::uint64_t>(threads));
  counts->dynamic_shared =
      std::max<std::uint64_t>(counts->dynamic_shared, block.launch->shared_bytes);
  counts->warps += static_cast<std::uint64_t>((threads + kWarp - 1) / kWarp);
}

void profile_instruction(const Instruction& in) {
  ++counts->instructions;
  switch (in.work) {
    case Work::fp32:
      counts->flops_fp32 += in.flops;
      break;
    case Work::fp64:
      counts->flops_fp64 += in.flops;
      break;
    case Work::tensor:
      (is_bf16(static_cast<MatrixShape>(in.variant)) ? counts->flops_bf16 : counts->flops_tf32) +=
          in.flops;
      break;
    case Work::special:
      ++counts->special;
      break;
    case Work::barrier:
      ++counts->barriers;
      break;
    case Work::atomic:
      ++counts->atomics;
      break;
    default:
      break;
  }
}

void profile_access(const Machine& machine, const Instruction& in, Space space,
                    std::uint64_t address, std::size_t bytes, bool write) {
  if (space == Space::local) ++counts->local_accesses;
  if (space != Space::global && space != Space::shared) return;
  if (space == Space::global) {
    (write ? counts->bytes_stored : counts->bytes_loaded) += bytes;
    for (std::uint64_t s = address / kSectorBytes; s <= (address + bytes - 1) / kSectorBytes; ++s)
      (write ? stored : loaded).insert(s);
  }
  const Thread& thread = machine.thread;
  const auto index = static_cast<std::uint64_t>(&in - machine.kernel.code.data());
  const std::uint32_t occurrence =
      occurrences[index << 16 | static_cast<std::uint64_t>(thread.linear)]++;
  Request& request = open_requests[{&in, static_cast<std::uint32_t>(thread.warp), occurrence}];
  request.address[static_cast<std::size_t>(thread.lane)] = address;
  request.lanes |= 1u << thread.lane;
  request.bytes = bytes;
  request.instruction = &in;
  request.shared = space == Space::shared;
}

}  // namespace simt::ptx

void simt::set_profile_label(const std::string& label) { simt::ptx::label = label; }
