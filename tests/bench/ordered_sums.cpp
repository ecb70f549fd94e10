// Sums in ap_fixed's own arithmetic: saturated to 16 bits after every product.

#include <ap_fixed.h>
#include <cstdint>

extern "C" void sums(const int8_t *x, const int8_t *w, int16_t *out, int rows, int depth, int units)
{
    for (int r = 0; r < rows; r++)
        for (int u = 0; u < units; u++) {
            ap_fixed<16, 16, AP_TRN, AP_SAT> total = 0;
            for (int k = 0; k < depth; k++)
                total += ap_fixed<8, 8>(x[r * depth + k]) * ap_fixed<8, 8>(w[u * depth + k]);
            out[r * units + u] = total.to_int();
        }
}
