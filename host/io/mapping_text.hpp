// Mappings as the text that the public Timeloop and Gemmini data use, e.g.
// "L3[WIO] P28 R7 Q56 K8 - L2[WI] N1 K4X - L1[O] K2 S7 Q2 P2 C3X - L0[W] P2".
#pragma once

#include <string>
#include <string_view>

#include "models/space/mapping.hpp"

namespace polaris {

/// Reads the grammar of spec analytical-model section 3: four levels, outermost first, separated by
/// " - "; loops of a level outermost first; then `K..X` at L2 and `C..X` at L1, the columns and
/// rows used. Whether the factors fit a layer is not looked at. Loops of bound 1 leave no trace:
/// each dimension that a level does not loop over keeps its place in the canonical order, so that a
/// text with loops in canonical order gives that order. Throws Error naming token and character.
Mapping parse_mapping(std::string_view text);

/// Writes loops of bound > 1 only, "N1" where a level has none, in the data's style:
/// parse_mapping(format_mapping(m)) runs the same schedule as m. Precondition: no spatial factor
/// and every loop bound below 1.
std::string format_mapping(const Mapping& mapping);

}  // namespace polaris
