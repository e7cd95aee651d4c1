// values[row, m] = sum_n c_n phi_n(z_m): Clenshaw's sum, several points a thread.
//
// Problem   rows of `count` prepared coefficients at rows of points.
// Method    b_n = c_n + k_n z b_{n+1} - g_{n+1} b_{n+2} downwards. Far points keep their sums in range by powers of two; near a
//           hard end the difference form (tile.hpp says why).
// Layout    A task is a row and `Points` points for every thread. Tables and coefficients come through the block's memory, a run of
//           32 terms at a time, read as one broadcast by all; points are Points independent chains, which hides latency.
// Cost      two FMAs a term and point (three with b); bytes: the points and results, and the tables once a block.
#pragma once
#include "pairs.hpp"
#include "prepare.hpp"

namespace specfast {
namespace {

// What a near term needs, in the block's memory.
template <class T>
struct alignas(2 * sizeof(T)) GpuTerm {
    T coef, g;
};

template <class T>
struct GpuFactors {
    T a, b;
};

template <class T>
constexpr int64_t sums_memory = gpu_run * (sizeof(GpuTerm<T>) + sizeof(GpuFactors<T>)) + 16;
static_assert(pair_memory<double> <= sums_memory < double > -16 && pair_memory<float> <= sums_memory < float > -16,
              "pairs lie where terms do");

template <class T, int Points>
struct GpuSums {
    T first[Points], second[Points];
    SPECFAST_DEVICE void clear() {
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) first[p] = second[p] = 0;
    }
};

template <class T>
SPECFAST_DEVICE T g_behind(const GpuSeries<T>& series, int64_t n) {
    return series.g == nullptr ? T(1) : series.g[n + 1];
}

template <class T>
SPECFAST_DEVICE T b_of(const Recurrence<T>& recurrence, int64_t n) {
    return recurrence.b == nullptr ? T(0) : recurrence.b[n];
}

// All threads of the block together; ends with the sums in `first`.
template <class T, int Points, bool HasB>
SPECFAST_DEVICE void sum_near(const GpuSeries<T>& series, const T* coef, const T* z, GpuSums<T, Points>& sums,
                              unsigned char* memory) {
    GpuTerm<T>* const terms = reinterpret_cast<GpuTerm<T>*>(memory);
    GpuFactors<T>* const factors = reinterpret_cast<GpuFactors<T>*>(terms + gpu_run);
    const Recurrence<T>& recurrence = series.recurrence;
    sums.clear();
    for (int64_t run = (recurrence.count - 1) / gpu_run; run >= 0; --run) {
        const int64_t begin = run * gpu_run;
        const int length = static_cast<int>(recurrence.count - begin < gpu_run ? recurrence.count - begin : gpu_run);
        __syncthreads();
        for (int i = threadIdx.x; i < length; i += blockDim.x) {
            terms[i] = {coef[begin + i], g_behind(series, begin + i)};
            factors[i] = {recurrence.a[begin + i], b_of(recurrence, begin + i)};
        }
        __syncthreads();
        T point[Points];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) point[p] = factors[0].a * z[p];
        for (int i = length - 1; i >= 0; --i) {
            const GpuTerm<T> term = terms[i];
            const GpuFactors<T> factor = factors[i];
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) {
                const T multiplier = HasB ? factor.a * z[p] + factor.b : point[p];
                const T rest = HasB ? term.coef - sums.second[p] : term.coef - term.g * sums.second[p];
                sums.second[p] = sums.first[p];
                sums.first[p] = multiplier * sums.first[p] + rest;
            }
        }
    }
}

// One thread by itself. Coefficients are at most 1: where sums have been brought down they lie below the last bit.
template <class T, int Points>
SPECFAST_DEVICE void sum_far(const GpuSeries<T>& series, const T* coef, const T* z, GpuSums<T, Points>& sums,
                             int* exponents) {
    using Range = GpuRange<T>;
    const Recurrence<T>& recurrence = series.recurrence;
    sums.clear();
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) exponents[p] = 0;
    for (int64_t n = recurrence.count - 1; n >= 0; --n) {
        const T a = recurrence.a[n], b = b_of(recurrence, n), g = g_behind(series, n), c = coef[n];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const T next = (a * z[p] + b) * sums.first[p] + (c - g * sums.second[p]);
            sums.second[p] = sums.first[p];
            sums.first[p] = next;
        }
        if (n % Range::between_checks != 0) continue;
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            while (magnitude(sums.first[p]) > Range::high && magnitude(sums.first[p]) <= Range::largest) {
                sums.first[p] *= Range::step;
                sums.second[p] *= Range::step;
                exponents[p] += Range::step_exponent;
            }
        }
    }
}

