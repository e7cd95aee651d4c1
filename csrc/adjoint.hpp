// coef[row, n] = sum_m values[row, m] phi_n^(k)(z[row, m]), the transpose of synthesize; and the backward pass of
// synthesize, which is this sum and the gradient in z together.
//
// Method    The recurrence runs upwards from values * start(z); a tile's vectors are added up into one vector for each
// n.
//           After every block of points lanes are summed and s_n (or v_n) applied, in double. For the gradient in z the
//           same terms are summed the other way too, times the coefficients of the derivative.
// Layout    A row's points are cut into at most 16 runs by their number alone, each with its own partial sums; these are
//           added in order, so the result has the same bits at any number of threads.
// Cost      adjoint two FMAs and one addition a term and point; backward one FMA more. Scratch 16
//           results, and `lanes` K numbers a thread.
#pragma once
#include "coefficients.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

constexpr int64_t max_partials = 16;

inline int64_t adjoint_runs(int64_t points) {
    return points == 0 ? 0 : smaller(max_partials, ceil_divide(points, 2 * block_points));
}

// Adds up a tile's terms for every n.
template <class T>
struct SumUpwards {
    static constexpr int most = max_vectors;
    T* near_sums;  // one vector for each n
    T* end_sums;

    template <class U, int R>
    struct Tile {
        T* sums;
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) const {
            Vector<T> sum = term[0];
            for (int v = 1; v < R; ++v) sum += term[v];
            store(sums + n * lanes<T>, load<T>(sums + n * lanes<T>) + sum);
        }
        void close() const {}
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t) const {
        return {regime == Regime::end ? end_sums : near_sums};
    }
};

// The same, and sum over n of coef_n times the term at every point.
template <class T>
struct SumBothWays {
    static constexpr int most = SPECFAST_BYTES == 64 ? max_vectors : 4;  // registers for point, terms and slope each
    T* near_sums;
    T* end_sums;
    const T* near_coef;
    const T* end_coef;
    T* slopes;  // in the order of the grouped points

    template <class U, int R>
    struct Tile {
        T* sums;
        const T* coef;
        T* slopes;
        Vector<T> slope[R] = {};
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) {
            const Vector<T> c = splat<T>(coef[n]);
            Vector<T> sum = term[0];
            slope[0] += c * term[0];
            for (int v = 1; v < R; ++v) {
                sum += term[v];
                slope[v] += c * term[v];
            }
            store(sums + n * lanes<T>, load<T>(sums + n * lanes<T>) + sum);
        }
        void close() const {
            for (int v = 0; v < R; ++v) store(slopes + v * lanes<T>, slope[v]);
        }
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        return {regime == Regime::end ? end_sums : near_sums, regime == Regime::end ? end_coef : near_coef,
                slopes + place};
    }
};

// The scratch memory of one task, carved from one piece.
template <class T>
struct AdjointMemory {
    Points<T> points;
    T *weight, *slopes, *near_sums, *end_sums;

    static int64_t scratch(int64_t count) {
        return points_scratch<T> + 2 * block_capacity<T> + 2 * count * (lanes<T> * static_cast<int64_t>(sizeof(T)) / 8);
    }
    explicit AdjointMemory(int64_t count, double* memory) {
        carve_points(points, memory);
        weight = reinterpret_cast<T*>(memory + points_scratch<T>);
        slopes = weight + block_capacity<T>;
        near_sums = reinterpret_cast<T*>(memory + points_scratch<T> + 2 * block_capacity<T>);
        end_sums = near_sums + count * lanes<T>;
    }
};

// Puts the values of a block in the order of its points, a power of two taken out; returns the exponent.
template <class T, class Data>
int set_weights(const Points<T>& points, const Data* values, int64_t stride, int64_t count, T* weight) {
    double copied[block_points];
    const double* const wide = in_double(values, stride, count, copied);
    const int exponent = exponent_of(largest_magnitude(wide, count));
    const PowerOfTwo down = power_of_two_factors(-exponent);
    if (points.layout != Layout::whole) {
        for (int64_t i = 0; i < block_capacity<T>; ++i) weight[i] = 0;
    }
    if (points.layout != Layout::sorted) {
        const int64_t padded = ceil_divide(count, lanes<T>) * lanes<T>;
        for (int64_t i = 0; i < count; ++i) weight[i] = static_cast<T>(wide[i] * down.first * down.second);
        for (int64_t i = count; i < padded; ++i) weight[i] = 0;
    }
    each_moved(points, [&](int64_t i, int64_t m) {
        if (points.layout == Layout::moved_out) weight[m] = 0;
        weight[i] = static_cast<T>(wide[m] * down.first * down.second);
    });
    return exponent;
}

// partial_n += 2^exponent scale_n sum of the lanes of sums_n.
template <class T>
void flush(const T* sums, const double* scale, int64_t count, int exponent, double* partial) {
    const PowerOfTwo up = power_of_two_factors(exponent);
    for (int64_t n = 0; n < count; ++n) {
        partial[n] += sum_of_lanes(sums + n * lanes<T>) * scale[n] * up.first * up.second;
    }
}

