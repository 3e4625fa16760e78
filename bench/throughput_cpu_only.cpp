// Builds without nvcc have no kernels to measure.
#include "bench/throughput.hpp"

namespace polaris {

void measure_kernels(const StarlightModel&) {}

}  // namespace polaris
