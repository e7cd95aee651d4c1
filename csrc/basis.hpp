// basis[row, m, n] = phi_n^(k)(z[row, m]), or with degree before point.
//
// Method    The recurrence upwards over a block of points into rows of one degree each; derivatives by the transposed
//           coefficient map, point by point; transposed on the way out unless degrees come first.
// Layout    A task is a row and a block of points; the block is smaller where there are many degrees, to stay in cache.
// Cost      two multiply-adds a term and point, and the result's memory traffic; scratch of a block times K a thread.
#pragma once
#include "coefficients.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

template <class T>
struct WriteTerms {
    static constexpr int most = max_vectors;
    T* table;  // degree n, place i at n * block_capacity + i

    template <class U, int R>
    struct Tile {
        T* table;
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) const {
            for (int v = 0; v < R; ++v) store(table + n * block_capacity<T> + v * lanes<T>, term[v]);
        }
        void close() const {}
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        return {table + place};
    }
};

// Points of a block: so many that the table stays within 256 KiB, at least one tile.
template <class T>
inline int64_t basis_block(int64_t count) {
    const int64_t fitting = (int64_t(1) << 18) / (count * static_cast<int64_t>(sizeof(T)));
    return smaller(block_points, larger(32, fitting / 32 * 32));
}

template <class T>
struct BasisBlock {
    const Series& series;
    const Recurrence<T>& recurrence;
    int64_t count;
    Points<T> points;
    T *weight, *table;
    double* buffer;

    static int64_t scratch(int64_t count) {
        return points_scratch<T> + 2 * block_capacity<T> + count * block_capacity<T> + 4 * count;
    }
    BasisBlock(const Series& given, const Recurrence<T>& tables, int64_t size, double* memory)
        : series(given), recurrence(tables), count(size) {
        place_points(points, memory);
        weight = reinterpret_cast<T*>(memory + points_scratch<T>);
        buffer = memory + points_scratch<T> + block_capacity<T>;
        table = reinterpret_cast<T*>(buffer + ceil_divide(4 * count, 8) * 8);
        for (int64_t i = 0; i < block_capacity<T>; ++i) weight[i] = 1;
    }

    // Scale of phi_n for the point in place i.
    const double* scale(int64_t i) const {
        const bool at_end = i >= points.first[end] && i < points.first[end] + points.size[end];
        return at_end ? recurrence.value_at_end : recurrence.scale;
    }

    template <class Data>
    void run(const Data* z, int64_t stride, int64_t filled, Data* result, int64_t point_step, int64_t degree_step) {
        set_points(recurrence, z, stride, filled, points);
        sweep_upwards(recurrence, count, points, weight, WriteTerms<T>{table});
        if (series.derivative > 0) {
            each_point(points, filled, [&](int64_t i, int64_t m) {
                const double* factor = scale(i);
                for (int64_t n = 0; n < count; ++n) buffer[n] = table[n * block_capacity<T> + i] * factor[n];
                const double* derived =
                    derive_transposed(series.differentiation, series.derivative, buffer, buffer + count);
                for (int64_t n = 0; n < series.coefficients; ++n) {
                    result[m * point_step + n * degree_step] = static_cast<Data>(derived[n]);
                }
            });
        } else if (point_step == 1 && points.layout == Layout::whole) {
            const double* factor = scale(0);
            for (int64_t n = 0; n < count; ++n) {
                const T* const from = table + n * block_capacity<T>;
                const T own = static_cast<T>(factor[n]);
                for (int64_t m = 0; m < filled; ++m) result[m + n * degree_step] = static_cast<Data>(from[m] * own);
            }
        } else {
            each_point(points, filled, [&](int64_t i, int64_t m) {
                const double* factor = scale(i);
                for (int64_t n = 0; n < count; ++n) {
                    result[m * point_step + n * degree_step] =
                        static_cast<Data>(table[n * block_capacity<T> + i] * factor[n]);
                }
            });
        }
    }
};

template <class T, class Data>
void basis_rows(const Series& series, const Recurrence<T>& recurrence, const Rows& rows, const Operand& z,
                int64_t points, bool by_degree, Data* result) {
    const int64_t count = working_count(series), block = basis_block<T>(count), size = series.coefficients;
    const int64_t blocks = ceil_divide(points, block), tasks = row_count(rows) * blocks;
    const int threads = threads_for(row_count(rows) * points * count);
    const Scratch scratch(BasisBlock<T>::scratch(count), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / blocks, begin = task % blocks * block;
        BasisBlock<T> own(series, recurrence, count, scratch.of_this_thread());
        Data* const target = result + row * points * size + begin * (by_degree ? 1 : size);
        own.run(row_start<Data>(rows, z, row) + begin * z.stride, z.stride, smaller(block, points - begin), target,
                by_degree ? 1 : size, by_degree ? points : 1);
    }
}

void basis(const Series& series, const Rows& rows, const Operand& z, int64_t points, void* result, bool by_degree,
           bool is_double) {
    if (is_double) {
        basis_rows(series, series.recurrence, rows, z, points, by_degree, static_cast<double*>(result));
    } else if (series.single.count > 0) {
        basis_rows(series, series.single, rows, z, points, by_degree, static_cast<float*>(result));
    } else {
        basis_rows(series, series.recurrence, rows, z, points, by_degree, static_cast<float*>(result));
    }
}

// coef -> coefficients of the derivative, row by row (or the transpose of that map).
template <class Data>
void differentiate_rows(const Differentiation& table, const Rows& rows, const Operand& coef, Data* result,
                        bool transposed) {
    const int64_t count = table.count, total = row_count(rows);
    const int threads = threads_for(total * count);
    const Scratch scratch(2 * count, threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t row = 0; row < total; ++row) {
        double* const input = scratch.of_this_thread();
        double* const output = input + count;
        const Data* source = row_start<Data>(rows, coef, row);
        for (int64_t n = 0; n < count; ++n) input[n] = static_cast<double>(source[n * coef.stride]);
        transposed ? differentiate_transposed(table, input, output) : differentiate(table, input, output);
        for (int64_t n = 0; n < count; ++n) result[row * count + n] = static_cast<Data>(output[n]);
    }
}

void differentiate_series(const Differentiation& table, const Rows& rows, const Operand& coef, void* result,
                          bool transposed, bool is_double) {
    if (is_double) {
        differentiate_rows(table, rows, coef, static_cast<double*>(result), transposed);
    } else {
        differentiate_rows(table, rows, coef, static_cast<float*>(result), transposed);
    }
}

}  // namespace
}  // namespace specfast
