#include <algorithm>
#include <array>
#include <iterator>

#include "tests/fuzz/fuzz.hpp"

namespace polaris::fuzz {
namespace {

/// What breaks parsers: structure characters, numbers at the ends of their types, bytes outside of
/// ASCII, pieces of our own formats.
constexpr std::array<std::string_view, 62> kTokens = {"{",
                                                      "}",
                                                      "[",
                                                      "]",
                                                      "(",
                                                      ")",
                                                      ":",
                                                      ",",
                                                      ";",
                                                      "\"",
                                                      "'",
                                                      "\\",
                                                      "\n",
                                                      "\r\n",
                                                      "\r",
                                                      "\t",
                                                      " ",
                                                      "- ",
                                                      "? ",
                                                      "# ",
                                                      "&a ",
                                                      "*a",
                                                      "!t ",
                                                      "|",
                                                      ">",
                                                      "---",
                                                      "%",
                                                      "~",
                                                      "\0",
                                                      "\x1b[31m",
                                                      "\x7f",
                                                      "\xff",
                                                      "\xef\xbb\xbf",
                                                      "\xff\xfe",
                                                      "\xe2\x80\xae",
                                                      "\\u0000",
                                                      "\\ud800",
                                                      "null",
                                                      "true",
                                                      "NaN",
                                                      "Infinity",
                                                      "-",
                                                      "+",
                                                      "0",
                                                      "-1",
                                                      "1",
                                                      "1e999",
                                                      "1.5",
                                                      "0x1f",
                                                      "2147483648",
                                                      "4294967296",
                                                      "9223372036854775808",
                                                      "18446744073709551615",
                                                      "18446744073709551616",
                                                      "1e308",
                                                      "1e-400",
                                                      "X",
                                                      " stride ",
                                                      "L1[O]",
                                                      "F64",
                                                      "done ",
                                                      "..."};
constexpr std::array<std::string_view, 9> kNests = {"[",  "{",   "{\"a\":", "[{\"a\":", "- ",
                                                    "? ", "a: ", "'",       "\""};
constexpr std::size_t kLongest = std::size_t{1} << 20;

}  // namespace

std::string mutate(std::string input, Random& random) {
  const auto draw = [&random](std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
  };
  const auto part = [&] {
    const std::size_t begin = draw(input.size());
    return input.substr(begin, 1 + draw(std::min<std::size_t>(input.size(), 64)));
  };
  const std::size_t at = draw(input.size() + 1);
  switch (draw(9)) {
    case 0:
      input.insert(at, kTokens[draw(kTokens.size())]);
      break;
    case 1:
      input.erase(at, 1 + draw(16));
      break;
    case 2:
      if (at < input.size()) input[at] = static_cast<char>(random());
      break;
    case 3:
      input.insert(at, part());
      break;
    case 4: {
      const std::string moved = part();
      input.replace(at, moved.size(), moved);
      break;
    }
    case 5: {  // a number becomes another
      const std::size_t digit = input.find_first_of("0123456789", at);
      if (digit == std::string::npos) break;
      const std::size_t end =
          std::min(input.find_first_not_of("0123456789.eE+-", digit), input.size());
      input.replace(digit, end - digit, kTokens[42 + draw(14)]);
      break;
    }
    case 6: {  // a token becomes another
      const std::string_view token = kTokens[draw(kTokens.size())];
      input.replace(at, token.size(), token);
      break;
    }
    case 7: {
      const std::string piece = part();
      std::string repeated;
      for (std::size_t n = 1 + draw(200); n > 0; --n) repeated += piece;
      input.insert(at, repeated);
      break;
    }
    default: {
      const std::string_view nest = kNests[draw(kNests.size())];
      std::string levels;
      for (std::size_t n = std::size_t{1} << draw(14); n > 0; --n) levels += nest;
      input.insert(at, levels);
    }
  }
  if (input.size() > kLongest) input.resize(kLongest);
  return input;
}

}  // namespace polaris::fuzz
