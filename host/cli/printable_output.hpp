// What this program prints, without what acts on a terminal: names, paths and reasons come from
// files and programs of others.
#pragma once

#include <streambuf>
#include <string>

namespace polaris {

/// Stands before std::cout while it lives, and passes printable_lines() of what is written. Filters
/// whole lines, so that no character is cut.
class PrintableOutput : public std::streambuf {
 public:
  PrintableOutput();
  ~PrintableOutput() override;
  PrintableOutput(const PrintableOutput&) = delete;
  PrintableOutput& operator=(const PrintableOutput&) = delete;

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  friend void stdout_carries_data();
  /// Passes on the first `size` bytes of what is pending; false where that failed.
  bool pass(std::size_t size);

  std::streambuf* stdout_;
  std::string pending_;  ///< begins with a line that has not ended
  bool filters_ = true;
};

/// From now on stdout carries data for programs: every byte as it is, unless a terminal shows them.
void stdout_carries_data();

/// Log lines and progress go to stderr, each as printable() text; only warnings if `quiet`.
void configure_logging(bool quiet);

}  // namespace polaris
