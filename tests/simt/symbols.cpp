// Names and places from the running program's own symbol table and debug lines.
#include <cxxabi.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/simt/executor.hpp"

namespace simt {

std::string demangled(const char* name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 ? text : name;
  std::free(text);
  for (const std::string noise : {"[abi:simt_shared]", "(anonymous namespace)::"})
    for (std::size_t at; (at = out.find(noise)) != std::string::npos;) out.erase(at, noise.size());
  return out;
}

namespace {

struct Program {
  std::uintptr_t base = 0;  ///< where it is loaded
  std::vector<Symbol> shared;
  std::vector<Symbol> functions;
};

Program read_program() {
  Program out;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* base) {
        *static_cast<std::uintptr_t*>(base) = info->dlpi_addr;
        return 1;  // the first object is the program itself
      },
      &out.base);
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::vector<char> image{std::istreambuf_iterator<char>(file), {}};
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(image.data());
  const auto* section = reinterpret_cast<const Elf64_Shdr*>(image.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (section[i].sh_type != SHT_SYMTAB) continue;
    const auto* symbol = reinterpret_cast<const Elf64_Sym*>(image.data() + section[i].sh_offset);
    const char* names = image.data() + section[section[i].sh_link].sh_offset;
    for (std::size_t n = section[i].sh_size / sizeof *symbol; n > 0; --n, ++symbol) {
      if (symbol->st_value == 0 || symbol->st_size == 0) continue;
      const char* name = names + symbol->st_name;
      const std::uintptr_t begin = out.base + symbol->st_value;
      const int type = ELF64_ST_TYPE(symbol->st_info);
      if (type == STT_FUNC) out.functions.push_back({begin, begin + symbol->st_size, name});
      // "B11simt_shared": the abi_tag that __shared__ leaves in the mangled name.
      if (type == STT_OBJECT && std::string(name).find("B11simt_shared") != std::string::npos)
        out.shared.push_back({begin, begin + symbol->st_size, demangled(name)});
    }
  }
  const auto by_begin = [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; };
  std::sort(out.functions.begin(), out.functions.end(), by_begin);
  std::sort(out.shared.begin(), out.shared.end(), by_begin);
  return out;
}

const Program& program() {
  static const Program out = read_program();
  return out;
}

}  // namespace

const std::vector<Symbol>& shared_variables() { return program().shared; }

std::string function_at(std::uintptr_t address) {
  const std::vector<Symbol>& all = program().functions;
  auto next = std::upper_bound(all.begin(), all.end(), address,
                               [](std::uintptr_t a, const Symbol& s) { return a < s.begin; });
  if (next == all.begin() || address >= (--next)->end) return "?";
  const std::string name = demangled(next->name.c_str());
  return name.substr(0, name.find('('));
}

std::string mangled_name(std::uintptr_t address) {
  const std::vector<Symbol>& all = program().functions;
  const auto found =
      std::lower_bound(all.begin(), all.end(), address,
                       [](const Symbol& s, std::uintptr_t a) { return s.begin < a; });
  return found == all.end() || found->begin != address ? "" : found->name;
}

std::string place_name(std::uintptr_t pc) {
  return block.program != nullptr ? ptx::place_name(pc) : source_line(pc);
}

const std::string& source_line(std::uintptr_t address) {
  static std::map<std::uintptr_t, std::string> cache;  // a process per look-up is slow
  const auto [entry, fresh] = cache.try_emplace(address);
  std::string& out = entry->second;
  if (!fresh) return out;
  char path[512] = "";
  if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0) return out = function_at(address);
  // One before the return address lies in the call itself. -i: with the calls it was inlined into.
  char command[640];
  std::snprintf(command, sizeof command, "addr2line -i -e '%s' 0x%zx 2>/dev/null", path,
                static_cast<std::size_t>(address - 1 - program().base));
  if (FILE* pipe = popen(command, "r")) {
    char line[512] = "";
    // The innermost place that is the kernel's, not one of the executor's headers'.
    while (std::fgets(line, sizeof line, pipe) != nullptr)
      if (out.empty() || out.find("tests/simt/include/") != std::string::npos) out = line;
    pclose(pipe);
  }
  out = out.substr(out.find_last_of('/') + 1);
  out = out.substr(0, out.find_first_of(" \n"));
  if (out.empty() || out[0] == '?') out = function_at(address);
  return out;
}

}  // namespace simt
