// Depthwise convolution: each output channel has a kernel of its own, `columns` channels side by side.
#ifndef HWQ_DEPTHWISE_H
#define HWQ_DEPTHWISE_H

#include "hwq_requantize.h"
#include "hwq_window.h"

namespace hwq {

template <class SPEC, class RECORD>
void depthwise(stream<codes<SPEC::lanes_in>>& x, stream<codes<SPEC::lanes_out>>& y,
               const standard<SPEC::weight_bits> (&weights)[window<SPEC>::taps][SPEC::out_channels],
               const RECORD (&records)[SPEC::out_channels]) {
  line_buffer<SPEC> lines;
#pragma HLS array_partition variable = lines cyclic factor = SPEC::columns dim = 3
#pragma HLS array_partition variable = weights cyclic factor = SPEC::columns dim = 2
#pragma HLS array_partition variable = records cyclic factor = SPEC::columns dim = 1
  int known = 0;
  for (int row = 0; row < SPEC::out_height; row++) {
    known = read_rows<SPEC>(x, lines, known, window<SPEC>::row(row, SPEC::kernel_height - 1) + 1);
    for (int column = 0; column < SPEC::out_width; column++) {
      for (int first = 0; first < SPEC::out_channels; first += SPEC::columns) {
        typename sums<SPEC>::accumulator totals[SPEC::columns];
        typename sums<SPEC>::pass psums[SPEC::columns];
#pragma HLS array_partition variable = totals complete
#pragma HLS array_partition variable = psums complete
#pragma hls_unroll yes
        for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
          totals[c] = sums<SPEC>::begin(bias_of(records[first + c]));
          psums[c] = 0;
        }
        pass_counter<SPEC> passes;
#pragma hls_pipeline_init_interval 1
        for (int tap = 0; tap < window<SPEC>::taps; tap++) {
#pragma HLS pipeline II = 1
          const int from_row = window<SPEC>::row(row, tap / SPEC::kernel_width);
          const int from_column = window<SPEC>::column(column, tap % SPEC::kernel_width);
          const bool inside = window<SPEC>::inside(from_row, from_column);
          const int line = inside ? from_row % window<SPEC>::lines : 0;
          const int place = inside ? from_column : 0;
          const bool over = passes.step(1);
#pragma hls_unroll yes
          for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
            const int channel = (first + c) / SPEC::multiplier;
            const integer<9> operand =
                integer<9>(inside ? int(lines[line][place][channel]) - SPEC::offset : SPEC::padding_operand);
            sums<SPEC>::add(sums<SPEC>::multiply(operand, integer<SPEC::weight_bits>(weights[tap][first + c])),
                            psums[c], totals[c]);
            if (over) sums<SPEC>::end_pass(psums[c], totals[c]);
          }
        }
        codes<SPEC::lanes_out> result;
#pragma hls_unroll yes
        for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
          result.lane[c] = finish_sum<SPEC>(totals[c], records[first + c]);
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
