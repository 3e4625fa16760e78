#include "host/fit/model.hpp"

#include "tests/fuzz/model_folder.hpp"
#include "tests/fuzz/small_model.hpp"

using namespace polaris;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string arrays = [] {
    fuzz::small_model().save(fuzz::scratch("seed"));
    return read_file(fuzz::scratch("seed") / "model.safetensors");
  }();
  const std::filesystem::path folder = fuzz::scratch("model");
  std::string hash;
  for (int mended = 0; mended < 2; ++mended) {
    fuzz::write_model(folder, fuzz::text_of(data, size), arrays, hash);
    const std::string message = fuzz::refusal([&] {
      const StarlightModel model = StarlightModel::load(folder);
      fuzz::require(model.tensors_f32().samples == fuzz::small_model().tensors_f32().samples,
                    "the samples of the arrays");
    });
    hash = fuzz::wanted_by(message, ": hash: expected ");
    if (hash.empty()) break;
  }
  return 0;
}
