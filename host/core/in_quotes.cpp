#include "host/core/in_quotes.hpp"

#include <algorithm>

namespace polaris {

std::string one_line(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out(text.substr(0, kShown));
  std::replace_if(out.begin(), out.end(), is_control, '?');
  return text.size() > kShown ? out + "..." : out;
}

std::string in_quotes(std::string_view text) {
  std::string out = one_line(text);
  out.insert(out.begin(), '\'');
  out.push_back('\'');
  return out;
}

}  // namespace polaris
