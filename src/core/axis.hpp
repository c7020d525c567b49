// One spatial dimension of a convolution: its extents, and which input position an
// (output position, tap) reads. Everything that padding, stride, dilation and padding
// mode mean is said here, once.
#pragma once
#include <cstdint>

namespace nnconv {

enum class PadMode { zeros, reflect, replicate, circular };

struct Axis {
  int64_t in = 1, out = 1, kernel = 1;
  int64_t stride = 1, dilation = 1;
  int64_t pad_lo = 0, pad_hi = 0;
  PadMode mode = PadMode::zeros;

  // The input position that output position q reads at tap t, or -1 where there is none.
  int64_t source(int64_t q, int64_t t) const { return inside(q * stride + t * dilation - pad_lo); }

  // The input position that stands at position v of the padded input (v = 0 is the first
  // position of the input itself), or -1 where zero padding has none.
  int64_t inside(int64_t v) const {
    if (v >= 0 && v < in) return v;
    switch (mode) {
      case PadMode::reflect:
        return v < 0 ? -v : 2 * (in - 1) - v;
      case PadMode::replicate:
        return v < 0 ? 0 : in - 1;
      case PadMode::circular:
        return v < 0 ? v + in : v - in;
      case PadMode::zeros:
        break;
    }
    return -1;
  }
};

}  // namespace nnconv
