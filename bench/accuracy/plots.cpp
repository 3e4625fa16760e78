#include "bench/accuracy/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "host/core/atomic_file.hpp"
#include "models/starlight/acquisition.hpp"

namespace polaris {
namespace {

constexpr double kSide = 400.0, kMargin = 60.0;

/// A square plot with equal axes [low, high] and its diagonal, the line of perfection.
class Square {
 public:
  Square(const std::string& title, const std::string& x, const std::string& y, double low,
         double high)
      : low_(low), high_(high) {
    const double size = kSide + 2.0 * kMargin;
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\" "
        "font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n"
        "<rect width=\"{0}\" height=\"{0}\" fill=\"white\"/>\n"
        "<rect x=\"{1}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=\"none\" stroke=\"#888\"/>\n"
        "<text x=\"{3}\" y=\"30\">{4}</text>\n<text x=\"{3}\" y=\"{5}\">{6}</text>\n"
        "<text x=\"16\" y=\"{3}\" transform=\"rotate(-90 16 {3})\">{7}</text>\n",
        size, kMargin, kSide, size / 2.0, title, size - 15.0, x, y);
    text_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#888\"/>\n",
        at_x(low), at_y(low), at_x(high), at_y(high));
  }

  void tick(double value, const std::string& label) {
    text_ += fmt::format(
        "<text x=\"{0:.1f}\" y=\"{1:.1f}\">{4}</text>\n"
        "<text x=\"{2:.1f}\" y=\"{3:.1f}\" text-anchor=\"end\">{4}</text>\n",
        at_x(value), kMargin + kSide + 18.0, kMargin - 6.0, at_y(value) + 4.0, label);
  }

  void dot(double x, double y, double radius) {
    text_ += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"#1f5fa8\" fill-opacity=\"0.6\"/>\n",
        at_x(x), at_y(y), radius);
  }

  void write(const std::filesystem::path& path) const {
    AtomicFile file(path);
    file.stream() << text_ << "</svg>\n";
    file.commit();
  }

 private:
  double share(double value) const { return std::clamp((value - low_) / (high_ - low_), 0.0, 1.0); }
  double at_x(double value) const { return kMargin + kSide * share(value); }
  double at_y(double value) const { return kMargin + kSide * (1.0 - share(value)); }

  double low_, high_;
  std::string text_;
};

}  // namespace

void Plots::add(const std::string& name, const std::vector<DesignSample>& test,
                const Predictions& predictions) {
  for (std::size_t i = 0; i < test.size(); ++i)
    points_[name].push_back(
        {std::log(test[i].cycles), predictions.cycles[i], predictions.cycles_sd[i]});
}

void Plots::write(const std::filesystem::path& folder) const {
  constexpr int kIntervals = 20, kTicks = 5;
  std::filesystem::create_directories(folder);
  for (const auto& [name, points] : points_) {
    Square calibration(name, "probability of the interval", "share of measurements inside", 0.0,
                       1.0);
    for (int t = 0; t <= kTicks; ++t) {
      const double value = static_cast<double>(t) / kTicks;
      calibration.tick(value, fmt::format("{:.1f}", value));
    }
    for (int level = 1; level < kIntervals; ++level) {
      const double probability = static_cast<double>(level) / kIntervals;
      double inside = 0.0;
      for (const Point& p : points)
        inside +=
            2.0 * normal_cdf(std::abs(p.truth - p.mean) / p.sd) - 1.0 <= probability ? 1.0 : 0.0;
      calibration.dot(probability, inside / static_cast<double>(points.size()), 4.0);
    }
    calibration.write(folder / (name + "_calibration.svg"));

    double low = points.front().truth, high = low;
    for (const Point& p : points) {
      low = std::min({low, p.truth, p.mean});
      high = std::max({high, p.truth, p.mean});
    }
    Square cycles(name, "measured cycles", "predicted cycles", low, high);
    for (double decade = std::ceil(low / std::numbers::ln10); decade * std::numbers::ln10 <= high;
         ++decade)
      cycles.tick(decade * std::numbers::ln10, fmt::format("1e{:.0f}", decade));
    for (const Point& p : points) cycles.dot(p.truth, p.mean, 2.0);
    cycles.write(folder / (name + "_cycles.svg"));
  }
}

}  // namespace polaris
