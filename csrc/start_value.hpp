// The start value q_0 = start(z) as mantissa * 2^exponent, so that exp(-z^2/2) at z = 200 is a number and not zero.
//
// Method    exp(h + l) with h = -z^2/2 and l the rounding error of that square, found by a fused multiply-add (without
//           it the error at z = 240 is 3e-12). k = round(h / ln 2), then a polynomial in r = h - k ln 2 + l.
// Error     below 2e-16 relative; mantissa in [0.7, 1.42].
#pragma once
#include <cmath>

#include "recurrence.hpp"

namespace specfast {
namespace {

struct Scaled {
    double mantissa;
    double exponent;  // an integer, kept as a double: it can be far below what int32 holds
};

inline double times_power_of_two(double value, double exponent) {
    // Two steps, so that results near the ends of the range are right and nothing overflows on the way.
    const double clipped = exponent < -4000 ? -4000 : exponent > 4000 ? 4000 : exponent;
    const int half = static_cast<int>(clipped) / 2;
    return std::ldexp(std::ldexp(value, half), static_cast<int>(clipped) - half);
}

inline Scaled scaled_exp(double high, double low) {
    const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    const double k = std::nearbyint(high * 1.4426950408889634074);
    const double r = std::fma(-k, ln2_low, std::fma(-k, ln2_high, high)) + low;
    // exp(r) on |r| <= 0.35: Taylor to degree 13, truncation below 1e-17.
    const double inverse_factorial[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
                                        1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
                                        1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};
    double tail = inverse_factorial[0];
    for (int i = 1; i < 12; ++i) tail = std::fma(tail, r, inverse_factorial[i]);
    return {1.0 + std::fma(tail * r, r, r), k};
}

inline Scaled start_value(Start start, double z) {
    if (start == Start::one) return {1.0, 0.0};
    if (start == Start::exponential) return scaled_exp(-0.5 * z, 0.0);
    const double square = z * z;
    return scaled_exp(-0.5 * square, -0.5 * std::fma(z, z, -square));
}

}  // namespace
}  // namespace specfast
