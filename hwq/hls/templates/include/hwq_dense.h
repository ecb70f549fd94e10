// Fully connected: `columns` outputs side by side, `rows` inputs of each in a step.
#ifndef HWQ_DENSE_H
#define HWQ_DENSE_H

#include "hwq_packs.h"
#include "hwq_requantize.h"

namespace hwq {

template <class SPEC, class RECORD>
void dense(stream<codes<SPEC::lanes_in>>& x, stream<codes<SPEC::lanes_out>>& y,
           const standard<SPEC::weight_bits> (&weights)[SPEC::out_channels][SPEC::depth],
           const RECORD (&records)[SPEC::out_channels]) {
  integer<9> operands[SPEC::depth];
#pragma HLS array_partition variable = operands cyclic factor = SPEC::rows dim = 1
#pragma HLS array_partition variable = weights cyclic factor = SPEC::columns dim = 1
#pragma HLS array_partition variable = weights cyclic factor = SPEC::rows dim = 2
#pragma HLS array_partition variable = records cyclic factor = SPEC::columns dim = 1
  for (int vector = 0; vector < SPEC::vectors; vector++) {
#pragma hls_pipeline_init_interval 1
    for (int part = 0; part < SPEC::depth / SPEC::lanes_in; part++) {
#pragma HLS pipeline II = 1
      const codes<SPEC::lanes_in> value = x.read();
#pragma hls_unroll yes
      for (int lane = 0; lane < SPEC::lanes_in; lane++) {
#pragma HLS unroll
        operands[part * SPEC::lanes_in + lane] = integer<9>(value.lane[lane] - SPEC::offset);
      }
    }
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
      for (int input = 0; input < SPEC::depth; input += SPEC::rows) {
#pragma HLS pipeline II = 1
        const bool over = passes.step(SPEC::rows);
#pragma hls_unroll yes
        for (int c = 0; c < SPEC::columns; c++) {
#pragma HLS unroll
#pragma hls_unroll yes
          for (int r = 0; r < SPEC::rows; r++) {
#pragma HLS unroll
            sums<SPEC>::add(
                sums<SPEC>::multiply(operands[input + r], integer<SPEC::weight_bits>(weights[first + c][input + r])),
                psums[c], totals[c]);
          }
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

}  // namespace hwq

#endif
