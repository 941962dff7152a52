// Where the windows of a convolution or a pooling lie on their images. The loops over them are in
// window_loops.h.
//
// Dimensions: B images, H x W cells each; windows of kh x kw; OH x OW places, one window each. The
// window of place (oy, ox) begins at cell (oy stride_y - top, ox stride_x - left), which may be
// outside, and its row ky and column kx lie dilation_y ky and dilation_x kx further on.
#pragma once

#include <cstdint>

namespace lamina {

struct Windows {
  int64_t B, H, W, kh, kw, OH, OW;
  int64_t stride_y, stride_x, dilation_y, dilation_x, top, left;

  int64_t places() const { return B * OH * OW; }
};

}  // namespace lamina
