// A tile: a few vectors of points that stay in registers while the recurrence runs over n.
//
// Problem   sum c_n q_n(z) (Clenshaw, n downwards) and g q_n(z) for n = 0, 1, .. (forwards), at many z.
// Method    Vectors across points, `vectors` of them independent, so that their latencies overlap. Where |z| >
// near_limit
//           ("far"), start(z) underflows although phi_n need not: numbers are kept in range by powers of two that are
//           taken out every 16 terms and put back at the end.
// Why sound A sum above 2^500 is brought down by 2^-400. Coefficients are at most 1 and are not scaled with it: they
// are
//           2^-100 of the sum from there on, below its last bit. Between two checks |z| <= far_limit lets values grow
//           by less than 2^300, inside double's range.
// Layout    z, values: tile_points contiguous doubles, padded by the caller.
// Cost      two multiply-adds and one addition a term and point.
// Source    Clenshaw 1955; the rescaled recurrence of recurrence.hpp.
#pragma once
#include "recurrence.hpp"
#include "rows.hpp"
#include "start_value.hpp"

#ifndef SPECFAST_LANES
#error "compile through one of csrc/levels/*.cpp, which say how many doubles a vector holds"
#endif

namespace specfast {
namespace {

constexpr int lanes = SPECFAST_LANES;
constexpr int vectors = SPECFAST_VECTORS;
constexpr int tile_points = lanes * vectors;
constexpr int check_every = 16;

typedef double Vector __attribute__((vector_size(lanes * sizeof(double))));
typedef int64_t Mask __attribute__((vector_size(lanes * sizeof(int64_t))));

inline Vector splat(double value) { return value - Vector{}; }

inline Vector load(const double* from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

inline void store(double* to, Vector v) { __builtin_memcpy(to, &v, sizeof v); }

inline Vector select(Mask mask, Vector yes, Vector no) { return (Vector)((mask & (Mask)yes) | (~mask & (Mask)no)); }

inline Mask above(Vector v, double limit) {
    const Vector bound = splat(limit);
    return (v > bound) | (-v > bound);
}

inline bool any(Mask mask) {
    int64_t bits = 0;
    for (int i = 0; i < lanes; ++i) bits |= mask[i];
    return bits != 0;
}

// The points of one tile, ready for the recurrence.
struct Tile {
    double z[tile_points];         // a harmless 0 where the result is known beforehand
    double mantissa[tile_points];  // start(z) = mantissa * 2^exponent; 0 beyond far_limit, NaN where z is not valid
    double exponent[tile_points];
    bool far;  // some start(z) may underflow
};

template <class T>
inline void set_tile(const Recurrence& recurrence, const T* z, int64_t stride, int64_t count, Tile& tile) {
    // One ulp of T past the end of an interval is rounding in z = beta (x - x0), not a point outside.
    const double slack = sizeof(T) == 4 ? 1e-6 : 2e-15;
    tile.far = false;
    for (int i = 0; i < tile_points; ++i) {
        double point = i < count ? static_cast<double>(z[i * stride]) : 0.0;
        Scaled start = {0.0, 0.0};
        const double size = point < 0 ? -point : point;
        if (point != point) {
            start.mantissa = point;
            point = 0;
        } else if (recurrence.start == Start::one && size > 1) {
            start.mantissa = size <= 1 + slack ? 1.0 : __builtin_nan("");
            point = size <= 1 + slack ? (point < 0 ? -1.0 : 1.0) : 0.0;
        } else if (size > recurrence.far_limit || (recurrence.start == Start::exponential && point < 0)) {
            point = 0;
        } else {
            start = start_value(recurrence.start, point);
            tile.far = tile.far || size > recurrence.near_limit;
        }
        tile.z[i] = point;
        tile.mantissa[i] = start.mantissa;
        tile.exponent[i] = start.exponent;
    }
}

// b_n = coef_n + (a_n z + b_n) b_{n+1} - b_{n+2}; returns b_0 = sum coef_n q_n with q_0 = 1.
// `coef` are multiplied by s_n already and at most 1 in size where Far.
template <bool Far, bool HasB>
inline void clenshaw(const Recurrence& recurrence, const double* coef, int64_t count, const Tile& tile, double* values,
                     double* exponents) {
    Vector z[vectors], first[vectors], second[vectors], exponent[vectors];
    for (int v = 0; v < vectors; ++v) {
        z[v] = load(tile.z + v * lanes);
        first[v] = second[v] = exponent[v] = splat(0);
    }
    for (int64_t top = count; top > 0; top -= check_every) {
        const int64_t bottom = Far ? larger(top - check_every, 0) : 0;
        for (int64_t n = top - 1; n >= bottom; --n) {
            const Vector a = splat(recurrence.a[n]), c = splat(coef[n]);
            const Vector b = HasB ? splat(recurrence.b[n]) : Vector{};
            for (int v = 0; v < vectors; ++v) {
                const Vector factor = HasB ? a * z[v] + b : a * z[v];
                const Vector next = factor * first[v] + (c - second[v]);
                second[v] = first[v];
                first[v] = next;
            }
        }
        if (!Far) break;
        for (int v = 0; v < vectors; ++v) {
            const Mask large = above(first[v], 0x1p500);
            if (!any(large)) continue;
            first[v] = select(large, first[v] * 0x1p-400, first[v]);
            second[v] = select(large, second[v] * 0x1p-400, second[v]);
            exponent[v] = select(large, exponent[v] + 400.0, exponent[v]);
        }
    }
    for (int v = 0; v < vectors; ++v) {
        store(values + v * lanes, first[v]);
        store(exponents + v * lanes, exponent[v]);
    }
}

// Calls visit(n, term) with term[v] = weight q_n(z) for n = 0 .. count-1, in vectors; weight includes start(z).
template <bool Far, bool HasB, class Visit>
inline void forwards(const Recurrence& recurrence, int64_t count, const Tile& tile, const double* weight, Visit visit) {
    Vector z[vectors], current[vectors], previous[vectors], exponent[vectors], factor[vectors];
    for (int v = 0; v < vectors; ++v) {
        z[v] = load(tile.z + v * lanes);
        current[v] = load(tile.mantissa + v * lanes) * load(weight + v * lanes);
        previous[v] = splat(0);
        exponent[v] = load(tile.exponent + v * lanes);
    }
    for (int64_t bottom = 0; bottom < count; bottom += check_every) {
        const int64_t top = smaller(bottom + check_every, count);
        // Near points have exponents above -1000 from the start and need their factor set once.
        if (Far || bottom == 0) {
            for (int v = 0; v < vectors; ++v) {
                const Mask large = above(current[v], 0x1p200);
                if (Far && any(large)) {
                    current[v] = select(large, current[v] * 0x1p-200, current[v]);
                    previous[v] = select(large, previous[v] * 0x1p-200, previous[v]);
                    exponent[v] = select(large, exponent[v] + 200.0, exponent[v]);
                }
                for (int i = 0; i < lanes; ++i) factor[v][i] = times_power_of_two(1.0, exponent[v][i]);
            }
            if (!Far) {
                for (int v = 0; v < vectors; ++v) current[v] *= factor[v];
            }
        }
        for (int64_t n = bottom; n < top; ++n) {
            Vector term[vectors];
            const Vector a = splat(recurrence.a[n]);
            const Vector b = HasB ? splat(recurrence.b[n]) : Vector{};
            for (int v = 0; v < vectors; ++v) {
                term[v] = Far ? current[v] * factor[v] : current[v];
                const Vector multiplier = HasB ? a * z[v] + b : a * z[v];
                const Vector next = multiplier * current[v] - previous[v];
                previous[v] = current[v];
                current[v] = next;
            }
            visit(n, term);
        }
    }
}

// Picks the variant: near or far, with or without b_n.
template <class Body>
inline void dispatch(bool far, bool has_b, Body body) {
    if (far) {
        has_b ? body.template operator()<true, true>() : body.template operator()<true, false>();
    } else {
        has_b ? body.template operator()<false, true>() : body.template operator()<false, false>();
    }
}

}  // namespace
}  // namespace specfast
