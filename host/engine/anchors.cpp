#include "host/engine/anchors.hpp"

#include <algorithm>
#include <cmath>

namespace polaris {

Anchors::Anchors(const simd::Stages& stages, const ScreenModel& model, const PackedFactor& factor,
                 int candidates)
    : stages_(stages),
      model_(model),
      factor_(factor),
      lanes_(stages.lanes),
      own_(model.inputs() - model.shared_features().count),
      places_(static_cast<std::size_t>(candidates)),
      members_(places_.size()) {
  groups_.reserve(static_cast<std::size_t>(lanes_));
  const auto floats = [this](int rows) {
    return AlignedFloats(static_cast<std::size_t>(rows) * static_cast<std::size_t>(lanes_));
  };
  inputs_ = floats(kKernelInputs);
  near_inputs_ = floats(kKernelInputs);
  kernel_ = floats(factor.samples());
  slopes_ = floats(2 * factor.samples());
  mean_ = floats(2);
  gradient_ = floats(2 * own_);
  unexplained_ = floats(1);
  near_ = floats(4);
  const int first = model.shared_features().count;
  for (int c = 0; c < std::min(model.own_features().count, kPlaces); ++c)
    scale_[static_cast<std::size_t>(c)] = std::sqrt(model.kernel().own[first + c]) * simd::kLn2;
}

void Anchors::bound(SharedStrip& shared, const int* lane, std::span<const int> slots,
                    const Strips& strips) {
  find(lane, slots, strips);
  split();
  compute_anchors(shared, strips);
  bound_members(strips);
}

void Anchors::find(const int* lane, std::span<const int> slots, const Strips& strips) {
  const int first = model_.shared_features().count;
  const int places = std::min(model_.own_features().count, kPlaces);
  std::array<int, simd::kMaxLanes + 1> begin{};
  for (const int slot : slots) {
    const float* x = inputs_of(slot, strips) + first * lanes_;
    Place& place = places_[static_cast<std::size_t>(slot)];
    for (int c = 0; c < places; ++c)
      place[static_cast<std::size_t>(c)] = x[c * lanes_] * scale_[static_cast<std::size_t>(c)];
    ++begin[static_cast<std::size_t>(lane[slot]) + 1];
  }
  for (std::size_t l = 1; l < begin.size(); ++l) begin[l] += begin[l - 1];
  std::array<int, simd::kMaxLanes + 1> next = begin;
  for (const int slot : slots)
    members_[static_cast<std::size_t>(next[static_cast<std::size_t>(lane[slot])]++)] = slot;
  groups_.clear();
  for (std::size_t l = 0; l + 1 < begin.size(); ++l)
    if (begin[l] < begin[l + 1])
      groups_.push_back(group(begin[l], begin[l + 1], static_cast<int>(l)));
}

Anchors::Group Anchors::group(int begin, int end, int lane) const {
  Place low = place(begin), high = low, mean{};
  for (int m = begin; m < end; ++m)
    for (std::size_t c = 0; c < kPlaces; ++c) {
      low[c] = std::min(low[c], place(m)[c]);
      high[c] = std::max(high[c], place(m)[c]);
      mean[c] += place(m)[c];
    }
  for (float& x : mean) x /= static_cast<float>(end - begin);
  float farthest = 0.0f;
  for (int m = begin; m < end; ++m) {
    float square = 0.0f;
    for (std::size_t c = 0; c < kPlaces; ++c)
      square += (place(m)[c] - mean[c]) * (place(m)[c] - mean[c]);
    farthest = std::max(farthest, square);
  }
  std::size_t widest = 0;
  for (std::size_t c = 1; c < kPlaces; ++c)
    if (high[c] - low[c] > high[widest] - low[widest]) widest = c;
  // Where the members are all but in one place, their mean may be off it by rounding.
  const float middle = 0.5f * (low[widest] + high[widest]);
  return {begin, end, lane, middle < high[widest] ? farthest : 0.0f, widest, middle};
}

void Anchors::split() {
  while (groups_.size() < static_cast<std::size_t>(lanes_)) {
    const auto largest =
        std::max_element(groups_.begin(), groups_.end(),
                         [](const Group& a, const Group& b) { return a.farthest < b.farthest; });
    if (largest->farthest == 0.0f) return;
    const Group whole = *largest;
    const auto cut =
        std::partition(members_.begin() + whole.begin, members_.begin() + whole.end, [&](int slot) {
          return places_[static_cast<std::size_t>(slot)][whole.widest] <= whole.middle;
        });
    const int middle = static_cast<int>(cut - members_.begin());
    *largest = group(whole.begin, middle, whole.lane);
    groups_.push_back(group(middle, whole.end, whole.lane));
  }
}

void Anchors::compute_anchors(SharedStrip& shared, const Strips& strips) {
  const int first = model_.shared_features().count, all = model_.inputs();
  int shared_lane[simd::kMaxLanes] = {};  // lanes without a group compute what they are given
  std::fill(inputs_.data() + at(first, 0), inputs_.data() + at(all, 0), 0.0f);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const int lane = static_cast<int>(g);
    shared_lane[g] = groups_[g].lane;
    for (int m = groups_[g].begin; m < groups_[g].end; ++m) {
      const float* from = inputs_of(members_[static_cast<std::size_t>(m)], strips);
      for (int c = first; c < all; ++c) inputs_[at(c, lane)] += from[c * lanes_];
    }
    const float share = 1.0f / static_cast<float>(groups_[g].end - groups_[g].begin);
    for (int c = first; c < all; ++c) inputs_[at(c, lane)] *= share;
  }

