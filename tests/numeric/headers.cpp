// Prints what a vendor's fixed-point type makes of every code of a source format, for each mode and target.
// Compiled with -DAC for Siemens ac_fixed, without for AMD ap_fixed.
// A line: rounding overflow source_signed target_signed source_width target_width dropped_bits : target codes, lowest
// source code first.
#include <cstdio>

#ifdef AC
#include <ac_fixed.h>
template <int W, int I, bool S, ac_q_mode Q, ac_o_mode O> struct Fixed { typedef ac_fixed<W, I, S, Q, O> type; };
#define PLAIN AC_TRN, AC_WRAP
#define ROUNDINGS(X) X(AC_TRN, floor) X(AC_TRN_ZERO, toward_zero) X(AC_RND, half_up) X(AC_RND_ZERO, half_toward_zero) \
    X(AC_RND_MIN_INF, half_down) X(AC_RND_INF, half_away) X(AC_RND_CONV, half_even) X(AC_RND_CONV_ODD, half_odd)
#define OVERFLOWS(X, Q, N) X(Q, N, AC_WRAP, wrap) X(Q, N, AC_SAT, saturate) X(Q, N, AC_SAT_SYM, saturate_symmetric) \
    X(Q, N, AC_SAT_ZERO, saturate_to_zero)
template <class T> void set(T &x, int code) { x.template set_slc<T::width>(0, ac_int<T::width, false>(code)); }
template <class T> int get(const T &x) { return x.template slc<T::width>(0).to_int(); }
#else
#include <ap_fixed.h>
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O> struct Fixed { typedef ap_fixed<W, I, Q, O> type; };
template <int W, int I, ap_q_mode Q, ap_o_mode O> struct Fixed<W, I, false, Q, O> { typedef ap_ufixed<W, I, Q, O> type; };
#define PLAIN AP_TRN, AP_WRAP
#define ROUNDINGS(X) X(AP_TRN, floor) X(AP_TRN_ZERO, toward_zero) X(AP_RND, half_up) X(AP_RND_ZERO, half_toward_zero) \
    X(AP_RND_MIN_INF, half_down) X(AP_RND_INF, half_away) X(AP_RND_CONV, half_even)
#define OVERFLOWS(X, Q, N) X(Q, N, AP_WRAP, wrap) X(Q, N, AP_SAT, saturate) X(Q, N, AP_SAT_SYM, saturate_symmetric) \
    X(Q, N, AP_SAT_ZERO, saturate_to_zero)
template <class T> void set(T &x, int code) { x.range() = code; }
template <class T> int get(const T &x) { return x.range().to_int(); }
#endif

template <class Source, class Target>
void print(const char *modes, bool source_signed, bool target_signed, int width, int target_width, int dropped) {
    std::printf("%s %d %d %d %d %d :", modes, source_signed, target_signed, width, target_width, dropped);
    const int lowest = source_signed ? -(1 << (width - 1)) : 0;
    for (int code = lowest; code < lowest + (1 << width); ++code) {
        Source x;
        set(x, code);
        const Target y = x;
        const int raw = get(y) & ((1 << target_width) - 1);
        std::printf(" %d", target_signed && (raw >> (target_width - 1)) ? raw - (1 << target_width) : raw);
    }
    std::printf("\n");
}

// The source has no fraction bits; the target drops some of its bits, or, where negative, has more of them.
#define ONE(Q, N, O, M, SS, TS, W, TW, D) \
    print<Fixed<W, W, SS, PLAIN>::type, Fixed<TW, TW + D, TS, Q, O>::type>(#N " " #M, SS, TS, W, TW, D);
#define SIGNS(Q, N, O, M, W, TW, D) \
    ONE(Q, N, O, M, true, true, W, TW, D) ONE(Q, N, O, M, true, false, W, TW, D) \
    ONE(Q, N, O, M, false, true, W, TW, D) ONE(Q, N, O, M, false, false, W, TW, D)
#define FORMATS(Q, N, O, M) \
    SIGNS(Q, N, O, M, 7, 3, 3) SIGNS(Q, N, O, M, 6, 1, 2) SIGNS(Q, N, O, M, 6, 4, -1) SIGNS(Q, N, O, M, 6, 4, 1)
#define ALL(Q, N) OVERFLOWS(FORMATS, Q, N)

int main() {
    ROUNDINGS(ALL)
    return 0;
}
