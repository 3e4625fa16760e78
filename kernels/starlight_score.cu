// posterior(x) for every candidate x of a tile, and what becomes of it:
//
//   u = [z(x); x] / l                     z: the encoder, l: length-scales
//   k_n = matern52(|u - u_n|^2)           |u - u_n|^2 = |u|^2 + |u_n|^2 - 2 u . u_n
//   mean_o = b_o + w_o . u + alpha_o . k
//   variance = 1 + noise - |L^-1 k|^2     at most 1 + noise - sum over the first rows
//
// or the bounds on both that a sketch gives: starlight_sketch.hpp.
//
// Inputs     places of candidates, 4 bytes each; the model, packed, streamed from the L2 cache.
// Work split a block takes batches of B candidates by grid stride. A thread decodes one candidate;
//            then the eight warps share the rows of every product (encoder layers, samples, rows of
//            L^-1) over M candidates at a time, a lane owning up to 8 x 8 elements.
// Memory     device/starlight_block.cuh: the kernel rows of M candidates stay in shared memory
//            where they fit, else in device memory. DRAM traffic besides the model: 4 bytes in and
//            at most 16 out per candidate.
// Precision  T throughout: float as a screen, its products over the samples in 3xTF32 or 3xBF16 if
//            wanted (screen_precision.hpp), and double for what is returned. Accumulation by fma
//            along the depth, warps summed in order: results depend neither on the grid nor on
//            where a candidate stands.
// Bound      fused multiply-adds: per candidate the encoder's weights, N kKernelInputs and N^2 / 2
//            (kPrefixRows^2 / 2 for the bound, kPrefixRows in the place of N for the sketch).
//            Counts: kernels/README.md.

#include <algorithm>

#include "kernels/device/append.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/starlight_block.cuh"
#include "kernels/port.cuh"
#include "kernels/starlight_score.cuh"

