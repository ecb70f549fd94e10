// Converts every code of small fixed-point formats with the vendors' own C++ types and prints the results.
// Compiled with -DAMD for ap_fixed, without it for ac_fixed. A line is: rounding, overflow, source signed, target
// signed, target width, target fraction bits, and the target code of each source code, lowest first.

#include <cstdio>

#ifdef AMD
#include "ap_fixed.h"
template <int W, int I, bool S, int Q, int O>
struct Fixed {
    typedef ap_fixed_base<W, I, S, (ap_q_mode)Q, (ap_o_mode)O> type;
};
static const int TRN = AP_TRN, WRAP = AP_WRAP;
#define ROUNDINGS(X) \
    X(AP_TRN, "floor") X(AP_TRN_ZERO, "toward_zero") X(AP_RND, "half_up") X(AP_RND_ZERO, "half_toward_zero") \
    X(AP_RND_MIN_INF, "half_down") X(AP_RND_INF, "half_away") X(AP_RND_CONV, "half_even")
#define OVERFLOWS(X, Q, N) \
    X(Q, N, AP_WRAP, "wrap") X(Q, N, AP_SAT, "saturate") X(Q, N, AP_SAT_SYM, "saturate_symmetric") \
    X(Q, N, AP_SAT_ZERO, "saturate_to_zero")
#else
#include "ac_fixed.h"
template <int W, int I, bool S, int Q, int O>
struct Fixed {
    typedef ac_fixed<W, I, S, (ac_q_mode)Q, (ac_o_mode)O> type;
};
static const int TRN = AC_TRN, WRAP = AC_WRAP;
#define ROUNDINGS(X) \
    X(AC_TRN, "floor") X(AC_TRN_ZERO, "toward_zero") X(AC_RND, "half_up") X(AC_RND_ZERO, "half_toward_zero") \
    X(AC_RND_MIN_INF, "half_down") X(AC_RND_INF, "half_away") X(AC_RND_CONV, "half_even") \
    X(AC_RND_CONV_ODD, "half_odd")
#define OVERFLOWS(X, Q, N) \
    X(Q, N, AC_WRAP, "wrap") X(Q, N, AC_SAT, "saturate") X(Q, N, AC_SAT_SYM, "saturate_symmetric") \
    X(Q, N, AC_SAT_ZERO, "saturate_to_zero")
#endif

static const int WIDTH = 7, FRACTION_BITS = 3;

template <int Q, int O, bool SOURCE_SIGNED, bool SIGNED, int W, int F>
void convert(const char *rounding, const char *overflow) {
    std::printf("%s %s %d %d %d %d", rounding, overflow, SOURCE_SIGNED, SIGNED, W, F);
    const int low = SOURCE_SIGNED ? -(1 << (WIDTH - 1)) : 0;
    for (int code = low; code < low + (1 << WIDTH); code++) {
        // Reals carry the codes in and out: all of them are exact.
        typename Fixed<WIDTH, WIDTH - FRACTION_BITS, SOURCE_SIGNED, TRN, WRAP>::type x(code / double(1 << FRACTION_BITS));
        typename Fixed<W, W - F, SIGNED, Q, O>::type y(x);
        std::printf(" %d", int(y.to_double() * (1 << F)));
    }
    std::printf("\n");
}

template <int Q, int O, bool SOURCE_SIGNED, bool SIGNED>
void formats(const char *rounding, const char *overflow) {
    convert<Q, O, SOURCE_SIGNED, SIGNED, 3, 1>(rounding, overflow);  // two bits dropped, most out of range
    convert<Q, O, SOURCE_SIGNED, SIGNED, 1, 0>(rounding, overflow);  // a single bit: nearly everything out of range
    convert<Q, O, SOURCE_SIGNED, SIGNED, 6, 4>(rounding, overflow);  // one appended
}

int main() {
#define ONE(Q, QN, O, ON)                 \
    formats<Q, O, false, false>(QN, ON);  \
    formats<Q, O, false, true>(QN, ON);   \
    formats<Q, O, true, false>(QN, ON);   \
    formats<Q, O, true, true>(QN, ON);
#define ALL(Q, N) OVERFLOWS(ONE, Q, N)
    ROUNDINGS(ALL)
    return 0;
}
