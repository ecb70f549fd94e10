// The mean over neighboring axes (hwq, docs/spec/operators.md, O.5).
#ifndef HWQ_MEAN_H
#define HWQ_MEAN_H

#include "hwq_packs.h"
#include "hwq_requantize.h"

namespace hwq {

// Of a tensor [outer][reduced][inner]; the scale holds the division, `removed` is all the zero-points of a sum.
template <class SPEC, class IN, class OUT>
void mean(stream<IN>& x, stream<OUT>& y, const factor& scale) {
  integer<32> sums[SPEC::inner];
  reader<IN> from(x);
  writer<OUT> to(y);
  for (int outer = 0; outer < SPEC::outer; outer++) {
    for (int reduced = 0; reduced < SPEC::reduced; reduced++) {
#pragma hls_pipeline_init_interval 1
      for (int inner = 0; inner < SPEC::inner; inner++) {
#pragma HLS pipeline II = 1
        const integer<32> before = reduced == 0 ? integer<32>(0) : sums[inner];
        sums[inner] = integer<32>(before + from.read());
      }
    }
#pragma hls_pipeline_init_interval 1
    for (int inner = 0; inner < SPEC::inner; inner++) {
#pragma HLS pipeline II = 1
      to.write(finish<SPEC>(requantize<SPEC::rounding>(integer<32>(sums[inner] - SPEC::removed), scale)));
    }
  }
}

}  // namespace hwq

#endif
