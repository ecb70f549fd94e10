// Constant padding of an image, of its channels too.
#ifndef HWQ_PAD_H
#define HWQ_PAD_H

#include "hwq_packs.h"

namespace hwq {

template <class SPEC, class IN, class OUT>
void pad(stream<IN>& x, stream<OUT>& y) {
  reader<IN> from(x);
  writer<OUT> to(y);
  for (int row = 0; row < SPEC::out_height; row++) {
    for (int column = 0; column < SPEC::out_width; column++) {
#pragma hls_pipeline_init_interval 1
      for (int channel = 0; channel < SPEC::out_channels; channel++) {
#pragma HLS pipeline II = 1
        const bool inside = row >= SPEC::top && row < SPEC::top + SPEC::height && column >= SPEC::left &&
                            column < SPEC::left + SPEC::width && channel >= SPEC::front &&
                            channel < SPEC::front + SPEC::channels;
        to.write(inside ? from.read() : integer<8>(SPEC::value));
      }
    }
  }
}

}  // namespace hwq

#endif
