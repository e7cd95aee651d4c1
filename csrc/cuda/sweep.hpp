// Upwards over the terms: phi_n(z_m) for all n, written (basis), added over the points (adjoint), or both gradients at once.
//
// Problem   partial[row, tile, n] = sum over the tile's points of w_m phi_n(z_m); sums[row, m] = w_m sum_n c_n phi_n(z_m); or
//           functions[row, m, n] = phi_n(z_m).
// Method    q_{n+1} = k_n z q_n - g_n q_{n-1} from q_0 = w start(z). If all points of a block are near they take one loop; otherwise
//           every point carries its own regime: far ones a power of two, those near a hard end the difference form.
// Layout    A task is a row and a tile of points, `Points` a thread. Every 32 terms the threads' shares lie side by side in the
//           block's memory, and are added in a fixed order: the same bits whatever else runs. A block adds the tiles of its part of a
//           row, one after the other; parts are added by finish.hpp.
// Cost      two FMAs a term and point, one addition for the adjoint, one FMA for the gradient in z.
#pragma once
#include "climber.hpp"
#include "sums.hpp"

namespace specfast {
namespace {

// What the block keeps of a run of 32 terms: tables, and the threads' shares.
template <class T>
struct RunOfTerms {
    T a[gpu_run], b[gpu_run], g[gpu_run];
    T kappa[gpu_run], r[gpu_run];
    T scale[gpu_run], value_at_end[gpu_run];
    T near_coef[gpu_run], end_coef[gpu_run];
    int flag;
};

template <class T, int64_t threads>
constexpr int64_t sweep_memory = (sizeof(RunOfTerms<T>) + 15) / 16 * 16 + gpu_run * (threads + 1) * int64_t(sizeof(T)) +
                                 gpu_run * (threads / gpu_run) * int64_t(sizeof(double));

static_assert(sweep_memory<double, 128> == 36368 && sweep_memory<float, 128> == 18704, "geometry.cpp has the same");

template <class T>
SPECFAST_DEVICE void load_run(const GpuSeries<T>& series, int64_t begin, int length, const T* near_coef,
                              const T* end_coef, RunOfTerms<T>& run) {
    const Recurrence<T>& recurrence = series.recurrence;
    __syncthreads();
    for (int i = threadIdx.x; i < length; i += blockDim.x) {
        const int64_t n = begin + i;
        const GpuStep<T> step = series.steps[n];
        run.a[i] = step.a;
        run.b[i] = step.b;
        run.g[i] = step.g;
        run.scale[i] = step.scale;
        if (near_coef != nullptr) run.near_coef[i] = near_coef[n];
        if (recurrence.end_limit > 0) {
            run.kappa[i] = recurrence.kappa[n];
            run.r[i] = recurrence.r[n];
            run.value_at_end[i] = static_cast<T>(recurrence.value_at_end[n]);
            if (end_coef != nullptr) run.end_coef[i] = end_coef[n];
        }
    }
    __syncthreads();
}

// Adds the threads' shares of a run of terms, in a fixed order, and writes their sums, or adds them to what is there.
template <class T>
SPECFAST_DEVICE void add_shares(const T* shares, double* groups, const T* scale, int length, bool more, T* partial) {
    const int threads = static_cast<int>(blockDim.x), parts = threads / gpu_run;
    const int i = static_cast<int>(threadIdx.x) % gpu_run, part = static_cast<int>(threadIdx.x) / gpu_run;
    __syncthreads();
    if (part < parts && i < length) {
        double sum = 0;
        for (int t = part * gpu_run; t < (part + 1) * gpu_run; ++t)
            sum += static_cast<double>(shares[i * (threads + 1) + t]);
        groups[part * gpu_run + i] = sum;
    }
    __syncthreads();
    if (part == 0 && i < length) {
        double sum = 0;
        for (int other = 0; other < parts; ++other) sum += groups[other * gpu_run + i];
        if (scale != nullptr) sum *= static_cast<double>(scale[i]);
        partial[i] = static_cast<T>(more ? static_cast<double>(partial[i]) + sum : sum);
    }
}

// The points of a task.
template <class T, class Data, int Points, class Climbing>
SPECFAST_DEVICE bool place_all(const Recurrence<T>& recurrence, const Data* z, int64_t z_stride, int64_t first,
                               int64_t points, const T* weights, Climbing* climbers) {
    bool all_near = true;
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) {
        const int64_t m = first + p * int64_t(blockDim.x);
        const bool inside = m < points;
        const GpuPoint<T> point =
            classify(recurrence, inside ? static_cast<T>(z[m * z_stride]) : T(0), static_cast<T>(rounding_slack<Data>));
        climbers[p].begin(recurrence, point, !inside ? T(0) : weights == nullptr ? T(1) : weights[m]);
        if (!inside) climbers[p].leave_out();
        if (!climbers[p].is_near()) all_near = false;
    }
    return all_near;
}

template <class T>
struct SweepMemory {
    RunOfTerms<T>* run;
    T* shares;
    double* groups;
    SPECFAST_DEVICE explicit SweepMemory(unsigned char* memory) {
        run = reinterpret_cast<RunOfTerms<T>*>(memory);
        groups = reinterpret_cast<double*>(memory + (sizeof(RunOfTerms<T>) + 15) / 16 * 16);
        shares = reinterpret_cast<T*>(groups + blockDim.x / gpu_run * gpu_run);
    }
};

// A row's prepared coefficients, near and near the end, where the gradient in z is wanted too.
template <class T>
struct SweepCoefficients {
    const T *near_coef, *end_coef;
};

// A run of terms for a tile of points; their shares go to `share`, the gradient in z is added to `slope`.
template <class T, int Points, bool WithSlopes>
SPECFAST_DEVICE void sweep_mixed(const Recurrence<T>& recurrence, const RunOfTerms<T>& run, int64_t begin, int length,
                                 Climber<T>* climbers, T* share, T* slope) {
    for (int i = 0; i < length; ++i) {
        T sum = 0;
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const T term = climbers[p].step(recurrence, run, begin + i, i);
            sum += term * climbers[p].scale(run, i);
            if constexpr (WithSlopes) slope[p] += climbers[p].coefficient(run, i) * term;
        }
        share[i * (blockDim.x + 1)] = sum;
    }
}

