// The bytes behind the DRAM model of the accelerator.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace polaris_rtl {

/// Byte-addressed memory; accesses beyond its end read zeros and write nothing (the RTL's own
/// error output reports them).
class DramImage {
 public:
  void resize(std::size_t bytes) {
    bytes_.clear();
    bytes_.resize(bytes);
  }
  /// Gives the memory back: timing-only runs keep the process small.
  void release() { std::vector<std::uint8_t>().swap(bytes_); }

  std::int8_t* at(std::uint32_t address) {
    return reinterpret_cast<std::int8_t*>(bytes_.data()) + address;
  }

  void read(std::uint32_t address, std::uint32_t bytes, void* beat) const {
    if (std::size_t{address} + bytes <= bytes_.size())
      std::memcpy(beat, bytes_.data() + address, bytes);
  }
  void write(std::uint32_t address, std::uint32_t bytes, const void* beat) {
    if (std::size_t{address} + bytes <= bytes_.size())
      std::memcpy(bytes_.data() + address, beat, bytes);
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace polaris_rtl
