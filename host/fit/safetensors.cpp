#include "host/fit/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/core/error.hpp"
#include "host/io/json_reader.hpp"

namespace polaris {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 1u << 20;  // ours are below 2 KiB
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;
constexpr std::size_t kMaxAxes = 16;

std::size_t item_size(Tensor::Type type) {
  return type == Tensor::Type::f64 ? sizeof(double) : sizeof(float);
}

std::size_t byte_size(const Tensor& tensor) {
  return tensor.type == Tensor::Type::f64 ? tensor.f64.size() * sizeof(double)
                                          : tensor.f32.size() * sizeof(float);
}

template <typename T>
void copy_values(std::string_view data, std::vector<T>& values, const JsonNode& entry) {
  values.resize(data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), data.data(), data.size());
  if (!std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); }))
    throw entry.error("finite values", "others");
}

/// Bytes [begin, end) of the data.
struct DataRange {
  std::uint64_t begin, end;
};

Tensor read_tensor(const JsonNode& entry, std::string_view data, DataRange& range) {
  entry.expect_keys({"dtype", "shape", "data_offsets"});
  Tensor tensor;
  const std::string dtype = entry.at("dtype").text();
  if (dtype != "F64" && dtype != "F32") throw entry.at("dtype").error("F32 or F64");
  tensor.type = dtype == "F64" ? Tensor::Type::f64 : Tensor::Type::f32;

  std::int64_t elements = 1;
  for (const JsonNode& extent : entry.at("shape").items(0, kMaxAxes)) {
    tensor.shape.push_back(extent.integer(0, kMaxElements));
    if (__builtin_mul_overflow(elements, tensor.shape.back(), &elements) || elements > kMaxElements)
      throw entry.at("shape").error("at most 2^40 elements", "more");
  }
  const std::uint64_t wanted = static_cast<std::uint64_t>(elements) * item_size(tensor.type);
  const auto offsets = entry.at("data_offsets").items(2, 2);
  range.begin = offsets[0].count(0, data.size());
  range.end = offsets[1].count(range.begin, data.size());
  if (range.end - range.begin != wanted)
    throw entry.at("data_offsets")
        .error(std::to_string(wanted) + " bytes, as the shape needs",
               std::to_string(range.end - range.begin));
  const std::string_view values = data.substr(range.begin, wanted);
  if (tensor.type == Tensor::Type::f64)
    copy_values(values, tensor.f64, entry);
  else
    copy_values(values, tensor.f32, entry);
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
  const JsonDocument header = JsonDocument::parse(bytes.substr(0, length), where + ": header");
  const std::string_view data = bytes.substr(length);

  TensorMap tensors;
  std::vector<DataRange> ranges;
  for (const auto& [name, entry] : header.root().entries()) {
    if (name == "__metadata__") continue;
    ranges.emplace_back();
    tensors.emplace(name, read_tensor(entry, data, ranges.back()));
  }
  std::sort(ranges.begin(), ranges.end(), [](const DataRange& a, const DataRange& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const DataRange& range : ranges) {
    if (range.begin != end)
      throw Error::expected("tensors that follow one another",
                            "a gap or overlap at byte " + std::to_string(end), where);
    end = range.end;
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
