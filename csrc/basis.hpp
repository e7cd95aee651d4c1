// basis[row, m, n] = phi_n^(k)(z[row, m]).
//
// Method    The recurrence forwards over a tile of points into a block that is transposed on the way out; derivatives
// by
//           the transposed coefficient map, point by point.
// Layout    A task is a row and a tile of points. The result has degree fastest.
// Cost      two multiply-adds a term and point, and the result's memory traffic; scratch (tile_points + 2) K doubles a
// thread.
#pragma once
#include "differentiation.hpp"
#include "tile.hpp"

namespace specfast {
namespace {

struct ForwardsWrite {
    const Recurrence& recurrence;
    int64_t count;
    const Tile& tile;
    const double* weight;
    double* block;  // tile_points rows of `count`
    template <bool Far, bool HasB>
    void operator()() const {
        double* const target = block;
        const int64_t stride = count;
        const double* const scale = recurrence.scale;
        forwards<Far, HasB>(recurrence, count, tile, weight, [=](int64_t n, const Vector* term) {
            for (int v = 0; v < vectors; ++v) {
                for (int i = 0; i < lanes; ++i) target[(v * lanes + i) * stride + n] = term[v][i] * scale[n];
            }
        });
    }
};

template <class T>
void basis_point(const Series& series, int64_t count, const double* functions, double* buffer, T* result) {
    if (series.derivative == 0) {
        for (int64_t n = 0; n < series.coefficients; ++n) result[n] = static_cast<T>(functions[n]);
        return;
    }
    for (int64_t n = 0; n < count; ++n) buffer[n] = functions[n];
    const double* derived = derive_transposed(series.differentiation, series.derivative, buffer, buffer + count);
    for (int64_t n = 0; n < series.coefficients; ++n) result[n] = static_cast<T>(derived[n]);
}

template <class T>
void basis_rows(const Series& series, const Rows& rows, const Operand& z, int64_t points, T* result) {
    const int64_t count = working_count(series);
    const int64_t tiles = ceil_divide(points, tile_points), tasks = row_count(rows) * tiles;
    const int threads = threads_for(row_count(rows) * points * count);
    const Scratch scratch((tile_points + 2) * count, threads);
    double one[tile_points];
    for (int i = 0; i < tile_points; ++i) one[i] = 1;
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        double* const functions = scratch.of_this_thread();
        const int64_t row = task / tiles, begin = task % tiles * tile_points;
        const int64_t filled = smaller(tile_points, points - begin);
        Tile tile;
        set_tile(series.recurrence, row_start<T>(rows, z, row) + begin * z.stride, z.stride, filled, tile);
        dispatch(tile.far, series.recurrence.b != nullptr,
                 ForwardsWrite{series.recurrence, count, tile, one, functions});
        for (int64_t i = 0; i < filled; ++i) {
            basis_point(series, count, functions + i * count, functions + tile_points * count,
                        result + (row * points + begin + i) * series.coefficients);
        }
    }
}

void basis(const Series& series, const Rows& rows, const Operand& z, int64_t points, void* result, bool is_double) {
    if (is_double) {
        basis_rows(series, rows, z, points, static_cast<double*>(result));
    } else {
        basis_rows(series, rows, z, points, static_cast<float*>(result));
    }
}

// coef -> coefficients of the derivative, row by row (or the transpose of that map).
template <class T>
void differentiate_rows(const Differentiation& table, const Rows& rows, const Operand& coef, T* result,
                        bool transposed) {
    const int64_t count = table.count, total = row_count(rows);
    const int threads = threads_for(total * count);
    const Scratch scratch(2 * count, threads);
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t row = 0; row < total; ++row) {
        double* const input = scratch.of_this_thread();
        double* const output = input + count;
        const T* source = row_start<T>(rows, coef, row);
        for (int64_t n = 0; n < count; ++n) input[n] = static_cast<double>(source[n * coef.stride]);
        transposed ? differentiate_transposed(table, input, output) : differentiate(table, input, output);
        for (int64_t n = 0; n < count; ++n) result[row * count + n] = static_cast<T>(output[n]);
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
