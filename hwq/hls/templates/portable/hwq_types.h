// The types that the layers are written in, here as standard integers: the one header that differs between tools.
//
// An integer<BITS> holds BITS bits at least. Where a value has to wrap at its width the layers convert to 32 bits, of
// which every tool has a type that is exactly as wide, or call wrap.
#ifndef HWQ_TYPES_H
#define HWQ_TYPES_H

#include "hwq_standard.h"
#include "hwq_stream.h"

namespace hwq {

// Two's complement.
template <int BITS>
using integer = standard<BITS>;

// Not negative.
template <int BITS>
using natural = standard_natural<BITS>;

// The lowest BITS bits of a number.
template <int BITS, class T>
integer<BITS> wrap(T x) {
  const std::uint64_t sign = std::uint64_t(1) << (BITS - 1);
  return integer<BITS>(std::int64_t(((std::uint64_t(std::int64_t(x)) ^ sign) & (2 * sign - 1)) - sign));
}

// The exact product; standard integers would multiply in the wider of the two types.
inline integer<63> multiply(integer<32> a, natural<31> b) {
  return integer<63>(a) * integer<63>(b);
}

}  // namespace hwq

#endif
