// A layer as one canonical line: key of stored evaluations and part of content hashes.
#pragma once

#include <string>
#include <string_view>

#include "models/space/layer.hpp"

namespace polaris {

/// "R3 S3 P56 Q56 C64 K64 N1 stride 1 1 dilation 1 1", stride and dilation as (w, h).
std::string format_layer(const Layer& layer);

/// Inverse of format_layer; throws Error where `text` is not in that exact form or a number is
/// below 1.
Layer parse_layer(std::string_view text);

}  // namespace polaris
