// Jobs on the built-in accelerator: simulators made by Verilator.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/rtl/job_runner.hpp"
#include "host/rtl/model_cache.hpp"

namespace polaris {

/// `worker_for` gives the executable for an array size in place of a built simulator, where it is
/// set; `arguments` are for that executable. Throws Failure where the RTL sources are not found.
std::unique_ptr<JobBackend> make_verilated_backend(
    RtlModelOptions options, std::function<std::filesystem::path(int dim)> worker_for,
    std::vector<std::string> arguments);

}  // namespace polaris