// One thread by itself; see clenshaw_end in tile.hpp.
template <class T, int Points>
SPECFAST_DEVICE void sum_end(const GpuSeries<T>& series, const T* coef, const T* z, GpuSums<T, Points>& sums) {
    const Recurrence<T>& recurrence = series.recurrence;
    T distance[Points];
    sums.clear();
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) distance[p] = distance_to_end(recurrence, z[p]);
    for (int64_t n = recurrence.count - 1; n >= 0; --n) {
        const T kappa = recurrence.kappa[n], r = recurrence.r[n], c = coef[n];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const T both = sums.first[p] + sums.second[p];
            sums.first[p] = (with_parity(recurrence, c, z[p], n) + sums.first[p]) - kappa * distance[p] * both;
            sums.second[p] = r * both;
        }
    }
}

// Whether a flag is set in any thread of the block; `memory` holds an int that nothing else uses.
SPECFAST_DEVICE bool any_of_block(bool flag, int* memory) {
    __syncthreads();
    if (threadIdx.x == 0) *memory = 0;
    __syncthreads();
    if (flag) *memory = 1;
    __syncthreads();
    return *memory != 0;
}

template <class T, class Data, int Points, bool Pairs>
SPECFAST_DEVICE void synthesize(const GpuSeries<T>& series, const GpuRows& rows, int64_t row_count, int64_t points,
                                int64_t z_stride, const T* near_coef, const T* end_coef, const int* exponents,
                                const Data* z, Data* values) {
    SPECFAST_BLOCK_MEMORY(memory);
    const int64_t width = int64_t(blockDim.x) * Points, tiles = (points + width - 1) / width;
    for (int64_t task = blockIdx.x; task < row_count * tiles; task += gridDim.x) {
        const int64_t row = task / tiles, first = task % tiles * width + threadIdx.x;
        const int64_t own = row_offset(rows, 0, row);
        const Data* const from = z + row_offset(rows, 1, row);
        GpuPoint<T> point[Points];
        T at[Points];
        bool some[3] = {false, false, false};
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const int64_t m = first + p * int64_t(blockDim.x);
            const T value = m < points ? static_cast<T>(from[m * z_stride]) : T(0);
            point[p] = classify(series.recurrence, value, static_cast<T>(rounding_slack<Data>));
            at[p] = point[p].regime == Regime::near ? point[p].z : T(0);
            if (m < points) some[static_cast<int>(point[p].regime)] = true;
        }
        const int64_t count = series.recurrence.count;
        GpuSums<T, Points> sums;
        T result[Points] = {};
        int exponent[Points];
        const auto take = [&](Regime regime, int coef_exponent) {
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) {
                if (point[p].regime != regime) continue;
                exponent[p] += coef_exponent + static_cast<int>(point[p].exponent);
                result[p] = sums.first[p];
            }
        };
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) exponent[p] = 0;
        if (any_of_block(some[0], reinterpret_cast<int*>(memory + sums_memory<T> - 16))) {
            if constexpr (Pairs) {
                sum_pairs<T, Points>(series.recurrence, near_coef + own * count, point, sums.first, memory);
            } else if (series.recurrence.b == nullptr) {
                sum_near<T, Points, false>(series, near_coef + own * count, at, sums, memory);
            } else {
                sum_near<T, Points, true>(series, near_coef + own * count, at, sums, memory);
            }
            take(Regime::near, exponents[2 * own]);
        }
        if (!Pairs && some[1]) {
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) at[p] = point[p].regime == Regime::far ? point[p].z : T(0);
            int taken[Points];
            sum_far<T, Points>(series, near_coef + own * count, at, sums, taken);
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p)
                if (point[p].regime == Regime::far) exponent[p] = taken[p];
            take(Regime::far, exponents[2 * own]);
        }
        if (!Pairs && some[2]) {
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) at[p] = point[p].regime == Regime::end ? point[p].z : T(0);
            sum_end<T, Points>(series, end_coef + own * count, at, sums);
            take(Regime::end, exponents[2 * own + 1]);
        }
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const int64_t m = first + p * int64_t(blockDim.x);
            if (m >= points) continue;
            const double sum = static_cast<double>(result[p]) * static_cast<double>(point[p].mantissa);
            values[row * points + m] = static_cast<Data>(times_power_of_two(sum, exponent[p]));
        }
    }
}

}  // namespace
}  // namespace specfast
