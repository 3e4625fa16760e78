// The PTX interpreter: a second engine behind the same launch call. With SIMT_PTX=a.ptx:b.ptx every
// kernel that one of the files holds runs from nvcc's instructions instead of the host compiler's.
//
//   text --ptx_parse--> statements --ptx_decode--> Instruction --ptx_run--> effects
//                                                  (handlers: ptx_arithmetic, ptx_bits,
//                                                   ptx_conversion, ptx_memory, ptx_atomic,
//                                                   ptx_together; counts: ptx_profile)
//
// Reference: NVIDIA, "Parallel Thread Execution ISA", version 9.0.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simt/matrix.hpp"
#include "tests/simt/executor.hpp"

namespace simt::ptx {

/// A place in the sources, from nvcc -lineinfo.
struct Source {
  std::string file;  ///< without folders; empty: unknown
  int line = 0;
};

/// One instruction of the text, as written.
struct Statement {
  std::string guard;   ///< predicate register, "!" in front where negated; or empty
  std::string opcode;  ///< with its suffixes
  std::string operands;
  int line;  ///< of the text
  Source source;
};

struct Variable {
  std::string name;
  std::size_t offset, bytes;
};

struct Machine;
struct Instruction;
/// Returns false where the thread cannot go on: it waits, or it has ended.
using Handler = bool (*)(Machine&, const Instruction&);

/// What an instruction counts as in the profile.
enum class Work : std::uint8_t {
  other,
  fp32,
  fp64,
  special,
  tensor,
  branch,
  memory,
  barrier,
  atomic
};

/// Operands are numbers of registers; constants, addresses of variables and built-in variables have
/// registers of their own, filled before the thread starts.
struct Instruction {
  Handler run;
  void (*finish)(Machine&, const Instruction&) = nullptr;  ///< once the wait is over
  int guard = -1;                                          ///< predicate register, -1: none
  bool negated = false;
  std::vector<int> operands;  ///< vectors and addresses flattened
  std::int64_t offset = 0;    ///< of the address
  std::int64_t offset2 = 0;   ///< of the second one (cp.async)
  int target = -1;            ///< of a branch
  std::uint8_t bytes = 0;     ///< of one element
  std::uint8_t count = 1;     ///< elements of a vector
  std::uint8_t variant = 0;   ///< meaning is the handler's
  Work work = Work::other;
  std::uint16_t flops = 0;
  int line = 0;
  Source source;
  std::string text;
};

enum class Special : std::uint8_t {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  laneid,
  warpid,
  lanemask_eq,
  lanemask_lt,
  lanemask_le,
  lanemask_gt,
  lanemask_ge
};

struct Kernel {
  std::string name;  ///< mangled, as nvcc does it
  std::vector<Variable> parameters;
  std::vector<Variable> shared;  ///< in the window
  bool dynamic_shared = false;   ///< the last of them, of the launch's size
  std::size_t parameter_bytes = 0, local_bytes = 0;
  std::vector<Statement> statements;
  std::map<std::string, int> labels;  ///< index of the statement behind
  // Decoded at the first launch.
  std::vector<Instruction> code;
  std::vector<std::uint64_t> initial;  ///< registers at the start of a thread
  std::vector<std::pair<int, Special>> built_in;
  std::map<std::string, int> registers;
};

struct Module {
  std::string file;
  std::map<std::string, Kernel> kernels;
  /// Initialised memory of the module (.global, .const), by name.
  std::map<std::string, std::vector<unsigned char>> data;
};

/// Throws std::runtime_error: "file:line: what".
Module parse(const std::string& file, const std::string& text);
/// Fills Kernel::code. An instruction that is not known becomes one that says so when it runs.
void decode(Kernel& kernel, const Module& module);

/// What one interpreted thread has besides its Thread.
struct Context {
  std::vector<std::uint64_t> registers;
  std::vector<unsigned char> local;
  std::size_t pc = 0;
  const Instruction* pending = nullptr;
  // Operands of a warp matrix product must outlive the wait.
  std::uint32_t a[4], b[4];
  float d[8];
  WarpProduct product;
};

/// A running thread as the handlers see it.
struct Machine {
  Thread& thread;
  Context& context;
  const Kernel& kernel;
  std::uint64_t* registers;

  std::uint64_t raw(const Instruction& in, std::size_t operand) const {
    return registers[in.operands[operand]];
  }
  template <class T>
  T get(const Instruction& in, std::size_t operand) const {
    return from_bits<T>(raw(in, operand));
  }
  template <class T>
  void set(const Instruction& in, std::size_t operand, T value) {
    registers[in.operands[operand]] = to_bits(value);
  }
};

/// Addresses of local memory in the generic space: no host memory lies there.
inline constexpr std::uint64_t kLocalBase = std::uint64_t{1} << 52;
/// Between shared variables, so that running over the end of one is noticed.
inline constexpr std::size_t kSharedGap = 256;

/// Opcode and suffixes of a statement, taken one by one; what is left over was not understood.
class Mnemonic {
 public:
  explicit Mnemonic(const std::string& opcode);
  const std::string& base() const { return base_; }
  bool take(const std::string& suffix);
  /// The first of the suffixes that is a type, removed; empty if none is left.
  std::string take_type();
  bool empty() const { return suffixes_.empty(); }

 private:
  std::string base_;
  std::vector<std::string> suffixes_;
};

// Decoders of one group of instructions each: fill run and what it needs, or leave run null where
// the opcode is not theirs.
void decode_arithmetic(Mnemonic& mnemonic, Instruction& in);
void decode_bits(Mnemonic& mnemonic, Instruction& in);
void decode_conversion(Mnemonic& mnemonic, Instruction& in);
void decode_memory(Mnemonic& mnemonic, Instruction& in);
void decode_atomic(Mnemonic& mnemonic, Instruction& in);
void decode_together(Mnemonic& mnemonic, Instruction& in);

int bytes_of_type(const std::string& type);
bool is_signed_type(const std::string& type);

enum class Space : std::uint8_t { generic, global, shared, local, param };
/// Host address of an access of the running thread, checked: bounds, alignment and, where every
/// access is checked, initialisation and races.
unsigned char* access(Machine& machine, const Instruction& in, std::uint64_t address, Space space,
                      std::size_t bytes, bool write, bool atomic);
/// As access(), without telling the checker: for copies that are carried out later.
unsigned char* locate(Machine& machine, const Instruction& in, std::uint64_t address, Space space,
                      std::size_t bytes, bool write);
/// Whether the address lies in initialised memory of a module.
bool is_module_data(const unsigned char* address, std::size_t bytes);
/// Parameters of the running launch.
unsigned char* parameter_memory();
inline constexpr std::size_t kParameterBytes = 32 * 1024;
/// As pc of the checker.
inline const void* pc_of(const Instruction& in) {
  return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(in.line));
}

// ptx_profile.cpp: counts for SIMT_PROFILE; nothing happens without.
bool profiling();
void profile_block(int threads, bool first_of_launch);
void profile_instruction(const Instruction& in);
void profile_access(const Machine& machine, const Instruction& in, Space space,
                    std::uint64_t address, std::size_t bytes, bool write);

}  // namespace simt::ptx
