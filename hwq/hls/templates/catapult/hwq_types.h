// The types that the layers are written in, here those of Catapult: the one header that differs between tools.
#ifndef HWQ_TYPES_H
#define HWQ_TYPES_H

#include <ac_channel.h>
#include <ac_int.h>

namespace hwq {

// Two's complement.
template <int BITS>
using integer = ac_int<BITS, true>;

// Not negative.
template <int BITS>
using natural = ac_int<BITS, false>;

// A channel between layers.
template <class T>
using stream = ac_channel<T>;

// The lowest BITS bits of a number.
template <int BITS, class T>
integer<BITS> wrap(T x) {
  return integer<BITS>(x);
}

// The exact product.
inline integer<63> multiply(integer<32> a, natural<31> b) {
  return a * b;
}

}  // namespace hwq

#endif
