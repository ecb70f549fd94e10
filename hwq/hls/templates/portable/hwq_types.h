// The types that the layers are written in, here as standard integers: the one header that differs between tools.
//
// An integer<BITS> holds BITS bits at least. Where a value has to wrap at its width the layers convert to 32 bits, of
// which every tool has a type that is exactly as wide.
#ifndef HWQ_TYPES_H
#define HWQ_TYPES_H

#include <cstdint>

#include "hwq_stream.h"

namespace hwq {

namespace detail {

// Number of the narrowest standard type: 0 for 8 bits, 1 for 16, 2 for 32, 3 for 64.
constexpr int size_of(int bits) {
  return bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3;
}

template <int SIZE>
struct standard;
template <>
struct standard<0> {
  typedef std::int8_t with_sign;
  typedef std::uint8_t without_sign;
};
template <>
struct standard<1> {
  typedef std::int16_t with_sign;
  typedef std::uint16_t without_sign;
};
template <>
struct standard<2> {
  typedef std::int32_t with_sign;
  typedef std::uint32_t without_sign;
};
template <>
struct standard<3> {
  typedef std::int64_t with_sign;
  typedef std::uint64_t without_sign;
};

}  // namespace detail

// Two's complement.
template <int BITS>
using integer = typename detail::standard<detail::size_of(BITS)>::with_sign;

// Not negative.
template <int BITS>
using natural = typename detail::standard<detail::size_of(BITS)>::without_sign;

// The exact product; standard integers would multiply in the wider of the two types.
inline integer<63> multiply(integer<32> a, natural<31> b) {
  return integer<63>(a) * integer<63>(b);
}

}  // namespace hwq

#endif
