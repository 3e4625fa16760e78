#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "host/core/error.hpp"
#include "host/fit/safetensors.hpp"
#include "models/space/philox.hpp"

namespace polaris {
namespace {

TensorMap sample_tensors() {
  TensorMap tensors;
  tensors["matrix"] = make_tensor({2, 3}, {1, -2.5, 3e300, 0.0, -0.0, 1e-310});
  tensors["empty"] = make_tensor({0}, {});
  Tensor floats;
  floats.type = Tensor::Type::f32;
  floats.shape = {2};
  floats.f32 = {1.5f, -3.0f};
  tensors["floats"] = floats;
  return tensors;
}

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string out(sizeof(length), '\0');
  std::memcpy(out.data(), &length, sizeof(length));
  return out + header + data;
}

TEST(SafeTensors, RoundTrip) {
  const std::string bytes = serialize_tensors(sample_tensors());
  const TensorMap back = parse_tensors(bytes, "memory");
  ASSERT_EQ(back.size(), 3u);
  EXPECT_EQ(back.at("matrix").f64, sample_tensors()["matrix"].f64);
  EXPECT_EQ(back.at("matrix").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(back.at("floats").f32, sample_tensors()["floats"].f32);
  EXPECT_EQ(serialize_tensors(back), bytes);
}

TEST(SafeTensors, ReadsOtherWritersFiles) {
  const std::string data(8, '\0');
  const TensorMap tensors =
      parse_tensors(file_of(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],)"
                            R"("data_offsets":[0,8]}})",
                            data),
                    "memory");
  EXPECT_EQ(tensors.at("a").f32.size(), 2u);
}

TEST(SafeTensors, RefusesWhatIsNotOne) {
  const std::string data(8, '\0');
  for (const char* header :
       {"", "[]", "{", "null", R"({"a":1})", R"({"a":{"dtype":"F64"}})",
        R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[1.5],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[8,0]}})",
        R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0]}})",
        R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
        R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
        R"("b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[99999999999999999999],"data_offsets":[0,8]}})"})
    EXPECT_THROW(parse_tensors(file_of(header, data), "memory"), Error) << header;
  EXPECT_THROW(parse_tensors("", "memory"), Error);
  EXPECT_THROW(parse_tensors(std::string(8, '\xff'), "memory"), Error);
}

TEST(SafeTensors, RefusesNumbersThatAreNone) {
  const double bad[] = {std::nan(""), HUGE_VAL, -HUGE_VAL};
  for (const double value : bad) {
    EXPECT_THROW(
        parse_tensors(serialize_tensors({{"a", make_tensor({2}, {1.0, value})}}), "memory"), Error);
    Tensor floats;
    floats.type = Tensor::Type::f32;
    floats.shape = {1};
    floats.f32 = {static_cast<float>(value)};
    EXPECT_THROW(parse_tensors(serialize_tensors({{"a", floats}}), "memory"), Error);
  }
}

TEST(SafeTensors, RefusesNestedAndRepeatedHeaders) {
  const auto refused = [](const std::string& header) {
    EXPECT_THROW(parse_tensors(file_of(header, std::string(8, '\0')), "memory"), Error);
  };
  refused(std::string(400'000, '['));
  refused(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8],"x":)" +
          std::string(200'000, '[') + std::string(200'000, ']') + "}}");
  const std::string entry = R"("a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]})";
  refused("{" + entry + "," + entry + "}");
  refused(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8],"more":1}})");
}

TEST(SafeTensors, EveryTruncationIsRefused) {
  const std::string bytes = serialize_tensors(sample_tensors());
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(parse_tensors(bytes.substr(0, n), "memory"), Error) << n;
  EXPECT_THROW(parse_tensors(bytes + "x", "memory"), Error);
}

// Random damage gives an Error or a well-formed map, never a crash or another exception.
TEST(SafeTensors, SurvivesRandomDamage) {
  const std::string bytes = serialize_tensors(sample_tensors());
  int refused = 0;
  constexpr std::uint64_t kTries = 20000;
  for (std::uint64_t t = 0; t < kTries; ++t) {
    std::string damaged = bytes;
    const Philox4 bits = philox(1, 0, t);
    for (int change = 0; change <= static_cast<int>(bits.word[0] % 4); ++change) {
      const Philox4 where = philox(2, static_cast<std::uint64_t>(change), t);
      damaged[where.word[0] % damaged.size()] = static_cast<char>(where.word[1]);
    }
    try {
      for (const auto& [name, tensor] : parse_tensors(damaged, "memory")) {
        std::int64_t elements = 1;
        for (const std::int64_t extent : tensor.shape) elements *= extent;
        ASSERT_EQ(static_cast<std::size_t>(elements), tensor.f64.size() + tensor.f32.size());
      }
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(kTries / 4));
}

TEST(SafeTensors, RequireNamesWhatIsWrong) {
  const TensorMap tensors = sample_tensors();
  EXPECT_EQ(require_tensor(tensors, "matrix", {2, 3}, "m").size(), 6u);
  EXPECT_THROW(require_tensor(tensors, "matrix", {3, 2}, "m"), Error);
  EXPECT_THROW(require_tensor(tensors, "floats", {2}, "m"), Error);
  EXPECT_THROW(require_tensor(tensors, "absent", {2}, "m"), Error);
}

}  // namespace
}  // namespace polaris
