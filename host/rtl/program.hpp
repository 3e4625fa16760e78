// Turns a design point into register values of the accelerator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/rtl/rtl_types.hpp"
#include "models/space/accelerator_limits.hpp"

namespace polaris {

/// Where the buffers of one tensor's tiles lie in their local memory.
struct TileBuffers {
  std::int64_t rows = 0;       ///< of one tile
  int copies = 1;              ///< 2: the next tile loads while this one is used
  std::int64_t first[2] = {};  ///< first row of each copy
};

struct BufferPlan {
  TileBuffers input;   ///< scratchpad
  TileBuffers weight;  ///< scratchpad
  TileBuffers output;  ///< accumulator
};

/// A second copy where it fits: of inputs and weights, else of inputs, else of weights; of outputs
/// on its own account. Copies start at bank borders if all fit so, else they follow each other.
/// Without double_buffering there is one copy of each; without buffer_limit the memories count as
/// large as accelerator_limits.hpp allows.
/// Precondition: rtl_refusal(...) is empty.
BufferPlan plan_buffers(const Layer& layer, const DesignPoint& point, const MemorySystem& memory,
                        const RtlMechanisms& mechanisms = {});

/// Byte addresses of the tensors in the DRAM image: input [N][W][H][C] (already padded), weight
/// [R][S][C][K], output [N][P][Q][K], partial sums as output but int32.
struct DramLayout {
  std::uint64_t input = 0;
  std::uint64_t weight = 0;
  std::uint64_t output = 0;
  std::uint64_t psum = 0;
  std::uint64_t bytes = 0;  ///< of the whole image
};

struct RegisterWrite {
  std::uint32_t address;
  std::uint32_t value;
};

struct RtlProgram {
  std::vector<RegisterWrite> registers;  ///< all that the accelerator reads
  DramLayout dram;
  int requant_shift = 0;  ///< int8 output = clamp(sum >> shift)
};

/// Why no hardware can run `mapping`, in one line: factors that do not multiply to the layer's
/// sizes, or a loop order that is no permutation; empty if there is no such reason.
std::string mapping_refusal(const Layer& layer, const Mapping& mapping);

/// Why the accelerator cannot run `job`, in one line; empty if it can. It runs every point that
/// `check` accepts within accelerator_limits.hpp, array sizes 4, 8, 16, 32 and 64, without loops
/// at the scratchpad level.
std::string rtl_refusal(const RtlJob& job);

/// Precondition: rtl_refusal(job) is empty.
RtlProgram program_accelerator(const RtlJob& job);

}  // namespace polaris
