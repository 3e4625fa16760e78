#include "host/io/mapping_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <vector>

#include "host/core/error.hpp"

namespace polaris {
namespace {

/// Heads of the levels, indexed by Level, and what is spread over the array below a level.
constexpr std::array<std::string_view, kLevels> kHeads = {"L0[W]", "L1[O]", "L2[WI]", "L3[WIO]"};
constexpr Dim kNotSpatial = Dim::N;
constexpr std::array<Dim, kLevels> kSpatialDim = {kNotSpatial, Dim::C, Dim::K, kNotSpatial};

struct Token {
  std::string_view text;
  std::size_t position;  ///< of its first character, from 0
};

std::vector<Token> split_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t begin = text.find_first_not_of(' '); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    tokens.push_back({text.substr(begin, end - begin), begin});
    begin = text.find_first_not_of(' ', end);
  }
  return tokens;
}

/// Foreign bytes must not break the one line of a message.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 24;
  std::string out(text.substr(0, kLongest));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return "'" + out + (text.size() > kLongest ? "...'" : "'");
}

[[noreturn]] void refuse(const std::string& expected, const Token& token) {
  throw Error::expected(expected, token.text.empty() ? "the end" : printable(token.text),
                        "mapping, character " + std::to_string(token.position + 1));
}

struct Loop {
  Dim dim;
  std::int32_t bound;
  bool spatial;
};

Loop parse_loop(const Token& token) {
  const std::string_view text = token.text;
  const auto letter = text.empty() ? std::string_view::npos
                                   : std::string_view(kDimLetters, kDims).find(text.front());
  if (letter == std::string_view::npos)
    refuse("a loop such as K8 over one of R S P Q C K N", token);
  Loop loop{static_cast<Dim>(letter), 0, text.back() == 'X'};
  const char* const first = text.data() + 1;
  const char* const last = text.data() + text.size() - (loop.spatial ? 1 : 0);
  const auto [end, error] = std::from_chars(first, last, loop.bound);
  if (error != std::errc{} || end != last || loop.bound < 1)
    refuse("a loop bound from 1 to 2147483647", token);
  return loop;
}

/// One level: fills the bounds of `mapping` and puts the loops in the places that their dimensions
/// have in the canonical order.
void parse_level(Level level, const std::vector<Token>& tokens, std::size_t& next, const Token& end,
                 Mapping& mapping) {
  const auto l = static_cast<std::size_t>(index_of(level));
  const auto at = [&](std::size_t i) { return i < tokens.size() ? tokens[i] : end; };
  if (at(next).text != kHeads[l]) refuse(printable(kHeads[l]), at(next));
  ++next;
  std::vector<Dim> loops;
  bool seen[kDims] = {};
  bool spatial_seen = false;
  const std::size_t begin = next;
  for (; next < tokens.size() && tokens[next].text != "-"; ++next) {
    const Loop loop = parse_loop(tokens[next]);
    if (spatial_seen) refuse("no loop after a spatial factor", tokens[next]);
    if (loop.spatial) {
      if (kSpatialDim[l] == kNotSpatial || loop.dim != kSpatialDim[l])
        refuse("spatial factors K..X at L2 and C..X at L1 only", tokens[next]);
      (loop.dim == Dim::C ? mapping.spatial_c : mapping.spatial_k) = loop.bound;
      spatial_seen = true;
      continue;
    }
    const int d = index_of(loop.dim);
    if (seen[d]) refuse("each dimension once in a level", tokens[next]);
    seen[d] = true;
    mapping.temporal[l][d] = loop.bound;
    if (loop.bound > 1) loops.push_back(loop.dim);
  }
  if (next == begin) refuse("a loop, N1 where there is none", at(next));
  auto loop = loops.begin();
  for (Dim& dim : mapping.order[l])
    if (mapping.temporal[l][index_of(dim)] > 1) dim = *loop++;
}

}  // namespace

Mapping parse_mapping(std::string_view text) {
  const std::vector<Token> tokens = split_tokens(text);
  const Token end{{}, text.size()};
  Mapping mapping;
  std::size_t next = 0;
  for (int l = kLevels - 1; l >= 0; --l) {
    parse_level(static_cast<Level>(l), tokens, next, end, mapping);
    // A level ends at a separator or at the end of the text.
    if (l > 0) {
      if (next == tokens.size()) refuse("'-' and the level below", end);
      ++next;
    }
  }
  if (next != tokens.size()) refuse("the end", tokens[next]);
  return mapping;
}

std::string format_mapping(const Mapping& mapping) {
  std::string out;
  for (int l = kLevels - 1; l >= 0; --l) {
    if (!out.empty()) out += " - ";
    out += kHeads[static_cast<std::size_t>(l)];
    bool any = false;
    for (const Dim dim : mapping.order[l]) {
      const std::int32_t bound = mapping.temporal[l][index_of(dim)];
      if (bound == 1) continue;
      out += ' ';
      out += kDimLetters[index_of(dim)];
      out += std::to_string(bound);
      any = true;
    }
    if (!any) out += " N1";
    const Dim dim = kSpatialDim[static_cast<std::size_t>(l)];
    if (dim != kNotSpatial && mapping.spatial(dim) > 1) {
      out += ' ';
      out += kDimLetters[index_of(dim)];
      out += std::to_string(mapping.spatial(dim)) + 'X';
    }
  }
  return out;
}

}  // namespace polaris
