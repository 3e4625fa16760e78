// Strict reading of small YAML files: whatever is not understood is an error with file, line and
// column.
#pragma once

#include <cstddef>
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
  /// Parses a file of one document. Throws Error where it cannot be read, is longer than 16 MiB,
  /// has more than 2^22 nodes or 64 levels of them, is not YAML, repeats a key, or uses anchors,
  /// aliases or tags (no schema of ours needs them).
  static YamlNode read(const std::filesystem::path& path);
  /// As `read`, for text in memory; `source` stands for the file name in messages.
  static YamlNode parse(const std::string& text, const std::string& source);

  YamlNode(YamlNode&&) noexcept = default;
  YamlNode& operator=(YamlNode&&) noexcept = default;

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

  YamlNode() = default;

  std::string describe() const;
  /// Way from the root, e.g. layers[2].stride; empty for the root.
  std::string path() const;

  Kind kind_ = Kind::null;
  bool quoted_ = false;  ///< a scalar in quotes is a string whatever it looks like
  int line_ = 0;         ///< from 1
  int column_ = 0;
  std::string value_;               ///< of a scalar
  std::vector<YamlNode> keys_;      ///< of a map, beside children_
  std::vector<YamlNode> children_;  ///< elements of a list, values of a map
  // Place in the tree. Moving the root leaves them valid: they point into its vectors' memory.
  const YamlNode* parent_ = nullptr;           ///< null for the root and for its children
  const YamlNode* key_ = nullptr;              ///< of a map's value
  std::ptrdiff_t position_ = -1;               ///< in its list or map; -1: the root
  std::shared_ptr<const std::string> source_;  ///< file name
};

/// The head that all files of ours share: `polaris: 1` and `kind: KIND`. Throws Error otherwise.
void expect_schema(const YamlNode& root, std::string_view kind);

/// A name that reports may show: is_name() holds. Throws Error otherwise.
std::string read_name(const YamlNode& node);

}  // namespace polaris
