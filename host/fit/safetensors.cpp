#include "host/fit/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/core/error.hpp"

namespace polaris {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 1u << 20;  // ours are below 2 KiB
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

std::size_t item_size(Tensor::Type type) {
  return type == Tensor::Type::f64 ? sizeof(double) : sizeof(float);
}

std::size_t byte_size(const Tensor& tensor) {
  return tensor.type == Tensor::Type::f64 ? tensor.f64.size() * sizeof(double)
                                          : tensor.f32.size() * sizeof(float);
}

/// A non-negative integer of the header.
std::uint64_t read_count(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number_unsigned())
    throw Error::expected("a non-negative integer", value.dump(), where);
  return value.get<std::uint64_t>();
}

Tensor read_tensor(const nlohmann::json& entry, std::string_view data, const std::string& where,
                   std::pair<std::uint64_t, std::uint64_t>& range) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    throw Error::expected("dtype, shape and data_offsets", entry.dump(), where);
  Tensor tensor;
  const nlohmann::json& dtype = entry["dtype"];
  if (dtype == "F64")
    tensor.type = Tensor::Type::f64;
  else if (dtype == "F32")
    tensor.type = Tensor::Type::f32;
  else
    throw Error::expected("dtype F32 or F64", dtype.dump(), where);

  const nlohmann::json& shape = entry["shape"];
  if (!shape.is_array()) throw Error::expected("a shape array", shape.dump(), where);
  std::int64_t elements = 1;
  for (const nlohmann::json& extent : shape) {
    const std::uint64_t value = read_count(extent, where);
    if (value > static_cast<std::uint64_t>(kMaxElements) ||
        (value > 0 && elements > kMaxElements / static_cast<std::int64_t>(value)))
      throw Error::expected("at most 2^40 elements", shape.dump(), where);
    tensor.shape.push_back(static_cast<std::int64_t>(value));
    elements *= static_cast<std::int64_t>(value);
  }

  const nlohmann::json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    throw Error::expected("two data_offsets", offsets.dump(), where);
  range = {read_count(offsets[0], where), read_count(offsets[1], where)};
  const std::uint64_t wanted = static_cast<std::uint64_t>(elements) * item_size(tensor.type);
  if (range.first > range.second || range.second > data.size() ||
      range.second - range.first != wanted)
    throw Error::expected(
        std::to_string(wanted) + " bytes within " + std::to_string(data.size()) + " bytes of data",
        "data_offsets " + offsets.dump(), where);
  if (tensor.type == Tensor::Type::f64) {
    tensor.f64.resize(static_cast<std::size_t>(elements));
    if (elements > 0) std::memcpy(tensor.f64.data(), data.data() + range.first, wanted);
  } else {
    tensor.f32.resize(static_cast<std::size_t>(elements));
    if (elements > 0) std::memcpy(tensor.f32.data(), data.data() + range.first, wanted);
  }
  return tensor;
}

}  // namespace

Tensor make_tensor(std::vector<std::int64_t> shape, std::vector<double> values) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.f64 = std::move(values);
  return tensor;
}

std::string serialize_tensors(const TensorMap& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t bytes = byte_size(tensor);
    header[name] = {{"dtype", tensor.type == Tensor::Type::f64 ? "F64" : "F32"},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');  // alignment
  const std::uint64_t length = text.size();
  std::string out(kLengthBytes, '\0');
  std::memcpy(out.data(), &length, kLengthBytes);
  out += text;
  for (const auto& [name, tensor] : tensors) {
    const void* data = tensor.type == Tensor::Type::f64
                           ? static_cast<const void*>(tensor.f64.data())
                           : static_cast<const void*>(tensor.f32.data());
    out.append(static_cast<const char*>(data), byte_size(tensor));
  }
  return out;
}

TensorMap parse_tensors(std::string_view bytes, const std::string& where) {
  if (bytes.size() < kLengthBytes)
    throw Error::expected("8 bytes of header length", std::to_string(bytes.size()) + " bytes",
                          where);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  bytes.remove_prefix(kLengthBytes);
  if (length > kMaxHeader || length > bytes.size())
    throw Error::expected("a header of at most " +
                              std::to_string(std::min<std::uint64_t>(kMaxHeader, bytes.size())) +
                              " bytes",
                          std::to_string(length), where);
  const nlohmann::json header =
      nlohmann::json::parse(bytes.substr(0, length), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) throw Error::expected("a JSON object as header", "other text", where);
  const std::string_view data = bytes.substr(length);

  TensorMap tensors;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    std::pair<std::uint64_t, std::uint64_t> range;
    tensors[name] = read_tensor(entry, data, where + ": tensor '" + name + "'", range);
    ranges.push_back(range);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t end = 0;
  for (const auto& range : ranges) {
    if (range.first != end)
      throw Error::expected("tensors that follow one another",
                            "a gap or overlap at byte " + std::to_string(end), where);
    end = range.second;
  }
  if (end != data.size())
    throw Error::expected(std::to_string(end) + " bytes of data", std::to_string(data.size()),
                          where);
  return tensors;
}

const std::vector<double>& require_tensor(const TensorMap& tensors, const std::string& name,
                                          const std::vector<std::int64_t>& shape,
                                          const std::string& where) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error::expected("tensor '" + name + "'", "none", where);
  const auto text = [](const std::vector<std::int64_t>& extents) {
    std::string out = "[";
    for (const std::int64_t extent : extents) out += std::to_string(extent) + " ";
    if (out.size() > 1) out.pop_back();
    return out + "]";
  };
  const Tensor& tensor = found->second;
  if (tensor.type != Tensor::Type::f64 || tensor.shape != shape)
    throw Error::expected("F64 " + text(shape),
                          (tensor.type == Tensor::Type::f64 ? "F64 " : "F32 ") + text(tensor.shape),
                          where + ": tensor '" + name + "'");
  return tensor.f64;
}

}  // namespace polaris
