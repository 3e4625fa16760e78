// Strict reading of small YAML files: whatever is not understood is an error with file, line and
// column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/error.hpp"

namespace polaris {

/// A node of a parsed document. Every accessor throws Error
/// "file:line:column: layers[2].stride: expected X, got Y" where the node is something else.
class YamlNode {
 public:
  /// Parses a file of one document. Throws Error where it cannot be read, is longer than 16 MiB, is
  /// not YAML, repeats a key, or uses anchors, aliases or tags (no schema of ours needs them).
  static YamlNode read(const std::filesystem::path& path);
  /// As `read`, for text in memory; `source` stands for the file name in messages.
  static YamlNode parse(const std::string& text, const std::string& source);

  /// The node is a map and has no key but these.
  void expect_keys(std::initializer_list<std::string_view> known) const;
  /// Value of a key of a map; null where the key is absent.
  const YamlNode* find(std::string_view key) const;
  /// Value of a key that must be there.
  const YamlNode& at(std::string_view key) const;

  bool is_list() const { return kind_ == Kind::list; }
  /// The elements of a list of `low` to `high` elements.
  const std::vector<YamlNode>& items(std::size_t low, std::size_t high) const;

  /// A non-empty string on one line.
  std::string text() const;
  /// A decimal integer of [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  /// A finite real number of (low, high].
  double number(double low, double high) const;

  /// The error to throw for a value that is of the right type and yet wrong.
  Error error(const std::string& expected, const std::string& got) const;
  Error error(const std::string& expected) const { return error(expected, describe()); }

 private:
  friend class YamlBuilder;
  enum class Kind : std::uint8_t { null, scalar, list, map };

  std::string describe() const;

  Kind kind_ = Kind::null;
  bool quoted_ = false;  ///< a scalar in quotes is a string whatever it looks like
  int line_ = 0;         ///< from 1
  int column_ = 0;
  std::string value_;                          ///< of a scalar
  std::vector<YamlNode> keys_;                 ///< of a map, beside children_
  std::vector<YamlNode> children_;             ///< elements of a list, values of a map
  std::string path_;                           ///< e.g. layers[2].stride
  std::shared_ptr<const std::string> source_;  ///< file name
};

/// The head that all files of ours share: `polaris: 1` and `kind: KIND`. Throws Error otherwise.
void expect_schema(const YamlNode& root, std::string_view kind);

/// A name that reports may show: is_name() holds. Throws Error otherwise.
std::string read_name(const YamlNode& node);

}  // namespace polaris
