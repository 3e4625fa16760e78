#include "host/config/workload_yaml.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path path = fuzz::scratch("w.yaml");
  fuzz::write(path, fuzz::text_of(data, size));
  fuzz::refusal([&] {
    const Workload workload = read_workload(path);
    for (const WorkloadLayer& layer : workload.layers)
      fuzz::require(layer.count >= 1 && layer.layer.macs() >= 1 && layer.layer.input_words() >= 1,
                    "layers that can be counted");
    workload_hash(workload);
  });
  return 0;
}
