// squares[row, m] = sum_n h_n^-1 phi_n(z[row, m])^2: the inverse of the Christoffel function, for Gauss weights.
//
// Method    The recurrence upwards over tiles of points; every term is squared, weighted and added.
// Layout    A task is a row and a block of points.
// Cost      three FMAs and one addition a term and point.
#pragma once
#include "coefficients.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

template <class T>
struct SumSquares {
    static constexpr int most = max_vectors;
    const T* near_factor;  // s_n^2 / h_n
    const T* end_factor;   // v_n^2 / h_n
    T* sums;               // in the order of the grouped points

    template <class U, int R>
    struct Tile {
        const T* factor;
        T* sums;
        Vector<T> sum[R] = {};
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) {
            const Vector<T> f = splat<T>(factor[n]);
            for (int v = 0; v < R; ++v) sum[v] += (f * term[v]) * term[v];
        }
        void close() const {
            for (int v = 0; v < R; ++v) store(sums + v * lanes<T>, sum[v]);
        }
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        return {regime == Regime::end ? end_factor : near_factor, sums + place};
    }
};

// Double only; `norms` are 1 / h_n.
void squares(const Series& series, const Rows& rows, const Operand& z, int64_t points, const double* norms,
             double* result) {
    const Recurrence<double>& recurrence = series.recurrence;
    const int64_t count = series.coefficients, blocks = ceil_divide(points, block_points);
    const int64_t tasks = row_count(rows) * blocks;
    const int threads = threads_for(tasks * block_points * count);
    const Scratch factors(2 * count, 1);
    double *const near_factor = factors.block(0), *const end_factor = near_factor + count;
    for (int64_t n = 0; n < count; ++n) {
        near_factor[n] = recurrence.scale[n] * recurrence.scale[n] * norms[n];
        const double at_end = recurrence.end_limit > 0 ? recurrence.value_at_end[n] : 0;
        end_factor[n] = at_end * at_end * norms[n];
    }
    const Scratch scratch(points_scratch<double> + 2 * block_capacity<double>, threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / blocks, begin = task % blocks * block_points;
        const int64_t filled = smaller(block_points, points - begin);
        double* const memory = scratch.of_this_thread();
        double *const weight = memory + points_scratch<double>, *const sums = weight + block_capacity<double>;
        Points<double> own;
        carve_points(own, memory);
        set_points(recurrence, row_start<double>(rows, z, row) + begin * z.stride, z.stride, filled, own);
        for (int64_t i = 0; i < block_capacity<double>; ++i) weight[i] = 1;
        sweep_upwards(recurrence, count, own, weight, SumSquares<double>{near_factor, end_factor, sums});
        each_point(own, filled, [&](int64_t i, int64_t m) { result[row * points + begin + m] = sums[i]; });
    }
}

}  // namespace
}  // namespace specfast
