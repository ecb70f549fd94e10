// From sums to output codes, bit for bit (hwq, docs/spec/numerics.md, N.4).
#ifndef HWQ_REQUANTIZE_H
#define HWQ_REQUANTIZE_H

#include "hwq_standard.h"
#include "hwq_sums.h"

namespace hwq {

// How a scaled sum is rounded.
enum class contract {
  // Two roundings, half up and then half away from zero: TensorFlow Lite Micro.
  double_rounding,
  // One rounding, half up.
  single_rounding,
};

// A real factor: multiplier * 2^(shift - 31).
struct factor {
  standard_natural<31> multiplier;
  standard<7> shift;
};

// What a channel's sum is turned into a code by.
struct record {
  standard<32> bias;
  factor scale;
};

// x / 2^bits, halves away from zero.
inline integer<33> divide_by_power_of_two(integer<33> x, int bits) {
#pragma HLS inline
  if (bits == 0) return x;
  return integer<33>((x + (integer<34>(1) << (bits - 1)) - (x < 0 ? 1 : 0)) >> bits);
}

template <contract CONTRACT>
integer<33> requantize(integer<32> x, const factor& scale) {
#pragma HLS inline
  const int shift = int(scale.shift);
  if (CONTRACT == contract::single_rounding) {
    const integer<63> product = multiply(x, natural<31>(scale.multiplier));
    const int right = 31 - shift;
    return integer<33>((product + (integer<63>(1) << (right - 1))) >> right);
  }
  // A shift to the left wraps at 32 bits.
  const integer<32> wide = shift > 0 ? integer<32>(integer<63>(x) * (integer<63>(1) << shift)) : x;
  const integer<33> high = integer<33>((multiply(wide, natural<31>(scale.multiplier)) + (integer<63>(1) << 30)) >> 31);
  return divide_by_power_of_two(high, shift < 0 ? -shift : 0);
}

// An output code within the layer's activation; x is before the zero-point.
template <class SPEC>
integer<8> finish(integer<33> x) {
#pragma HLS inline
  const integer<34> code = integer<34>(x) + SPEC::zero_point;
  return integer<8>(code < SPEC::low ? SPEC::low : code > SPEC::high ? SPEC::high : int(code));
}

// The output code of a finished sum of products.
template <class SPEC>
integer<8> finish_sum(integer<SPEC::accumulator_bits> sum, const record& constants) {
#pragma HLS inline
  // Accumulators of more than 32 bits saturate there. Others do not: where the bias has taken zero-points in, it may
  // leave 32 bits on the way.
  constexpr int bits = larger(SPEC::accumulator_bits + SPEC::truncate, 32);
  const integer<bits + 1> whole = integer<bits + 1>(sum * (integer<bits + 1>(1) << SPEC::truncate));
  const integer<bits + 2> total = integer<bits + 2>(integer<bits + 2>(whole) + constants.bias);
  const integer<32> biased = fit<bits == 32 ? overflow::wrap : overflow::saturate, 32, bits + 2>(total);
  return finish<SPEC>(requantize<SPEC::rounding>(biased, constants.scale));
}

}  // namespace hwq

#endif
