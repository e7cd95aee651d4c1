// coef[row, n] = sum_m values[row, m] phi_n^(k)(z[row, m]), the transpose of synthesize.
//
// Method    The recurrence runs forwards with q_0 = values * start(z); a tile's vectors are added up and kept as one
// vector
//           for each n. At the end lanes are summed, s_n and the transposed derivative map applied.
// Layout    A row's points are cut into at most 16 blocks by their number alone, each with its own partial sums; these
// are
//           added in order, so the result has the same bits at any number of threads.
// Cost      two multiply-adds and one addition a term and point; scratch 16 results, and `lanes` K doubles a thread.
#pragma once
#include "differentiation.hpp"
#include "tile.hpp"

namespace specfast {
namespace {

constexpr int64_t max_partials = 16;

inline int64_t adjoint_blocks(int64_t points) {
    return points == 0 ? 0 : smaller(max_partials, ceil_divide(points, 1024));
}

struct ForwardsSum {
    const Recurrence& recurrence;
    int64_t count;
    const Tile& tile;
    const double* weight;
    double* sums;  // one vector for each n
    template <bool Far, bool HasB>
    void operator()() const {
        double* const target = sums;
        forwards<Far, HasB>(recurrence, count, tile, weight, [target](int64_t n, const Vector* term) {
            Vector sum = term[0];
            for (int v = 1; v < vectors; ++v) sum += term[v];
            store(target + n * lanes, load(target + n * lanes) + sum);
        });
    }
};

// Partial sums of one block of points: sum_m values_m q_n(z_m), times s_n.
template <class T>
void adjoint_block(const Recurrence& recurrence, int64_t count, const T* values, int64_t values_stride, const T* z,
                   int64_t z_stride, int64_t points, double* sums, double* partial) {
    for (int64_t i = 0; i < count * lanes; ++i) sums[i] = 0;
    Tile tile;
    double weight[tile_points];
    for (int64_t begin = 0; begin < points; begin += tile_points) {
        const int64_t filled = smaller(tile_points, points - begin);
        set_tile(recurrence, z + begin * z_stride, z_stride, filled, tile);
        for (int64_t i = 0; i < tile_points; ++i) {
            weight[i] = i < filled ? static_cast<double>(values[(begin + i) * values_stride]) : 0.0;
        }
        dispatch(tile.far, recurrence.b != nullptr, ForwardsSum{recurrence, count, tile, weight, sums});
    }
    for (int64_t n = 0; n < count; ++n) {
        double sum = 0;
        for (int i = 0; i < lanes; ++i) sum += sums[n * lanes + i];
        partial[n] = sum * recurrence.scale[n];
    }
}

template <class T>
void finish_row(const Series& series, const double* partials, int64_t blocks, int64_t count, double* buffer, T* coef) {
    for (int64_t n = 0; n < count; ++n) {
        double sum = 0;
        for (int64_t block = 0; block < blocks; ++block) sum += partials[block * count + n];
        buffer[n] = sum;
    }
    const double* result = derive_transposed(series.differentiation, series.derivative, buffer, buffer + count);
    for (int64_t n = 0; n < series.coefficients; ++n) coef[n] = static_cast<T>(result[n]);
}

template <class T>
void adjoint_rows(const Series& series, const Rows& rows, const Operand& values, const Operand& z, int64_t points,
                  T* coef) {
    const int64_t count = working_count(series);
    const int64_t blocks = adjoint_blocks(points), total = row_count(rows);
    const int64_t block = blocks == 0 ? 0 : ceil_divide(points, blocks);
    const int threads = threads_for(total * points * count);
    const Scratch partials(total * blocks * count, 1), scratch(larger(lanes, 2) * count, threads);
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t task = 0; task < total * blocks; ++task) {
        const int64_t row = task / blocks, begin = task % blocks * block;
        const int64_t length = larger(0, smaller(block, points - begin));
        adjoint_block(series.recurrence, count, row_start<T>(rows, values, row) + begin * values.stride, values.stride,
                      row_start<T>(rows, z, row) + begin * z.stride, z.stride, length, scratch.of_this_thread(),
                      partials.block(0) + task * count);
    }
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t row = 0; row < total; ++row) {
        finish_row(series, partials.block(0) + row * blocks * count, blocks, count, scratch.of_this_thread(),
                   coef + row * series.coefficients);
    }
}

void adjoint(const Series& series, const Rows& rows, const Operand& values, const Operand& z, int64_t points,
             void* coef, bool is_double) {
    if (is_double) {
        adjoint_rows(series, rows, values, z, points, static_cast<double*>(coef));
    } else {
        adjoint_rows(series, rows, values, z, points, static_cast<float*>(coef));
    }
}

}  // namespace
}  // namespace specfast
