// The one-dimensional functions of every axis at a tile of points: what the sums over an index tree read.
//
// Method    The recurrence upwards straight into the table, scaled, where all points of the tile are near; the blocks of
//           basis.hpp elsewhere. Derivatives by the transposed coefficient map in double, all points side by side.
// Layout    [axis][degree][P] with P points, whole vectors; the last point is repeated.
// Cost      three multiply-adds an entry, and one table of the longest axis in scratch.
#pragma once
#include "basis.hpp"
#include "tree.hpp"

namespace specfast {
namespace {

template <class T>
struct WriteScaled {
    static constexpr int most = max_vectors;
    T* table;
    const double* scale;
    int64_t pitch;

    template <class U, int R>
    struct Tile {
        T* table;
        const double* scale;
        int64_t pitch;
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) const {
            const Vector<T> factor = splat<T>(static_cast<T>(scale[n]));
            for (int v = 0; v < R; ++v) store(table + n * pitch + v * lanes<T>, term[v] * factor);
        }
        void close() const {}
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        return {table + place, scale, pitch};
    }
};

// out = B^T (I - S)^-T in for P columns; `in` is overwritten. See differentiation.hpp.
inline void derive_columns(const Differentiation& map, int64_t pitch, double* in, double* out) {
    const int64_t last = map.count - 1;
    const auto add = [&](int64_t to, double factor, int64_t from) {
        for (int64_t i = 0; i < pitch; ++i) in[to * pitch + i] += factor * in[from * pitch + i];
    };
    for (int64_t k = 1; map.ahead != nullptr && k <= last; ++k) add(k, map.ahead[k - 1], k - 1);
    for (int64_t k = 2; map.leap != nullptr && k <= last; ++k) add(k, map.leap[k - 2], k - 2);
    for (int64_t k = 0; k <= last; ++k) {
        const double below = k > 0 ? map.upper[k - 1] : 0, above = k < last ? map.lower[k + 1] : 0;
        const double *const row = in + k * pitch, *const before = k > 0 ? row - pitch : row,
                            *const behind = k < last ? row + pitch : row;
        double* const to = out + k * pitch;
        for (int64_t i = 0; i < pitch; ++i) to[i] = map.middle[k] * row[i] + below * before[i] + above * behind[i];
    }
}

// Doubles of scratch that `fill_table` needs for one axis: to find the functions, and to differentiate them.
inline int64_t value_scratch(const Series& series) {
    const int64_t count = working_count(series);
    return ceil_divide(larger(BasisBlock<double>::scratch(count), BasisBlock<float>::scratch(count)), 8) * 8;
}
inline int64_t table_scratch(const Series& series, int64_t pitch) {
    return value_scratch(series) + (series.derivative > 0 ? 3 * working_count(series) * pitch : 0);
}

// The functions themselves, `count` of them, by the tables of type T.
template <class T, class Data>
inline void fill_values(const Series& series, const Recurrence<T>& recurrence, int64_t count, const Data* z,
                        int64_t stride, int64_t filled, int64_t pitch, double* memory, Data* table) {
    if constexpr (sizeof(T) == sizeof(Data)) {
        Points<T> points;
        place_points(points, memory);
        set_points(recurrence, z, stride, filled, points);
        if (points.layout == Layout::whole && points.size[near] > 0) {
            T* const weight = reinterpret_cast<T*>(memory + points_scratch<T>);
            for (int64_t i = 0; i < points.size[near]; ++i) weight[i] = 1;
            sweep_upwards(recurrence, count, points, weight, WriteScaled<T>{table, recurrence.scale, pitch});
            return;
        }
    }
    Series plain = series;
    plain.derivative = 0;
    plain.coefficients = count;
    BasisBlock<T> block(plain, recurrence, count, memory);
    block.run(z, stride, filled, table, 1, pitch);
}

// table[n * pitch + i] = phi_n^(k)(z_i), n < K, for `filled` points; the last one is repeated up to `pitch`.
template <class Data>
void fill_table(const Series& series, const Data* z, int64_t stride, int64_t filled, int64_t pitch, double* memory,
                Data* table) {
    const int64_t count = working_count(series), size = series.coefficients;
    const bool derived = series.derivative > 0;
    double *in = memory + value_scratch(series), *out = in + count * pitch;
    Data* const values = derived ? reinterpret_cast<Data*>(out + count * pitch) : table;
    if (sizeof(Data) == 4 && series.single.count > 0) {
        fill_values(series, series.single, count, z, stride, filled, pitch, memory, values);
    } else {
        fill_values(series, series.recurrence, count, z, stride, filled, pitch, memory, values);
    }
    for (int64_t n = 0; n < count; ++n) {
        Data* const row = values + n * pitch;
        for (int64_t i = filled; i < pitch; ++i) row[i] = row[filled - 1];
    }
    if (!derived) return;
    for (int64_t i = 0; i < count * pitch; ++i) in[i] = static_cast<double>(values[i]);
    for (int step = 0; step < series.derivative; ++step) {
        derive_columns(series.differentiation, pitch, in, out);
        double* const swap = in;
        in = out;
        out = swap;
    }
    for (int64_t i = 0; i < size * pitch; ++i) table[i] = static_cast<Data>(in[i]);
}

// The tables of all axes, and where each begins.
template <class Data>
struct AxisTables {
    int64_t offset[max_dimensions + 1];
    const Cross& cross;
    const Series* const* series;
    int64_t pitch;

    AxisTables(const Cross& given, const Series* const* functions, int64_t points_a_tile)
        : cross(given), series(functions), pitch(points_a_tile) {
        offset[0] = 0;
        for (int d = 0; d < cross.tree.dim; ++d) offset[d + 1] = offset[d] + cross.tree.sizes[d] * pitch;
    }
    int64_t entries() const { return offset[cross.tree.dim]; }
    int64_t scratch() const {
        int64_t most = 0;
        for (int d = 0; d < cross.tree.dim; ++d) most = larger(most, table_scratch(*series[d], pitch));
        return most;
    }
    void fill(int64_t row, int64_t begin, int64_t filled, double* memory, Data* tables) const {
        const Data* const first = static_cast<const Data*>(cross.z) + row * cross.z_row + begin * cross.z_point;
        for (int d = 0; d < cross.tree.dim; ++d) {
            fill_table(*series[d], first + d * cross.z_axis, cross.z_point, filled, pitch, memory, tables + offset[d]);
        }
    }
};

// Products of the last two axes' functions for the pairs of the first block.
template <class Data, int Pitch>
inline void multiply_pairs(const Tree& tree, const PairTable& pairs, const Data* before, const Data* last, Data* to) {
    for (int64_t i = 0; i < pairs.rows; ++i) {
        const Data *const q = before + i * Pitch, *p = last;
        for (int64_t j = tree.runs[2 * i + 1]; j > 0; --j, p += Pitch, to += Pitch) {
            for (int l = 0; l < Pitch; l += lanes<Data>) store(to + l, load(q + l) * load(p + l));
        }
    }
}

// Whether sums over blocks of pairs are the faster: where runs are short, and the products stay in a near cache.
inline bool pairs_pay(const Cross& cross, int64_t pairs, int64_t bytes_a_pair) {
    return cross.tree.dim >= 3 && pairs * bytes_a_pair <= (int64_t(1) << 17) && cross.size < 24 * cross.tree.fibres;
}

}  // namespace
}  // namespace specfast
