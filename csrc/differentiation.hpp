// The derivative of a series as a map of its coefficients, and the transpose of that map, which takes functions to theirs.
//
// Problem   u = sum c_n phi_n, u' = sum d_n phi_n: find d from c (and c-bar from d-bar) in O(count).
// Method    d = (I - S)^{-1} B c with S strictly upper (two diagonals) and B banded; see struct Differentiation.
//           The transpose runs the substitution forwards first and multiplies by B^T after. A family has one of the two
//           diagonals of S at most.
// Layout    A row says where its number k is: contiguous, a stride apart, or whole vectors side by side. Input and output
//           must not overlap, but where a function says that it works in place.
// Cost      three FMAs an entry, and one where S has a diagonal.
// Shared    by every processor. A block of a GPU's threads shares out one row by the same entries of B (cuda/prepare.hpp);
//           its substitution, which waits for itself, is cut into parts there (cuda/chain.hpp).
#pragma once
#include "recurrence.hpp"
#ifdef SPECFAST_ON_GPU
#include "cuda/scalar.hpp"
#else
#include "simd.hpp"
#endif

namespace specfast {
namespace {

template <class T>
struct ContiguousRow {
    T* numbers;
    static SPECFAST_INLINE int64_t count() { return 1; }
    SPECFAST_INLINE double get(int64_t k, int64_t) const { return static_cast<double>(numbers[k]); }
    SPECFAST_INLINE void set(int64_t k, int64_t, double value) const { numbers[k] = static_cast<T>(value); }
    static SPECFAST_INLINE double all(double factor) { return factor; }
};

template <class T>
struct StridedRow {
    T* numbers;
    int64_t stride;
    static SPECFAST_INLINE int64_t count() { return 1; }
    SPECFAST_INLINE double get(int64_t k, int64_t) const { return static_cast<double>(numbers[k * stride]); }
    SPECFAST_INLINE void set(int64_t k, int64_t, double value) const { numbers[k * stride] = static_cast<T>(value); }
    static SPECFAST_INLINE double all(double factor) { return factor; }
};

#ifndef SPECFAST_ON_GPU
// `width` rows at once, a vector of them at a time.
struct RowOfVectors {
    double* numbers;
    int64_t width;
    SPECFAST_INLINE int64_t count() const { return width; }
    SPECFAST_INLINE Vector<double> get(int64_t k, int64_t i) const {
        return load(numbers + (k * width + i) * lanes<double>);
    }
    SPECFAST_INLINE void set(int64_t k, int64_t i, Vector<double> value) const {
        store(numbers + (k * width + i) * lanes<double>, value);
    }
    static SPECFAST_INLINE Vector<double> all(double factor) { return splat<double>(factor); }
};
#endif

template <class Row>
SPECFAST_INLINE void add_multiple(const Row& row, int64_t to, double factor, int64_t from) {
    for (int64_t i = 0; i < row.count(); ++i) row.set(to, i, row.get(to, i) + Row::all(factor) * row.get(from, i));
}

// Entry k of B in; of B^T in with `below` and `above` exchanged and a shift of 1. There may be none before or behind it.
template <class In, class Out>
SPECFAST_INLINE void band_entry(const Differentiation& map, const double* below, const double* above, int shift,
                                const In& in, const Out& out, int64_t k, bool before, bool behind) {
    for (int64_t i = 0; i < in.count(); ++i) {
        auto sum = In::all(map.middle[k]) * in.get(k, i);
        if (before) sum += In::all(below[k - shift]) * in.get(k - 1, i);
        if (behind) sum += In::all(above[k + shift]) * in.get(k + 1, i);
        out.set(k, i, sum);
    }
}

// What entry k has of those `far` places away, added; as above.
template <class In, class Out>
SPECFAST_INLINE void far_entry(const Differentiation& map, const double* below, const double* above, int64_t shift,
                               const In& in, const Out& out, int64_t k) {
    for (int64_t i = 0; i < in.count(); ++i) {
        auto sum = out.get(k, i);
        if (k >= map.far) sum += In::all(below[k - shift]) * in.get(k - map.far, i);
        if (k + map.far < map.count) sum += In::all(above[k + shift]) * in.get(k + map.far, i);
        out.set(k, i, sum);
    }
}

template <class In, class Out>
SPECFAST_INLINE void far_band(const Differentiation& map, const double* below, const double* above, int64_t shift,
                              const In& in, const Out& out) {
    for (int64_t k = 0; k < map.count; ++k) far_entry(map, below, above, shift, in, out, k);
}

template <class In, class Out>
SPECFAST_INLINE void band(const Differentiation& map, const double* below, const double* above, int shift, const In& in,
                          const Out& out) {
    const int64_t last = map.count - 1;
    band_entry(map, below, above, shift, in, out, 0, false, last > 0);
    for (int64_t k = 1; k < last; ++k) band_entry(map, below, above, shift, in, out, k, true, true);
    if (last > 0) band_entry(map, below, above, shift, in, out, last, true, false);
}

template <class In, class Out>
SPECFAST_INLINE void differentiate(const Differentiation& map, const In& coef, const Out& derivative) {
    band(map, map.lower, map.upper, 0, coef, derivative);
    if (map.far_lower != nullptr) far_band(map, map.far_lower, map.far_upper, 0, coef, derivative);
    for (int64_t k = map.count - 2; map.ahead != nullptr && k >= 0; --k)
        add_multiple(derivative, k, map.ahead[k], k + 1);
    for (int64_t k = map.count - 3; map.leap != nullptr && k >= 0; --k) add_multiple(derivative, k, map.leap[k], k + 2);
}

// The input is overwritten by the intermediate (I - S)^{-T} in.
template <class In, class Out>
SPECFAST_INLINE void differentiate_transposed(const Differentiation& map, const In& in, const Out& out) {
    for (int64_t k = 1; map.ahead != nullptr && k < map.count; ++k) add_multiple(in, k, map.ahead[k - 1], k - 1);
    for (int64_t k = 2; map.leap != nullptr && k < map.count; ++k) add_multiple(in, k, map.leap[k - 2], k - 2);
    band(map, map.upper, map.lower, 1, in, out);
    if (map.far_lower != nullptr) far_band(map, map.far_upper, map.far_lower, map.far, in, out);
}

// The same in place where there are entries far away: B^T in a pass of its own, which remembers three numbers.
template <class Row>
SPECFAST_INLINE void far_transposed_in_place(const Differentiation& map, const Row& row) {
    for (int64_t k = 1; map.ahead != nullptr && k < map.count; ++k) add_multiple(row, k, map.ahead[k - 1], k - 1);
    for (int64_t k = 2; map.leap != nullptr && k < map.count; ++k) add_multiple(row, k, map.leap[k - 2], k - 2);
    double before = 0, second = 0, third = 0;  // those one, two and three places before, as they were
    for (int64_t k = 0; k < map.count; ++k) {
        const double own = row.get(k, 0);
        double sum = map.middle[k] * own;
        if (k > 0) sum += map.upper[k - 1] * before;
        if (k + 1 < map.count) sum += map.lower[k + 1] * row.get(k + 1, 0);
        if (k >= map.far) sum += map.far_upper[k - map.far] * (map.far == 2 ? second : third);
        if (k + map.far < map.count) sum += map.far_lower[k + map.far] * row.get(k + map.far, 0);
        row.set(k, 0, sum);
        third = second;
        second = before;
        before = own;
    }
}

// The same in place, for one row: both steps side by side, so that three numbers are enough to remember.
template <class Row>
SPECFAST_INLINE void differentiate_transposed_in_place(const Differentiation& map, const Row& row) {
    if (map.far_lower != nullptr) return far_transposed_in_place(map, row);
    const int64_t last = map.count - 1;
    double before = 0, own = row.get(0, 0);
    for (int64_t k = 0; k <= last; ++k) {
        double next = k < last ? row.get(k + 1, 0) : 0.0;
        if (k < last && map.ahead != nullptr) next += map.ahead[k] * own;
        if (k < last && k > 0 && map.leap != nullptr) next += map.leap[k - 1] * before;
        double sum = map.middle[k] * own;
        if (k > 0) sum += map.upper[k - 1] * before;
        if (k < last) sum += map.lower[k + 1] * next;
        row.set(k, 0, sum);
        before = own;
        own = next;
    }
}

// Applies a map `order` times, alternating between two buffers; returns the one that holds the result.
template <class Step>
SPECFAST_INLINE double* repeat(int64_t order, double* current, double* other, const Step& step) {
    for (int64_t i = 0; i < order; ++i) {
        step(current, other);
        double* const swap = current;
        current = other;
        other = swap;
    }
    return current;
}

}  // namespace
}  // namespace specfast
