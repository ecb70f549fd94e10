// Windows that slide over an image, of which only as many lines are kept as a window is high.
#ifndef HWQ_WINDOW_H
#define HWQ_WINDOW_H

#include "hwq_packs.h"

namespace hwq {

// Geometry that follows from a layer's own.
template <class SPEC>
struct window {
  // Lines that a window covers, between its rows included.
  static constexpr int lines = (SPEC::kernel_height - 1) * SPEC::dilation_height + 1;
  static constexpr int taps = SPEC::kernel_height * SPEC::kernel_width;
  static constexpr int packs = SPEC::channels / SPEC::lanes_in;

  // Image row that a kernel's row meets, negative or beyond the image in the padding.
  static int row(int output_row, int kernel_row) {
#pragma HLS inline
    return output_row * SPEC::stride_height - SPEC::padding_top + kernel_row * SPEC::dilation_height;
  }

  static int column(int output_column, int kernel_column) {
#pragma HLS inline
    return output_column * SPEC::stride_width - SPEC::padding_left + kernel_column * SPEC::dilation_width;
  }

  static bool inside(int row, int column) {
#pragma HLS inline
    return row >= 0 && row < SPEC::height && column >= 0 && column < SPEC::width;
  }
};

// Row y of the image lies in line y modulo their number.
template <class SPEC>
using line_buffer = integer<8>[window<SPEC>::lines][SPEC::width][SPEC::channels];

// Reads rows of the image until `rows` of them were read in all, of which `known` were before; returns how many were.
template <class SPEC>
int read_rows(stream<codes<SPEC::lanes_in>>& x, line_buffer<SPEC>& lines, int known, int rows) {
  const int last = rows < SPEC::height ? rows : SPEC::height;
  for (int row = known; row < last; row++) {
#pragma HLS loop_tripcount min = 0 max = SPEC::height
    for (int column = 0; column < SPEC::width; column++) {
#pragma hls_pipeline_init_interval 1
      for (int part = 0; part < window<SPEC>::packs; part++) {
#pragma HLS pipeline II = 1
        const codes<SPEC::lanes_in> value = x.read();
#pragma hls_unroll yes
        for (int lane = 0; lane < SPEC::lanes_in; lane++) {
#pragma HLS unroll
          lines[row % window<SPEC>::lines][column][part * SPEC::lanes_in + lane] = value.lane[lane];
        }
      }
    }
  }
  return last > known ? last : known;
}

}  // namespace hwq

#endif
