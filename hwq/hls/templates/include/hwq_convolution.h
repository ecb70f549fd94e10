// Convolution, in groups too: `columns` output channels side by side, `rows` input channels of each in a step.
#ifndef HWQ_CONVOLUTION_H
#define HWQ_CONVOLUTION_H

#include "hwq_requantize.h"
#include "hwq_window.h"

namespace hwq {

template <class SPEC, class RECORD>
void convolution(
    stream<codes<SPEC::lanes_in>>& x, stream<codes<SPEC::lanes_out>>& y,
    const standard<SPEC::weight_bits> (&weights)[SPEC::out_channels][window<SPEC>::taps][SPEC::channels / SPEC::groups],
    const RECORD (&records)[SPEC::out_channels]) {
  constexpr int depth = SPEC::channels / SPEC::groups;
  constexpr int size = SPEC::out_channels / SPEC::groups;
  line_buffer<SPEC> lines;
#pragma HLS array_partition variable = lines cyclic factor = SPEC::rows dim = 3
#pragma HLS array_partition variable = weights cyclic factor = SPEC::columns dim = 1
#pragma HLS array_partition variable = weights cyclic factor = SPEC::rows dim = 3
#pragma HLS array_partition variable = records cyclic factor = SPEC::columns dim = 1
  int known = 0;
  for (int row = 0; row < SPEC::out_height; row++) {
    known = read_rows<SPEC>(x, lines, known, window<SPEC>::row(row, SPEC::kernel_height - 1) + 1);
    for (int column = 0; column < SPEC::out_width; column++) {
      for (int first = 0; first < SPEC::out_channels; first += SPEC::columns) {
        const int base = first / size * depth;
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
        for (int tap = 0; tap < window<SPEC>::taps; tap++) {
          const int from_row = window<SPEC>::row(row, tap / SPEC::kernel_width);
          const int from_column = window<SPEC>::column(column, tap % SPEC::kernel_width);
          const bool inside = window<SPEC>::inside(from_row, from_column);
          const int line = inside ? from_row % window<SPEC>::lines : 0;
          const int place = inside ? from_column : 0;
#pragma hls_pipeline_init_interval 1
          for (int channel = 0; channel < depth; channel += SPEC::rows) {
#pragma HLS pipeline II = 1
            integer<9> operands[SPEC::rows];
#pragma HLS array_partition variable = operands complete
#pragma hls_unroll yes
            for (int r = 0; r < SPEC::rows; r++) {
#pragma HLS unroll
              operands[r] = integer<9>(inside ? int(lines[line][place][base + channel + r]) - SPEC::offset
                                              : SPEC::padding_operand);
            }
            const bool over = passes.step(SPEC::rows);
#pragma hls_unroll yes
            for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
#pragma hls_unroll yes
              for (int r = 0; r < SPEC::rows; r++) {
#pragma HLS unroll
                sums<SPEC>::add(
                    sums<SPEC>::multiply(operands[r], integer<SPEC::weight_bits>(weights[first + c][tap][channel + r])),
                    psums[c], totals[c]);
              }
              if (over) sums<SPEC>::end_pass(psums[c], totals[c]);
            }
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
