// From statements to instructions: names become numbers of registers, opcodes become handlers.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

const std::map<std::string, Special>& specials() {
  static const std::map<std::string, Special> names = {{"%tid.x", Special::tid_x},
                                                       {"%tid.y", Special::tid_y},
                                                       {"%tid.z", Special::tid_z},
                                                       {"%ntid.x", Special::ntid_x},
                                                       {"%ntid.y", Special::ntid_y},
                                                       {"%ntid.z", Special::ntid_z},
                                                       {"%ctaid.x", Special::ctaid_x},
                                                       {"%ctaid.y", Special::ctaid_y},
                                                       {"%ctaid.z", Special::ctaid_z},
                                                       {"%nctaid.x", Special::nctaid_x},
                                                       {"%nctaid.y", Special::nctaid_y},
                                                       {"%nctaid.z", Special::nctaid_z},
                                                       {"%laneid", Special::laneid},
                                                       {"%warpid", Special::warpid},
                                                       {"%lanemask_eq", Special::lanemask_eq},
                                                       {"%lanemask_lt", Special::lanemask_lt},
                                                       {"%lanemask_le", Special::lanemask_le},
                                                       {"%lanemask_gt", Special::lanemask_gt},
                                                       {"%lanemask_ge", Special::lanemask_ge}};
  return names;
}

/// "a, {b, c}, [d+4]" as {"a", "{b, c}", "[d+4]"}; "a|b" counts as two.
std::vector<std::string> split(const std::string& operands) {
  std::vector<std::string> out;
  std::string word;
  int depth = 0;
  for (const char c : operands + ",") {
    depth += c == '{' || c == '[';
    depth -= c == '}' || c == ']';
    if ((c == ',' || c == '|') && depth == 0) {
      if (!word.empty()) out.push_back(word);
      word.clear();
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      word += c;
    }
  }
  return out;
}

class Decoder {
 public:
  Decoder(Kernel& kernel, const Module& module) : kernel_(kernel), module_(module) {}

  void run() {
    for (const Statement& statement : kernel_.statements)
      kernel_.code.push_back(instruction(statement));
  }

 private:
  Instruction instruction(const Statement& statement) {
    Instruction out{};
    out.line = statement.line;
    out.source = statement.source;
    out.text = statement.opcode + " " + statement.operands;
    if (!statement.guard.empty()) {
      out.negated = statement.guard[0] == '!';
      out.guard = named(statement.guard.substr(out.negated ? 1 : 0));
    }
    Mnemonic mnemonic(statement.opcode);
    bool known = true;
    int addresses = 0;
    for (const std::string& word : split(statement.operands))
      known &= operand(word, out, addresses);
    for (const auto decoder : {decode_arithmetic, decode_bits, decode_conversion, decode_memory,
                               decode_atomic, decode_together})
      if (out.run == nullptr) decoder(mnemonic, out);
    if (out.run == nullptr || !mnemonic.empty() || !known) {
      out.run = [](Machine&, const Instruction& in) -> bool {
        report(Fault::trap, static_cast<std::uintptr_t>(in.line),
               "%s: this PTX instruction is not interpreted: %s",
               place_name(static_cast<std::uintptr_t>(in.line)).c_str(), in.text.c_str());
        abandon();
      };
      out.finish = nullptr;
    }
    return out;
  }

  /// Appends the registers of one operand. False where it means nothing.
  bool operand(const std::string& word, Instruction& out, int& addresses) {
    if (word[0] == '{') {
      for (const std::string& part : split(word.substr(1, word.size() - 2)))
        out.operands.push_back(value(part));
      return true;
    }
    if (word[0] == '$') {
      const auto label = kernel_.labels.find(word);
      if (label == kernel_.labels.end()) return false;
      out.target = label->second;
      return true;
    }
    if (word[0] == '!') return false;
    if (word[0] != '[') {
      out.operands.push_back(value(word));
      return true;
    }
    std::string base = word.substr(1, word.size() - 2);
    std::int64_t offset = 0;
    if (const std::size_t plus = base.find('+'); plus != std::string::npos) {
      offset = std::strtoll(base.c_str() + plus + 1, nullptr, 0);
      base.resize(plus);
    }
    (addresses++ == 0 ? out.offset : out.offset2) = offset;
    out.operands.push_back(value(base));
    return true;
  }

  int named(const std::string& name) {
    const auto [entry, fresh] =
        kernel_.registers.try_emplace(name, static_cast<int>(kernel_.initial.size()));
    // Nothing useful in a register that has not been written.
    if (fresh) kernel_.initial.push_back(0xDEADBEEFDEADBEEFull);
    return entry->second;
  }

  int constant(std::uint64_t bits) {
    const int out = named(std::to_string(bits));
    kernel_.initial[static_cast<std::size_t>(out)] = bits;
    return out;
  }

  int value(const std::string& word) {
    if (const auto special = specials().find(word); special != specials().end()) {
      const bool fresh = kernel_.registers.count(word) == 0;
      const int out = named(word);
      if (fresh) kernel_.built_in.emplace_back(out, special->second);
      return out;
    }
    if (word[0] == '0' && word.size() > 2 && std::string("fFdD").find(word[1]) != std::string::npos)
      return constant(std::strtoull(word.c_str() + 2, nullptr, 16));
    if (word[0] == '-')
      return constant(static_cast<std::uint64_t>(std::strtoll(word.c_str(), nullptr, 0)));
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0)
      return constant(std::strtoull(word.c_str(), nullptr, 0));
    for (const Variable& parameter : kernel_.parameters)
      if (parameter.name == word) return constant(to_bits(parameter_memory() + parameter.offset));
    for (const Variable& variable : kernel_.shared)
      if (variable.name == word) return constant(variable.offset);
    if (word.rfind("__local_depot", 0) == 0) return constant(0);
    if (const auto data = module_.data.find(word); data != module_.data.end())
      return constant(to_bits(data->second.data()));
    return named(word);
  }

  Kernel& kernel_;
  const Module& module_;
};

}  // namespace

Mnemonic::Mnemonic(const std::string& opcode) {
  std::size_t begin = 0;
  for (std::size_t dot = 0; begin <= opcode.size(); begin = dot + 1) {
    dot = std::min(opcode.find('.', begin), opcode.size());
    // "shared::cta" is "shared": there are no clusters here.
    std::string part = opcode.substr(begin, dot - begin);
    if (part == "shared::cta") part = "shared";
    if (begin == 0)
      base_ = part;
    else
      suffixes_.push_back(part);
  }
}

bool Mnemonic::take(const std::string& suffix) {
  const auto found = std::find(suffixes_.begin(), suffixes_.end(), suffix);
  if (found == suffixes_.end()) return false;
  suffixes_.erase(found);
  return true;
}

std::string Mnemonic::take_type() {
  const auto found = std::find_if(suffixes_.begin(), suffixes_.end(),
                                  [](const std::string& s) { return bytes_of_type(s) > 0; });
  if (found == suffixes_.end()) return "";
  std::string out = *found;
  suffixes_.erase(found);
  return out;
}

void decode(Kernel& kernel, const Module& module) { Decoder(kernel, module).run(); }

}  // namespace simt::ptx
