// A folder for a store file and evaluations to put into it.
#pragma once

#include <filesystem>
#include <string>

#include "host/space/layer_space.hpp"
#include "host/store/store.hpp"
#include "tests/temporary_folder.hpp"

namespace polaris {

/// A temporary folder for a store.
class StoreFolder : public TemporaryFolder {
 public:
  std::filesystem::path file() const { return path() / "store.db"; }
};

/// An evaluation of the `index`-th design point of a fixed space; its values follow from `index`.
inline Evaluation sample_evaluation(std::uint64_t index) {
  HardwareGrid grid{};
  const std::int64_t values[kHardwareAxes] = {8, 16384, 65536, 8};
  for (int axis = 0; axis < kHardwareAxes; ++axis) {
    grid.value[axis][0] = values[axis];
    grid.count[axis] = 1;
  }
  Evaluation evaluation;
  evaluation.layer = {{3, 3, 56, 56, 64, 128, 1}, 2, 1, 1, 3};
  static const LayerSpace space(evaluation.layer, grid);
  evaluation.point = space.view().decode(space.view().sample(1, 0, index));
  evaluation.fidelity = Fidelity::rtl;
  evaluation.evaluator_hash = "e1";
  evaluation.cycles = static_cast<std::int64_t>(1000 + index);
  evaluation.energy_pj = 0.1 * static_cast<double>(1 + index);
  evaluation.area_mm2 = 1.0 / 3.0;
  evaluation.counters = R"({"beats": 5})";
  evaluation.seconds = 0.25;
  evaluation.seed = ~std::uint64_t{0} - index;
  evaluation.rtl_hash = "r1";
  evaluation.memory_hash = "m1";
  return evaluation;
}

inline RunInfo sample_run() { return {"search", ~std::uint64_t{0}, "s", "w", "m", "r", "{}"}; }

}  // namespace polaris
