// How products become a sum that fits its width (hwq, docs/spec/numerics.md, N.9).
#ifndef HWQ_SUMS_H
#define HWQ_SUMS_H

#include "hwq_types.h"

namespace hwq {

// What becomes of sums that leave their width; `refuse`: the layer is known to have none.
enum class overflow { refuse, wrap, saturate, saturate_symmetric };

// After how many additions a sum is fitted: those of a pass of hwq's array, or every one.
enum class granularity { pass, mac };

// Which neighbor a value between two integers becomes.
enum class rounding { floor, toward_zero, half_up, half_toward_zero, half_down, half_away, half_even, half_odd };

constexpr int larger(int a, int b) {
  return a > b ? a : b;
}

// x / 2^bits; less than 2^bits is dropped, `half` is the middle of that.
template <rounding ROUNDING, class T>
T shift_right(T x, int bits) {
#pragma HLS inline
  if (bits == 0) return x;
  const T quotient = x >> bits;
  const T dropped = x - T(quotient << bits);
  const T half = T(1) << (bits - 1);
  const bool odd = (quotient & 1) != 0;
  const bool up = ROUNDING == rounding::floor         ? false
                  : ROUNDING == rounding::toward_zero ? x < 0 && dropped != 0
                  : dropped != half                   ? dropped > half
                  : ROUNDING == rounding::half_up     ? true
                  : ROUNDING == rounding::half_down   ? false
                  : ROUNDING == rounding::half_away   ? x >= 0
                  : ROUNDING == rounding::half_even   ? odd
                  : ROUNDING == rounding::half_odd    ? !odd
                                                      : x < 0;
  return up ? T(quotient + 1) : quotient;
}

// A sum of WIDE bits in BITS bits.
template <overflow OVERFLOW, int BITS, int WIDE>
integer<BITS> fit(integer<WIDE> x) {
#pragma HLS inline
  if (OVERFLOW == overflow::refuse) return integer<BITS>(x);
  if (OVERFLOW == overflow::wrap) return wrap<BITS>(x);
  typedef integer<larger(BITS, WIDE) + 1> wide;
  const wide high = wide(wide(1) << (BITS - 1)) - 1;
  const wide low = OVERFLOW == overflow::saturate_symmetric ? wide(-high) : wide(-high - 1);
  const wide sum = x;
  return integer<BITS>(sum > high ? high : sum < low ? low : sum);
}

// Types and steps of a layer's sums.
template <class SPEC>
struct sums {
  typedef integer<SPEC::weight_bits + 9> product;
  typedef integer<SPEC::pass_bits> pass;
  typedef integer<SPEC::accumulator_bits> accumulator;

  // What a sum begins with.
  static accumulator begin(integer<62> bias) {
#pragma HLS inline
    return SPEC::begins_with_bias ? accumulator(bias) : accumulator(0);
  }

  // A product as it is added.
  static product multiply(integer<9> operand, integer<SPEC::weight_bits> weight) {
#pragma HLS inline
    return shift_right<SPEC::truncate_rounding>(product(operand * weight), SPEC::truncate);
  }

  static void add(product value, pass& psum, accumulator& sum) {
#pragma HLS inline
    if (SPEC::fitted == granularity::pass) {
      psum = pass(psum + value);
    } else {
      constexpr int wide = larger(SPEC::accumulator_bits, SPEC::weight_bits + 9) + 1;
      sum = fit<SPEC::when_full, SPEC::accumulator_bits, wide>(integer<wide>(integer<wide>(sum) + value));
    }
  }

  // A pass is over.
  static void end_pass(pass& psum, accumulator& sum) {
#pragma HLS inline
    constexpr int wide = larger(SPEC::accumulator_bits, SPEC::psum_bits) + 1;
    const integer<SPEC::psum_bits> fitted = fit<SPEC::when_full, SPEC::psum_bits, SPEC::pass_bits>(psum);
    sum = fit<SPEC::when_full, SPEC::accumulator_bits, wide>(integer<wide>(integer<wide>(sum) + fitted));
    psum = 0;
  }
};

// Where passes end: runs of `run` products are cut into passes of `pass`, the last of a run possibly shorter.
template <class SPEC>
struct pass_counter {
  pass_counter() : in_pass(0), in_run(0) {}

  // Counts products; whether a pass is over.
  bool step(int products) {
#pragma HLS inline
    in_pass += products;
    in_run += products;
    const bool run_is_over = in_run == SPEC::run;
    const bool over = run_is_over || in_pass == SPEC::pass;
    if (run_is_over) in_run = 0;
    if (over) in_pass = 0;
    return SPEC::fitted == granularity::pass && over;
  }

  int in_pass, in_run;
};

}  // namespace hwq

#endif
