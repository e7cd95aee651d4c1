// A tile: R vectors of points that stay in registers while the recurrence runs over n, in one of three regimes.
//
// Problem   sum c_n q_n(z) (downwards, Clenshaw) and w q_n(z) for n = 0, 1, .. (upwards), at many z.
// Method    Vectors across points, R of them independent, so that their latencies overlap.
//           near  the rescaled recurrence as it stands.
//           far   start(z) underflows although phi_n need not: numbers are kept in range by powers of two that are taken
//                 out every few terms, how many being known from the factors a_n z + b_n. A sum above `kept` is brought
//                 down to it. Coefficients are at most 1 and are not scaled with it: from there on they lie below its
//                 last bit.
//           end   the difference form of recurrence.hpp, on the distance to the end. A point at the other end of an
//                 interval is reflected: phi_n(-z) = (-1)^n phi_n(z).
// Cost      a term and point: near two FMAs and one addition, far the same and a check every few terms, end three
//           and two.
// Source    Clenshaw 1955; Reinsch's form in Oliver, J. Inst. Maths Applics 20 (1977).
#pragma once
#include <cmath>

#include "coefficients.hpp"

namespace specfast {
namespace {

template <class T>
struct Range;
template <>
struct Range<double> {
    static constexpr double kept = 0x1p100;
    static constexpr int64_t room = 880, longest = 64;
    static constexpr double forward_high = 0x1p200, forward_step = 0x1p-200, forward_step_exponent = 200;
    static constexpr double split = 0x1p-300, split_exponent = 300;
};
template <>
struct Range<float> {
    static constexpr float kept = 0x1p36f;
    static constexpr int64_t room = 76, longest = 32;
    static constexpr float forward_high = 0x1p20f, forward_step = 0x1p-20f, forward_step_exponent = 20;
    static constexpr float split = 0x1p-60f, split_exponent = 60;
};

// Coefficient n at vector v of points: the same at all, or of a pair of functions, one the other times the sign of z.
template <class T>
struct OneSeries {
    const T* coef;
    SPECFAST_INLINE Vector<T> operator()(int64_t n, int) const { return splat<T>(coef[n]); }
};

// The mantissa carries the sign, by which sums are multiplied afterwards.
template <class T, int R>
struct TwoSides {
    const T* coef;
    int64_t count;
    Vector<T> sign[R];
    TwoSides(const T* given, int64_t functions, const T* mantissa) : coef(given), count(functions) {
        for (int v = 0; v < R; ++v) {
            const Mask<T> bit = (Mask<T>)load<T>(mantissa + v * lanes<T>) & (Mask<T>)splat<T>(T(-0.0));
            sign[v] = (Vector<T>)((Mask<T>)splat<T>(1) | bit);
        }
    }
    SPECFAST_INLINE Vector<T> operator()(int64_t n, int v) const {
        return splat<T>(2 * n + 1 < count ? coef[2 * n + 1] : T(0)) + sign[v] * splat<T>(coef[2 * n]);
    }
};

// older = coef_n + (a_n z + b_n) newer - older: one step of Clenshaw, after which `older` is the newer one. Two steps
// with the roles exchanged need no copies between registers.
template <class T, int R, bool HasB, class Read>
SPECFAST_INLINE void clenshaw_step(const T* tables_a, const T* tables_b, const Read& coef, int64_t n,
                                   const Vector<T>* point, const Vector<T>* newer, Vector<T>* older) {
    const Vector<T> a = splat<T>(tables_a[n]);
    const Vector<T> b = HasB ? splat<T>(tables_b[n]) : Vector<T>{};
    for (int v = 0; v < R; ++v) {
        const Vector<T> factor = HasB ? a * point[v] + b : a * point[v];
        older[v] = factor * newer[v] + (coef(n, v) - older[v]);
    }
}

// Steps from n = top - 1 down to `bottom`.
template <class T, int R, bool HasB, class Read>
SPECFAST_INLINE void clenshaw_steps(const Recurrence<T>& recurrence, const Read& coef, int64_t bottom, int64_t top,
                                    const Vector<T>* point, Vector<T>* first, Vector<T>* second) {
    const T *const a = recurrence.a, *const b = recurrence.b;
    if ((top - bottom) % 2 != 0) {
        clenshaw_step<T, R, HasB>(a, b, coef, --top, point, first, second);
        for (int v = 0; v < R; ++v) {
            const Vector<T> newer = second[v];
            second[v] = first[v];
            first[v] = newer;
        }
    }
    for (int64_t n = top - 1; n > bottom; n -= 2) {
        clenshaw_step<T, R, HasB>(a, b, coef, n, point, first, second);
        clenshaw_step<T, R, HasB>(a, b, coef, n - 1, point, second, first);
    }
}

// b_n = coef_n + (a_n z + b_n) b_{n+1} - b_{n+2}; gives b_0 = sum coef_n q_n with q_0 = 1.
template <class T, int R, bool HasB, class Read>
SPECFAST_INLINE void clenshaw_near(const Recurrence<T>& recurrence, const Read& coef, int64_t count, const T* z,
                                   T* sums) {
    Vector<T> point[R], first[R], second[R];
    for (int v = 0; v < R; ++v) {
        point[v] = load<T>(z + v * lanes<T>);
        first[v] = coef(count - 1, v);
        second[v] = splat<T>(0);
    }
    clenshaw_steps<T, R, HasB>(recurrence, coef, 0, count - 1, point, first, second);
    for (int v = 0; v < R; ++v) store(sums + v * lanes<T>, first[v]);
}

// The points of a tile lie between these.
template <class T>
struct Extent {
    T smallest, largest;
};

template <class T, int R>
SPECFAST_INLINE Extent<T> extent_of(const Vector<T>* point) {
    Vector<T> low = point[0], high = point[0];
    for (int v = 1; v < R; ++v) {
        low = select<T>(point[v] < low, point[v], low);
        high = select<T>(point[v] > high, point[v], high);
    }
    Extent<T> extent{low[0], high[0]};
    for (int i = 1; i < lanes<T>; ++i) {
        extent.smallest = low[i] < extent.smallest ? low[i] : extent.smallest;
        extent.largest = high[i] > extent.largest ? high[i] : extent.largest;
    }
    return extent;
}

// A bound of log2 |a_n z + b_n| from n on: as in all our families the factor shrinks with n, until it is below 2.
template <class T, bool HasB>
SPECFAST_INLINE int64_t growth_bits(const Recurrence<T>& recurrence, int64_t n, Extent<T> extent) {
    const T b = HasB ? recurrence.b[n] : T(0);
    const double low = std::fabs(recurrence.a[n] * extent.smallest + b);
    const double high = std::fabs(recurrence.a[n] * extent.largest + b);
    return larger(exponent_of(low > high ? low : high), 1);
}

// Down to where the sums may be taken before the next check: they grow by a factor a term.
template <class T, bool HasB>
SPECFAST_INLINE int64_t next_check(const Recurrence<T>& recurrence, int64_t top, Extent<T> extent) {
    for (int64_t terms = Range<T>::longest; terms > 1; terms /= 2) {
        const int64_t bottom = larger(top - terms, 0);
        if (growth_bits<T, HasB>(recurrence, bottom, extent) * terms <= Range<T>::room) return bottom;
    }
    return top - 1;
}

// Brings sums above `kept` down to it by a power of two. Without a branch: points leave the range at different terms.
template <class T>
SPECFAST_INLINE void bring_down(Vector<T>& newer, Vector<T>& older, Mask<T>& exponents) {
    constexpr int bits = Simd<T>::mantissa_bits;
    const Mask<T> exponent_bits = (Mask<T>)splat<T>(static_cast<T>(__builtin_inf()));
    const Mask<T> one = (Mask<T>)splat<T>(1);
    const Mask<T> above = ((Mask<T>)newer & exponent_bits) - (Mask<T>)splat<T>(Range<T>::kept);
    const Mask<T> excess = above & (Mask<T>)(above > Mask<T>{});
    const Vector<T> scale = (Vector<T>)(one - excess);
    newer *= scale;
    older *= scale;
    exponents += excess >> bits;
}

// As above for coefficients of at most 1; the sums are to be multiplied by 2^exponents.
template <class T, int R, bool HasB, class Read>
SPECFAST_INLINE void clenshaw_far(const Recurrence<T>& recurrence, const Read& coef, int64_t count, const T* z, T* sums,
                                  T* exponents) {
    Vector<T> point[R], first[R], second[R];
    Mask<T> taken[R];
    for (int v = 0; v < R; ++v) {
        point[v] = load<T>(z + v * lanes<T>);
        first[v] = second[v] = splat<T>(0);
        taken[v] = Mask<T>{};
    }
    const Extent<T> extent = extent_of<T, R>(point);
    for (int64_t top = count; top > 0;) {
        const int64_t bottom = next_check<T, HasB>(recurrence, top, extent);
        clenshaw_steps<T, R, HasB>(recurrence, coef, bottom, top, point, first, second);
        top = bottom;
        for (int v = 0; v < R; ++v) bring_down<T>(first[v], second[v], taken[v]);
    }
    for (int v = 0; v < R; ++v) {
        store(sums + v * lanes<T>, first[v]);
        for (int i = 0; i < lanes<T>; ++i) exponents[v * lanes<T> + i] = static_cast<T>(taken[v][i]);
    }
}

// Distance to the nearer hard end, and the sign bit of points at the other one. Beyond 1 it is the distance's inverse that is
// known (points.hpp).
template <class T, bool Interval>
SPECFAST_INLINE void distance_to_end(Vector<T> z, Vector<T>& distance, Mask<T>& reflected) {
    const Vector<T> size = magnitude<T>(z), one = splat<T>(1);
    distance = Interval ? select<T>(size > one, one / size, one - size) : z;
    reflected = Interval ? (Mask<T>)z & (Mask<T>)splat<T>(T(-0.0)) : Mask<T>{};
}

// (-1)^n for reflected points.
template <class T, bool Interval>
SPECFAST_INLINE Vector<T> with_parity(Vector<T> v, Mask<T> reflected, int64_t n) {
    return Interval && n % 2 ? (Vector<T>)((Mask<T>)v ^ reflected) : v;
}

// With S = lambda_n q_n + mu_n d_{n-1} the sum from n on: m = lambda_{n+1} + mu_{n+1},
// lambda_n = coef_n + lambda_{n+1} - kappa_n y m, mu_n = r_n m. `coef` are multiplied by v_n.
template <class T, int R, bool Interval, class Read>
SPECFAST_INLINE void clenshaw_end(const Recurrence<T>& recurrence, const Read& coef, int64_t count, const T* z,
                                  T* sums) {
    Vector<T> distance[R], lambda[R], mu[R];
    Mask<T> reflected[R];
    for (int v = 0; v < R; ++v) {
        distance_to_end<T, Interval>(load<T>(z + v * lanes<T>), distance[v], reflected[v]);
        lambda[v] = mu[v] = splat<T>(0);
    }
    for (int64_t n = count - 1; n >= 0; --n) {
        const Vector<T> kappa = splat<T>(recurrence.kappa[n]), r = splat<T>(recurrence.r[n]);
        for (int v = 0; v < R; ++v) {
            const Vector<T> both = lambda[v] + mu[v];
            const Vector<T> own = with_parity<T, Interval>(coef(n, v), reflected[v], n);
            lambda[v] = (own + lambda[v]) - (kappa * distance[v]) * both;
            mu[v] = r * both;
        }
    }
    for (int v = 0; v < R; ++v) store(sums + v * lanes<T>, lambda[v]);
}

// older = (a_n z + b_n) newer - older: one step upwards, after which `older` is the newer one.
template <class T, int R, bool HasB>
SPECFAST_INLINE void forward_step(const T* tables_a, const T* tables_b, int64_t n, const Vector<T>* point,
                                  const Vector<T>* newer, Vector<T>* older) {
    const Vector<T> a = splat<T>(tables_a[n]);
    const Vector<T> b = HasB ? splat<T>(tables_b[n]) : Vector<T>{};
    for (int v = 0; v < R; ++v) {
        const Vector<T> factor = HasB ? a * point[v] + b : a * point[v];
        older[v] = factor * newer[v] - older[v];
    }
}

// Calls visit(n, term) with term[v] = weight q_n(z) for n = 0 .. count-1, in vectors.
template <class T, int R, bool HasB, class Visit>
SPECFAST_INLINE void forwards_near(const Recurrence<T>& recurrence, int64_t count, const T* z, const T* start,
                                   const T* weight, Visit visit) {
    Vector<T> point[R], current[R], previous[R];
    for (int v = 0; v < R; ++v) {
        point[v] = load<T>(z + v * lanes<T>);
        current[v] = load<T>(start + v * lanes<T>) * load<T>(weight + v * lanes<T>);
        previous[v] = splat<T>(0);
    }
    const T *const a = recurrence.a, *const b = recurrence.b;  // which what `visit` writes cannot change
    int64_t n = 0;
    for (; n + 1 < count; n += 2) {
        // The next term first: the recurrence is the longest chain, and what `visit` does with a term can wait.
        forward_step<T, R, HasB>(a, b, n, point, current, previous);
        visit(n, current);
        forward_step<T, R, HasB>(a, b, n + 1, point, previous, current);
        visit(n + 1, previous);
    }
    if (n < count) visit(n, current);
}

// How many terms upwards may pass before the next check. A factor a_n z + b_n is at most far_limit sqrt(2 / n), Laguerre's
// far_limit / n: 2^5 and 2^15 at n = 64, 2^3 and 2^5 at n = 1024 for the longest sums in float, which have room for
// 2^51.
template <class T, bool HasB>
SPECFAST_INLINE int64_t check_interval(int64_t n) {
    if (sizeof(T) == 8) return 16;
    if (HasB) return n < 1024 ? 4 : 8;
    return n < 64 ? 4 : n < 1024 ? 8 : 16;
}

template <class T, int R, bool HasB, class Visit>
SPECFAST_INLINE void forwards_far(const Recurrence<T>& recurrence, int64_t count, const T* z, const T* mantissa,
                                  const T* exponents, const T* weight, Visit visit) {
    using Limits = Range<T>;
    Vector<T> point[R], current[R], previous[R], exponent[R], factor[R], share[R];
    for (int v = 0; v < R; ++v) {
        point[v] = load<T>(z + v * lanes<T>);
        current[v] = load<T>(mantissa + v * lanes<T>);
        share[v] = load<T>(weight + v * lanes<T>);
        previous[v] = factor[v] = splat<T>(0);
        exponent[v] = load<T>(exponents + v * lanes<T>);
    }
    const T *const tables_a = recurrence.a, *const tables_b = recurrence.b;
    for (int64_t bottom = 0; bottom < count;) {
        const int64_t top = smaller(bottom + check_interval<T, HasB>(bottom), count);
#pragma GCC unroll 8
        for (int v = 0; v < R; ++v) {
            bool changed = bottom == 0;
            for (Mask<T> large = above<T>(current[v], Limits::forward_high); any<T>(large);
                 large = above<T>(current[v], Limits::forward_high)) {
                const Vector<T> step = select<T>(large, splat<T>(Limits::forward_step), splat<T>(1));
                current[v] *= step;
                previous[v] *= step;
                exponent[v] += select<T>(large, splat<T>(Limits::forward_step_exponent), splat<T>(0));
                changed = true;
                if (any<T>(magnitude<T>(current[v]) == splat<T>(static_cast<T>(__builtin_inf())))) break;
            }
            if (!changed) continue;
            // The term is current * split * factor: its two factors together reach further down than one could.
            for (int i = 0; i < lanes<T>; ++i) {
                factor[v][i] = static_cast<T>(times_power_of_two(share[v][i], exponent[v][i] + Limits::split_exponent));
            }
        }
        for (int64_t n = bottom; n < top; ++n) {
            Vector<T> term[R];
            const Vector<T> a = splat<T>(tables_a[n]);
            const Vector<T> b = HasB ? splat<T>(tables_b[n]) : Vector<T>{};
            for (int v = 0; v < R; ++v) {
                term[v] = (current[v] * splat<T>(Limits::split)) * factor[v];
                const Vector<T> multiplier = HasB ? a * point[v] + b : a * point[v];
                const Vector<T> next = multiplier * current[v] - previous[v];
                previous[v] = current[v];
                current[v] = next;
            }
            visit(n, term);
        }
        bottom = top;
    }
}

template <class T, int R, bool Interval, class Visit>
SPECFAST_INLINE void forwards_end(const Recurrence<T>& recurrence, int64_t count, const T* z, const T* start,
                                  const T* weight, Visit visit) {
    Vector<T> distance[R], current[R], difference[R], lost[R];
    Mask<T> reflected[R];
    for (int v = 0; v < R; ++v) {
        distance_to_end<T, Interval>(load<T>(z + v * lanes<T>), distance[v], reflected[v]);
        current[v] = load<T>(start + v * lanes<T>) * load<T>(weight + v * lanes<T>);
        difference[v] = lost[v] = splat<T>(0);
    }
    const T *const tables_kappa = recurrence.kappa, *const tables_r = recurrence.r;
    for (int64_t n = 0; n < count; ++n) {
        const Vector<T> kappa = splat<T>(tables_kappa[n]), r = splat<T>(tables_r[n]);
        Vector<T> term[R];
        for (int v = 0; v < R; ++v) {
            term[v] = with_parity<T, Interval>(current[v], reflected[v], n);
            difference[v] = r * difference[v] - (kappa * distance[v]) * current[v];
            if constexpr (sizeof(T) == 4) {
                // Very near the end each step is below half a unit of q_n: what rounding loses is carried along
                // (Kahan).
                const Vector<T> step = difference[v] + lost[v], next = current[v] + step;
                lost[v] = step - (next - current[v]);
                current[v] = next;
            } else {
                current[v] += difference[v];
            }
        }
        visit(n, term);
    }
}

}  // namespace
}  // namespace specfast
