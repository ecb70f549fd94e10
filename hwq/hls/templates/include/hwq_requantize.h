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

// What a channel's sum is turned into a code by; where sums begin with the bias, the first number is what they begin
// with.
struct record {
  standard<32> bias;
  factor scale;
};

// The same, with a second rounding half up but where `away` is not 0: LiteRT's optimized kernels.
struct up_record {
  standard<32> bias;
  factor scale;
  standard_natural<1> away;
};

// (sum * multiplier + add) / 2^right.
struct plain_record {
  standard<62> add;
  standard_natural<31> multiplier;
  standard_natural<6> right;
};

// sum * 2^shift.
struct shift_record {
  standard<32> bias;
  standard<7> shift;
};

// x / 2^bits, halves away from zero, or up.
inline integer<33> divide_by_power_of_two(integer<33> x, int bits, bool away = true) {
#pragma HLS inline
  if (bits == 0) return x;
  return integer<33>((x + (integer<34>(1) << (bits - 1)) - (away && x < 0 ? 1 : 0)) >> bits);
}

// x * 2^bits; a shift to the left wraps at 32 bits.
inline integer<32> shift_left(integer<32> x, int bits) {
#pragma HLS inline
  return bits > 0 ? integer<32>(integer<63>(x) * (integer<63>(1) << bits)) : x;
}

// x times the factor's multiplier, in whole 2^31.
inline integer<33> high_multiply(integer<32> x, const factor& scale) {
#pragma HLS inline
  const integer<32> wide = shift_left(x, int(scale.shift));
  return integer<33>((multiply(wide, natural<31>(scale.multiplier)) + (integer<63>(1) << 30)) >> 31);
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
  return divide_by_power_of_two(high_multiply(x, scale), shift < 0 ? -shift : 0);
}

// An output code within the layer's activation; x is before the zero-point.
template <class SPEC>
integer<8> finish(integer<33> x) {
#pragma HLS inline
  const integer<34> code = integer<34>(x) + SPEC::zero_point;
  return integer<8>(code < SPEC::low ? SPEC::low : code > SPEC::high ? SPEC::high : int(code));
}

// What a sum begins with, or what is added to it.
template <class RECORD>
integer<32> bias_of(const RECORD& constants) {
#pragma HLS inline
  return constants.bias;
}

inline integer<62> bias_of(const plain_record& constants) {
#pragma HLS inline
  return constants.add;
}

// A sum, with its bias, in the output's scale.
template <class SPEC>
integer<64> scaled(integer<32> x, const record& constants) {
#pragma HLS inline
  return requantize<SPEC::rounding>(x, constants.scale);
}

template <class SPEC>
integer<64> scaled(integer<32> x, const up_record& constants) {
#pragma HLS inline
  const int shift = int(constants.scale.shift);
  return divide_by_power_of_two(high_multiply(x, constants.scale), shift < 0 ? -shift : 0, constants.away != 0);
}

template <class SPEC>
integer<64> scaled(integer<32> x, const plain_record& constants) {
#pragma HLS inline
  const integer<63> product = multiply(x, natural<31>(constants.multiplier));
  const integer<64> sum = integer<64>(product) + (SPEC::begins_with_bias ? integer<62>(0) : integer<62>(constants.add));
  return shift_right<SPEC::scaling_rounding>(sum, int(constants.right));
}

template <class SPEC>
integer<64> scaled(integer<32> x, const shift_record& constants) {
#pragma HLS inline
  const int shift = int(constants.shift);
  const integer<64> wide = shift_left(x, shift);
  return shift_right<SPEC::scaling_rounding>(wide, shift < 0 ? -shift : 0);
}

// The bias that is added to a finished sum before it is multiplied.
template <class SPEC, class RECORD>
integer<32> later_bias(const RECORD& constants) {
#pragma HLS inline
  return SPEC::begins_with_bias ? integer<32>(0) : bias_of(constants);
}

template <class SPEC>
integer<32> later_bias(const plain_record&) {
#pragma HLS inline
  return 0;
}

// The output code of a finished sum of products.
template <class SPEC, class RECORD>
integer<8> finish_sum(integer<SPEC::accumulator_bits> sum, const RECORD& constants) {
#pragma HLS inline
  // Accumulators of more than 32 bits saturate there. Others do not: where the bias has taken zero-points in, it may
  // leave 32 bits on the way.
  constexpr int bits = larger(SPEC::accumulator_bits + SPEC::truncate, 32);
  const integer<bits + 1> whole = integer<bits + 1>(sum * (integer<bits + 1>(1) << SPEC::truncate));
  const integer<bits + 2> total = integer<bits + 2>(integer<bits + 2>(whole) + later_bias<SPEC>(constants));
  const integer<32> biased = fit<bits == 32 ? overflow::wrap : overflow::saturate, 32, bits + 2>(total);
  const integer<64> code = scaled<SPEC>(biased, constants) + SPEC::zero_point;
  const integer<SPEC::code_bits> fitted = fit<SPEC::output_overflow, SPEC::code_bits, 64>(code);
  return integer<8>(fitted < SPEC::low ? SPEC::low : fitted > SPEC::high ? SPEC::high : int(fitted));
}

}  // namespace hwq

#endif
