// The types that the layers are written in, here those of Vitis HLS: the one header that differs between tools.
#ifndef HWQ_TYPES_H
#define HWQ_TYPES_H

#include <ap_int.h>
#include <hls_stream.h>

namespace hwq {

// Two's complement.
template <int BITS>
using integer = ap_int<BITS>;

// Not negative.
template <int BITS>
using natural = ap_uint<BITS>;

// A channel between layers.
template <class T>
using stream = hls::stream<T>;

// The lowest BITS bits of a number.
template <int BITS, class T>
integer<BITS> wrap(T x) {
#pragma HLS inline
  return integer<BITS>(x);
}

// The exact product.
inline integer<63> multiply(integer<32> a, natural<31> b) {
#pragma HLS inline
  return a * b;
}

}  // namespace hwq

#endif
