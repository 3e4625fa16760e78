#include "host/space/layer_text.hpp"

#include <algorithm>
#include <cstdio>

#include "host/core/error.hpp"
#include "host/core/in_quotes.hpp"

namespace polaris {

std::string format_layer(const Layer& layer) {
  std::string text;
  for (int d = 0; d < kDims; ++d) text += kDimLetters[d] + std::to_string(layer.size[d]) + " ";
  return text + "stride " + std::to_string(layer.stride_w) + " " + std::to_string(layer.stride_h) +
         " dilation " + std::to_string(layer.dilation_w) + " " + std::to_string(layer.dilation_h);
}

Layer parse_layer(std::string_view text) {
  Layer layer;
  const std::string line(text);
  int* const n = layer.size;
  const int fields =
      std::sscanf(line.c_str(), "R%d S%d P%d Q%d C%d K%d N%d stride %d %d dilation %d %d", &n[0],
                  &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &layer.stride_w, &layer.stride_h,
                  &layer.dilation_w, &layer.dilation_h);
  // Written back and compared: scanf forgives spaces, signs, leading zeros and a longer tail.
  constexpr int kFields = 11;
  const int least = std::min({*std::min_element(n, n + kDims), layer.stride_w, layer.stride_h,
                              layer.dilation_w, layer.dilation_h});
  if (fields != kFields || least < 1 || format_layer(layer) != line)
    throw Error::expected("'R.. S.. P.. Q.. C.. K.. N.. stride W H dilation W H', all from 1 on",
                          in_quotes(line), "layer");
  return layer;
}

}  // namespace polaris