// The same where all points of the block are near.
template <class T, int Points, bool WithSlopes>
SPECFAST_DEVICE void sweep_near(const Recurrence<T>& recurrence, const RunOfTerms<T>& run, int64_t, int length,
                                Climber<T>* climbers, T* share, T* slope) {
    T multiplier[Points];
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) multiplier[p] = run.a[0] * climbers[p].point.z;
    for (int i = 0; i < length; ++i) {
        T sum = 0;
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            Climber<T>& own = climbers[p];
            sum += own.current;
            if constexpr (WithSlopes) slope[p] += run.near_coef[i] * own.current;
            const T factor = recurrence.b == nullptr ? multiplier[p] : run.a[i] * own.point.z + run.b[i];
            const T next = factor * own.current - run.g[i] * own.previous;
            own.previous = own.current;
            own.current = next;
        }
        share[i * (blockDim.x + 1)] = sum;
    }
}

// The same for functions in pairs. On a ring a run begins with a sine: those behind it are pairs again.
template <class T, int Points, bool WithSlopes>
SPECFAST_DEVICE void sweep_near(const Recurrence<T>& recurrence, const RunOfTerms<T>& run, int64_t begin, int length,
                                PairClimber<T>* climbers, T* share, T* slope) {
    int64_t k = begin / 2;
    const auto take = [&](int i, bool imaginary) {
        T sum = 0;
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const T term = imaginary ? climbers[p].current.im : climbers[p].current.re;
            sum += term;
            if constexpr (WithSlopes) slope[p] += run.near_coef[i] * term;
        }
        share[i * (blockDim.x + 1)] = sum;
    };
    const auto go_on = [&]() {
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) climbers[p].go_on(k);
        ++k;
    };
    int i = 0;
    if (recurrence.start == Start::ring) {
        take(i++, begin > 0);
        go_on();
    }
    for (; i + 1 < length; i += 2) {
        take(i, false);
        take(i + 1, true);
        go_on();
    }
    if (i < length) take(i, false);
}

// All terms for a tile of points; their sums are written to `partial` (count), or added to it.
template <class T, int Points, bool WithSlopes, class Climbing>
SPECFAST_DEVICE void sweep_tile(const GpuSeries<T>& series, Climbing* climbers, bool mixed, bool more,
                                const SweepCoefficients<T>& coef, const SweepMemory<T>& memory, T* partial, T* slope) {
    const Recurrence<T>& recurrence = series.recurrence;
    T* const share = memory.shares + threadIdx.x;
    for (int64_t begin = 0; begin < recurrence.count; begin += gpu_run) {
        const int length = static_cast<int>(recurrence.count - begin < gpu_run ? recurrence.count - begin : gpu_run);
        load_run(series, begin, length, coef.near_coef, coef.end_coef, *memory.run);
        const RunOfTerms<T>& run = *memory.run;
        if constexpr (Climbing::may_be_mixed) {
            if (mixed) sweep_mixed<T, Points, WithSlopes>(recurrence, run, begin, length, climbers, share, slope);
        }
        if (!mixed) sweep_near<T, Points, WithSlopes>(recurrence, run, begin, length, climbers, share, slope);
        add_shares(memory.shares, memory.groups, mixed ? nullptr : run.scale, length, more, partial + begin);
    }
}

