// What bench_throughput's parts share.
#pragma once

#include "host/fit/model.hpp"

namespace polaris {

/// Prints one measurement as a line of JSON.
void print_rate(const char* what, int samples, double items_per_second, double flop_per_item);

/// Floating-point operations of one candidate: encoder, distances, kernel (about 25 operations an
/// element) and means of `samples` samples, and `rows` rows of the variance.
double candidate_flop(int samples, int rows);

/// The same of one step of a fit with two outputs (kernels/README.md).
double fit_step_flop(int samples);

/// Copy bandwidth, float32 GEMM peak, each kernel for `model` and a step of its fit on the current
/// GPU; nothing in builds without kernels.
void measure_kernels(const StarlightModel& model);

}  // namespace polaris
