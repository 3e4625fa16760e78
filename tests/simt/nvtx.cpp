#include <algorithm>

#include "nvtx3/nvtx3.hpp"
#include "tests/simt/executor.hpp"

namespace simt {
namespace {

std::vector<Range> all;
std::vector<std::size_t> open;  // indices into `all`

}  // namespace

const std::vector<Range>& ranges() { return all; }

void clear_ranges() {
  if (open.empty()) all.clear();
}

std::size_t open_range(const std::string& name) {
  const Entered lock;
  all.push_back({name, static_cast<int>(open.size())});
  open.push_back(all.size() - 1);
  return all.size() - 1;
}

void close_range(std::size_t range) {
  const Entered lock;
  if (open.back() != range)
    report(Fault::api, range, "NVTX range \"%s\" is closed while others are open inside it",
           all[range].name.c_str());
  open.erase(std::find(open.begin(), open.end(), range));
}

}  // namespace simt
