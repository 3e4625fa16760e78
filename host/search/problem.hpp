// What is searched: every hardware configuration of a space, with a mapping for every layer of a
// workload.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/search/objective.hpp"
#include "host/space/design_space.hpp"
#include "host/space/layer_space.hpp"
#include "host/space/workload.hpp"

namespace polaris {

/// One design point of one layer of the workload.
struct PointId {
  std::int32_t layer = 0;   ///< position in the workload
  std::uint64_t index = 0;  ///< canonical index in that layer's space

  friend auto operator<=>(const PointId&, const PointId&) = default;
};

/// One hardware configuration with a mapping for every layer, measured or as a model prices it.
struct Design {
  std::uint64_t hardware = 0;    ///< ordinal
  std::vector<PointId> points;   ///< per layer
  std::vector<LayerCost> costs;  ///< per layer, times the layer's count
  NetworkCost cost;
};

class SearchProblem {
 public:
  /// Layers that are equal but for their names become one, with the sum of their counts. Throws
  /// Error where a layer's space is too large or no hardware meets the area limit.
  SearchProblem(const Workload& workload, DesignSpace space);

  /// The distinct layers, each under the name that stands first in the workload given.
  const Workload& workload() const { return workload_; }
  /// All names under which the workload given lists the layer.
  const std::vector<std::string>& names(int layer) const { return names_[at(layer)]; }
  const DesignSpace& space() const { return space_; }

  int layer_count() const { return static_cast<int>(layers_.size()); }
  const LayerSpaceView& view(int layer) const { return layers_[at(layer)].view(); }
  const Layer& layer(int layer) const { return workload_.layers[at(layer)].layer; }
  double count(int layer) const { return static_cast<double>(workload_.layers[at(layer)].count); }

  /// Hardware configurations within the area limit, as ordinals: ordinal h owns the indices
  /// [h * mapping_count, (h + 1) * mapping_count) of every layer's space.
  const std::vector<std::uint64_t>& hardware() const { return hardware_; }
  std::uint64_t hardware_of(PointId id) const { return id.index / view(id.layer).mapping_count; }
  /// Position of an ordinal in `hardware()`, or -1 where the area limit excludes it.
  int hardware_position(std::uint64_t ordinal) const { return position_[ordinal]; }
  HardwareConfig hardware_config(std::uint64_t ordinal) const;

  DesignPoint point(PointId id) const { return view(id.layer).decode(id.index); }
  bool feasible(PointId id) const;

  /// Analytical cost of the layer's `count` executions. Precondition: feasible.
  LayerCost analytical_cost(PointId id) const;

  /// Analytical EDP of the layer's `count` executions, pJ * cycle; infinity where infeasible.
  double analytical_edp(PointId id) const;

  /// The point that is run for all with the same schedule but for the order of pixels within a tile
  /// (LayerSpaceView::representative).
  PointId representative(PointId id) const {
    return {id.layer, view(id.layer).representative(id.index)};
  }

  /// Cost that no RTL run of the point can go below: one array row per cycle, and the energy of the
  /// multiplications and register reads. Times the layer's count.
  LayerCost lower_bound(PointId id) const;

  /// The same for any mapping of the layer on that hardware: the whole array busy in every cycle.
  LayerCost lower_bound(int layer, std::uint64_t hardware) const;

  /// Cycles that one execution of the point should take in RTL: the larger of the analytical
  /// model's and the closed form of the accelerator's pipeline (models/starlight/pipeline.hpp).
  double expected_cycles(PointId id) const;

  /// A mapping that fits every hardware: all loops in DRAM.
  PointId fallback(int layer, std::uint64_t hardware) const;

  /// Uniform feasible point of (layer, hardware) by rejection from stream (seed, stream); the
  /// fallback where `tries` draws are all infeasible. Canonical.
  PointId random_feasible(int layer, std::uint64_t hardware, std::uint64_t seed,
                          std::uint64_t stream, int tries) const;

 private:
  LayerCost analytical_cost(int layer, const DesignPoint& point) const;
  static std::size_t at(int layer) { return static_cast<std::size_t>(layer); }

  Workload workload_;
  std::vector<std::vector<std::string>> names_;  ///< [layer]
  DesignSpace space_;
  std::vector<LayerSpace> layers_;
  std::vector<std::uint64_t> hardware_;
  std::vector<int> position_;  ///< [ordinal]
};

}  // namespace polaris
