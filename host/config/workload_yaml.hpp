// Workloads from YAML files (models/zoo/workloads shows the form).
#pragma once

#include <filesystem>
#include <string>

#include "host/space/workload.hpp"

namespace polaris {

/// Reads a workload: `polaris: 1`, `kind: workload`, `name`, optional `source`, and `layers`, each
///   {name, count: 1, R, S, P, Q, C, K, N: 1, stride: s or [w, h], dilation: d or [w, h],
///    groups: 1}
/// with C and K of all groups together (a layer of g groups becomes one of C/g and K/g that occurs
/// g times as often); or, for a matrix product of an M x K by a K x N matrix, {name, count: 1,
/// gemm: {M, K, N}}, which becomes the 1x1 convolution P = M, C = K, K = N. Throws Error with
/// file:line:column where anything is unknown, missing, repeated or out of range, or where a
/// layer's MACs times its count or its input words exceed 2^53.
Workload read_workload(const std::filesystem::path& path);

/// Identity of what is evaluated: layer names, loop bounds and counts in file order (not the
/// workload's name).
std::string workload_hash(const Workload& workload);

}  // namespace polaris
