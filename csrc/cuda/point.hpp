// One point made ready for the recurrence: in which regime it is, and start(z).
//
// Method    As points.hpp does for vectors: near, the plain recurrence; far, where start(z) underflows although phi_n need not;
//           end, close to a hard end of the domain, where the plain recurrence loses digits.
#pragma once
#include "../start_value.hpp"
#include "platform.hpp"
#include "problem.hpp"

namespace specfast {
namespace {

template <class T>
struct GpuRange;
template <>
struct GpuRange<double> {
    static constexpr double high = 0x1p200, step = 0x1p-100, split = 0x1p-300;
    static constexpr int step_exponent = 100, split_exponent = 300, between_checks = 8;
    static constexpr double largest = 1.7976931348623157e308;
};
template <>
struct GpuRange<float> {
    static constexpr float high = 0x1p60f, step = 0x1p-24f, split = 0x1p-60f;
    static constexpr int step_exponent = 24, split_exponent = 60, between_checks = 2;
    static constexpr float largest = 3.40282347e38f;
};

template <class T>
SPECFAST_DEVICE T magnitude(T value) {
    return value < 0 ? -value : value;
}

template <class T>
struct GpuPoint {
    T z;         // a harmless 0 where the result is known beforehand
    T mantissa;  // start(z), of far points without its power of two; 0 beyond far_limit, NaN where z is not valid
    T exponent;  // of far points
    Regime regime;
};

template <class T>
SPECFAST_DEVICE GpuPoint<T> point_on_interval(const Recurrence<T>& recurrence, T z, T slack) {
    const bool valid = magnitude(z) <= 1 + slack;
    z = !valid ? T(0) : z > 1 ? T(1) : z < -1 ? T(-1) : z;
    const bool at_end = magnitude(z) > 1 - static_cast<T>(recurrence.end_limit);
    return {z, valid ? T(1) : static_cast<T>(nan("")), T(0), at_end ? Regime::end : Regime::near};
}

template <class T, Start start>
SPECFAST_DEVICE GpuPoint<T> point_unbounded(const Recurrence<T>& recurrence, T z) {
    const bool outside = magnitude(z) > recurrence.far_limit || (start == Start::exponential && z < 0),
               invalid = z != z || (start == Start::ring && outside);  // too many turns to say where on the ring it is
    GpuPoint<T> point{outside || invalid ? T(0) : z, T(0), T(0), Regime::near};
    const Scaled<T> own = start_value<T, start>(point.z);
    const T size = magnitude(point.z);
    if (size > recurrence.near_limit) {
        point.regime = Regime::far;
        point.exponent = own.exponent;
        point.mantissa = own.mantissa;
    } else {
        if (start == Start::exponential && size < recurrence.end_limit) point.regime = Regime::end;
        point.mantissa = static_cast<T>(ldexp(static_cast<double>(own.mantissa), static_cast<int>(own.exponent)));
    }
    if (outside) point.mantissa = 0;
    if (invalid) point.mantissa = static_cast<T>(nan(""));
    return point;
}

// As in points.hpp: y, or close to an end the inverse of the distance from there with the sign of y.
template <class T>
SPECFAST_DEVICE GpuPoint<T> point_half_rational(const Recurrence<T>& recurrence, T z) {
    const bool outside = z > recurrence.far_limit || z < 0, invalid = z != z;
    z = outside || invalid ? T(0) : z;
    const T more = 1 + z, limit = static_cast<T>(recurrence.end_limit) * more;
    const bool at_first = z + z < limit, at_last = 2 < limit;
    const T y = at_first ? T(0.5) * more / z : at_last ? T(-0.5) * more : rational_y<T>(z);
    const T mantissa = invalid ? static_cast<T>(nan("")) : outside ? T(0) : 1 / more;
    return {y, mantissa, T(0), at_first || at_last ? Regime::end : Regime::near};
}

// `slack`: so far past an interval's end z lies by the rounding of z = beta (x - x0).
template <class T>
SPECFAST_DEVICE GpuPoint<T> classify(const Recurrence<T>& recurrence, T z, T slack) {
    if (recurrence.start == Start::one) return point_on_interval(recurrence, z, slack);
    if (recurrence.start == Start::exponential) return point_unbounded<T, Start::exponential>(recurrence, z);
    if (recurrence.start == Start::ring) return point_unbounded<T, Start::ring>(recurrence, z);
    if (recurrence.start == Start::rational) return point_unbounded<T, Start::rational>(recurrence, z);
    if (recurrence.start == Start::half_rational) return point_half_rational(recurrence, z);
    return point_unbounded<T, Start::gaussian>(recurrence, z);
}

// The distance to the nearer hard end.
template <class T>
SPECFAST_DEVICE T distance_to_end(const Recurrence<T>& recurrence, T z) {
    if (recurrence.start == Start::half_rational) return 1 / magnitude(z);
    return recurrence.start == Start::one ? 1 - magnitude(z) : z;
}

// (-1)^n at the left end of an interval: phi_n(-z) = (-1)^n phi_n(z).
template <class T>
SPECFAST_DEVICE T with_parity(const Recurrence<T>& recurrence, T value, T z, int64_t n) {
    const bool interval = recurrence.start == Start::one || recurrence.start == Start::half_rational;
    return interval && z < 0 && n % 2 ? -value : value;
}

// Offset of an operand's row, in its strides.
SPECFAST_DEVICE int64_t row_offset(const GpuRows& rows, int operand, int64_t row) {
    int64_t offset = 0;
    for (int64_t axis = rows.axes - 1; axis >= 0; --axis) {
        offset += row % rows.size[axis] * rows.stride[operand][axis];
        row /= rows.size[axis];
    }
    return offset;
}

}  // namespace
}  // namespace specfast
