// Finds the interpreted twin of a kernel and runs its threads.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/simt/ptx.hpp"

namespace simt {

bool interpreting() {
  static const bool wanted = std::getenv("SIMT_PTX") != nullptr;
  return wanted;
}

namespace ptx {
namespace {

std::vector<Context> contexts;  // of the threads of the running block

/// Mangled names of the two compilers, made equal: each has its own name for unnamed namespaces.
std::string common_name(const std::string& mangled) {
  static const std::string kUnnamed = "_GLOBAL__N_";
  std::string out;
  std::size_t at = 0;
  for (std::size_t found; (found = mangled.find(kUnnamed, at)) != std::string::npos;) {
    std::size_t digits = found;
    while (digits > at && std::isdigit(static_cast<unsigned char>(mangled[digits - 1])) != 0)
      --digits;
    const std::size_t length = std::strtoull(mangled.c_str() + digits, nullptr, 10);
    out += mangled.substr(at, digits - at) + "12_GLOBAL__N_1";
    at = std::min(found + length, mangled.size());
  }
  return out + mangled.substr(at);
}

struct Library {
  std::vector<Module> modules;
  std::map<std::string, std::pair<Kernel*, const Module*>> kernels;  // by common name
};

Library read_library() {
  Library out;
  std::istringstream files(interpreting() ? std::getenv("SIMT_PTX") : "");
  for (std::string path; std::getline(files, path, ':');) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    try {
      if (text.empty()) throw std::runtime_error(path + ": cannot be read, or is empty");
      out.modules.push_back(parse(path.substr(path.find_last_of('/') + 1), text));
    } catch (const std::runtime_error& error) {
      std::fprintf(stderr, "simt: SIMT_PTX: %s\n", error.what());
      std::exit(EXIT_FAILURE);
    }
  }
  for (Module& module : out.modules)
    for (auto& [name, kernel] : module.kernels) out.kernels[common_name(name)] = {&kernel, &module};
  return out;
}

Library& library() {
  static Library out = read_library();
  return out;
}

std::uint64_t value_of(Special special, const Thread& thread) {
  const auto lane = static_cast<unsigned>(thread.lane);
  switch (special) {
    case Special::tid_x:
      return thread.id.x;
    case Special::tid_y:
      return thread.id.y;
    case Special::tid_z:
      return thread.id.z;
    case Special::ntid_x:
      return blockDim.x;
    case Special::ntid_y:
      return blockDim.y;
    case Special::ntid_z:
      return blockDim.z;
    case Special::ctaid_x:
      return blockIdx.x;
    case Special::ctaid_y:
      return blockIdx.y;
    case Special::ctaid_z:
      return blockIdx.z;
    case Special::nctaid_x:
      return gridDim.x;
    case Special::nctaid_y:
      return gridDim.y;
    case Special::nctaid_z:
      return gridDim.z;
    case Special::laneid:
      return lane;
    case Special::warpid:
      return static_cast<unsigned>(thread.warp);
    case Special::lanemask_eq:
      return 1u << lane;
    case Special::lanemask_lt:
      return (1u << lane) - 1;
    case Special::lanemask_le:
      return (2u << lane) - 1;
    case Special::lanemask_gt:
      return ~((2u << lane) - 1);
    case Special::lanemask_ge:
      return ~((1u << lane) - 1);
  }
  return 0;
}

void start_thread(Context& context, Thread& thread) {
  context.registers = block.program->initial;
  context.local.assign(block.program->local_bytes, kPoison);
  context.pc = 0;
  context.pending = nullptr;
  for (const auto& [number, special] : block.program->built_in)
    context.registers[static_cast<std::size_t>(number)] = value_of(special, thread);
}

void lay_out_parameters() {
  const std::vector<Parameter> values = block.launch->call->parameters();
  const std::vector<Variable>& places = block.program->parameters;
  for (std::size_t i = 0; i < places.size(); ++i)
    std::memcpy(parameter_memory() + places[i].offset, values[i].data,
                std::min(places[i].bytes, values[i].bytes));
}

/// Runs until the thread waits or ends.
void run(Machine& machine) {
  const Instruction* const code = machine.kernel.code.data();
  const std::size_t end = machine.kernel.code.size();
  Context& context = machine.context;
  while (context.pc < end) {
    const Instruction& in = code[context.pc++];
    if (in.guard >= 0 && ((machine.registers[in.guard] & 1) != 0) == in.negated) continue;
    if (profiling()) profile_instruction(in);
    if (!in.run(machine, in)) return;
    if (context.pending != nullptr) {
      if (in.finish != nullptr) in.finish(machine, in);
      context.pending = nullptr;
    }
  }
  thread_ends();
}

}  // namespace

const Kernel* find_kernel(const void* function) {
  if (!interpreting()) return nullptr;
  static std::map<const void*, Kernel*> known;
  const auto [entry, fresh] = known.try_emplace(function, nullptr);
  if (fresh) {
    const std::string name = common_name(mangled_name(reinterpret_cast<std::uintptr_t>(function)));
    const auto found = library().kernels.find(name);
    if (found != library().kernels.end()) {
      entry->second = found->second.first;
      decode(*entry->second, *found->second.second);
    } else {
      report(Fault::api, reinterpret_cast<std::uintptr_t>(function),
             "no file of SIMT_PTX holds the kernel %s", name.c_str());
    }
  }
  return entry->second;
}

bool is_module_data(const unsigned char* address, std::size_t bytes) {
  for (const Module& module : library().modules)
    for (const auto& [name, data] : module.data)
      if (address >= data.data() && address + bytes <= data.data() + data.size()) return true;
  return false;
}

void start_block() {
  std::memset(shared_window(), kPoison, kSharedWindowBytes);
  lay_out_parameters();
  static std::uint64_t launch = 0;
  const bool first = std::exchange(launch, block.launch_number) != block.launch_number;
  if (profiling()) profile_block(block.size, first);
  if (contexts.size() < static_cast<std::size_t>(block.size))
    contexts.resize(static_cast<std::size_t>(block.size));
}

void resume(Thread& thread) {
  Context& context = contexts[static_cast<std::size_t>(thread.linear)];
  if (thread.in_executor) {  // as every thread is before its first turn
    thread.in_executor = false;
    start_thread(context, thread);
    check_thread_start(thread);
  }
  Machine machine{thread, context, *block.program, context.registers.data()};
  if (context.pending != nullptr) {
    if (context.pending->finish != nullptr) context.pending->finish(machine, *context.pending);
    context.pending = nullptr;
  }
  try {
    run(machine);
  } catch (const Abandoned&) {
    return;  // abandon() has left everything in order
  }
}

std::vector<Symbol> shared_variables() {
  std::vector<Symbol> out;
  const std::uintptr_t window = reinterpret_cast<std::uintptr_t>(shared_window());
  for (const Variable& variable : block.program->shared) {
    const bool dynamic =
        block.program->dynamic_shared && &variable == &block.program->shared.back();
    const std::size_t bytes = dynamic ? block.launch->shared_bytes : variable.bytes;
    out.push_back(
        {window + variable.offset, window + variable.offset + bytes,
         dynamic ? "dynamic shared memory" : demangled(common_name(variable.name).c_str())});
  }
  return out;
}

std::string place_name(std::uintptr_t pc) {
  for (const Instruction& in : block.program->code)
    if (static_cast<std::uintptr_t>(in.line) == pc)
      return in.source.file.empty() ? "PTX line " + std::to_string(pc)
                                    : in.source.file + ":" + std::to_string(in.source.line) +
                                          " (PTX line " + std::to_string(pc) + ")";
  return "PTX line " + std::to_string(pc);
}

}  // namespace ptx
}  // namespace simt
