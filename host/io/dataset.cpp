#include "host/io/dataset.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "host/core/error.hpp"
#include "host/core/in_quotes.hpp"
#include "host/core/parallel.hpp"
#include "host/io/mapping_text.hpp"
#include "host/io/number_text.hpp"
#include "models/space/feasibility.hpp"

namespace polaris {
namespace {

constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxArray = 65536;                   // dim * dim fits 32 bits
constexpr std::int64_t kMaxMemory = std::int64_t{1} << 50;  // exact in a double, even times 8
constexpr std::int32_t kPublicBusBytes = 8;

/// Positions of the columns that a design point is made of.
struct Columns {
  int mapping, array, accumulator, scratchpad;
  int size[kDims];
  int stride_w, stride_h, dilation_w, dilation_h;

  Columns(const Table& table, ArraySize array_size)
      : mapping(table.require("mapping.mapping")),
        array(array_size == ArraySize::from_columns ? table.require("arch.meshX") : -1),
        accumulator(table.require("arch.mem1_entries")),
        scratchpad(table.require("arch.mem2_entries")),
        size(),
        stride_w(table.require("prob.Wstride")),
        stride_h(table.require("prob.Hstride")),
        dilation_w(table.require("prob.Wdilation")),
        dilation_h(table.require("prob.Hdilation")) {
    for (int d = 0; d < kDims; ++d) size[d] = table.require(std::string("prob.") + kDimLetters[d]);
  }
};

/// Reads fields of one row by column.
class RowReader {
 public:
  RowReader(const Table& table, std::size_t row) : table_(table), fields_(table.rows[row]) {}

  const std::string& text(int column) const { return fields_[static_cast<std::size_t>(column)]; }

  /// An integer of [1, high], in whatever notation.
  std::int64_t integer(int column, std::int64_t high) const {
    const std::string& field = text(column);
    const std::optional<std::int64_t> value = read_integer(field);
    if (!value || *value < 1 || *value > high)
      throw Error::expected("an integer from 1 to " + std::to_string(high), in_quotes(field),
                            std::string(trimmed(table_.columns[static_cast<std::size_t>(column)])));
    return *value;
  }

  std::int32_t integer32(int column) const {
    return static_cast<std::int32_t>(integer(column, kMaxInt32));
  }

 private:
  const Table& table_;
  const std::vector<std::string>& fields_;
};

void check_factors(const Layer& layer, const Mapping& mapping) {
  for (int d = 0; d < kDims; ++d) {
    const Dim dim = static_cast<Dim>(d);
    // Divided out one by one: the product of five factors may exceed 64 bits.
    std::int64_t rest = layer[dim];
    bool divides = true;
    const auto take = [&](std::int64_t factor) {
      divides = divides && rest % factor == 0;
      rest /= factor;
    };
    for (int l = 0; l < kLevels; ++l) take(mapping.factor(static_cast<Level>(l), dim));
    take(mapping.spatial(dim));
    if (!divides || rest != 1)
      throw Error::expected("factors of " + std::string(1, kDimLetters[d]) + " that multiply to " +
                                std::to_string(layer[dim]),
                            "another product", "mapping");
  }
}

/// macs * (stride + dilation) of both axes bounds every count of the analytical model.
void check_counts(const Layer& layer) {
  std::int64_t bound = 1;
  bool overflow = false;
  const auto multiply = [&](std::int64_t factor) {
    overflow = __builtin_mul_overflow(bound, factor, &bound) || overflow;
  };
  for (const std::int32_t size : layer.size) multiply(size);
  multiply(std::int64_t{layer.stride_w} + layer.dilation_w);
  multiply(std::int64_t{layer.stride_h} + layer.dilation_h);
  if (overflow) throw Error::expected("a layer with counts below 2^63", "a larger one", "prob");
}

void read_row(const RowReader& row, const Columns& columns, ArraySize array_size, DatasetRow& out) {
  for (int d = 0; d < kDims; ++d) out.layer.size[d] = row.integer32(columns.size[d]);
  out.layer.stride_w = row.integer32(columns.stride_w);
  out.layer.stride_h = row.integer32(columns.stride_h);
  out.layer.dilation_w = row.integer32(columns.dilation_w);
  out.layer.dilation_h = row.integer32(columns.dilation_h);
  check_counts(out.layer);
  out.mapping = parse_mapping(trimmed(row.text(columns.mapping)));
  check_factors(out.layer, out.mapping);
  if (array_size == ArraySize::from_columns) {
    out.hardware.dim = static_cast<std::int32_t>(row.integer(columns.array, kMaxArray));
  } else {
    constexpr std::int32_t kSmallestArray = 4;
    const std::int32_t used =
        std::max({out.mapping.spatial_c, out.mapping.spatial_k, kSmallestArray});
    if (used > kMaxArray)
      throw Error::expected("spatial factors up to " + std::to_string(kMaxArray),
                            std::to_string(used), "mapping");
    out.hardware.dim = static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint32_t>(used)));
  }
  out.hardware.accumulator_words = row.integer(columns.accumulator, kMaxMemory);
  out.hardware.scratchpad_bytes = row.integer(columns.scratchpad, kMaxMemory);
  out.hardware.bus_bytes = kPublicBusBytes;
  const Feasibility feasibility =
      check_words(out.hardware, tile_footprint(out.layer, out.mapping), out.mapping);
  if (feasibility != Feasibility::feasible)
    throw Error(std::string("infeasible: ") + to_string(feasibility));
}

}  // namespace

std::vector<DatasetRow> read_design_points(const Table& table, ArraySize array_size, int threads) {
  const Columns columns(table, array_size);
  std::vector<DatasetRow> out(table.rows.size());
  constexpr std::int64_t kGrain = 1024;
  parallel_for(static_cast<std::int64_t>(out.size()), kGrain, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);
                      ++i) {
                   try {
                     read_row(RowReader(table, i), columns, array_size, out[i]);
                   } catch (const Error& error) {
                     out[i].error = error.what();
                   }
                 }
               });
  return out;
}

}  // namespace polaris
