// Silicon area in 40 nm (spec: analytical-model section 8).
#pragma once

#include <cmath>
#include <cstdint>

#include "models/space/hardware.hpp"

namespace polaris {

/// Log-log interpolation at `x` of `count` areas tabulated at first, 2 * first, 4 * first, ...;
/// outside the table the nearer end.
POLARIS_HD inline double interpolate_octaves(const double* table, int count, double first,
                                             double x) {
  const double position = std::log2(x / first);
  if (!(position > 0.0)) return table[0];
  if (position >= count - 1) return table[count - 1];
  const int below = static_cast<int>(position);
  return table[below] * std::pow(table[below + 1] / table[below], position - below);
}

/// mm^2 of one column's accumulator memory of 32-bit words: CACTI 7 (Balasubramonian et al., TACO
/// 2017) with 2 ports and 2 banks, tabulated from 256 B to 1 MiB in octaves. Exact there; between
/// the entries log-log interpolation (against 90 CACTI runs: mean error 3.7 %, median 2.7 %,
/// largest 38.8 %, because CACTI is discontinuous). Below 64 B the memory counts as registers
/// (1 um^2), from there to 256 B as 256 B; above 1 MiB the table's end is scaled by the closed form
/// 0.00191 + 0.005665 * KB.
POLARIS_HD inline double accumulator_area_mm2(std::int64_t words) {
  constexpr int kEntries = 13;
  constexpr double kFirst = 256.0, kLast = 1048576.0;
  constexpr double kSmallest = 64.0, kSmallestArea = 1e-6;
  static constexpr double kArea[kEntries] = {
      0.00321856, 0.00470342, 0.00763553, 0.0177636, 0.0313961, 0.0521615, 0.097914,
      0.172296,   0.334771,   0.675248,   1.45696,   2.55674,   4.9876};
  const double bytes = 4.0 * static_cast<double>(words);
  if (bytes < kSmallest) return kSmallestArea;
  const double area = interpolate_octaves(kArea, kEntries, kFirst, bytes);
  if (bytes <= kLast) return area;
  const auto closed_form = [](double b) { return 0.00191 + 0.005665 * (b / 1024.0); };
  return area * (closed_form(bytes) / closed_form(kLast));
}

/// mm^2 of the scratchpad of rows of `dim` bytes, at least 64 rows of 4: CACTI 7 with 1 port and 1
/// bank, tabulated for dim 2 to 128 and 1 KiB to 2 MiB, both in octaves. Exact there; between the
/// sizes log-log interpolation (against 210 CACTI runs: mean error 2.1 to 5.3 % by dim, largest
/// 25 %), between the dims too (not measured: CACTI was run for powers of two). Outside the table
/// its nearest entry is scaled by the closed form 4.23e-6 * dim^2 + 0.002634 * KB.
POLARIS_HD inline double scratchpad_area_mm2(std::int32_t dim, std::int64_t bytes) {
  constexpr int kSizes = 12, kArrays = 7;
  constexpr double kFirstSize = 1024.0, kLastSize = 2097152.0;
  constexpr double kFirstArray = 2.0, kLastArray = 128.0;
  constexpr double kLeastRows = 64.0, kLeastWidth = 4.0;
  static constexpr double kArea[kArrays][kSizes] = {
      {0.00266782, 0.00560476, 0.0111708, 0.0202853, 0.047249, 0.0965537, 0.182955, 0.35059,
       0.704899, 1.36285, 2.49904, 4.9636},
      {0.00271156, 0.00570708, 0.0111526, 0.0202671, 0.0395195, 0.0837753, 0.188594, 0.364669,
       0.64917, 1.37401, 2.49104, 4.94351},
      {0.00284375, 0.00596166, 0.0106732, 0.0207545, 0.040091, 0.0884221, 0.165167, 0.339417,
       0.746966, 1.29942, 2.57795, 5.10873},
      {0.00420428, 0.00656579, 0.0112773, 0.0218904, 0.0422063, 0.0770648, 0.179728, 0.326688,
       0.701275, 1.42021, 2.56571, 5.37418},
      {0.01065, 0.01065, 0.0152177, 0.0243322, 0.0424612, 0.081689, 0.157178, 0.374366, 0.679274,
       1.42031, 2.90457, 5.3729},
      {0.0301224, 0.0301224, 0.0301224, 0.0388859, 0.0563741, 0.0912326, 0.175373, 0.30919,
       0.820571, 1.77414, 3.12315, 6.40901},
      {0.0949907, 0.0949907, 0.0949907, 0.0949907, 0.111802, 0.145351, 0.212298, 0.346115, 0.678295,
       1.86947, 3.20287, 6.9227},
  };
  const double array = dim;
  const double size =
      std::fmax(static_cast<double>(bytes), kLeastRows * std::fmax(array, kLeastWidth));
  double by_array[kArrays] = {};
  for (int i = 0; i < kArrays; ++i)
    by_array[i] = interpolate_octaves(kArea[i], kSizes, kFirstSize, size);
  const double area = interpolate_octaves(by_array, kArrays, kFirstArray, array);
  const double nearest_array = std::fmin(std::fmax(array, kFirstArray), kLastArray);
  const double nearest_size = std::fmin(std::fmax(size, kFirstSize), kLastSize);
  if (array == nearest_array && size == nearest_size) return area;
  const auto closed_form = [](double d, double b) {
    return 4.23e-6 * d * d + 0.002634 * (b / 1024.0);
  };
  return area * (closed_form(array, size) / closed_form(nearest_array, nearest_size));
}

/// mm^2 of the accelerator: PEs (8-bit multiplier with adder 332.25 um^2, register 47.84 um^2, of
/// Accelergy's Aladdin tables), one accumulator memory a column, and the scratchpad. DRAM and wires
/// count nothing.
POLARIS_HD inline double area_mm2(const HardwareConfig& hardware) {
  constexpr double kMac = 332.25e-6, kRegister = 47.84e-6;
  const double dim = hardware.dim;
  return dim * dim * (kMac + kRegister) + dim * accumulator_area_mm2(hardware.accumulator_words) +
         scratchpad_area_mm2(hardware.dim, hardware.scratchpad_bytes);
}

}  // namespace polaris
