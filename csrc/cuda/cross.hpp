// partial[part, row, channel, m] = sum over the part's k of coef[row, channel, k] phi_{n_k1}(z_m1) .. phi_{n_kD}(z_mD).
//
// Problem   K indices at every point, one FMA each. Along a tree every FMA loads a function; the GPU's loads are a
//           quarter as fast as its FMAs.
// Method    The coefficients unfolded: rows of leading indices, columns of trailing ones, in rectangles of eight rows. A product of
//           functions of the trailing axes is loaded once for eight FMAs; a row's sum is then multiplied by its leading
//           product, found from the functions. The set being a cross, rectangles are nearly full.
// Layout    A block has a tile of `width` points with their functions and products in its memory (cross_tables.hpp). `width` threads side
//           by side take a rectangle, a point each, and read its coefficients as a broadcast of 16 bytes; they go on to the
//           rectangle as many further as there are such teams, and the teams' sums are added in order.
// Cost      one FMA an index, an eighth of a load, and a quarter (double: a half) of a broadcast; split + 1 a leading index.
#pragma once
#include "cross_tables.hpp"

namespace specfast {
namespace {

template <class T>
struct alignas(16) GpuColumn {
    T number[cross_height];
};

struct alignas(16) GpuEntries {
    int32_t function[cross_height];
};

template <class T>
struct CrossSums {
    T sum[cross_height];
    // By value: compilers then load 16 bytes at a time.
    SPECFAST_DEVICE void add(GpuColumn<T> column, T product) {
        SPECFAST_UNROLL
        for (int r = 0; r < cross_height; ++r) sum[r] += column.number[r] * product;
    }
};

// The sum over a rectangle; `functions` and `products` of the thread's own point.
template <class T>
SPECFAST_DEVICE T sum_rectangle(const GpuCross& cross, int64_t rectangle, const GpuColumn<T>* columns,
                                const T* functions, const T* products, int64_t pitch) {
    const int64_t begin = cross.begins[rectangle];
    const int count = static_cast<int>(cross.begins[rectangle + 1] - begin);
    columns += begin;
    CrossSums<T> sums;
    SPECFAST_UNROLL
    for (int r = 0; r < cross_height; ++r) sums.sum[r] = 0;
    if (cross.first[rectangle] >= 0) {
        const T* product = products + cross.first[rectangle] * pitch;
        SPECFAST_UNROLL_BY(4)
        for (int k = 0; k < count; ++k, product += pitch) sums.add(columns[k], *product);
    } else {
        const int32_t* const trailing = cross.trailing + begin;
        SPECFAST_UNROLL_BY(4)
        for (int k = 0; k < count; ++k) sums.add(columns[k], products[trailing[k] * pitch]);
    }
    const GpuEntries* const entries = reinterpret_cast<const GpuEntries*>(cross.entries) + rectangle * cross.split;
    T leading[cross_height];
    GpuEntries own = entries[0];
    SPECFAST_UNROLL
    for (int r = 0; r < cross_height; ++r) leading[r] = functions[own.function[r] * pitch];
    for (int64_t d = 1; d < cross.split; ++d) {
        own = entries[d];
        SPECFAST_UNROLL
        for (int r = 0; r < cross_height; ++r) leading[r] *= functions[own.function[r] * pitch];
    }
    T total = 0;
    SPECFAST_UNROLL
    for (int r = 0; r < cross_height; ++r) total += sums.sum[r] * leading[r];
    return total;
}

// z (rows, points, D); coef (rows or 1, channels, columns, cross_height), rows `coef_row` numbers apart; partial (parts, rows, channels, points).
template <class T>
SPECFAST_DEVICE void cross_synthesize(const GpuCross& cross, const GpuSeries<T>* const* series, int64_t rows,
                                      int64_t channels, int64_t points, int64_t width, int64_t coef_row, const T* z,
                                      const T* coef, T* partial) {
    SPECFAST_BLOCK_MEMORY(raw);
    T* const functions = reinterpret_cast<T*>(raw);
    T* const shares = functions + (cross.functions + cross.products) * width;
    const int64_t tiles = (points + width - 1) / width;
    const CrossThreads threads(width);
    const int lane = threads.lane;
    for (int64_t task = blockIdx.x; task < cross.parts * rows * tiles; task += gridDim.x) {
        const int64_t part = task / (rows * tiles), row = task / tiles % rows, first = task % tiles * width;
        fill_functions(cross, series, z + row * points * cross.dim, first, points, threads, width, functions);
        __syncthreads();
        const T* const products = fill_products(cross, threads, width, functions);
        __syncthreads();
        for (int64_t channel = 0; channel < channels; ++channel) {
            const GpuColumn<T>* const columns =
                reinterpret_cast<const GpuColumn<T>*>(coef + row * coef_row + channel * cross.columns * cross_height);
            T sum = 0;
            for (int64_t i = cross.part_ends[part] + threads.team; i < cross.part_ends[part + 1]; i += threads.teams)
                sum += sum_rectangle(cross, i, columns, functions + lane, products + lane, width);
            shares[threadIdx.x] = sum;
            __syncthreads();
            if (threads.team == 0 && first + lane < points) {
                T total = 0;
                for (int64_t other = 0; other < threads.teams; ++other) total += shares[other * width + lane];
                partial[((part * rows + row) * channels + channel) * points + first + lane] = total;
            }
            __syncthreads();
        }
    }
}

}  // namespace
}  // namespace specfast
