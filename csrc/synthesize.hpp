// values[row, m] = sum_n coef[row, n] phi_n^(k)(z[row, m]).
//
// Method    The derivative is taken on the coefficients (O(K) a row), then Clenshaw's sum over tiles of points.
// Layout    A task is a row and a run of points; each writes its own part of the result.
// Cost      two FMAs and an addition a coefficient and point; scratch of 5 K doubles and a block of points a
//           thread.
#pragma once
#include <type_traits>

#include "channels.hpp"

namespace specfast {
namespace {

constexpr int64_t run_points = 4 * block_points;

// sum * start(z) * 2^exponent of one vector of near or end points.
template <class T>
inline Vector<T> finished(const Points<T>& points, const T* sums, int64_t i, Vector<T> first, Vector<T> second) {
    return load<T>(sums + i) * load<T>(points.mantissa + i) * first * second;
}

// Multiplies by start(z) and by the power of two that was taken out of the coefficients.
template <bool moved_out, class T>
inline void finish_sums(const Points<T>& points, const Coefficients<T>& coef, T* sums, const T* exponents) {
    for (const Regime group : all_regimes) {
        if (group == Regime::far || (moved_out && group == Regime::near)) continue;
        const PowerOfTwo up = power_of_two_factors(group == Regime::near ? coef.near_exponent : coef.end_exponent);
        const Vector<T> first = splat<T>(static_cast<T>(up.first)), second = splat<T>(static_cast<T>(up.second));
        for (int64_t i = points.first[group]; i < points.first[group] + points.size[group]; i += lanes<T>) {
            store(sums + i, finished<T>(points, sums, i, first, second));
        }
    }
    for (int64_t i = points.first[Regime::far]; i < points.first[Regime::far] + points.size[Regime::far]; ++i) {
        const double exponent = static_cast<double>(points.exponent[i]) + exponents[i] + coef.near_exponent;
        sums[i] = static_cast<T>(times_power_of_two(static_cast<double>(sums[i]) * points.mantissa[i], exponent));
    }
}

// The usual case, all points near and in place: straight into the result.
template <class T>
inline void finish_near(const Points<T>& points, const Coefficients<T>& coef, const T* sums, int64_t count, T* values) {
    const PowerOfTwo up = power_of_two_factors(coef.near_exponent);
    const Vector<T> first = splat<T>(static_cast<T>(up.first)), second = splat<T>(static_cast<T>(up.second));
    int64_t i = 0;
    for (; i + lanes<T> <= count; i += lanes<T>) store(values + i, finished<T>(points, sums, i, first, second));
    if (i == count) return;
    const Vector<T> last = finished<T>(points, sums, i, first, second);
    for (int64_t rest = i; rest < count; ++rest) values[rest] = last[rest - i];
}

template <class T, class Data>
void synthesize_run(const Recurrence<T>& recurrence, Coefficients<T>& coef, int64_t count, const Data* z,
                    int64_t stride, int64_t length, double* memory, Data* values) {
    Points<T> points;
    carve_points(points, memory);
    T* const sums = reinterpret_cast<T*>(memory + points_scratch<T>);
    T* const exponents = sums + block_capacity<T>;
    for (int64_t begin = 0; begin < length; begin += block_points) {
        const int64_t filled = smaller(block_points, length - begin);
        set_points(recurrence, z + begin * stride, stride, filled, points);
        const T* end_coef = points.size[Regime::end] > 0 ? coef.end_form() : nullptr;
        sum_downwards(recurrence, coef.near_form(), end_coef, count, points, sums, exponents);
        if constexpr (std::is_same<T, Data>::value) {
            if (points.layout != Layout::sorted && points.size[Regime::near] > 0) {
                finish_near(points, coef, sums, filled, values + begin);
                if (points.layout == Layout::moved_out) {
                    finish_sums<true>(points, coef, sums, exponents);
                    each_moved(points, [&](int64_t i, int64_t m) { values[begin + m] = sums[i]; });
                }
                continue;
            }
        }
        finish_sums<false>(points, coef, sums, exponents);
        each_point(points, filled, [&](int64_t i, int64_t m) { values[begin + m] = static_cast<Data>(sums[i]); });
    }
}

template <class T, class Data>
void synthesize_rows(const Series& series, const Recurrence<T>& recurrence, const Rows& rows, const Operand& coef,
                     const Operand& z, int64_t points, Data* values) {
    const int64_t count = working_count(series), runs = ceil_divide(points, run_points);
    const int64_t tasks = row_count(rows) * runs;
    const int threads = threads_for(row_count(rows) * points * count);
    const int64_t per_row = Coefficients<T>::scratch(count);
    const Scratch scratch(per_row + points_scratch<T> + 2 * block_capacity<T>, threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / runs, begin = task % runs * run_points;
        double* const memory = scratch.of_this_thread();
        Coefficients<T> own(recurrence, series.differentiation, series.derivative, row_start<Data>(rows, coef, row),
                            coef.stride, series.coefficients, count, memory);
        synthesize_run(recurrence, own, count, row_start<Data>(rows, z, row) + begin * z.stride, z.stride,
                       smaller(run_points, points - begin), memory + ceil_divide(per_row, 8) * 8,
                       values + row * points + begin);
    }
}

// With fewer rows that share their points Clenshaw's sum, a row at a time, is as fast.
constexpr int64_t least_channels = 3;

template <class T, class Data>
void synthesize_of_type(const Series& series, const Recurrence<T>& recurrence, const Rows& rows, const Operand& coef,
                        const Operand& z, int64_t points, Data* values) {
    const SharedRows parts = part_rows(rows, coef, z, points);
    if (row_count(parts.shared) >= least_channels) {
        synthesize_channels(series, recurrence, parts, coef, points, values);
    } else {
        synthesize_rows(series, recurrence, rows, coef, z, points, values);
    }
}

void synthesize(const Series& series, const Rows& rows, const Operand& coef, const Operand& z, int64_t points,
                void* values, bool is_double) {
    if (is_double) {
        synthesize_of_type(series, series.recurrence, rows, coef, z, points, static_cast<double*>(values));
    } else if (series.single.count > 0) {
        synthesize_of_type(series, series.single, rows, coef, z, points, static_cast<float*>(values));
    } else {
        synthesize_of_type(series, series.recurrence, rows, coef, z, points, static_cast<float*>(values));
    }
}

}  // namespace
}  // namespace specfast
