// What a sweep says about every index it was given: each belongs to exactly one class.
#pragma once

#include <cstdint>

namespace polaris {

/// Numbers of indices. An index counts in the first class that fits, in this order; the classes add
/// up to the length of the range.
struct Coverage {
  std::uint64_t excluded = 0;    ///< hardware outside the limits on area and capacities
  std::uint64_t infeasible = 0;  ///< `check` refuses the point
  std::uint64_t duplicate = 0;   ///< not canonical: the canonical point with its schedule counts
  std::uint64_t avoided = 0;     ///< in the user's list of points to leave out
  std::uint64_t pruned = 0;      ///< not evaluated: shown not to be among the layer's best points
  std::uint64_t over_limit = 0;  ///< evaluated, above the limit on latency or energy
  std::uint64_t scored = 0;      ///< evaluated and ranked
  /// Sum of checksum_term over the evaluated points, modulo 2^64: does not depend on their order.
  std::uint64_t checksum = 0;

  std::uint64_t total() const {
    return excluded + infeasible + duplicate + avoided + pruned + over_limit + scored;
  }
  void add(const Coverage& other) {
    excluded += other.excluded;
    infeasible += other.infeasible;
    duplicate += other.duplicate;
    avoided += other.avoided;
    pruned += other.pruned;
    over_limit += other.over_limit;
    scored += other.scored;
    checksum += other.checksum;
  }
};

/// Spreads a number over 64 bits: the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
constexpr std::uint64_t spread(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// The two keys of an index in the checksum; together they identify layer, hardware and mapping.
constexpr std::uint64_t mapping_key(std::uint64_t layer, std::uint64_t mapping) {
  return spread(mapping ^ spread(layer));
}
constexpr std::uint64_t hardware_key(std::uint64_t ordinal) { return spread(~ordinal); }

/// Term of one evaluated point: the halves of its keyed bits multiplied, the step of the universal
/// hash NH (Black, Halevi, Krawczyk, Krovetz, Rogaway, "UMAC", CRYPTO 1999), which vector units do
/// four at a time.
constexpr std::uint64_t checksum_term(std::uint64_t value_bits, std::uint64_t mapping_key,
                                      std::uint64_t hardware_key) {
  const std::uint64_t x = value_bits ^ mapping_key ^ hardware_key;
  return (x & 0xFFFFFFFFu) * (x >> 32);
}

}  // namespace polaris
