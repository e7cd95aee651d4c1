// What follows a sweep: tiles added in order, derivatives taken by the transposed map, results in their own type.
//
// Layout    A block a row; its threads share the terms.
// Cost      the partial sums once, and six passes over the row for every derivative.
#pragma once
#include "prepare.hpp"

namespace specfast {
namespace {

// partial (rows, tiles, count) -> result (rows, K), times 2^exponents[row of the weights]; scratch (rows, 2, count).
template <class T, class Data>
SPECFAST_DEVICE void finish_adjoint(const GpuSeries<T>& series, const GpuRows& rows, int64_t row_count, int64_t tiles,
                                    int64_t derivative, const T* partial, const int* exponents, double* scratch,
                                    Data* result) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const memory = reinterpret_cast<double*>(raw);
    const int64_t count = series.recurrence.count;
    for (int64_t row = blockIdx.x; row < row_count; row += gridDim.x) {
        double *current = scratch + row * 2 * count, *other = current + count;
        const int exponent = exponents[row_offset(rows, 0, row)];
        for (int64_t n = threadIdx.x; n < count; n += blockDim.x) {
            double sum = 0;
            for (int64_t tile = 0; tile < tiles; ++tile)
                sum += static_cast<double>(partial[(row * tiles + tile) * count + n]);
            current[n] = sum;
        }
        __syncthreads();
        current = repeat(derivative, current, other, [&](double* from, double* to) {
            differentiate_transposed_by_block(series.map, from, to, memory);
        });
        for (int64_t n = threadIdx.x; n < series.coefficients; n += blockDim.x)
            result[row * series.coefficients + n] = static_cast<Data>(times_power_of_two(current[n], exponent));
    }
}

// Rows of functions (rows, count) -> those of their derivative (rows, K); a thread a row.
template <class T, class Data>
SPECFAST_DEVICE void finish_vandermonde(const GpuSeries<T>& series, int64_t row_count, const T* functions,
                                        double* scratch, Data* result) {
    const int64_t count = series.recurrence.count;
    const int64_t all = int64_t(blockDim.x) * gridDim.x;
    for (int64_t row = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; row < row_count; row += all) {
        double *current = scratch + row * 2 * count, *other = current + count;
        for (int64_t n = 0; n < count; ++n) current[n] = static_cast<double>(functions[row * count + n]);
        current = repeat(series.derivative, current, other, [&](double* from, double* to) {
            differentiate_transposed(series.map, ContiguousRow<double>{from}, ContiguousRow<double>{to});
        });
        for (int64_t n = 0; n < series.coefficients; ++n)
            result[row * series.coefficients + n] = static_cast<Data>(current[n]);
    }
}

// One derivative of rows of coefficients (rows, K), or its transpose; scratch (rows, 2, K).
template <class Data>
SPECFAST_DEVICE void differentiate_rows(const GpuSeries<double>& series, int64_t row_count, int64_t transposed,
                                        const Data* coef, double* scratch, Data* result) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const memory = reinterpret_cast<double*>(raw);
    const int64_t count = series.map.count;
    for (int64_t row = blockIdx.x; row < row_count; row += gridDim.x) {
        double *const current = scratch + row * 2 * count, *const other = current + count;
        for (int64_t n = threadIdx.x; n < count; n += blockDim.x)
            current[n] = static_cast<double>(coef[row * count + n]);
        __syncthreads();
        if (transposed != 0) {
            differentiate_transposed_by_block(series.map, current, other, memory);
        } else {
            differentiate_by_block(series.map, current, other, memory);
        }
        for (int64_t n = threadIdx.x; n < count; n += blockDim.x) result[row * count + n] = static_cast<Data>(other[n]);
    }
}

}  // namespace
}  // namespace specfast
