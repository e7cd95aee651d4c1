// Rows of coefficients made ready: differentiated, multiplied by s_n or v_n, a power of two taken out so that the largest lies
// in [1/2, 1). Rows of values likewise, without tables.
//
// Layout    A block a row of coefficients. Long rows of values are cut into parts, a block each: one launch for the maxima of the
//           parts, one that scales.
// Cost      two passes over the row, six more for every derivative.
#pragma once
#include "../differentiation.hpp"
#include "chain.hpp"
#include "point.hpp"

namespace specfast {
namespace {

// The largest of all threads' values >= 0, in every thread. NaN is passed over.
SPECFAST_DEVICE double largest_of_block(double own, double* memory) {
    memory[threadIdx.x] = own;
    __syncthreads();
    for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
        if (threadIdx.x < width && memory[threadIdx.x + width] > memory[threadIdx.x])
            memory[threadIdx.x] = memory[threadIdx.x + width];
        __syncthreads();
    }
    const double result = memory[0];
    __syncthreads();
    return result;
}

// The exponent that brings `largest` below 1, and to 1/2 at least; 0 for 0 and infinity.
SPECFAST_DEVICE int exponent_below_one(double largest) {
    int exponent = 0;
    if (largest > 0 && largest <= 1.7976931348623157e308) frexp(largest, &exponent);
    return exponent;
}

// The maps of differentiation.hpp by a whole block, in step at the end; `memory` as for a chain.
SPECFAST_DEVICE void band_by_block(const Differentiation& map, bool transposed, const double* in, double* out) {
    const double *const below = transposed ? map.upper : map.lower, *const above = transposed ? map.lower : map.upper;
    const double *const far_below = transposed ? map.far_upper : map.far_lower, *const far_above = transposed
                                                                                                       ? map.far_lower
                                                                                                       : map.far_upper;
    const int shift = transposed ? 1 : 0;
    const ContiguousRow<const double> from{in};
    for (int64_t k = threadIdx.x; k < map.count; k += blockDim.x) {
        band_entry(map, below, above, shift, from, ContiguousRow<double>{out}, k, k > 0, k + 1 < map.count);
        if (far_below != nullptr)
            far_entry(map, far_below, far_above, map.far * shift, from, ContiguousRow<double>{out}, k);
    }
    __syncthreads();
}

SPECFAST_DEVICE void differentiate_by_block(const Differentiation& map, const double* in, double* out, double* memory) {
    band_by_block(map, false, in, out);
    run_chain({map.ahead, map.count, 1, false}, out, memory);
    run_chain({map.leap, map.count, 2, false}, out, memory);
}

SPECFAST_DEVICE void differentiate_transposed_by_block(const Differentiation& map, double* in, double* out,
                                                       double* memory) {
    run_chain({map.ahead, map.count, 1, true}, in, memory);
    run_chain({map.leap, map.count, 2, true}, in, memory);
    band_by_block(map, true, in, out);
}

// Writes in_n scale_n 2^-exponent as T; returns the exponent. `scale` may be null.
template <class T>
SPECFAST_DEVICE int normalise(const double* in, const double* scale, int64_t count, T* out, double* memory) {
    double largest = 0;
    for (int64_t n = threadIdx.x; n < count; n += blockDim.x) {
        const double size = magnitude(scale == nullptr ? in[n] : in[n] * scale[n]);
        if (size > largest) largest = size;
    }
    const int exponent = exponent_below_one(largest_of_block(largest, memory));
    for (int64_t n = threadIdx.x; n < count; n += blockDim.x) {
        const double value = scale == nullptr ? in[n] : in[n] * scale[n];
        out[n] = static_cast<T>(ldexp(ldexp(value, -exponent / 2), -exponent - -exponent / 2));
    }
    return exponent;
}

// Rows of contiguous coefficients (rows, K). scratch (rows, 2, count), near_coef and end_coef (rows, count), exponents (rows, 2).
template <class T, class Data>
SPECFAST_DEVICE void prepare_coefficients(const GpuSeries<T>& series, int64_t rows, const Data* coef, double* scratch,
                                          T* near_coef, T* end_coef, int* exponents) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const memory = reinterpret_cast<double*>(raw);
    const int64_t count = series.recurrence.count;
    for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
        double *current = scratch + row * 2 * count, *const other = current + count;
        for (int64_t n = threadIdx.x; n < count; n += blockDim.x)
            current[n] = n < series.coefficients ? static_cast<double>(coef[row * series.coefficients + n]) : 0.0;
        __syncthreads();
        current = repeat(series.derivative, current, other,
                         [&](double* from, double* to) { differentiate_by_block(series.map, from, to, memory); });
        const int first = normalise(current, series.recurrence.scale, count, near_coef + row * count, memory);
        int second = 0;
        if (series.recurrence.end_limit > 0)
            second = normalise(current, series.recurrence.value_at_end, count, end_coef + row * count, memory);
        if (threadIdx.x == 0) {
            exponents[2 * row] = first;
            exponents[2 * row + 1] = second;
        }
    }
}

// The largest finite |value| of a thread's share of points begin .. end - 1.
template <class Data>
SPECFAST_DEVICE double largest_of_thread(const Data* values, int64_t begin, int64_t end) {
    double largest = 0;
    for (int64_t m = begin + threadIdx.x; m < end; m += blockDim.x) {
        const double size = magnitude(static_cast<double>(values[m]));
        if (size > largest && size <= 1.7976931348623157e308) largest = size;
    }
    return largest;
}

// maxima[row, part], the largest finite |value| of every part of rows of values (rows, points).
template <class Data>
SPECFAST_DEVICE void find_maxima(int64_t rows, int64_t parts, int64_t points, const Data* values, double* maxima) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const memory = reinterpret_cast<double*>(raw);
    for (int64_t task = blockIdx.x; task < rows * parts; task += gridDim.x) {
        const int64_t row = task / parts, part = task % parts;
        const double own = largest_of_thread(values + row * points, part * points / parts, (part + 1) * points / parts);
        const double largest = largest_of_block(own, memory);
        if (threadIdx.x == 0) maxima[task] = largest;
    }
}

// Rows of values, contiguous (rows, points), as T; exponents (rows). `maxima` (rows, parts) of find_maxima, or null where rows are
// one part. A block a part; every one finds the largest of the row's maxima, which is the same whatever the parts.
template <class T, class Data>
SPECFAST_DEVICE void prepare_values(int64_t rows, int64_t parts, int64_t points, const Data* values,
                                    const double* maxima, T* out, int* exponents) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const memory = reinterpret_cast<double*>(raw);
    for (int64_t task = blockIdx.x; task < rows * parts; task += gridDim.x) {
        const int64_t row = task / parts, part = task % parts;
        const int64_t begin = part * points / parts, end = (part + 1) * points / parts;
        const Data* const own = values + row * points;
        const double largest =
            maxima == nullptr ? largest_of_thread(own, begin, end) : largest_of_thread(maxima + row * parts, 0, parts);
        const int exponent = exponent_below_one(largest_of_block(largest, memory));
        for (int64_t m = begin + threadIdx.x; m < end; m += blockDim.x) {
            const double value = static_cast<double>(own[m]);
            out[row * points + m] = static_cast<T>(ldexp(ldexp(value, -exponent / 2), -exponent - -exponent / 2));
        }
        if (part == 0 && threadIdx.x == 0) exponents[row] = exponent;
    }
}

}  // namespace
}  // namespace specfast
