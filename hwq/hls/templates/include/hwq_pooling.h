// Average and maximum of windows; what is outside of the image does not count.
#ifndef HWQ_POOLING_H
#define HWQ_POOLING_H

#include "hwq_window.h"

namespace hwq {

enum class pooling { average, maximum };

// sum / count, halves away from zero.
inline int divide_half_away(int sum, int count) {
#pragma HLS inline
  return sum > 0 ? (sum + count / 2) / count : -((count / 2 - sum) / count);
}

template <class SPEC>
void pool(stream<codes<SPEC::lanes_in>>& x, stream<codes<SPEC::lanes_out>>& y) {
  constexpr bool average = SPEC::kind == pooling::average;
  line_buffer<SPEC> lines;
#pragma HLS array_partition variable = lines cyclic factor = SPEC::columns dim = 3
  int known = 0;
  for (int row = 0; row < SPEC::out_height; row++) {
    known = read_rows<SPEC>(x, lines, known, window<SPEC>::row(row, SPEC::kernel_height - 1) + 1);
    for (int column = 0; column < SPEC::out_width; column++) {
      for (int first = 0; first < SPEC::out_channels; first += SPEC::columns) {
        int results[SPEC::columns];
#pragma HLS array_partition variable = results complete
#pragma hls_unroll yes
        for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
          results[c] = average ? 0 : -128;
        }
        int count = 0;
#pragma hls_pipeline_init_interval 1
        for (int tap = 0; tap < window<SPEC>::taps; tap++) {
#pragma HLS pipeline II = 1
          const int from_row = window<SPEC>::row(row, tap / SPEC::kernel_width);
          const int from_column = window<SPEC>::column(column, tap % SPEC::kernel_width);
          if (window<SPEC>::inside(from_row, from_column)) {
            count++;
#pragma hls_unroll yes
            for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
              const int code = lines[from_row % window<SPEC>::lines][from_column][first + c];
              results[c] = average ? results[c] + code : code > results[c] ? code : results[c];
            }
          }
        }
        codes<SPEC::lanes_out> result;
#pragma hls_unroll yes
        for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
          const int code = average ? divide_half_away(results[c], count) : results[c];
          result.lane[c] = integer<8>(code < SPEC::low ? SPEC::low : code > SPEC::high ? SPEC::high : code);
        }
        y.write(result);
      }
    }
  }
  // What no window reaches.
  read_rows<SPEC>(x, lines, known, SPEC::height);
}

}  // namespace hwq

#endif
