// Standard integers by width. Constants are stored in them: no program has to fill them, as it has to where a
// type is a tool's, and a network has many.
#ifndef HWQ_STANDARD_H
#define HWQ_STANDARD_H

#include <cstdint>

namespace hwq {

namespace detail {

// Number of the narrowest standard type: 0 for 8 bits, 1 for 16, 2 for 32, 3 for 64.
constexpr int size_of(int bits) {
  return bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3;
}

template <int SIZE>
struct of_size;
template <>
struct of_size<0> {
  typedef std::int8_t with_sign;
  typedef std::uint8_t without_sign;
};
template <>
struct of_size<1> {
  typedef std::int16_t with_sign;
  typedef std::uint16_t without_sign;
};
template <>
struct of_size<2> {
  typedef std::int32_t with_sign;
  typedef std::uint32_t without_sign;
};
template <>
struct of_size<3> {
  typedef std::int64_t with_sign;
  typedef std::uint64_t without_sign;
};

}  // namespace detail

// The narrowest that has BITS bits, two's complement.
template <int BITS>
using standard = typename detail::of_size<detail::size_of(BITS)>::with_sign;

// Not negative.
template <int BITS>
using standard_natural = typename detail::of_size<detail::size_of(BITS)>::without_sign;

}  // namespace hwq

#endif
