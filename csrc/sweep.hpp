// Over the tiles of a block of points, each in its own regime.
//
// Layout    Near points are cut into tiles of nearly equal size, at most max_vectors: two tiles of four vectors overlap
//           their latencies better than one of six and one of two. Far and end points are padded to whole tiles.
#pragma once
#include "tile.hpp"

namespace specfast {
namespace {

constexpr int max_vectors = SPECFAST_VECTORS;

// Calls body.run<R>(first vector) for tiles of R vectors that cover `count` vectors.
template <int R, class Body>
inline void run_tile(int vectors, int64_t first, const Body& body) {
    if constexpr (R > 1) {
        if (vectors < R) return run_tile<R - 1>(vectors, first, body);
    }
    body.template run<R>(first);
}

template <class Body>
inline void near_tiles(int64_t count, const Body& body) {
    const int64_t tiles = ceil_divide(count, max_vectors);
    for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t first = count * tile / tiles, last = count * (tile + 1) / tiles;
        run_tile<max_vectors>(static_cast<int>(last - first), first, body);
    }
}

template <class T, bool HasB>
struct ClenshawNear {
    const Recurrence<T>& recurrence;
    const T* coef;
    int64_t count;
    const T* z;
    T* sums;
    template <int R>
    void run(int64_t first) const {
        clenshaw_near<T, R, HasB>(recurrence, coef, count, z + first * lanes<T>, sums + first * lanes<T>);
    }
};

// sums[i] * 2^exponents[i] = sum coef_n q_n(z_i) for every point, without start(z_i); exponents are set for far points.
// `near_coef` are multiplied by s_n, `end_coef` by v_n.
template <class T>
inline void sum_downwards(const Recurrence<T>& recurrence, const T* near_coef, const T* end_coef, int64_t count,
                          const Points<T>& points, T* sums, T* exponents) {
    constexpr int64_t tail = tail_vectors * lanes<T>;
    const int64_t at = points.first[near], vectors = points.size[near] / lanes<T>;
    if (recurrence.b == nullptr) {
        near_tiles(vectors, ClenshawNear<T, false>{recurrence, near_coef, count, points.z + at, sums + at});
    } else {
        near_tiles(vectors, ClenshawNear<T, true>{recurrence, near_coef, count, points.z + at, sums + at});
    }
    for (int64_t i = points.first[far]; i < points.first[far] + points.size[far]; i += tail) {
        if (recurrence.b == nullptr) {
            clenshaw_far<T, tail_vectors, false>(recurrence, near_coef, count, points.z + i, sums + i, exponents + i);
        } else {
            clenshaw_far<T, tail_vectors, true>(recurrence, near_coef, count, points.z + i, sums + i, exponents + i);
        }
    }
    for (int64_t i = points.first[end]; i < points.first[end] + points.size[end]; i += tail) {
        if (recurrence.start == Start::one) {
            clenshaw_end<T, tail_vectors, true>(recurrence, end_coef, count, points.z + i, sums + i);
        } else {
            clenshaw_end<T, tail_vectors, false>(recurrence, end_coef, count, points.z + i, sums + i);
        }
    }
}

// A visitor has `template <class T, int R, Regime> void visit(int64_t place, int64_t n, const Vector<T>* term)`.
template <class T, bool HasB, class Visitor>
struct ForwardsNear {
    const Recurrence<T>& recurrence;
    int64_t count;
    const Points<T>& points;
    const T* weight;
    const Visitor& visitor;
    template <int R>
    void run(int64_t first) const {
        const int64_t i = points.first[near] + first * lanes<T>;
        auto own = visitor.template open<T, R, near>(i);
        forwards_near<T, R, HasB>(recurrence, count, points.z + i, points.mantissa + i, points.exponent + i, weight + i,
                                  [&](int64_t n, const Vector<T>* term) { own(n, term); });
        own.close();
    }
};

// Visits weight_i start(z_i) q_n(z_i) for every n and point; weights are in the order of the grouped points.
template <class T, class Visitor>
inline void sweep_upwards(const Recurrence<T>& recurrence, int64_t count, const Points<T>& points, const T* weight,
                          const Visitor& visitor) {
    constexpr int64_t tail = tail_vectors * lanes<T>;
    const int64_t vectors = points.size[near] / lanes<T>;
    if (recurrence.b == nullptr) {
        near_tiles(vectors, ForwardsNear<T, false, Visitor>{recurrence, count, points, weight, visitor});
    } else {
        near_tiles(vectors, ForwardsNear<T, true, Visitor>{recurrence, count, points, weight, visitor});
    }
    for (int64_t i = points.first[far]; i < points.first[far] + points.size[far]; i += tail) {
        auto own = visitor.template open<T, tail_vectors, far>(i);
        const auto visit = [&](int64_t n, const Vector<T>* term) { own(n, term); };
        if (recurrence.b == nullptr) {
            forwards_far<T, tail_vectors, false>(recurrence, count, points.z + i, points.mantissa + i,
                                                 points.exponent + i, weight + i, visit);
        } else {
            forwards_far<T, tail_vectors, true>(recurrence, count, points.z + i, points.mantissa + i,
                                                points.exponent + i, weight + i, visit);
        }
        own.close();
    }
    for (int64_t i = points.first[end]; i < points.first[end] + points.size[end]; i += tail) {
        auto own = visitor.template open<T, tail_vectors, end>(i);
        const auto visit = [&](int64_t n, const Vector<T>* term) { own(n, term); };
        if (recurrence.start == Start::one) {
            forwards_end<T, tail_vectors, true>(recurrence, count, points.z + i, points.mantissa + i,
                                                points.exponent + i, weight + i, visit);
        } else {
            forwards_end<T, tail_vectors, false>(recurrence, count, points.z + i, points.mantissa + i,
                                                 points.exponent + i, weight + i, visit);
        }
        own.close();
    }
}

}  // namespace
}  // namespace specfast
