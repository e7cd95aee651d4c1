// The derivative of a series as a map of its coefficients, and the transpose of that map.
//
// Problem   u = sum c_n phi_n, u' = sum d_n phi_n: find d from c (and c-bar from d-bar) in O(count).
// Method    d = (I - S)^{-1} B c with S strictly upper (two diagonals) and B tridiagonal; see struct Differentiation.
//           The transpose runs the substitution forwards first and multiplies by B^T after.
// Layout    contiguous rows of `count` doubles; input and output must not overlap.
// Cost      five multiply-adds an entry.
#pragma once
#include "recurrence.hpp"

namespace specfast {
namespace {

inline void differentiate(const Differentiation& table, const double* coef, double* derivative) {
    const int64_t count = table.count;
    for (int64_t k = count - 1; k >= 0; --k) {
        double sum = table.middle[k] * coef[k];
        if (k > 0) sum += table.lower[k] * coef[k - 1];
        if (k + 1 < count) sum += table.upper[k] * coef[k + 1] + table.ahead[k] * derivative[k + 1];
        if (k + 2 < count) sum += table.leap[k] * derivative[k + 2];
        derivative[k] = sum;
    }
}

// `cotangent` is overwritten by the intermediate (I - S)^{-T} cotangent.
inline void differentiate_transposed(const Differentiation& table, double* cotangent, double* coef) {
    const int64_t count = table.count;
    for (int64_t k = 1; k < count; ++k) {
        cotangent[k] += table.ahead[k - 1] * cotangent[k - 1];
        if (k >= 2) cotangent[k] += table.leap[k - 2] * cotangent[k - 2];
    }
    for (int64_t k = 0; k < count; ++k) {
        double sum = table.middle[k] * cotangent[k];
        if (k + 1 < count) sum += table.lower[k + 1] * cotangent[k + 1];
        if (k > 0) sum += table.upper[k - 1] * cotangent[k - 1];
        coef[k] = sum;
    }
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
