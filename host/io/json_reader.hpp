// Strict reading of JSON from files and programs that are not trusted: bounded while it is parsed,
// and every value checked for its type and range where it is taken. The sibling of YamlNode
// (host/config/yaml_reader.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/error.hpp"

namespace polaris {

/// Lists and objects within one another; what is deeper would overflow the stack of whoever walks
/// through it. Our own files have at most eight levels.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// What a text may hold at most. A value takes two bytes of text at least and 16 to 100 of memory.
struct JsonLimits {
  std::uintmax_t bytes = std::uintmax_t{16} << 20;
  std::size_t values = std::size_t{1} << 22;
};

/// The text is not JSON: damaged, cut short, or something else altogether.
class JsonSyntaxError : public Error {
 public:
  explicit JsonSyntaxError(const Error& error) : Error(error) {}
};

/// A value of a parsed document, valid as long as that lives. Every accessor throws Error
/// "file: layers[3].count: expected X, got Y" where the value is something else.
class JsonNode {
 public:
  bool is_null() const { return value_->is_null(); }

  /// The node is an object and has no key but these.
  void expect_keys(std::initializer_list<std::string_view> known) const;
  /// Value of a key of an object; nothing where the key is absent.
  std::optional<JsonNode> find(std::string_view key) const;
  /// Value of a key that must be there.
  JsonNode at(std::string_view key) const;
  /// Keys and values of an object, in file order.
  std::vector<std::pair<std::string_view, JsonNode>> entries() const;

  /// The elements of a list of `low` to `high` elements.
  std::vector<JsonNode> items(std::size_t low, std::size_t high) const;

  /// A string without control characters, of `shortest` bytes or more.
  std::string text(std::size_t shortest = 0) const;
  /// A hash as content_hash (host/core/hash.hpp) writes it.
  std::string hash() const;
  /// An integer of [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  /// An integer of [low, high] that may need all of 64 bits.
  std::uint64_t count(std::uint64_t low, std::uint64_t high) const;
  /// A finite number of [low, high].
  double number(double low, double high) const;
  /// Any finite number.
  double number() const;
  bool boolean() const;

  /// The value as it was read.
  const nlohmann::ordered_json& raw() const { return *value_; }

  /// The error to throw for a value that is of the right type and yet wrong.
  Error error(const std::string& expected, const std::string& got) const;
  Error error(const std::string& expected) const { return error(expected, describe()); }

 private:
  friend class JsonDocument;
  struct Document {
    std::string source;  ///< file name for messages
    nlohmann::ordered_json root;
  };

  JsonNode(const Document* document, const nlohmann::ordered_json* value)
      : document_(document), value_(value) {}
  JsonNode child(const nlohmann::ordered_json& value) const { return {document_, &value}; }
  std::string describe() const;

  const Document* document_;
  const nlohmann::ordered_json* value_;
};

class JsonDocument {
 public:
  /// Reads a file of one JSON value. Throws Error where it cannot be read, exceeds `limits` or
  /// kMaxJsonDepth, or repeats a key in an object, JsonSyntaxError where it is not JSON (numbers
  /// beyond float64 are not).
  static JsonDocument read(const std::filesystem::path& path, const JsonLimits& limits = {});
  /// As `read`, for text in memory; `source` stands for the file name in messages.
  static JsonDocument parse(std::string_view text, std::string source,
                            const JsonLimits& limits = {});

  JsonNode root() const { return {document_.get(), &document_->root}; }

 private:
  explicit JsonDocument(std::unique_ptr<const JsonNode::Document> document)
      : document_(std::move(document)) {}

  std::unique_ptr<const JsonNode::Document> document_;  ///< nodes point to it
};

}  // namespace polaris
