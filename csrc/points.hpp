// A block of points made ready for the recurrence: checked, with their start values.
//
// Problem   Most points need the plain recurrence ("near"). Far out start(z) underflows although phi_n need not ("far");
//           close to a hard end of the domain the plain recurrence loses digits ("end"). A tile runs in one regime.
// Method    One vectorised pass tells whether all points are near, which is the rule; then only start(z) is left to do.
//           Otherwise a second one classifies; groups.hpp does the rest.
// Layout    Arrays of `capacity`, in scratch memory; every group is padded to whole vectors with points of weight 0.
// Cost      about 4 vector operations a vector of points, 20 more with an exponential.
#pragma once
#include "rows.hpp"
#include "start_value.hpp"

namespace specfast {
namespace {

constexpr int64_t block_points = 512;
constexpr int64_t most_moved_out = block_points / 4;

template <class T>
constexpr int64_t block_capacity = block_points + most_moved_out + 4 * lanes<T>;

// Where the points of a block are: all in one group and in place; the near ones in place and the others moved out, behind
// them; or all sorted into groups.
enum class Layout { whole, moved_out, sorted };

// One value a regime.
struct PerRegime {
    int64_t of[3];
    int64_t& operator[](Regime regime) { return of[int(regime)]; }
    int64_t operator[](Regime regime) const { return of[int(regime)]; }
};

template <class T>
struct Points {
    T* z;
    T* mantissa;      // start(z); of far points start(z) 2^-exponent. 0 beyond far_limit, NaN where z is not valid
    T* exponent;      // of far points
    T* spare;         // the same three again while points are being grouped
    int64_t* origin;  // which point of the block this is, -1 for padding; of points that are not in place
    Layout layout;
    PerRegime first, size;  // the groups; sizes are whole vectors
};

// Doubles of scratch memory that a block of points takes.
template <class T>
constexpr int64_t points_scratch = (6 * block_capacity<T> * sizeof(T) + block_capacity<T> * 8) / 8 + 8;

template <class T>
inline void carve_points(Points<T>& points, double* scratch) {
    T* const start = reinterpret_cast<T*>(scratch);
    points.z = start;
    points.mantissa = start + block_capacity<T>;
    points.exponent = start + 2 * block_capacity<T>;
    points.spare = start + 3 * block_capacity<T>;
    points.origin = reinterpret_cast<int64_t*>(start + 6 * block_capacity<T>);
}

template <class T>
struct Classified {
    Vector<T> z;  // a harmless 0 where the result is known beforehand
    Vector<T> mantissa, exponent;
    Mask<T> is_far, is_at_end;
};

// On an interval; `slack`: one unit in the last place past its end is rounding in z = beta (x - x0), not a point
// outside.
template <class T>
inline Classified<T> classify_on_interval(Vector<T> z, T slack, T end_limit) {
    const Vector<T> zero = splat<T>(0), one = splat<T>(1), nan = splat<T>(static_cast<T>(__builtin_nan("")));
    const Mask<T> valid = magnitude<T>(z) <= splat<T>(1 + slack);
    z = select<T>(magnitude<T>(z) > one, select<T>(z > zero, one, -one), z);
    Classified<T> result;
    result.z = select<T>(valid, z, zero);
    result.mantissa = select<T>(valid, one, nan);
    result.exponent = zero;
    result.is_far = (Mask<T>)zero;
    result.is_at_end = magnitude<T>(result.z) > splat<T>(1 - end_limit);
    return result;
}

// On the half-line of rational functions, z becomes y = (1 - z) / (1 + z), or close to an end of y the inverse of the distance
// 2 z / (1 + z) or 2 / (1 + z) from there, with the sign of y: above 1, by which it is told from y.
template <class T>
inline Classified<T> classify_half_rational(Vector<T> z, T far_limit, T end_limit) {
    const Vector<T> zero = splat<T>(0), half = splat<T>(T(0.5)), nan = splat<T>(static_cast<T>(__builtin_nan("")));
    const Mask<T> invalid = z != z, outside = (z > splat<T>(far_limit)) | (z < zero);
    z = select<T>(outside | invalid, zero, z);
    const Vector<T> more = splat<T>(1) + z, limit = splat<T>(end_limit) * more;
    const Mask<T> at_first = z + z < limit, at_last = splat<T>(2) < limit;
    Classified<T> result;
    result.z = select<T>(at_first, half * more / z, select<T>(at_last, -half * more, rational_y<T>(z)));
    result.mantissa = select<T>(invalid, nan, select<T>(outside, zero, splat<T>(1) / more));
    result.exponent = zero;
    result.is_far = (Mask<T>)zero;
    result.is_at_end = at_first | at_last;
    return result;
}

template <class T, Start start>
inline Classified<T> classify_unbounded(Vector<T> z, T near_limit, T far_limit, T end_limit) {
    const Vector<T> zero = splat<T>(0), nan = splat<T>(static_cast<T>(__builtin_nan("")));
    Mask<T> outside = magnitude<T>(z) > splat<T>(far_limit);
    if (start == Start::exponential) outside |= z < zero;
    const Vector<T> signed_z = z;
    if (start == Start::sides) z = magnitude<T>(z);
    Mask<T> invalid = z != z;
    if (start == Start::ring) invalid |= outside;  // too many turns to say where on the ring it is
    Classified<T> result;
    result.z = select<T>(outside | invalid, zero, z);
    const Scaled<T> own = start_value<T, start>(result.z);
    const Vector<T> size = magnitude<T>(result.z);
    result.is_far = size > splat<T>(near_limit);
    result.is_at_end =
        start == Start::exponential || start == Start::sides ? size < splat<T>(end_limit) : (Mask<T>)zero;
    const Vector<T> factor = power_of_two<T>(select<T>(result.is_far, zero, own.exponent));
    result.mantissa = select<T>(invalid, nan, select<T>(outside, zero, own.mantissa * factor));
    result.exponent = select<T>(result.is_far, own.exponent, zero);
    if (start == Start::sides) result.mantissa = select<T>(signed_z < zero, -result.mantissa, result.mantissa);
    return result;
}

// Calls body with the start type as a type of its own.
template <Start start>
struct StartType {
    static constexpr Start value = start;
};

template <class Body>
inline void with_start(Start start, const Body& body) {
    switch (start) {
        case Start::gaussian:
            return body(StartType<Start::gaussian>{});
        case Start::exponential:
            return body(StartType<Start::exponential>{});
        case Start::one:
            return body(StartType<Start::one>{});
        case Start::ring:
            return body(StartType<Start::ring>{});
        case Start::rational:
            return body(StartType<Start::rational>{});
        case Start::sides:
            return body(StartType<Start::sides>{});
        case Start::half_rational:
            return body(StartType<Start::half_rational>{});
    }
}

// What was found among the points of a block.
template <class T>
struct Found {
    Mask<T> some_far{}, some_end{}, all_end = ~Mask<T>{};
};

template <class T, Start start>
inline Found<T> classify_all(const Recurrence<T>& recurrence, Points<T>& points, int64_t padded, T slack) {
    const T near_limit = static_cast<T>(recurrence.near_limit), far_limit = static_cast<T>(recurrence.far_limit),
            end_limit = static_cast<T>(recurrence.end_limit);
    Found<T> found;
    for (int64_t i = 0; i < padded; i += lanes<T>) {
        const Vector<T> z = load<T>(points.z + i);
        Classified<T> own;
        if constexpr (start == Start::one) {
            own = classify_on_interval<T>(z, slack, end_limit);
        } else if constexpr (start == Start::half_rational) {
            own = classify_half_rational<T>(z, far_limit, end_limit);
        } else {
            own = classify_unbounded<T, start>(z, near_limit, far_limit, end_limit);
        }
        store(points.z + i, own.z);
        store(points.mantissa + i, own.mantissa);
        store(points.exponent + i, own.exponent);
        found.some_far |= own.is_far;
        found.some_end |= own.is_at_end;
        found.all_end &= own.is_at_end;
    }
    return found;
}

// Where the recurrence needs no care: of points as given, or as classify_all has left them.
template <class T>
struct NearRange {
    Vector<T> lower, upper;
    NearRange(const Recurrence<T>& recurrence, bool classified) {
        const T end_limit = static_cast<T>(recurrence.end_limit), near_limit = static_cast<T>(recurrence.near_limit);
        upper = splat<T>(recurrence.start == Start::one ? T(1) - end_limit : near_limit);
        sides = recurrence.start == Start::sides;
        if (recurrence.start == Start::half_rational) {
            lower = splat<T>(classified ? T(-1) : end_limit / (2 - end_limit));
            upper = splat<T>(classified ? T(1) : (2 - end_limit) / end_limit);
            return;
        }
        lower = recurrence.start == Start::exponential || sides ? splat<T>(end_limit) : -upper;
    }
    bool sides;
    Mask<T> holds(Vector<T> z) const {  // not for NaN
        if (sides) z = magnitude<T>(z);
        return (z >= lower) & (z <= upper);
    }
};

// The regime of a point that classify_all has made harmless.
template <class T>
inline Regime regime_of(const Recurrence<T>& recurrence, T z) {
    const T size = z < 0 ? -z : z;
    if (recurrence.start == Start::one)
        return size > static_cast<T>(1 - static_cast<T>(recurrence.end_limit)) ? Regime::end : Regime::near;
    if (recurrence.start == Start::half_rational) return size > 1 ? Regime::end : Regime::near;
    if (size > static_cast<T>(recurrence.near_limit)) return Regime::far;
    const bool has_end = recurrence.start == Start::exponential || recurrence.start == Start::sides;
    return has_end && size < static_cast<T>(recurrence.end_limit) ? Regime::end : Regime::near;
}

// Copies the points; returns whether all of them are near.
template <class T, class In>
inline bool copy_points(const Recurrence<T>& recurrence, const In* z, int64_t stride, int64_t count, T* to) {
    if (stride == 1) {
        for (int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(z[i]);
    } else {
        for (int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(z[i * stride]);
    }
    // Padding repeats the last point, so that it never makes a block mixed; its weight is 0.
    const int64_t padded = ceil_divide(count, lanes<T>) * lanes<T>;
    for (int64_t i = count; i < padded; ++i) to[i] = to[count - 1];
    const NearRange<T> range(recurrence, false);
    Mask<T> inside = ~Mask<T>{};
    for (int64_t i = 0; i < padded; i += lanes<T>) inside &= range.holds(load<T>(to + i));
    return !any<T>(~inside);
}

// The start values of near points.
template <class T, Start start>
inline void start_near(const Points<T>& points, int64_t count) {
    const T* const from = points.z;
    T* const to = points.mantissa;
    for (int64_t i = 0; i < count; i += lanes<T>) {
        const Vector<T> z = load<T>(from + i);
        if constexpr (start == Start::sides) {
            const Vector<T> size = magnitude<T>(z);
            const Scaled<T> own = start_value<T, start>(size);
            const Vector<T> value = own.mantissa * power_of_two<T>(own.exponent);
            store(to + i, select<T>(z < splat<T>(0), -value, value));
            store(points.z + i, size);
        } else if constexpr (start == Start::half_rational) {
            store(to + i, start_value<T, start>(z).mantissa);
            store(points.z + i, rational_y<T>(z));
        } else {
            const Scaled<T> own = start_value<T, start>(z);
            store(to + i, own.mantissa * power_of_two<T>(own.exponent));
        }
    }
}

}  // namespace
}  // namespace specfast
