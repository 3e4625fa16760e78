#include "host/config/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "host/core/in_quotes.hpp"
#include "host/core/printable.hpp"
#include "host/core/read_file.hpp"

namespace polaris {
namespace {

constexpr int kSchemaVersion = 1;
constexpr std::uintmax_t kMaxBytes = 16u << 20;
constexpr std::size_t kMaxNodes = std::size_t{1} << 22;  // 0.7 GB of memory
constexpr std::size_t kMaxDepth = 64;                    // our schemas need five levels

std::string position(const std::string& source, int line, int column) {
  return source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

/// Shortest decimal form that reads back as `value`.
std::string decimal(double value) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  return {buffer, end};
}

}  // namespace

/// Turns yaml-cpp's events into a tree. Its own tree forgets the position of keys and lets
/// duplicates and cycles of aliases pass.
class YamlBuilder : public YAML::EventHandler {
 public:
  explicit YamlBuilder(std::string source)
      : source_(std::make_shared<const std::string>(std::move(source))) {}

  /// The finished tree; its source is null where the document was empty.
  YamlNode take_root() {
    for (YamlNode& child : place_children(root_)) place_all_below(child);
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw node_at(mark).error("one document", "a second one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_extras(mark, "", anchor);
    add(node_at(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw node_at(mark).error("plain values", "an alias");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_extras(mark, tag, anchor);
    YamlNode node = node_at(mark);
    node.kind_ = YamlNode::Kind::scalar;
    node.quoted_ = tag == "!";
    node.value_ = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  YamlNode node_at(const YAML::Mark& mark) const {
    YamlNode node;
    node.line_ = mark.line + 1;
    node.column_ = mark.column + 1;
    node.source_ = source_;
    return node;
  }

  void refuse_extras(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) throw node_at(mark).error("plain values", "an anchor");
    if (!tag.empty() && tag != "?" && tag != "!")
      throw node_at(mark).error("plain values", "the tag " + in_quotes(tag));
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_extras(mark, tag, anchor);
    YamlNode node = node_at(mark);
    if (stack_.size() == kMaxDepth)
      throw node.error("at most " + std::to_string(kMaxDepth) + " levels of nesting", "more");
    node.kind_ = kind;
    stack_.push_back({std::move(node), {}});
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (++nodes_ > kMaxNodes)
      throw node.error("at most " + std::to_string(kMaxNodes) + " nodes", "more");
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    YamlNode& parent = stack_.back().node;
    const bool is_key =
        parent.kind_ == YamlNode::Kind::map && parent.keys_.size() == parent.children_.size();
    if (!is_key) {
      parent.children_.push_back(std::move(node));
      return;
    }
    if (node.kind_ != YamlNode::Kind::scalar) throw node.error("a name as key");
    if (!stack_.back().names.insert(node.value_).second)
      throw node.error("each key once", in_quotes(node.value_) + " again");
    parent.keys_.push_back(std::move(node));
  }

  /// Tells the children of a node their keys or positions.
  static std::vector<YamlNode>& place_children(YamlNode& node) {
    for (std::size_t i = 0; i < node.children_.size(); ++i) {
      node.children_[i].position_ = static_cast<std::ptrdiff_t>(i);
      if (node.kind_ == YamlNode::Kind::map) node.children_[i].key_ = &node.keys_[i];
    }
    return node.children_;
  }

  static void place_all_below(YamlNode& node) {
    for (YamlNode& child : place_children(node)) {
      child.parent_ = &node;
      place_all_below(child);
    }
  }

  std::shared_ptr<const std::string> source_;
  /// A list or map that has not ended yet.
  struct Open {
    YamlNode node;
    std::unordered_set<std::string> names;  ///< the keys of a map so far
  };

  std::vector<Open> stack_;  ///< outermost first
  YamlNode root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

YamlNode YamlNode::read(const std::filesystem::path& path) {
  return parse(read_file(path, kMaxBytes), path.string());
}

YamlNode YamlNode::parse(const std::string& text, const std::string& source) {
  std::istringstream stream(text);
  YamlBuilder builder(source);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw Error::expected("YAML", one_line(error.msg),
                          position(source, error.mark.line + 1, error.mark.column + 1));
  }
  YamlNode root = builder.take_root();
  if (!root.source_) throw Error::expected("a YAML document", "an empty file", source);
  return root;
}

std::string YamlNode::describe() const {
  switch (kind_) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return (quoted_ ? "the string " : "") + in_quotes(value_);
    case Kind::list:
      return children_.empty() ? "an empty list" : "a list";
    case Kind::map:
      return "a map";
  }
  return {};
}

std::string YamlNode::path() const {
  if (position_ < 0) return "";
  std::string way = parent_ == nullptr ? "" : parent_->path();
  if (key_ == nullptr) return way + "[" + std::to_string(position_) + "]";
  return way + (way.empty() ? "" : ".") + key_->value_;
}

Error YamlNode::error(const std::string& expected, const std::string& got) const {
  std::string where = position(*source_, line_, column_);
  if (const std::string way = path(); !way.empty()) where += ": " + way;
  return Error::expected(expected, got, where);
}

void YamlNode::expect_keys(std::initializer_list<std::string_view> known) const {
  if (kind_ != Kind::map) throw error("a map");
  for (const YamlNode& key : keys_) {
    if (std::find(known.begin(), known.end(), key.value_) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known)
      list += (list.empty() ? "" : ", ") + std::string(name);
    throw key.error("one of the keys " + list, in_quotes(key.value_));
  }
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (keys_[i].value_ == key) return &children_[i];
  return nullptr;
}

const YamlNode& YamlNode::at(std::string_view key) const {
  const YamlNode* value = find(key);
  if (value == nullptr) throw error("the key '" + std::string(key) + "'", "none");
  return *value;
}

const std::vector<YamlNode>& YamlNode::items(std::size_t low, std::size_t high) const {
  if (kind_ != Kind::list) throw error("a list");
  if (children_.size() < low || children_.size() > high) {
    const std::string range =
        low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
    throw error("a list of " + range + " elements", std::to_string(children_.size()));
  }
  return children_;
}

std::string YamlNode::text() const {
  if (kind_ != Kind::scalar || value_.empty() ||
      std::any_of(value_.begin(), value_.end(), is_control))
    throw error("a text on one line");
  return value_;
}

std::int64_t YamlNode::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  const char* end = value_.data() + value_.size();
  const auto [stop, status] = std::from_chars(value_.data(), end, value);
  // Compared as text too: 010 is 10 to some readers and 8 to others.
  if (kind_ != Kind::scalar || quoted_ || status != std::errc() || stop != end || value < low ||
      value > high || std::to_string(value) != value_)
    throw error("an integer of " + std::to_string(low) + ".." + std::to_string(high));
  return value;
}

double YamlNode::number(double low, double high) const {
  double value = 0.0;
  const char* end = value_.data() + value_.size();
  const auto [stop, status] = std::from_chars(value_.data(), end, value);
  if (kind_ != Kind::scalar || quoted_ || status != std::errc() || stop != end ||
      !(value > low && value <= high))
    throw error("a number above " + decimal(low) + " and up to " + decimal(high));
  return value;
}

void expect_schema(const YamlNode& root, std::string_view kind) {
  const YamlNode& version = root.at("polaris");
  if (version.text() != std::to_string(kSchemaVersion))
    throw version.error("schema version " + std::to_string(kSchemaVersion));
  if (root.at("kind").text() != kind) throw root.at("kind").error("kind " + std::string(kind));
}

std::string read_name(const YamlNode& node) {
  std::string name = node.text();
  if (!is_name(name))
    throw node.error("a name of at most 256 bytes of UTF-8, without control characters");
  return name;
}

}  // namespace polaris
