// Functions of one code, as tables, and the sum of two tensors (hwq, docs/spec/operators.md, O.3, O.6).
#ifndef HWQ_ELEMENTWISE_H
#define HWQ_ELEMENTWISE_H

#include "hwq_packs.h"
#include "hwq_requantize.h"

namespace hwq {

// The table has an entry for each code, from the LOWEST on.
template <int PACKS, int LOWEST, class IN, class OUT, class CODE>
void lookup(stream<IN>& x, stream<OUT>& y, const CODE (&table)[256]) {
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < PACKS; i++) {
#pragma HLS pipeline II = 1
    const IN value = x.read();
    OUT result;
#pragma hls_unroll yes
    for (int lane = 0; lane < IN::lanes; lane++) {
#pragma HLS unroll
      result.lane[lane] = typename OUT::code(table[int(value.lane[lane]) - LOWEST]);
    }
    y.write(result);
  }
}

// Both are brought to twice the larger scale with 20 more bits, added, and brought to the output's scale.
#pragma hls_design
template <class SPEC, class PACK>
void add(stream<PACK>& x0, stream<PACK>& x1, stream<PACK>& y, const factor& first, const factor& second,
         const factor& output) {
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < SPEC::packs; i++) {
#pragma HLS pipeline II = 1
    const PACK a = x0.read();
    const PACK b = x1.read();
    PACK result;
#pragma hls_unroll yes
    for (int lane = 0; lane < PACK::lanes; lane++) {
#pragma HLS unroll
      const integer<32> wide_a = integer<32>((int(a.lane[lane]) - SPEC::first_zero_point) * (1 << 20));
      const integer<32> wide_b = integer<32>((int(b.lane[lane]) - SPEC::second_zero_point) * (1 << 20));
      const integer<34> sum = requantize<SPEC::rounding>(wide_a, first) + requantize<SPEC::rounding>(wide_b, second);
      result.lane[lane] = finish<SPEC>(requantize<SPEC::rounding>(integer<32>(sum), output));
    }
    y.write(result);
  }
}

// A tensor repeated along some of the axes of [A][B][C][D] packs; steps are 0 along those.
#pragma hls_design
template <int PACKS, int A, int STEP_A, int B, int STEP_B, int C, int STEP_C, int D, int STEP_D, class PACK>
void broadcast(stream<PACK>& x, stream<PACK>& y) {
  PACK held[PACKS];
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < PACKS; i++) {
#pragma HLS pipeline II = 1
    held[i] = x.read();
  }
  for (int a = 0; a < A; a++) {
    for (int b = 0; b < B; b++) {
      for (int c = 0; c < C; c++) {
#pragma hls_pipeline_init_interval 1
        for (int d = 0; d < D; d++) {
#pragma HLS pipeline II = 1
          y.write(held[a * STEP_A + b * STEP_B + c * STEP_C + d * STEP_D]);
        }
      }
    }
  }
}

}  // namespace hwq

#endif
