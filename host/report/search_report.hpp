// What a search found, for people and for machines.
#pragma once

#include <string>
#include <vector>

#include "host/search/search.hpp"

namespace polaris {

struct SearchReport {
  const SearchProblem& problem;
  std::vector<SearchResult> results;  ///< Polaris first, then its rivals
  std::uint64_t seed = 0;
  std::string rtl_hash;
  std::string verification;  ///< outcome of the bit-exact rerun of the best design; may be empty
  Design analytical;         ///< the analytically best, offered where no design was measured
  bool complete = true;      ///< false where the search was interrupted
};

/// Tables: strategies, convergence, the best design layer by layer (RTL against analytical). Where
/// no design was measured in every layer, the analytically best one takes its place, named so.
std::string format_text(const SearchReport& report);

/// The same as one JSON object; numbers that do not exist are null.
std::string format_json(const SearchReport& report);

}  // namespace polaris
