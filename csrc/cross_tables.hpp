// The one-dimensional functions of every axis at a tile of points: what the sums over an index tree read.
//
// Method    The recurrence upwards straight into the table, scaled, where all points of the tile are near; the blocks of
//           vandermonde.hpp elsewhere. Derivatives by the transposed coefficient map in double, all points side by side.
// Layout    [axis][degree][P] with P points, whole vectors; the last point is repeated.
// Cost      three FMAs an entry, and one table of the longest axis in scratch.
#pragma once
#include "kernels.hpp"
#include "vandermonde.hpp"

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

// Doubles of scratch that `fill_table` needs for one axis: to find the functions, and to differentiate them.
inline int64_t value_scratch(const Series& series) {
    const int64_t count = working_count(series);
    return ceil_divide(larger(BasisBlock<double>::scratch(count, false), BasisBlock<float>::scratch(count, false)), 8) *
           8;
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
        carve_points(points, memory);
        set_points(recurrence, z, stride, filled, points);
        if (points.layout == Layout::whole && points.size[Regime::near] > 0) {
            T* const weight = reinterpret_cast<T*>(memory + points_scratch<T>);
            for (int64_t i = 0; i < points.size[Regime::near]; ++i) weight[i] = 1;
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

// The functions themselves at whole vectors of points, the last of `filled` points repeated.
template <class Data>
inline void fill_functions(const Series& series, int64_t count, const Data* z, int64_t stride, int64_t filled,
                           int64_t pitch, double* memory, Data* table) {
    if (sizeof(Data) == 4 && series.single.count > 0) {
        fill_values(series, series.single, count, z, stride, filled, pitch, memory, table);
    } else {
        fill_values(series, series.recurrence, count, z, stride, filled, pitch, memory, table);
    }
    if (filled == pitch) return;
    for (int64_t n = 0; n < count; ++n) {
        Data* const row = table + n * pitch;
        for (int64_t i = filled; i < pitch; ++i) row[i] = row[filled - 1];
    }
}

// table[n * pitch + i] = phi_n^(k)(z_i), n < K, for `filled` points; the last one is repeated up to `pitch`.
template <class Data>
void fill_table(const Series& series, const Data* z, int64_t stride, int64_t filled, int64_t pitch, double* memory,
                Data* table) {
    const int64_t count = working_count(series), size = series.coefficients;
    if (series.derivative == 0) {
        fill_functions(series, count, z, stride, filled, pitch, memory, table);
        return;
    }
    double *const in = memory + value_scratch(series), *const out = in + count * pitch;
    Data* const values = reinterpret_cast<Data*>(out + count * pitch);
    fill_functions(series, count, z, stride, filled, pitch, memory, values);
    for (int64_t i = 0; i < count * pitch; ++i) in[i] = static_cast<double>(values[i]);
    const int64_t width = pitch / lanes<double>;
    const double* const derived = repeat(series.derivative, in, out, [&](double* from, double* to) {
        differentiate_transposed(series.differentiation, RowOfVectors{from, width}, RowOfVectors{to, width});
    });
    for (int64_t i = 0; i < size * pitch; ++i) table[i] = static_cast<Data>(derived[i]);
}

// The functions and their first derivatives, from one recurrence: `slope` is the series differentiated once. Both tables have
// room for working_count(slope) rows; of these as many as coefficients are set.
template <class Data>
void fill_both(const Series& slope, const Data* z, int64_t stride, int64_t filled, int64_t pitch, double* memory,
               Data* table, Data* derivative) {
    const int64_t count = working_count(slope), width = pitch / lanes<double>;
    fill_functions(slope, count, z, stride, filled, pitch, memory, table);
    if constexpr (sizeof(Data) == sizeof(double)) {
        // Where no substitution overwrites them the functions are read where they are.
        if (slope.differentiation.ahead == nullptr && slope.differentiation.leap == nullptr) {
            differentiate_transposed(slope.differentiation, RowOfVectors{table, width},
                                     RowOfVectors{derivative, width});
            return;
        }
    }
    double *const in = memory + value_scratch(slope), *const out = in + count * pitch;
    for (int64_t i = 0; i < count * pitch; ++i) in[i] = static_cast<double>(table[i]);
    differentiate_transposed(slope.differentiation, RowOfVectors{in, width}, RowOfVectors{out, width});
    for (int64_t i = 0; i < slope.coefficients * pitch; ++i) derivative[i] = static_cast<Data>(out[i]);
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
        for (int d = 0; d < cross.dim; ++d) offset[d + 1] = offset[d] + working_count(*functions[d]) * pitch;
    }
    int64_t entries() const { return offset[cross.dim]; }
    int64_t scratch() const {
        int64_t most = 0;
        for (int d = 0; d < cross.dim; ++d) most = larger(most, table_scratch(*series[d], pitch));
        return most;
    }
    void fill(int64_t row, int64_t begin, int64_t filled, double* memory, Data* tables) const {
        const Data* const first = static_cast<const Data*>(cross.z) + row * cross.z_row + begin * cross.z_point;
        for (int d = 0; d < cross.dim; ++d) {
            fill_table(*series[d], first + d * cross.z_axis, cross.z_point, filled, pitch, memory, tables + offset[d]);
        }
    }
    // The functions of the cross, of which `series` are the derivatives, as well.
    void fill_with_functions(int64_t row, int64_t begin, int64_t filled, double* memory, Data* functions,
                             Data* tables) const {
        const Data* const first = static_cast<const Data*>(cross.z) + row * cross.z_row + begin * cross.z_point;
        for (int d = 0; d < cross.dim; ++d) {
            const Data* const z = first + d * cross.z_axis;
            if (series[d]->derivative == 1) {
                fill_both(*series[d], z, cross.z_point, filled, pitch, memory, functions + offset[d],
                          tables + offset[d]);
            } else {
                fill_table(*cross.series[d], z, cross.z_point, filled, pitch, memory, functions + offset[d]);
                fill_table(*series[d], z, cross.z_point, filled, pitch, memory, tables + offset[d]);
            }
        }
    }
};

// Products of the functions of the last two axes for the pairs that are kept.
template <class Data, int Pitch>
inline void multiply_pairs(const Blocks& blocks, const Data* before, const Data* last, Data* to) {
    for (int64_t i = 0; i < blocks.pair_count; ++i, to += Pitch) {
        const Data *const q = before + blocks.pairs[i].before * Pitch, *const p = last + blocks.pairs[i].last * Pitch;
        for (int l = 0; l < Pitch; l += lanes<Data>) store(to + l, load(q + l) * load(p + l));
    }
}

}  // namespace
}  // namespace specfast
