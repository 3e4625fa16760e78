// Named arrays in one file, in the safetensors format (huggingface.co/docs/safetensors): 8 bytes
// little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, raw data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace polaris {

/// One array of doubles or floats; exactly one of the two vectors is used.
struct Tensor {
  enum class Type : std::uint8_t { f32, f64 };
  Type type = Type::f64;
  std::vector<std::int64_t> shape;
  std::vector<double> f64;
  std::vector<float> f32;
};

using TensorMap = std::map<std::string, Tensor>;

/// Tensor of doubles; the product of `shape` is values.size().
Tensor make_tensor(std::vector<std::int64_t> shape, std::vector<double> values);

/// The whole file as bytes.
std::string serialize_tensors(const TensorMap& tensors);

/// Inverse of serialize_tensors for F32 and F64; `where` names the source in errors. Throws Error
/// where the bytes are cut short, overlap, leave gaps, hold NaN or infinities, or the header is not
/// what it should be.
TensorMap parse_tensors(std::string_view bytes, const std::string& where);

/// The values of tensor `name`, which must be F64 of `shape`; throws Error otherwise.
const std::vector<double>& require_tensor(const TensorMap& tensors, const std::string& name,
                                          const std::vector<std::int64_t>& shape,
                                          const std::string& where);

}  // namespace polaris
