// The text of a PTX module: kernels, their variables and statements.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/simt/ptx.hpp"

namespace simt::ptx {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

bool starts(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

std::size_t aligned(std::size_t offset, std::size_t to) { return (offset + to - 1) / to * to; }

/// ".align 8 .b8 name[24]", ".u64 name": what declarations of variables have in common.
struct Declaration {
  std::string name;
  std::size_t align = 0, bytes = 0;
  std::string initialiser;

  explicit Declaration(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) initialiser = trimmed(text.substr(equals + 1));
    std::istringstream words(text.substr(0, equals));
    std::size_t element = 0;
    for (std::string word; words >> word;) {
      if (word == ".align")
        words >> align;
      else if (word[0] == '.' && bytes_of_type(word.substr(1)) > 0)
        element = static_cast<std::size_t>(bytes_of_type(word.substr(1)));
      else if (word[0] != '.')
        name = word;
    }
    std::size_t count = 1;
    if (const std::size_t bracket = name.find('['); bracket != std::string::npos) {
      count = std::strtoull(name.c_str() + bracket + 1, nullptr, 10);
      name.resize(bracket);
    }
    bytes = element * count;
    element_bytes = element;
    align = std::max(align, std::max<std::size_t>(element, 1));
  }

  std::size_t element_bytes = 0;
};

class Parser {
 public:
  Parser(const std::string& file, const std::string& text) : text_(text) { module_.file = file; }

  Module run() {
    read_file_names();
    while (next_line()) {
      if (kernel_ == nullptr)
        module_line();
      else
        kernel_line();
    }
    return std::move(module_);
  }

 private:
  bool next_line() {
    for (std::string raw; std::getline(text_, raw);) {
      ++number_;
      line_ = trimmed(raw.substr(0, raw.find("//")));
      if (!line_.empty()) return true;
    }
    return false;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(module_.file + ":" + std::to_string(number_) + ": " + what + ": " +
                             line_);
  }

  /// Reads on until `end` is in the line.
  void complete(char end) {
    std::string whole = line_;
    while (whole.find(end) == std::string::npos) {
      if (!next_line()) fail(std::string("expected ") + end);
      whole += " " + line_;
    }
    line_ = whole;
  }

  // .file stands at the end of the text, behind its uses.
  void read_file_names() {
    const std::string all = text_.str();
    for (std::size_t at = 0; (at = all.find("\n\t.file", at)) != std::string::npos; ++at) {
      std::istringstream words(all.substr(at + 7, all.find('\n', at + 1) - at - 7));
      int number = 0;
      std::string path;
      words >> number >> path;
      path = path.substr(0, path.find_last_of('"'));
      toolkit_.insert_or_assign(number, path.find("/targets/") != std::string::npos);
      files_[number] = path.substr(path.find_last_of('/') + 1);
    }
  }

  void module_line() {
    if (starts(line_, ".extern .shared")) {
      complete(';');
      const Declaration variable(line_.substr(0, line_.find(';')));
      dynamic_.push_back(variable.name);
    } else if (line_.find(".entry") != std::string::npos) {
      entry();
    } else if (line_.find(".func") != std::string::npos) {
      fail("functions that are called are not supported");
    } else if (line_.find(".global") == 0 || line_.find(".const") == 0 ||
               starts(line_, ".visible .global") || starts(line_, ".visible .const")) {
      complete(';');
      module_data(Declaration(line_.substr(0, line_.find(';'))));
    }
  }

  void module_data(const Declaration& variable) {
    std::vector<unsigned char>& bytes = module_.data[variable.name];
    bytes.assign(variable.bytes, 0);
    std::size_t at = 0;
    std::istringstream values(variable.initialiser);
    for (std::string value; std::getline(values, value, ',');) {
      value = trimmed(value);
      value.erase(std::remove_if(value.begin(), value.end(),
                                 [](char c) { return c == '{' || c == '}' || c == ' '; }),
                  value.end());
      if (value.empty()) continue;
      if (at + variable.element_bytes > bytes.size()) fail("more values than elements");
      const bool real = value.size() > 2 && (value[1] == 'f' || value[1] == 'd');
      const std::uint64_t bits =
          real              ? std::strtoull(value.c_str() + 2, nullptr, 16)
          : value[0] == '-' ? static_cast<std::uint64_t>(std::strtoll(value.c_str(), nullptr, 0))
                            : std::strtoull(value.c_str(), nullptr, 0);
      std::memcpy(bytes.data() + at, &bits, variable.element_bytes);
      at += variable.element_bytes;
    }
  }

