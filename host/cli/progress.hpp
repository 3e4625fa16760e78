// How far a long command is, on stderr: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <string>

namespace polaris {

class ProgressLine {
 public:
  ProgressLine();
  /// Ends the bar's line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `share` done of 1; `text` says the rest. Nothing under --quiet.
  void show(double share, const std::string& text);

 private:
  bool terminal_;
  bool drawn_ = false;
  double next_ = 0.0;  // seconds since the program's start, when something is shown again
};

/// "3 h 12 min", "12 min 5 s", "5 s"
std::string format_duration(double seconds);

}  // namespace polaris
