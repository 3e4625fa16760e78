#include "host/io/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "host/core/in_quotes.hpp"
#include "host/core/read_file.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

/// Builds the tree from the parser's events. The library's own builder has no limits, keeps the
/// last of equal keys, and looks for each key among all before it.
class Builder : public nlohmann::json_sax<ordered_json> {
 public:
  Builder(std::string_view text, const std::string& source, const JsonLimits& limits)
      : text_(text), source_(source), limits_(limits) {}

  ordered_json take_root() { return std::move(root_); }

  bool null() override { return add(ordered_json()); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(ordered_json::binary_t&) override { return false; }  // not in texts

  bool start_object(std::size_t) override { return open(ordered_json::object()); }
  bool start_array(std::size_t) override { return open(ordered_json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    Open& object = open_.back();
    if (!object.names.insert(name).second)
      throw Error::expected("each key once", in_quotes(name) + " again", source_);
    object.name = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const bool one_line = text_.find('\n') >= text_.size() - 1;  // as foreign answers mostly are
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    throw JsonSyntaxError(
        Error::expected("JSON", position > text_.size() ? "the end of the text" : in_quotes(token),
                        one_line ? source_ : fmt::format("{}:{}", source_, line)));
  }

 private:
  /// A list or object that has not ended yet.
  struct Open {
    ordered_json value;
    std::string name;                       ///< of an object: the key whose value comes next
    std::unordered_set<std::string> names;  ///< of an object: its keys so far
  };

  bool open(ordered_json value) {
    if (open_.size() == kMaxJsonDepth)
      throw Error::expected(fmt::format("at most {} levels of nesting", kMaxJsonDepth), "more",
                            source_);
    open_.push_back({std::move(value), {}, {}});
    return true;
  }

  bool close() {
    ordered_json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  bool add(ordered_json value) {
    if (++values_ > limits_.values)
      throw Error::expected(fmt::format("at most {} values", limits_.values), "more", source_);
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& parent = open_.back();
    if (parent.value.is_array())
      parent.value.get_ref<ordered_json::array_t&>().push_back(std::move(value));
    else
      parent.value.get_ref<ordered_json::object_t&>().emplace_back(std::move(parent.name),
                                                                   std::move(value));
    return true;
  }

  std::string_view text_;
  const std::string& source_;
  const JsonLimits& limits_;
  std::size_t values_ = 0;
  std::vector<Open> open_;  ///< outermost first
  ordered_json root_;
};

/// Way from `from` to the value at the address `wanted`, as "layers[3].count"; nothing where it is
/// not below. Looked for only where a message needs it.
std::optional<std::string> path_to(const ordered_json& from, const ordered_json* wanted) {
  if (&from == wanted) return "";
  if (!from.is_structured()) return std::nullopt;
  std::size_t position = 0;
  for (auto child = from.begin(); child != from.end(); ++child, ++position) {
    const auto below = path_to(*child, wanted);
    if (!below) continue;
    const bool joined = below->empty() || below->front() == '[';
    const std::string step = from.is_array() ? fmt::format("[{}]", position) : child.key();
    return step + (joined ? "" : ".") + *below;
  }
  return std::nullopt;
}

}  // namespace

JsonDocument JsonDocument::read(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse(read_file(path, limits.bytes), path.string(), limits);
}

JsonDocument JsonDocument::parse(std::string_view text, std::string source,
                                 const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    throw Error::expected("at most " + size_text(limits.bytes) + " of JSON", size_text(text.size()),
                          source);
  auto document = std::make_unique<JsonNode::Document>();
  document->source = std::move(source);
  // The parser takes a NUL byte for the end of the text, whatever follows.
  if (text.find('\0') != std::string_view::npos)
    throw JsonSyntaxError(Error::expected("JSON", "a NUL byte", document->source));
  Builder builder(text, document->source, limits);
  ordered_json::sax_parse(text, &builder);
  document->root = builder.take_root();
  return JsonDocument(std::move(document));
}

std::string JsonNode::describe() const {
  switch (value_->type()) {
    case ordered_json::value_t::object:
      return "an object";
    case ordered_json::value_t::array:
      return fmt::format("a list of {}", value_->size());
    case ordered_json::value_t::string:
      return in_quotes(value_->get_ref<const std::string&>());
    default:
      return value_->dump();
  }
}

Error JsonNode::error(const std::string& expected, const std::string& got) const {
  std::string path = path_to(document_->root, value_).value_or("");
  std::replace_if(path.begin(), path.end(), is_control, '?');
  return Error::expected(expected, got, document_->source + (path.empty() ? "" : ": ") + path);
}

void JsonNode::expect_keys(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : entries()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw error(fmt::format("one of the keys {}", fmt::join(known, ", ")), in_quotes(key));
  }
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  if (!value_->is_object()) throw error("an object");
  for (auto entry = value_->begin(); entry != value_->end(); ++entry)
    if (entry.key() == key) return child(*entry);
  return std::nullopt;
}

JsonNode JsonNode::at(std::string_view key) const {
  const auto value = find(key);
  if (!value) throw error(fmt::format("the key '{}'", key), "none");
  return *value;
}

std::vector<std::pair<std::string_view, JsonNode>> JsonNode::entries() const {
  if (!value_->is_object()) throw error("an object");
  std::vector<std::pair<std::string_view, JsonNode>> out;
  out.reserve(value_->size());
  for (auto entry = value_->begin(); entry != value_->end(); ++entry)
    out.emplace_back(entry.key(), child(*entry));
  return out;
}

std::vector<JsonNode> JsonNode::items(std::size_t low, std::size_t high) const {
  if (!value_->is_array() || value_->size() < low || value_->size() > high)
    throw error(low == high ? fmt::format("a list of {}", low)
                            : fmt::format("a list of {} to {}", low, high));
  std::vector<JsonNode> out;
  out.reserve(value_->size());
  for (const ordered_json& element : *value_) out.push_back(child(element));
  return out;
}

std::string JsonNode::text(std::size_t shortest) const {
  if (!value_->is_string()) throw error("a string");
  const auto& text = value_->get_ref<const std::string&>();
  if (text.size() < shortest || std::any_of(text.begin(), text.end(), is_control))
    throw error(shortest > 0 ? "a text on one line" : "a text on one line, or none");
  return text;
}

std::string JsonNode::hash() const {
  constexpr std::size_t kDigits = 32;
  const std::string hash = text();
  if (hash.size() != kDigits || hash.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw error("a hash of 32 hex digits");
  return hash;
}

std::int64_t JsonNode::integer(std::int64_t low, std::int64_t high) const {
  const bool fits = value_->is_number_unsigned()
                        ? value_->get<std::uint64_t>() <=
                              static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                        : value_->is_number_integer();
  const std::int64_t value = fits ? value_->get<std::int64_t>() : 0;
  if (!fits || value < low || value > high)
    throw error(fmt::format("an integer of {}..{}", low, high));
  return value;
}

std::uint64_t JsonNode::count(std::uint64_t low, std::uint64_t high) const {
  const std::uint64_t value = value_->is_number_unsigned() ? value_->get<std::uint64_t>() : 0;
  if (!value_->is_number_unsigned() || value < low || value > high)
    throw error(fmt::format("an integer of {}..{}", low, high));
  return value;
}

double JsonNode::number(double low, double high) const {
  const double value = number();
  if (value < low || value > high) throw error(fmt::format("a number of {}..{}", low, high));
  return value;
}

double JsonNode::number() const {
  if (!value_->is_number()) throw error("a number");
  return value_->get<double>();  // finite: the parser refuses what is beyond float64
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) throw error("true or false");
  return value_->get<bool>();
}

}  // namespace polaris
