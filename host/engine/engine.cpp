#include "host/engine/engine.hpp"

#include <spdlog/spdlog.h>

#include <mutex>

#include "host/core/error.hpp"
#include "host/engine/cuda_engine.hpp"
#include "host/engine/make_cpu_engine.hpp"

namespace polaris {

std::unique_ptr<Engine> make_engine(std::string_view backend, const EngineOptions& options) {
  if (backend == "cpu") return make_cpu_engine(options);
  if (backend != "auto" && backend != "cuda")
    throw Error::expected("auto, cpu or cuda", "'" + std::string(backend) + "'", "backend");
  const std::optional<std::string> missing = cuda_missing();
  if (!missing) return make_cuda_engine(options);
  if (backend == "cuda")
    throw Error::expected("a usable GPU", *missing + ": use --backend cpu", "backend cuda");
  static std::once_flag said;
  std::call_once(said, [&missing] { spdlog::info("scoring on the CPU: {}", *missing); });
  return make_cpu_engine(options);
}

}  // namespace polaris
