// Stand-in for the toolkit's header of this name: ranges of NVTX, kept so that a test can look at
// their nesting (simt::ranges()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace simt {
std::size_t open_range(const std::string& name);
void close_range(std::size_t range);
}  // namespace simt

namespace nvtx3 {

/// Names the calling library: a class with a static `name`.
struct global {};

class payload {
 public:
  template <class T>
  explicit payload(T) {}
};

template <class Domain = global>
class scoped_range_in {
 public:
  template <class... Attributes>
  explicit scoped_range_in(const char* name, const Attributes&...)
      : range_(simt::open_range(name)) {}
  template <class... Attributes>
  explicit scoped_range_in(const std::string& name, const Attributes&...)
      : range_(simt::open_range(name)) {}
  ~scoped_range_in() { simt::close_range(range_); }
  scoped_range_in(const scoped_range_in&) = delete;
  scoped_range_in& operator=(const scoped_range_in&) = delete;

 private:
  std::size_t range_;
};
using scoped_range = scoped_range_in<>;

}  // namespace nvtx3