// Adds one block's sums to `partial`; with `coef` also writes its gradient in z.
template <class T, class Data>
void adjoint_block(const Recurrence<T>& recurrence, int64_t count, AdjointMemory<T>& memory, const Data* values,
                   int64_t values_stride, const Data* z, int64_t z_stride, int64_t filled, double* partial,
                   Coefficients<T>* coef, Data* grad_z) {
    Points<T>& points = memory.points;
    set_points(recurrence, z, z_stride, filled, points);
    const int exponent = set_weights(points, values, values_stride, filled, memory.weight);
    const bool inner = points.size[Regime::near] + points.size[Regime::far] > 0, ends = points.size[Regime::end] > 0;
    for (int64_t i = 0; inner && i < count * lanes<T>; ++i) memory.near_sums[i] = 0;
    for (int64_t i = 0; ends && i < count * lanes<T>; ++i) memory.end_sums[i] = 0;
    if (coef == nullptr) {
        sweep_upwards(recurrence, count, points, memory.weight, SumUpwards<T>{memory.near_sums, memory.end_sums});
    } else {
        const T* end_coef = ends ? coef->end_form() : nullptr;
        sweep_upwards(recurrence, count, points, memory.weight,
                      SumBothWays<T>{memory.near_sums, memory.end_sums, coef->near_form(), end_coef, memory.slopes});
        write_results(points, filled, memory.slopes, exponent + coef->near_exponent, exponent + coef->end_exponent,
                      grad_z);
    }
    if (inner) flush(memory.near_sums, recurrence.scale, count, exponent, partial);
    if (ends) flush(memory.end_sums, recurrence.value_at_end, count, exponent, partial);
}

// Adds the partial sums of a row in order, applies the transposed derivative map `order` times, and keeps K.
template <class Data>
void finish_row(const Series& series, int order, const double* partials, int64_t runs, int64_t count, double* buffer,
                Data* coef) {
    for (int64_t n = 0; n < count; ++n) {
        double sum = 0;
        for (int64_t run = 0; run < runs; ++run) sum += partials[run * count + n];
        buffer[n] = sum;
    }
    const double* derived = derive_transposed(series.differentiation, order, buffer, buffer + count);
    for (int64_t n = 0; n < series.coefficients; ++n) coef[n] = static_cast<Data>(derived[n]);
}

// The adjoint, or with `coef` and `grad_z` the backward pass.
template <class T, class Data>
void adjoint_rows(const Series& series, const Recurrence<T>& recurrence, const Rows& rows, const Operand& values,
                  const Operand* coef, const Operand& z, int64_t points, Data* grad_coef, Data* grad_z) {
    const int64_t count = working_count(series), runs = adjoint_runs(points), total = row_count(rows);
    const int64_t length = runs == 0 ? 0 : ceil_divide(ceil_divide(points, runs), block_points) * block_points;
    const int threads = threads_for(total * points * count);
    const int64_t own_scratch = ceil_divide(AdjointMemory<T>::scratch(count), 8) * 8;
    const Scratch scratch(larger(own_scratch + Coefficients<T>::scratch(count), 2 * count), threads);
    const Scratch partials(total * runs * count, 1);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < total * runs; ++task) {
        const int64_t row = task / runs, begin = smaller(points, task % runs * length);
        const int64_t stop = smaller(points, begin + length);
        double* const memory = scratch.of_this_thread();
        double* const partial = partials.block(0) + task * count;
        AdjointMemory<T> own(count, memory);
        for (int64_t n = 0; n < count; ++n) partial[n] = 0;
        const auto sweep = [&](Coefficients<T>* prepared) {
            for (int64_t m = begin; m < stop; m += block_points) {
                adjoint_block(recurrence, count, own, row_start<Data>(rows, values, row) + m * values.stride,
                              values.stride, row_start<Data>(rows, z, row) + m * z.stride, z.stride,
                              smaller(block_points, stop - m), partial, prepared,
                              grad_z == nullptr ? nullptr : grad_z + row * points + m);
            }
        };
        if (coef == nullptr) {
            sweep(nullptr);
        } else {
            Coefficients<T> prepared(recurrence, series.differentiation, series.derivative,
                                     row_start<Data>(rows, *coef, row), coef->stride, series.coefficients, count,
                                     memory + own_scratch);
            sweep(&prepared);
        }
    }
    const int order = coef == nullptr ? series.derivative : series.derivative - 1;
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t row = 0; row < total; ++row) {
        finish_row(series, order, partials.block(0) + row * runs * count, runs, count, scratch.of_this_thread(),
                   grad_coef + row * series.coefficients);
    }
}

template <class Data>
void adjoint_of_type(const Series& series, const Rows& rows, const Operand& values, const Operand* coef,
                     const Operand& z, int64_t points, void* grad_coef, void* grad_z) {
    auto* const first = static_cast<Data*>(grad_coef);
    auto* const second = static_cast<Data*>(grad_z);
    if (sizeof(Data) == 4 && series.single.count > 0) {
        adjoint_rows(series, series.single, rows, values, coef, z, points, first, second);
    } else {
        adjoint_rows(series, series.recurrence, rows, values, coef, z, points, first, second);
    }
}

void adjoint(const Series& series, const Rows& rows, const Operand& values, const Operand& z, int64_t points,
             void* coef, bool is_double) {
    const auto run = is_double ? adjoint_of_type<double> : adjoint_of_type<float>;
    run(series, rows, values, nullptr, z, points, coef, nullptr);
}

void backward(const Series& series, const Rows& rows, const Operand& gradient, const Operand& coef, const Operand& z,
              int64_t points, void* grad_coef, void* grad_z, bool is_double) {
    const auto run = is_double ? adjoint_of_type<double> : adjoint_of_type<float>;
    run(series, rows, gradient, &coef, z, points, grad_coef, grad_z);
}

}  // namespace
}  // namespace specfast