// `weights` (rows, points), prepared values; partial (rows, parts, count), each of as many tiles. With `near_coef` (and `end_coef`) the
// gradient in z too: slopes (rows, points), by prepared coefficients one derivative up, without their exponents' power of two.
template <class Climbing, class T, class Data, int Points, bool WithSlopes>
SPECFAST_DEVICE void adjoint(const GpuSeries<T>& series, const GpuRows& rows, int64_t row_count, int64_t points,
                             int64_t z_stride, int64_t parts, const T* weights, const int* weight_exponents,
                             const Data* z, T* partial, const T* near_coef, const T* end_coef, const int* exponents,
                             Data* slopes) {
    SPECFAST_BLOCK_MEMORY(raw);
    const SweepMemory<T> memory(raw);
    const int64_t width = int64_t(blockDim.x) * Points, tiles = (points + width - 1) / width;
    const int64_t count = series.recurrence.count;
    for (int64_t task = blockIdx.x; task < row_count * parts; task += gridDim.x) {
        const int64_t row = task / parts, part = task % parts, from = part * tiles / parts;
        const int64_t weight_row = row_offset(rows, 0, row), coef_row = WithSlopes ? row_offset(rows, 2, row) : 0;
        const SweepCoefficients<T> coef{WithSlopes ? near_coef + coef_row * count : nullptr,
                                        WithSlopes && end_coef != nullptr ? end_coef + coef_row * count : nullptr};
        for (int64_t tile = from; tile < (part + 1) * tiles / parts; ++tile) {
            const int64_t first = tile * width + threadIdx.x;
            Climbing climbers[Points];
            const bool mine = place_all<T, Data, Points>(series.recurrence, z + row_offset(rows, 1, row), z_stride,
                                                         first, points, weights + weight_row * points, climbers);
            const bool mixed = Climbing::may_be_mixed && any_of_block(!mine, &memory.run->flag);
            T slope[Points];
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) slope[p] = 0;
            sweep_tile<T, Points, WithSlopes>(series, climbers, mixed, tile > from, coef, memory,
                                              partial + task * count, slope);
            if constexpr (WithSlopes) {
                SPECFAST_UNROLL
                for (int p = 0; p < Points; ++p) {
                    const int64_t m = first + p * int64_t(blockDim.x);
                    if (m >= points) continue;
                    const int form = climbers[p].is_at_end();
                    const int exponent = weight_exponents[weight_row] + exponents[2 * coef_row + form];
                    slopes[row * points + m] =
                        static_cast<Data>(times_power_of_two(static_cast<double>(slope[p]), exponent));
                }
            }
        }
    }
}

// functions (rows, points, count) at points that are contiguous.
template <class Climbing, class T, class Data, int Points>
SPECFAST_DEVICE void vandermonde(const GpuSeries<T>& series, int64_t points, const Data* z, T* functions) {
    SPECFAST_BLOCK_MEMORY(raw);
    const SweepMemory<T> memory(raw);
    const Recurrence<T>& recurrence = series.recurrence;
    const int64_t width = int64_t(blockDim.x) * Points, tiles = (points + width - 1) / width, count = recurrence.count;
    const int threads = static_cast<int>(blockDim.x);
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        Climbing climbers[Points];
        place_all<T, Data, Points>(recurrence, z, 1, tile * width + threadIdx.x, points, nullptr, climbers);
        for (int64_t begin = 0; begin < count; begin += gpu_run) {
            const int length = static_cast<int>(count - begin < gpu_run ? count - begin : gpu_run);
            load_run<T>(series, begin, length, nullptr, nullptr, *memory.run);
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) {
                for (int i = 0; i < length; ++i) {
                    const T term = climbers[p].step(recurrence, *memory.run, begin + i, i);
                    memory.shares[i * (threads + 1) + static_cast<int>(threadIdx.x)] =
                        term * climbers[p].scale(*memory.run, i);
                }
                __syncthreads();
                // Neighbouring threads write neighbouring terms of one point.
                for (int place = threadIdx.x; place < gpu_run * threads; place += threads) {
                    const int i = place % gpu_run, other = place / gpu_run;
                    const int64_t m = tile * width + p * int64_t(threads) + other;
                    if (i < length && m < points)
                        functions[m * count + begin + i] = memory.shares[i * (threads + 1) + other];
                }
                __syncthreads();
            }
        }
    }
}

}  // namespace
}  // namespace specfast
