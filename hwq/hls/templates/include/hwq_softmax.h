// Softmax in gemmlowp's fixed point, bit for bit (hwq, docs/spec/operators.md, O.7).
#ifndef HWQ_SOFTMAX_H
#define HWQ_SOFTMAX_H

#include "hwq_packs.h"

namespace hwq {

// Fixed point of 32 bits, in wider integers; Qi.f has i integer and f fraction bits.
typedef integer<64> fixed;

inline fixed saturate(fixed x) {
#pragma HLS inline
  const fixed high = 2147483647;
  const fixed low = -2147483647 - 1;
  return x > high ? high : x < low ? low : x;
}

// x * y / 2^31, halves up.
inline fixed high_multiply(fixed x, fixed y) {
#pragma HLS inline
  return saturate((x * y + (fixed(1) << 30)) >> 31);
}

// x / 2^bits, halves away from zero; bits are 1 at least.
inline fixed divide(fixed x, int bits) {
#pragma HLS inline
  return (x + (fixed(1) << (bits - 1)) - (x < 0 ? 1 : 0)) >> bits;
}

// 1 / (1 + x) for x from 0 to 1, Q0.31: three Newton steps from a linear guess, in Q2.29.
inline fixed one_over_one_plus(fixed x) {
  const fixed half_denominator = (x + (fixed(1) << 31)) >> 1;
  fixed result = 1515870810 + high_multiply(half_denominator, -1010580540);
  for (int step = 0; step < 3; step++) {
    const fixed error = (fixed(1) << 29) - high_multiply(half_denominator, result);
    result = result + saturate(high_multiply(result, error) * 4);
  }
  return saturate(result * 2);
}

// Rows of `channels` codes; `exponentials` has exp(-difference to the largest code) in Q0.31. The sum is Q12.19.
template <class SPEC, class IN, class OUT>
void softmax(stream<IN>& x, stream<OUT>& y, const standard<32> (&exponentials)[256]) {
  int held[SPEC::channels];
  reader<IN> from(x);
  writer<OUT> to(y);
  for (int row = 0; row < SPEC::vectors; row++) {
    int largest = -128;
#pragma hls_pipeline_init_interval 1
    for (int i = 0; i < SPEC::channels; i++) {
#pragma HLS pipeline II = 1
      held[i] = int(from.read());
      if (held[i] > largest) largest = held[i];
    }
    fixed total = 0;
#pragma hls_pipeline_init_interval 1
    for (int i = 0; i < SPEC::channels; i++) {
#pragma HLS pipeline II = 1
      total += divide(fixed(exponentials[largest - held[i]]), 12);
    }
    int zeros = 0;
#pragma hls_unroll yes
    for (int bit = 0; bit < 31; bit++) {
#pragma HLS unroll
      if ((total << zeros) < (fixed(1) << 31)) zeros++;
    }
    const fixed reciprocal = one_over_one_plus((total << zeros) - (fixed(1) << 31));
#pragma hls_pipeline_init_interval 1
    for (int i = 0; i < SPEC::channels; i++) {
#pragma HLS pipeline II = 1
      const fixed share = high_multiply(fixed(exponentials[largest - held[i]]), reciprocal);
      const fixed code = divide(share, 12 - zeros + 23);
      to.write(integer<8>((code > 255 ? 255 : int(code)) - 128));
    }
  }
}

}  // namespace hwq

#endif
