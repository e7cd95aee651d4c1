// The derivative of a series as a map of its coefficients, and the transpose of that map.
//
// Problem   u = sum c_n phi_n, u' = sum d_n phi_n: find d from c (and c-bar from d-bar) in O(count).
// Method    d = (I - S)^{-1} B c with S strictly upper (two diagonals) and B tridiagonal; see struct Differentiation.
//           The transpose runs the substitution forwards first and multiplies by B^T after. A family has one of the two
//           diagonals of S at most.
// Layout    contiguous rows of `count` doubles; input and output must not overlap.
// Cost      three FMAs an entry, and one where S has a diagonal.
#pragma once
#include "recurrence.hpp"

namespace specfast {
namespace {

// out = B in, or B^T in; no entry waits for another.
inline void band(const Differentiation& table, const double* below, const double* above, int shift, const double* in,
                 double* out) {
    const int64_t last = table.count - 1;
    const double* const middle = table.middle;
    if (last == 0) {
        out[0] = middle[0] * in[0];
        return;
    }
    out[0] = middle[0] * in[0] + above[shift] * in[1];
    for (int64_t k = 1; k < last; ++k) {
        out[k] = middle[k] * in[k] + below[k - shift] * in[k - 1] + above[k + shift] * in[k + 1];
    }
    out[last] = middle[last] * in[last] + below[last - shift] * in[last - 1];
}

inline void differentiate(const Differentiation& table, const double* coef, double* derivative) {
    const int64_t count = table.count;
    band(table, table.lower, table.upper, 0, coef, derivative);
    for (int64_t k = count - 2; table.ahead != nullptr && k >= 0; --k) {
        derivative[k] += table.ahead[k] * derivative[k + 1];
    }
    for (int64_t k = count - 3; table.leap != nullptr && k >= 0; --k)
        derivative[k] += table.leap[k] * derivative[k + 2];
}

// `cotangent` is overwritten by the intermediate (I - S)^{-T} cotangent.
inline void differentiate_transposed(const Differentiation& table, double* cotangent, double* coef) {
    const int64_t count = table.count;
    for (int64_t k = 1; table.ahead != nullptr && k < count; ++k) cotangent[k] += table.ahead[k - 1] * cotangent[k - 1];
    for (int64_t k = 2; table.leap != nullptr && k < count; ++k) cotangent[k] += table.leap[k - 2] * cotangent[k - 2];
    band(table, table.upper, table.lower, 1, cotangent, coef);
}

// Both apply the map `order` times, alternating between two buffers of `count`; they return the one that holds the
// result.
inline double* derive(const Differentiation& table, int order, double* current, double* other) {
    for (int step = 0; step < order; ++step) {
        differentiate(table, current, other);
        double* const swap = current;
        current = other;
        other = swap;
    }
    return current;
}

inline double* derive_transposed(const Differentiation& table, int order, double* current, double* other) {
    for (int step = 0; step < order; ++step) {
        differentiate_transposed(table, current, other);
        double* const swap = current;
        current = other;
        other = swap;
    }
    return current;
}

}  // namespace
}  // namespace specfast
