// The start value q_0 = start(z) as mantissa * 2^exponent, so that exp(-z^2/2) at z = 200 is a number and not zero.
//
// Method    exp(h + l) with h = -z^2/2 and l the rounding error of that square, found by a fused FMA (without
//           it the error at z = 240 is 3e-12). k = round(h / ln 2), then a polynomial in r = h - k ln 2 + l.
// Error     below 2e-16 (float 1e-7) relative; mantissa in [0.7, 1.42].
#pragma once
#include "recurrence.hpp"
#ifdef SPECFAST_ON_GPU
#include "cuda/scalar.hpp"
#else
#include <cmath>

#include "simd.hpp"
#endif

namespace specfast {
namespace {

template <class T>
struct Scaled {
    Vector<T> mantissa;
    Vector<T> exponent;  // an integer
};

SPECFAST_INLINE double times_power_of_two(double value, double exponent) {
    // Two steps, so that results near the ends of the range are right and nothing overflows on the way.
    const double clipped = exponent < -4000 ? -4000 : exponent > 4000 ? 4000 : exponent;
    const int half = static_cast<int>(clipped) / 2;
    return ldexp(ldexp(value, half), static_cast<int>(clipped) - half);
}

template <class T>
SPECFAST_INLINE Vector<T> polynomial_exp(Vector<T> r);

// On |r| <= 0.35, by Estrin's scheme, whose steps overlap. In double of degree 11, interpolating (exp(r) - 1 - r) / r^2
// at Chebyshev's points (relative error 2e-17); in float Taylor's of degree 7 (6e-9).
template <>
SPECFAST_INLINE Vector<double> polynomial_exp<double>(Vector<double> r) {
    const Vector<double> r2 = r * r, r4 = r2 * r2, one = splat(1.0);
    const Vector<double> p0 = splat(0x1.0000000000001p-1) + r * splat(0x1.5555555555556p-3),
                         p1 = splat(0x1.5555555553d63p-5) + r * splat(0x1.11111111109b3p-7),
                         p2 = splat(0x1.6c16c1788bd90p-10) + r * splat(0x1.a01a01a7c41d5p-13),
                         p3 = splat(0x1.a019b90d2ae7ap-16) + r * splat(0x1.71de0dae63bb3p-19),
                         p4 = splat(0x1.289185613a3d6p-22) + r * splat(0x1.af38a9b0ec855p-26);
    const Vector<double> tail = (p0 + r2 * p1) + r4 * ((p2 + r2 * p3) + r4 * p4);
    return one + (r + r2 * tail);
}

template <>
SPECFAST_INLINE Vector<float> polynomial_exp<float>(Vector<float> r) {
    const Vector<float> r2 = r * r, one = splat(1.0f);
    const Vector<float> p0 = splat(0.5f) + r * splat(1.0f / 6), p1 = splat(1.0f / 24) + r * splat(1.0f / 120),
                        p2 = splat(1.0f / 720) + r * splat(1.0f / 5040);
    return one + (r + r2 * (p0 + r2 * (p1 + r2 * p2)));
}

template <class T>
SPECFAST_INLINE Scaled<T> scaled_exp(Vector<T> high, Vector<T> low) {
    // ln 2 in two parts, the first short enough for k times it to be exact for every k that occurs.
    constexpr T ln2_high = sizeof(T) == 8 ? T(6.93147180369123816490e-01) : T(0.693359375);
    constexpr T ln2_low = sizeof(T) == 8 ? T(1.90821492927058770002e-10) : T(-2.12194440054690583e-4);
    const Vector<T> magic = splat<T>(Simd<T>::round_magic);
    const Vector<T> k = (high * splat<T>(T(1.4426950408889634074)) + magic) - magic;
    const Vector<T> r = ((high - k * splat<T>(ln2_high)) - k * splat<T>(ln2_low)) + low;
    return {polynomial_exp<T>(r), k};
}

// The rounding error of sum = a + b (Knuth).
template <class T>
SPECFAST_INLINE Vector<T> sum_error(Vector<T> a, Vector<T> b, Vector<T> sum) {
    const Vector<T> own = sum - a;
    return (a - (sum - own)) + (b - own);
}

// (1 - z) / (1 + z) to half a unit of its last place: an error here counts n times in T_n.
template <class T>
SPECFAST_INLINE Vector<T> rational_y(Vector<T> z) {
    const Vector<T> one = splat<T>(1), less = one - z, more = one + z, y = less / more;
    const Vector<T> less_low = sum_error<T>(one, -z, less), more_low = sum_error<T>(one, z, more);
    return y + ((less_low - y * more_low) - fused_minus(y, more, less)) / more;
}

// 1 / sqrt(1 + z^2).
template <class T>
SPECFAST_INLINE Vector<T> inverse_hypotenuse(Vector<T> z) {
    Vector<T> result = splat<T>(1) + z * z;
#ifdef SPECFAST_ON_GPU
    result = square_root(result);
#else
    for (unsigned i = 0; i < sizeof result / sizeof(T); ++i) result[i] = std::sqrt(result[i]);
#endif
    return splat<T>(1) / result;
}

template <class T, Start start>
SPECFAST_INLINE Scaled<T> start_value(Vector<T> z) {
    const Vector<T> minus_half = splat<T>(T(-0.5));
    if constexpr (start == Start::one || start == Start::ring) {
        return {splat<T>(1), splat<T>(0)};
    } else if constexpr (start == Start::rational) {
        return {inverse_hypotenuse<T>(z), splat<T>(0)};
    } else if constexpr (start == Start::half_rational) {
        return {splat<T>(1) / (splat<T>(1) + z), splat<T>(0)};
    } else if constexpr (start == Start::exponential || start == Start::sides) {
        return scaled_exp<T>(minus_half * z, splat<T>(0));
    } else {
        const Vector<T> square = z * z;
        return scaled_exp<T>(minus_half * square, minus_half * fused_minus(z, z, square));
    }
}

}  // namespace
}  // namespace specfast
