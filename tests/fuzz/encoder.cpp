#include "host/fit/pretrained.hpp"
#include "tests/fuzz/model_folder.hpp"
#include "tests/fuzz/small_model.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string arrays = [] {
    fuzz::small_encoder().save(fuzz::scratch("seed"));
    return read_file(fuzz::scratch("seed") / "model.safetensors");
  }();
  const std::filesystem::path folder = fuzz::scratch("encoder");
  fuzz::write_model(folder, fuzz::text_of(data, size), arrays, "");
  fuzz::refusal([&] { Pretrained::load(folder).hash(); });
  return 0;
}