namespace polaris {
namespace {

/// What becomes of one candidate; all lanes of a warp must call it, `valid` or not.
template <typename T>
__device__ void put(const StarlightScoreParams<T>& params, bool valid, std::uint32_t place,
                    std::uint64_t candidate, const BasicPrediction<T>& prediction) {
  if (params.output == ScoreOutput::predictions) {
    if (valid) params.predictions[place] = prediction;
    return;
  }
  const EdpPrediction edp = edp_prediction(prediction);
  if (params.output == ScoreOutput::survivors) {
    // Kept where it ties: its index may be the smaller one. And where it is NaN: float64 decides.
    const double best = -highest_acquisition(params.acquisition, edp, params.error);
    append(params.survivors, valid && !(best > params.kth_best->score), place);
    return;
  }
  // NaN ranks before nothing.
  const ScoredIndex scored{-params.acquisition(edp.mean, edp.sd), params.source.index(candidate)};
  append(params.passed, valid && ranks_before(scored, *params.kth_best), scored);
}

// __grid_constant__: see space_score.cu.
template <typename T, int C, class Products>
__global__ void __launch_bounds__(kScoreThreads, 1)
    starlight_score_kernel(const __grid_constant__ StarlightScoreParams<T> params) {
  DYN_SHARED(T, shared);
  constexpr int kColumns = kLaneColumns * C;
  const int batch = params.layout.batch;
  const int kept = score_kept_rows(params.model, params.depth);
  T* const row = params.layout.row_in_shared
                     ? nullptr
                     : params.rows + static_cast<std::size_t>(blockIdx.x) *
                                         score_row_elements(params.layout, kept, 1);
  StarlightBlock<T, C, Products> block(params.model, batch, params.depth, shared, row);
  const std::uint64_t first_of_tile = params.tile->first;
  const std::uint32_t count =
      params.places.items != nullptr ? *params.places.size : params.tile->count;
  // The block's threads leave the loops together, because of the barriers.
  for (std::uint64_t first = std::uint64_t{blockIdx.x} * static_cast<unsigned>(batch);
       first < count; first += std::uint64_t{gridDim.x} * static_cast<unsigned>(batch)) {
    const std::uint64_t i = first + threadIdx.x;
    const bool valid = threadIdx.x < static_cast<unsigned>(batch) && i < count;
    std::uint32_t place = 0;
    if (valid)
      place =
          params.places.items != nullptr ? params.places.items[i] : static_cast<std::uint32_t>(i);
    const std::uint64_t candidate = first_of_tile + place;
    block.decode(params.source, valid, candidate);
    for (int column = 0; column < batch && first + static_cast<unsigned>(column) < count;
         column += kColumns) {
      block.encode(column);
      block.correlate(column);
      block.whiten();
      block.combine(column);
    }
    __syncthreads();
    BasicPrediction<T> prediction{};
    if (valid) prediction = block.prediction();
    put(params, valid, place, candidate, prediction);
    // No barrier: the next batch's features were last read before this one's combine(), and what
    // decode() and prediction() share is a thread's own.
  }
}

template <int C, class Products, typename T>
void launch_score(const StarlightScoreParams<T>& params, const DeviceStream& stream) {
  launch(starlight_score_kernel<T, C, Products>,
         {static_cast<unsigned>(params.blocks), kScoreThreads, params.layout.shared_bytes},
         stream.get(), params);
}

}  // namespace

ScoreLayout choose_score_layout(int kept_rows, std::size_t element_bytes,
                                std::size_t shared_limit) {
  // Wide tiles read the model less often; 128 decoding threads are a warp for each of a
  // multiprocessor's four schedulers. Doubles have 32 columns at most: 64 would not leave a thread
  // enough registers.
  constexpr int kWidest = 64, kNarrowest = 8, kDecoders[] = {256, 128, 64};
  const int widest = element_bytes > sizeof(float) ? kWidest / 2 : kWidest;
  const auto bytes = [element_bytes](int columns, int batch, int rows) {
    return element_bytes * static_cast<std::size_t>(score_fixed_elements(columns, batch) +
                                                    score_scratch_rows(rows) * columns);
  };
  for (int columns = widest; columns >= kNarrowest; columns /= 2)
    for (const int batch : kDecoders)
      if (bytes(columns, batch, kept_rows) <= shared_limit)
        return {columns, batch, true, bytes(columns, batch, kept_rows)};
  int columns = widest;
  while (columns > kNarrowest && bytes(columns, kDecoders[2], 0) > shared_limit) columns /= 2;
  return {columns, kDecoders[2], false, bytes(columns, kDecoders[2], 0)};
}

template <typename T>
void starlight_score(const StarlightScoreParams<T>& params, const DeviceStream& stream) {
  constexpr bool kSingle = sizeof(T) == sizeof(float);
  const int columns = params.layout.columns;
  // Narrow tiles would leave the tensor cores waiting for the model.
  if constexpr (kSingle) {
    // The sketch and the bound on the variance have products of their own.
    const bool bf16 =
        params.precision == ScreenPrecision::bf16 && params.depth == ScoreDepth::whole;
    if (bf16 && columns == 64) return launch_score<8, Bf16Products>(params, stream);
    if (bf16 && columns == 32) return launch_score<4, Bf16Products>(params, stream);
    const bool tensor_cores =
        params.precision != ScreenPrecision::fp32 && params.depth != ScoreDepth::sketch;
    if (tensor_cores && columns == 64) return launch_score<8, Tf32Products>(params, stream);
    if (tensor_cores && columns == 32) return launch_score<4, Tf32Products>(params, stream);
  }
  switch (columns / kLaneColumns) {
    case 1:
      return launch_score<1, PlainProducts>(params, stream);
    case 2:
      return launch_score<2, PlainProducts>(params, stream);
    case 4:
      return launch_score<4, PlainProducts>(params, stream);
    default:
      if constexpr (kSingle) launch_score<8, PlainProducts>(params, stream);
  }
}
template void starlight_score(const StarlightScoreParams<float>&, const DeviceStream&);
template void starlight_score(const StarlightScoreParams<double>&, const DeviceStream&);

}  // namespace polaris
