// Reports as text, alone and against each other.
#include <fmt/format.h>

#include "host/bench/throughput.hpp"
#include "host/core/error.hpp"

namespace polaris {
namespace {

using nlohmann::ordered_json;

constexpr const char* kParts[] = {"stages", "end_to_end"};

void require_schema(const ordered_json& report, const std::string& name) {
  const std::string expected = fmt::format("a report of {} {}", kBenchSchema, kBenchSchemaVersion);
  if (!report.is_object() || report.value("schema", "") != kBenchSchema)
    throw Error::expected(expected, "something else", name);
  if (const int version = report.value("schema_version", 0); version != kBenchSchemaVersion)
    throw Error::expected(expected, fmt::format("version {}", version), name);
}

std::string machine_line(const ordered_json& report) {
  const ordered_json& m = report.at("machine");
  return fmt::format(
      "{} with {}, {} threads: {:.1f} Gflop/s of multiply-adds, {:.1f} Gflop/s of products, {:.1f} "
      "GB/s copied; polaris {} ({}), backend {}\n",
      m.at("cpu").get<std::string>(), m.at("instructions").get<std::string>(),
      m.at("threads").get<int>(), m.at("multiply_add_flops").get<double>() / 1e9,
      m.at("gemm_flops").get<double>() / 1e9, m.at("copy_bytes").get<double>() / 1e9,
      report.at("version").get<std::string>(), report.at("commit").get<std::string>(),
      report.at("backend").get<std::string>());
}

std::string model_line(const ordered_json& model) {
  std::string out =
      fmt::format("\n{}: {} samples, {} kernel inputs of which {} vary, {} outputs\n",
                  model.at("model").get<std::string>(), model.at("samples").get<int>(),
                  model.at("inputs").get<int>(), model.at("inputs_that_vary").get<int>(),
                  model.at("outputs").get<int>());
  constexpr const char* kShared = "candidates_per_shared_features";
  if (model.contains(kShared))
    out += fmt::format(
        "candidates of \"range\" are neighbours as in a sweep: {:.1f} share all features but "
        "the places of the DRAM loops and the energy ratio; the others come in random order\n",
        model.at(kShared).get<double>());
  return out;
}

/// Visits (part's name, entry) of a model.
template <typename Visit>
void for_each_rate(const ordered_json& model, const Visit& visit) {
  for (const char* part : kParts)
    for (const ordered_json& entry : model.at(part)) visit(part, entry);
}

/// Rate of the entry of that name in a model of that many samples; 0 where there is none.
double find_rate(const ordered_json& report, int samples, const std::string& part,
                 const std::string& name) {
  for (const ordered_json& model : report.at("models")) {
    if (model.at("samples").get<int>() != samples) continue;
    for (const ordered_json& entry : model.at(part))
      if (entry.at("name").get<std::string>() == name)
        return entry.at("candidates_per_s").get<double>();
  }
  return 0.0;
}

}  // namespace

std::string format_report(const ordered_json& report) {
  std::string out = machine_line(report);
  for (const ordered_json& model : report.at("models")) {
    out += model_line(model);
    for_each_rate(model, [&out](const char*, const ordered_json& entry) {
      out += fmt::format("  {:<36} {:>12.4g} candidates/s", entry.at("name").get<std::string>(),
                         entry.at("candidates_per_s").get<double>());
      if (entry.contains("share_of_gemm_peak"))
        out += fmt::format("  {:>5.1f} % of the products' peak",
                           100.0 * entry.at("share_of_gemm_peak").get<double>());
      if (entry.contains("variance_share"))
        out += fmt::format("  {:.2g} % of the variance's work, {} in float64",
                           100.0 * entry.at("variance_share").get<double>(),
                           entry.at("rescored").get<std::uint64_t>());
      out += '\n';
    });
  }
  return out;
}

std::string compare_reports(const ordered_json& a, const std::string& name_a, const ordered_json& b,
                            const std::string& name_b) {
  try {
    require_schema(a, name_a);
    require_schema(b, name_b);
    std::string out = name_a + ": " + machine_line(a) + name_b + ": " + machine_line(b);
    for (const ordered_json& model : a.at("models")) {
      out += model_line(model);
      for_each_rate(model, [&](const char* part, const ordered_json& entry) {
        const auto name = entry.at("name").get<std::string>();
        const double before = entry.at("candidates_per_s").get<double>();
        const double after = find_rate(b, model.at("samples").get<int>(), part, name);
        if (before > 0.0 && after > 0.0)
          out += fmt::format("  {:<36} {:>12.4g} {:>12.4g} {:>8.3f}x\n", name, before, after,
                             after / before);
      });
    }
    return out;
  } catch (const nlohmann::json::exception& error) {
    throw Error::expected(fmt::format("a whole report of {}", kBenchSchema), error.what(),
                          name_a + " or " + name_b);
  }
}

}  // namespace polaris
