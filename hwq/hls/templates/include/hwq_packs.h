// What travels between layers: codes in memory order (rows, columns, channels), several channels side by side.
#ifndef HWQ_PACKS_H
#define HWQ_PACKS_H

#include "hwq_types.h"

namespace hwq {

// Codes of neighboring channels; the first is in lane 0. No pack holds channels of two pixels.
template <class T, int LANES>
struct pack {
  typedef T code;
  static constexpr int lanes = LANES;
  T lane[LANES];
};

template <int LANES>
using codes = pack<integer<8>, LANES>;

// Codes without sign, which only a change of format reads or writes.
template <int LANES>
using bytes = pack<natural<8>, LANES>;

// Takes codes out of packs one by one.
template <class PACK>
struct reader {
  explicit reader(stream<PACK>& source) : from(source), held(), next(PACK::lanes) {}

  typename PACK::code read() {
    if (next == PACK::lanes) {
      held = from.read();
      next = 0;
    }
    return held.lane[next++];
  }

  stream<PACK>& from;
  PACK held;
  int next;
};

// Puts codes into packs one by one.
template <class PACK>
struct writer {
  explicit writer(stream<PACK>& target) : to(target), held(), next(0) {}

  void write(typename PACK::code code) {
    held.lane[next++] = code;
    if (next == PACK::lanes) {
      to.write(held);
      next = 0;
    }
  }

  stream<PACK>& to;
  PACK held;
  int next;
};

// Moves COUNT codes.
template <int COUNT, class IN, class OUT>
void copy(reader<IN>& from, writer<OUT>& to) {
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < COUNT; i++) {
#pragma HLS pipeline II = 1
    to.write(from.read());
  }
}

// The same codes in packs of another width.
template <int COUNT, class IN, class OUT>
void reshape(stream<IN>& x, stream<OUT>& y) {
  reader<IN> from(x);
  writer<OUT> to(y);
  copy<COUNT>(from, to);
}

// One stream for two readers.
#pragma hls_design
template <int PACKS, class PACK>
void fork(stream<PACK>& x, stream<PACK>& first, stream<PACK>& second) {
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < PACKS; i++) {
#pragma HLS pipeline II = 1
    const PACK value = x.read();
    first.write(value);
    second.write(value);
  }
}

// Takes what nobody reads.
#pragma hls_design
template <int PACKS, class PACK>
void discard(stream<PACK>& x) {
#pragma hls_pipeline_init_interval 1
  for (int i = 0; i < PACKS; i++) {
#pragma HLS pipeline II = 1
    x.read();
  }
}

}  // namespace hwq

#endif
