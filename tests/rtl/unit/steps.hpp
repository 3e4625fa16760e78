// Reference for the steps that the DRAM nest makes.
#pragma once

#include "tests/rtl/unit/nest.hpp"

namespace unit {

struct Step {
  bool new_input, last_input, new_weight, last_weight, new_output, last_output, load_psum,
      final_sum;
  std::uint32_t input, weight, output;  ///< offsets

  /// With a port of type step_t.
  template <class Port>
  bool equals(const Port& port) const {
    const unsigned flags = new_input << 7 | last_input << 6 | new_weight << 5 | last_weight << 4 |
                           new_output << 3 | last_output << 2 | load_psum << 1 | final_sum;
    return get_byte(port, 12) == flags && get_word(port, 2) == input &&
           get_word(port, 1) == weight && get_word(port, 0) == output;
  }
};

inline std::vector<Step> steps_of(const Nest& nest) {
  using namespace polaris::rtl;
  std::vector<Step> out;
  for (const Nest::Iteration& it : nest.walk()) {
    const auto enters = [&](std::uint32_t bit) { return (it.entered >> bit & 1) != 0; };
    const auto leaves = [&](std::uint32_t bit) { return it.last || (it.leaving >> bit & 1) != 0; };
    out.push_back({enters(kRelevantInput), leaves(kRelevantInput), enters(kRelevantWeight),
                   leaves(kRelevantWeight), enters(kRelevantOutput), leaves(kRelevantOutput),
                   enters(kRelevantOutput) && !it.first_sum, it.last_sum, it.input, it.weight,
                   it.output});
  }
  return out;
}

}  // namespace unit
