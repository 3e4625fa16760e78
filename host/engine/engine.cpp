#include "host/engine/engine.hpp"

#include <spdlog/spdlog.h>

#include <mutex>
#include <utility>

#include "host/core/error.hpp"
#include "host/engine/cuda_engine.hpp"
#include "host/engine/make_cpu_engine.hpp"

namespace polaris {

ScreenPrecision screen_precision(std::string_view name) {
  for (const auto& [known, precision] :
       {std::pair{"fp64", ScreenPrecision::fp64}, std::pair{"fp32", ScreenPrecision::fp32},
        std::pair{"tf32", ScreenPrecision::tf32}, std::pair{"bf16", ScreenPrecision::bf16}})
    if (name == known) return precision;
  throw Error::expected("fp64, fp32, tf32 or bf16", "'" + std::string(name) + "'", "precision");
}

std::string_view usable_backend(std::string_view backend) {
  if (backend == "cpu") return backend;
  if (backend != "auto" && backend != "cuda")
    throw Error::expected("auto, cpu or cuda", "'" + std::string(backend) + "'", "backend");
  const std::optional<std::string> missing = cuda_missing();
  if (!missing) return "cuda";
  if (backend == "cuda")
    throw Error::expected("a usable GPU", *missing + ": use --backend cpu", "backend cuda");
  static std::once_flag said;
  std::call_once(said, [&missing] { spdlog::info("computing on the CPU: {}", *missing); });
  return "cpu";
}

std::unique_ptr<Engine> make_engine(std::string_view backend, const EngineOptions& options) {
  return usable_backend(backend) == "cuda" ? make_cuda_engine(options) : make_cpu_engine(options);
}

}  // namespace polaris
