#include "host/engine/packed.hpp"

namespace polaris {

PackedFactor::PackedFactor(const PosteriorTensors<double>& model, int rows,
                           const simd::Stages& stages)
    : panels_(whole_panels(std::min(rows, model.samples), stages.rows)),
      samples_(panels_ * stages.rows),
      data_(static_cast<std::size_t>(samples_) * static_cast<std::size_t>(samples_ + stages.rows) /
            2) {
  const auto n = static_cast<std::size_t>(model.samples);
  const auto used = std::min(n, static_cast<std::size_t>(rows));
  const auto panel = static_cast<std::size_t>(stages.rows);
  std::size_t at = 0;
  for (std::size_t first = 0; first < used; first += panel)
    for (std::size_t c = 0; c < first + panel; ++c)
      for (std::size_t r = first; r < first + panel; ++r, ++at)
        if (r < used && c <= r) data_[at] = static_cast<float>(model.inverse_factor[r * n + c]);
}

}  // namespace polaris
