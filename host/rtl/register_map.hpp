// The accelerator's register addresses: mirrors rtl/accelerator_pkg.sv (a test compares them).
#pragma once

#include <cstdint>

namespace polaris::rtl {

inline constexpr std::uint32_t kRegTimingOnly = 0x00;
inline constexpr std::uint32_t kRegRequantShift = 0x01;
inline constexpr std::uint32_t kRegSpatialC = 0x02;
inline constexpr std::uint32_t kRegBankShift = 0x03;
inline constexpr std::uint32_t kRegScratchpadRows = 0x04;
inline constexpr std::uint32_t kRegAccumulatorRows = 0x05;
inline constexpr std::uint32_t kRegDramBytes = 0x06;
inline constexpr std::uint32_t kRegBusBytes = 0x07;
inline constexpr std::uint32_t kRegBurstBytes = 0x08;
inline constexpr std::uint32_t kRegDramLatency = 0x09;
inline constexpr std::uint32_t kRegMaxOutstanding = 0x0A;
inline constexpr std::uint32_t kRegPageMiss = 0x0B;
inline constexpr std::uint32_t kRegReloadWeights = 0x0C;
inline constexpr std::uint32_t kRegWeightRowStep = 0x0D;
inline constexpr std::uint32_t kRegSwitches = 0x0E;
inline constexpr std::uint32_t kSwitchPackedBus = 0;  ///< bit numbers of the switches
inline constexpr std::uint32_t kSwitchMultiPort = 1;
inline constexpr std::uint32_t kSwitchWidePreload = 2;
inline constexpr std::uint32_t kSwitchShortArray = 3;
inline constexpr std::uint32_t kSwitchSerialPasses = 4;
inline constexpr std::uint32_t kSwitchSerialSteps = 5;
inline constexpr std::uint32_t kSwitchThinPsums = 6;

/// Buffer groups: address = group * 4 + field.
inline constexpr std::uint32_t kGroupInputBuffers = 0x04;
inline constexpr std::uint32_t kGroupWeightBuffers = 0x05;
inline constexpr std::uint32_t kGroupOutputBuffers = 0x06;
inline constexpr std::uint32_t kBufferCount = 0;
inline constexpr std::uint32_t kBufferRow0 = 1;
inline constexpr std::uint32_t kBufferRow1 = 2;

/// Tile groups: address = group * 16 + field.
inline constexpr std::uint32_t kGroupInputTile = 0x2;
inline constexpr std::uint32_t kGroupWeightTile = 0x3;
inline constexpr std::uint32_t kGroupPsumTile = 0x4;
inline constexpr std::uint32_t kGroupOutputTile = 0x5;
inline constexpr std::uint32_t kTileBase = 0;
inline constexpr std::uint32_t kTileCount0 = 1;
inline constexpr std::uint32_t kTileStride0 = 4;
inline constexpr std::uint32_t kTileChunkBytes = 7;
inline constexpr std::uint32_t kTileRowBytes = 8;
inline constexpr std::uint32_t kTileRows = 9;

/// Nests: address = nest + position * 8 (register nest: * 4) + field.
inline constexpr std::uint32_t kRegDramNest = 0x60;
inline constexpr std::uint32_t kRegAccumulatorNest = 0xA0;
inline constexpr std::uint32_t kLoopBound = 0;
inline constexpr std::uint32_t kLoopInputStep = 1;
inline constexpr std::uint32_t kLoopWeightStep = 2;
inline constexpr std::uint32_t kLoopOutputStep = 3;
inline constexpr std::uint32_t kLoopRelevance = 4;
inline constexpr std::uint32_t kRelevantInput = 0;  ///< bit numbers of the relevance mask
inline constexpr std::uint32_t kRelevantWeight = 1;
inline constexpr std::uint32_t kRelevantOutput = 2;
inline constexpr std::uint32_t kReduction = 3;
inline constexpr std::uint32_t kRegRegisterNest = 0xE0;
inline constexpr std::uint32_t kRowLoopBound = 0;
inline constexpr std::uint32_t kRowLoopInputStep = 1;
inline constexpr std::uint32_t kRowLoopOutputStep = 2;

/// Bits of the error output.
inline constexpr std::uint32_t kErrorScratchpad = 0;
inline constexpr std::uint32_t kErrorAccumulator = 1;
inline constexpr std::uint32_t kErrorDram = 2;

}  // namespace polaris::rtl
