#include "host/core/in_quotes.hpp"

#include "host/core/printable.hpp"

namespace polaris {

std::string one_line(std::string_view text, std::size_t longest) {
  std::string out = printable(text.substr(0, longest));
  return text.size() > longest ? out + "..." : out;
}

std::string in_quotes(std::string_view text) {
  std::string out = one_line(text);
  out.insert(out.begin(), '\'');
  out.push_back('\'');
  return out;
}

}  // namespace polaris
