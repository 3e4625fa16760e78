#include "host/engine/engine.hpp"

#include "host/core/error.hpp"
#include "host/engine/make_cpu_engine.hpp"

namespace polaris {

std::unique_ptr<Engine> make_engine(std::string_view backend, const EngineOptions& options) {
  if (backend == "auto" || backend == "cpu") return make_cpu_engine(options);
  if (backend == "cuda")
    throw Error::expected("a build with CUDA", "one without: use --backend cpu", "backend cuda");
  throw Error::expected("auto, cpu or cuda", "'" + std::string(backend) + "'", "backend");
}

}  // namespace polaris
