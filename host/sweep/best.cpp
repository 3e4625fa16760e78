#include "host/sweep/best.hpp"

#include <algorithm>

namespace polaris {

void BestList::offer(const RankedPoint& point) {
  const auto at = std::lower_bound(
      points_.begin(), points_.end(), point,
      [](const RankedPoint& a, const RankedPoint& b) { return ranks_before(a.key, b.key); });
  if (at == points_.end() ? points_.size() == k_ : at->key == point.key) return;
  points_.insert(at, point);
  if (points_.size() > k_) points_.pop_back();
}

void BestList::merge(const BestList& other) {
  for (const RankedPoint& point : other.points_) offer(point);
}

bool ParetoFront::beats(double latency, double energy) const {
  const auto at =
      std::lower_bound(points_.begin(), points_.end(), latency,
                       [](const FrontPoint& p, double reference) { return p.latency < reference; });
  return at != points_.begin() && (at - 1)->energy < energy;
}

void ParetoFront::offer(const FrontPoint& point) {
  // The first point that is slower; the one before it is the only one that can beat `point`.
  auto at =
      std::upper_bound(points_.begin(), points_.end(), point.latency,
                       [](double latency, const FrontPoint& p) { return latency < p.latency; });
  if (at != points_.begin()) {
    FrontPoint& before = *(at - 1);
    const bool equal = before.latency == point.latency && before.energy == point.energy;
    if (equal && point.index < before.index) before = point;
    if (before.energy <= point.energy) return;
    if (before.latency == point.latency) --at;
  }
  const auto end =
      std::find_if(at, points_.end(), [&](const FrontPoint& p) { return p.energy < point.energy; });
  points_.insert(points_.erase(at, end), point);
}

void ParetoFront::merge(const ParetoFront& other) {
  for (const FrontPoint& point : other.points_) offer(point);
}

}  // namespace polaris