  shared.compute_rows(model_, factor_.samples());
  stages_.anchor(model_.kernel(), model_.own_samples(), shared.sums(shared_lane), inputs_.data(),
                 kernel_.data(), slopes_.data(), rows());
  std::fill_n(unexplained_.data(), lanes_, 0.0f);
  stages_.explain(factor_.data(), 0, factor_.bound_panels(), kernel_.data(), factor_.samples(), 1,
                  unexplained_.data());
  for (int l = 0; l < lanes_; ++l) {
    float& x = unexplained_[static_cast<std::size_t>(l)];
    x = std::sqrt(std::max(0.0f, 1.0f - x)) + model_.remainder().slack;
  }
}

void Anchors::bound_members(const Strips& strips) {
  const int first = model_.shared_features().count, all = model_.inputs();
  int slot[simd::kMaxLanes], anchor[simd::kMaxLanes] = {}, size = 0;
  const auto run = [&] {
    float* out = near_.data();
    stages_.near(model_.kernel(), model_.posterior_norm(), rows(), anchor, near_inputs_.data(),
                 {out, out + at(2, 0), out + at(3, 0)});
    for (int i = 0; i < size; ++i) {
      const auto strip = static_cast<std::size_t>(slot[i] / lanes_);
      const int lane = slot[i] % lanes_;
      for (int o = 0; o < 2; ++o)
        strips.out.mean[strip * strips.mean_stride + at(o, lane)] = out[at(o, i)];
      strips.out.spread[strip * strips.spread_stride + at(0, lane)] = out[at(2, i)];
      strips.out.explained[strip * strips.explained_stride + at(0, lane)] = out[at(3, i)];
    }
    size = 0;
  };
  // Members one strip after the other, whatever their groups.
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (int m = groups_[g].begin; m < groups_[g].end; ++m) {
      slot[size] = members_[static_cast<std::size_t>(m)];
      anchor[size] = static_cast<int>(g);
      const float* from = inputs_of(slot[size], strips);
      for (int c = first; c < all; ++c) near_inputs_[at(c, size)] = from[c * lanes_];
      if (++size == lanes_) run();
    }
  if (size > 0) run();
}

}  // namespace polaris
