// Uses the installed headers, libraries and zoo.
#include <cstdio>

#include "host/config/space_yaml.hpp"
#include "host/config/workload_yaml.hpp"
#include "host/core/paths.hpp"
#include "host/search/analytical_search.hpp"

int main() {
  const polaris::SearchProblem problem(
      polaris::read_workload(polaris::find_zoo_file("workloads", "bert_base")),
      polaris::read_design_space(polaris::find_zoo_file("spaces", "small")));
  const auto lists = polaris::analytical_search(problem, {});
  std::printf("%zu hardware configurations\n", lists.size());
  return lists.empty() ? 1 : 0;
}
