// values[row, m] = sum_n coef[row, n] phi_n^(k)(z[row, m]).
//
// Method    The derivative is taken on the coefficients (O(K) a row), then Clenshaw's sum over tiles of points.
// Layout    A task is a row and a block of points; each writes its own part of the result.
// Cost      two multiply-adds a coefficient and point; scratch of 3 K doubles a thread.
#pragma once
#include "differentiation.hpp"
#include "tile.hpp"

namespace specfast {
namespace {

constexpr int64_t block_points = 2048;

// Multiplies by s_n and takes out a power of two, so that the largest is in [1/2, 1); returns the exponent.
inline int normalise(const Recurrence& recurrence, double* coef, int64_t count) {
    double largest = 0;
    for (int64_t n = 0; n < count; ++n) {
        coef[n] *= recurrence.scale[n];
        const double size = std::fabs(coef[n]);
        if (size > largest) largest = size;
    }
    if (!(largest > 0) || !std::isfinite(largest)) return 0;
    int exponent;
    std::frexp(largest, &exponent);
    for (int64_t n = 0; n < count; ++n) coef[n] = std::ldexp(coef[n], -exponent);
    return exponent;
}

struct ClenshawCall {
    const Recurrence& recurrence;
    const double* coef;
    int64_t count;
    const Tile& tile;
    double* values;
    double* exponents;
    template <bool Far, bool HasB>
    void operator()() const {
        clenshaw<Far, HasB>(recurrence, coef, count, tile, values, exponents);
    }
};

template <class T>
void synthesize_block(const Series& series, const double* coef, int64_t count, int exponent, const T* z, int64_t stride,
                      int64_t points, T* values) {
    const Recurrence& recurrence = series.recurrence;
    double sum[tile_points], shift[tile_points];
    Tile tile;
    for (int64_t begin = 0; begin < points; begin += tile_points) {
        const int64_t filled = smaller(tile_points, points - begin);
        set_tile(recurrence, z + begin * stride, stride, filled, tile);
        dispatch(tile.far, recurrence.b != nullptr, ClenshawCall{recurrence, coef, count, tile, sum, shift});
        for (int64_t i = 0; i < filled; ++i) {
            const double scaled = sum[i] * tile.mantissa[i];
            values[begin + i] = static_cast<T>(times_power_of_two(scaled, tile.exponent[i] + shift[i] + exponent));
        }
    }
}

template <class T>
void synthesize_rows(const Series& series, const Rows& rows, const Operand& coef, const Operand& z, int64_t points,
                     T* values) {
    const int64_t count = working_count(series);
    const int64_t blocks = ceil_divide(points, block_points), tasks = row_count(rows) * blocks;
    const int threads = threads_for(row_count(rows) * points * count);
    const Scratch scratch(2 * count, threads);
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / blocks, begin = task % blocks * block_points;
        const T* source = row_start<T>(rows, coef, row);
        double* const buffer = scratch.of_this_thread();
        for (int64_t n = 0; n < count; ++n) {
            buffer[n] = n < series.coefficients ? static_cast<double>(source[n * coef.stride]) : 0.0;
        }
        double* const derived = derive(series.differentiation, series.derivative, buffer, buffer + count);
        const int exponent = normalise(series.recurrence, derived, count);
        synthesize_block(series, derived, count, exponent, row_start<T>(rows, z, row) + begin * z.stride, z.stride,
                         smaller(block_points, points - begin), values + row * points + begin);
    }
}

void synthesize(const Series& series, const Rows& rows, const Operand& coef, const Operand& z, int64_t points,
                void* values, bool is_double) {
    if (is_double) {
        synthesize_rows(series, rows, coef, z, points, static_cast<double*>(values));
    } else {
        synthesize_rows(series, rows, coef, z, points, static_cast<float*>(values));
    }
}

}  // namespace
}  // namespace specfast
