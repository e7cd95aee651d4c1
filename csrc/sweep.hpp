// Over the tiles of a block of points, each in its own regime.
//
// Layout    A group's vectors are cut into tiles of nearly equal size: two tiles of four vectors overlap their latencies
//           better than one of six and one of two. At most max_vectors, at most tail_vectors at the ends and far upwards,
//           where a vector needs more registers.
#pragma once
#include <type_traits>

#include "pairs.hpp"
#include "tile.hpp"

namespace specfast {
namespace {

constexpr int max_vectors = SPECFAST_VECTORS;
constexpr int tail_vectors = 4;

// Calls body.run<R>(first vector) for tiles of R vectors that cover `count` vectors.
template <int R, class Body>
inline void run_tile(int vectors, int64_t first, const Body& body) {
    if constexpr (R > 1) {
        if (vectors < R) return run_tile<R - 1>(vectors, first, body);
    }
    body.template run<R>(first);
}

template <int Most, class Body>
inline void tiles(int64_t count, const Body& body) {
    const int64_t number = ceil_divide(count, Most);
    for (int64_t tile = 0; tile < number; ++tile) {
        const int64_t first = count * tile / number, last = count * (tile + 1) / number;
        run_tile<Most>(static_cast<int>(last - first), first, body);
    }
}

// One group's sums; `Variant` is HasB, or Interval at the ends; `Sides` whether functions are of two sides.
template <class T, Regime regime, bool Variant, bool Sides>
struct Downwards {
    const Recurrence<T>& recurrence;
    const T* coef;
    int64_t count;
    const T* z;
    const T* mantissa;
    T* sums;
    T* exponents;
    template <int R>
    void run(int64_t vector) const {
        if constexpr (Sides) {
            sum<R>(TwoSides<T, R>(coef, count, mantissa + vector * lanes<T>), (count + 1) / 2, vector * lanes<T>);
        } else {
            sum<R>(OneSeries<T>{coef}, count, vector * lanes<T>);
        }
    }
    template <int R, class Read>
    SPECFAST_INLINE void sum(const Read& read, int64_t terms, int64_t i) const {
        if constexpr (regime == Regime::near) {
            clenshaw_near<T, R, Variant>(recurrence, read, terms, z + i, sums + i);
        } else if constexpr (regime == Regime::far) {
            clenshaw_far<T, R, Variant>(recurrence, read, terms, z + i, sums + i, exponents + i);
        } else {
            clenshaw_end<T, R, Variant>(recurrence, read, terms, z + i, sums + i);
        }
    }
};

// Calls body(variant, sides) with types that say whether the recurrence has b (at an end: whether it is an interval's), and
// whether functions are of two sides.
template <Regime regime, class T, class Body>
inline void with_variant(const Recurrence<T>& recurrence, const Body& body) {
    const bool interval = recurrence.start == Start::one || recurrence.start == Start::half_rational;
    const bool variant = regime == Regime::end ? interval : recurrence.b != nullptr;
    if (recurrence.start == Start::sides) {
        body(std::integral_constant<bool, regime != Regime::end>{}, std::true_type{});
    } else {
        variant ? body(std::true_type{}, std::false_type{}) : body(std::false_type{}, std::false_type{});
    }
}

// The same for functions in pairs.
template <class T, Start start>
struct PairsDownwards {
    const T* coef;
    int64_t count;
    const T* z;
    const T* mantissa;
    T* sums;
    template <int R>
    void run(int64_t vector) const {
        const int64_t i = vector * lanes<T>;
        sum_pairs<T, R, start>(coef, count, z + i, mantissa + i, sums + i);
    }
};

// Calls body with the start type of functions in pairs as a type of its own.
template <class Body>
inline void with_pair_start(Start start, const Body& body) {
    start == Start::ring ? body(StartType<Start::ring>{}) : body(StartType<Start::rational>{});
}

template <class T, Regime regime>
inline void group_downwards(const Recurrence<T>& recurrence, const T* coef, int64_t count, const Points<T>& points,
                            T* sums, T* exponents) {
    const int64_t at = points.first[regime];
    if (points.size[regime] == 0) return;
    if (regime == Regime::near && in_pairs(recurrence.start)) {
        with_pair_start(recurrence.start, [&](auto start) {
            tiles<pair_vectors>(
                points.size[regime] / lanes<T>,
                PairsDownwards<T, decltype(start)::value>{coef, count, points.z + at, points.mantissa + at, sums + at});
        });
        return;
    }
    with_variant<regime>(recurrence, [&](auto flag, auto sides) {
        using Sums = Downwards<T, regime, decltype(flag)::value, decltype(sides)::value>;
        tiles<regime == Regime::end ? tail_vectors : max_vectors>(
            points.size[regime] / lanes<T>,
            Sums{recurrence, coef, count, points.z + at, points.mantissa + at, sums + at, exponents + at});
    });
}

// sums[i] * 2^exponents[i] = sum coef_n q_n(z_i) for every point, without start(z_i); exponents are set for far points.
// `near_coef` are multiplied by s_n, `end_coef` by v_n.
template <class T>
inline void sum_downwards(const Recurrence<T>& recurrence, const T* near_coef, const T* end_coef, int64_t count,
                          const Points<T>& points, T* sums, T* exponents) {
    group_downwards<T, Regime::near>(recurrence, near_coef, count, points, sums, exponents);
    group_downwards<T, Regime::far>(recurrence, near_coef, count, points, sums, exponents);
    group_downwards<T, Regime::end>(recurrence, end_coef, count, points, sums, exponents);
}

// A visitor has `most`, the vectors of its largest tile, and `template <class T, int R, Regime> Tile open(int64_t
// place)`; a Tile is called with (n, const Vector<T>*) for every n, and closed.
template <class T, Regime regime, bool Variant, bool Sides, class Visitor>
struct Upwards {
    const Recurrence<T>& recurrence;
    int64_t count;
    const Points<T>& points;
    const T* weight;
    const Visitor& visitor;
    template <int R>
    void run(int64_t vector) const {
        const int64_t i = points.first[regime] + vector * lanes<T>;
        const T *z = points.z + i, *mantissa = points.mantissa + i;
        auto own = visitor.template open<T, R, regime>(i);
        const int64_t terms = Sides ? (count + 1) / 2 : count;
        const auto visit = [&](int64_t n, const Vector<T>* term) __attribute__((always_inline)) {
            if constexpr (Sides) {
                // The mantissa has the sign of z, so that the term is the odd function's.
                Vector<T> even[R];
                for (int v = 0; v < R; ++v) {
                    const Mask<T> sign = (Mask<T>)load<T>(mantissa + v * lanes<T>) & (Mask<T>)splat<T>(T(-0.0));
                    even[v] = (Vector<T>)((Mask<T>)term[v] ^ sign);
                }
                own(2 * n, even);
                if (2 * n + 1 < count) own(2 * n + 1, term);
            } else {
                own(n, term);
            }
        };
        if constexpr (regime == Regime::near) {
            forwards_near<T, R, Variant>(recurrence, terms, z, mantissa, weight + i, visit);
        } else if constexpr (regime == Regime::far) {
            forwards_far<T, R, Variant>(recurrence, terms, z, mantissa, points.exponent + i, weight + i, visit);
        } else {
            forwards_end<T, R, Variant>(recurrence, terms, z, mantissa, weight + i, visit);
        }
        own.close();
    }
};

// The same for functions in pairs.
template <class T, Start start, class Visitor>
struct PairsUpwards {
    int64_t count;
    const Points<T>& points;
    const T* weight;
    const Visitor& visitor;
    template <int R>
    void run(int64_t vector) const {
        const int64_t i = points.first[Regime::near] + vector * lanes<T>;
        auto own = visitor.template open<T, R, Regime::near>(i);
        const auto visit = [&](int64_t n, const Vector<T>* term) __attribute__((always_inline)) { own(n, term); };
        visit_pairs<T, R, start>(count, points.z + i, points.mantissa + i, weight + i, visit);
        own.close();
    }
};

template <class T, Regime regime, class Visitor>
inline void group_upwards(const Recurrence<T>& recurrence, int64_t count, const Points<T>& points, const T* weight,
                          const Visitor& visitor) {
    if (points.size[regime] == 0) return;
    if (regime == Regime::near && in_pairs(recurrence.start)) {
        constexpr int most = Visitor::most < pair_vectors ? Visitor::most : pair_vectors;
        with_pair_start(recurrence.start, [&](auto start) {
            tiles<most>(points.size[regime] / lanes<T>,
                        PairsUpwards<T, decltype(start)::value, Visitor>{count, points, weight, visitor});
        });
        return;
    }
    with_variant<regime>(recurrence, [&](auto flag, auto sides) {
        tiles < regime == Regime::near ||
            Visitor::most<tail_vectors ? Visitor::most : tail_vectors>(
                points.size[regime] / lanes<T>,
                Upwards<T, regime, decltype(flag)::value, decltype(sides)::value, Visitor>{recurrence, count, points,
                                                                                           weight, visitor});
    });
}

// Visits weight_i start(z_i) q_n(z_i) for every n and point; weights are in the order of the grouped points.
template <class T, class Visitor>
inline void sweep_upwards(const Recurrence<T>& recurrence, int64_t count, const Points<T>& points, const T* weight,
                          const Visitor& visitor) {
    group_upwards<T, Regime::near>(recurrence, count, points, weight, visitor);
    group_upwards<T, Regime::far>(recurrence, count, points, weight, visitor);
    group_upwards<T, Regime::end>(recurrence, count, points, weight, visitor);
}

}  // namespace
}  // namespace specfast