  void entry() {
    const std::size_t begin = line_.find(".entry") + 7;
    const std::string name = trimmed(line_.substr(begin, line_.find('(') - begin));
    kernel_ = &module_.kernels[name];
    kernel_->name = name;
    source_ = {};
    complete(')');
    const std::size_t open = line_.find('(') + 1;
    std::istringstream parameters(line_.substr(open, line_.find(')') - open));
    for (std::string text; std::getline(parameters, text, ',');) {
      if (trimmed(text).empty()) continue;
      const Declaration d(text);
      kernel_->parameter_bytes = aligned(kernel_->parameter_bytes, d.align);
      kernel_->parameters.push_back({d.name, kernel_->parameter_bytes, d.bytes});
      kernel_->parameter_bytes += d.bytes;
    }
    if (kernel_->parameter_bytes > kParameterBytes) fail("too many parameters");
  }

  std::size_t shared_end() const {
    return kernel_->shared.empty()
               ? 0
               : kernel_->shared.back().offset + kernel_->shared.back().bytes + kSharedGap;
  }

  void end_kernel() {
    constexpr std::size_t kDynamicAlign = 256;
    for (const std::string& name : dynamic_) {
      kernel_->shared.push_back({name, aligned(shared_end(), kDynamicAlign), 0});
      kernel_->dynamic_shared = true;
    }
    kernel_ = nullptr;
  }

  void kernel_line() {
    if (line_ == "{") {
      ++depth_;
    } else if (line_ == "}") {
      if (--depth_ == 0) end_kernel();
    } else if (line_[0] == '{') {
      // Inline assembly opens a scope and goes on in the same line.
      ++depth_;
      rest_of_line(line_.substr(1));
    } else if (starts(line_, ".local")) {
      kernel_->local_bytes = Declaration(line_.substr(0, line_.find(';'))).bytes;
    } else if (starts(line_, ".loc")) {
      location();
    } else if (starts(line_, ".reg")) {
      // A register is known by its use.
      if (line_.find(';') != std::string::npos) rest_of_line(line_.substr(line_.find(';') + 1));
    } else if (starts(line_, ".shared")) {
      constexpr std::size_t kAtLeast = 16;
      const Declaration d(line_.substr(0, line_.find(';')));
      kernel_->shared.push_back(
          {d.name, aligned(shared_end(), std::max(d.align, kAtLeast)), d.bytes});
    } else if (line_[0] == '.') {
      // .pragma, .maxntid and the like: for ptxas.
    } else if (line_[0] == '$' && line_.back() == ':') {
      kernel_->labels[line_.substr(0, line_.size() - 1)] =
          static_cast<int>(kernel_->statements.size());
    } else {
      statement();
    }
  }

  void rest_of_line(const std::string& rest) {
    line_ = trimmed(rest);
    if (!line_.empty()) kernel_line();
  }

  // ".loc file line column[, function_name label, inlined_at file line column]": of a function of
  // the toolkit's headers the place of its call is the one of interest.
  void location() {
    std::istringstream words(line_);
    std::string word;
    int file = 0, line = 0;
    words >> word >> file >> line;
    if (const std::size_t call = line_.find("inlined_at");
        toolkit_[file] && call != std::string::npos) {
      std::istringstream rest(line_.substr(call));
      rest >> word >> file >> line;
    }
    if (!toolkit_[file]) source_ = {files_[file], line};
  }

  void statement() {
    complete(';');
    std::string text = trimmed(line_.substr(0, line_.find(';')));
    Statement out;
    out.line = number_;
    out.source = source_;
    if (text[0] == '@') {
      const std::size_t space = text.find_first_of(" \t");
      out.guard = text.substr(1, space - 1);
      text = trimmed(text.substr(space));
    }
    const std::size_t space = text.find_first_of(" \t");
    out.opcode = text.substr(0, space);
    if (space != std::string::npos) out.operands = trimmed(text.substr(space));
    kernel_->statements.push_back(out);
    rest_of_line(line_.substr(line_.find(';') + 1));
  }

  std::istringstream text_;
  Module module_;
  Kernel* kernel_ = nullptr;
  std::string line_;
  int number_ = 0, depth_ = 0;
  Source source_;
  std::vector<std::string> dynamic_;
  std::map<int, std::string> files_;
  std::map<int, bool> toolkit_;
};

}  // namespace

int bytes_of_type(const std::string& type) {
  static const std::map<std::string, int> sizes = {
      {"pred", 1}, {"b8", 1},   {"u8", 1},  {"s8", 1},  {"b16", 2},    {"u16", 2},  {"s16", 2},
      {"f16", 2},  {"bf16", 2}, {"b32", 4}, {"u32", 4}, {"s32", 4},    {"f32", 4},  {"tf32", 4},
      {"b64", 8},  {"u64", 8},  {"s64", 8}, {"f64", 8}, {"bf16x2", 4}, {"f16x2", 4}};
  const auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

bool is_signed_type(const std::string& type) { return type[0] == 's'; }

Module parse(const std::string& file, const std::string& text) { return Parser(file, text).run(); }

}  // namespace simt::ptx
