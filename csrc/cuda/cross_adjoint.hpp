// partial[slice, row, channel, k] = sum over the slice's points of values[row, channel, m] phi_{n_k1}(z_m1) .. phi_{n_kD}(z_mD).
//
// Method    The transpose of cross.hpp: a column's eight numbers are sums over the points of a trailing product times the eight
//           leading ones of its rectangle.
// Layout    A thread keeps `Columns` columns in registers and takes all points of the slice in turn, so there is nothing to reduce within
//           a block. The block makes functions, products and leading products of a tile of points in its memory: [.][width + 1], so that
//           neighbouring columns lie in different banks, and [point][row] for the leading ones. Slices are added by the caller.
// Cost      one FMA an index, an eighth of a load and a quarter (double: a half) of one of 16 bytes.
#pragma once
#include "cross.hpp"

namespace specfast {
namespace {

// A group's rectangles, from that of its first column to that of its last.
struct CrossGroup {
    int64_t begin, end, rectangle, rectangles;
    SPECFAST_DEVICE CrossGroup(const GpuCross& cross, int64_t group)
        : begin(cross.group_ends[group]), end(cross.group_ends[group + 1]), rectangle(cross.owners[begin]) {
        rectangles = cross.owners[end - 1] - rectangle + 1;
    }
};

// Where the leading products of a point begin: a little apart, so that points lie in different banks.
template <class T>
SPECFAST_DEVICE int64_t leading_pitch(const CrossGroup& group) {
    return group.rectangles * cross_height + 16 / int64_t(sizeof(T));
}

// leading[m][row] = values_m times the leading products of the group's rectangles; 0 beyond the last point.
template <class T>
SPECFAST_DEVICE void fill_leading(const GpuCross& cross, const CrossGroup& group, const T* values, int64_t left,
                                  const CrossThreads& threads, int64_t pitch, const T* functions, T* leading) {
    const T value = threads.lane < left ? values[threads.lane] : T(0);
    T* const to = leading + threads.lane * leading_pitch<T>(group);
    for (int64_t row = threads.team; row < group.rectangles * cross_height; row += threads.teams) {
        const int32_t* const entries =
            cross.entries + (group.rectangle + row / cross_height) * cross.split * cross_height + row % cross_height;
        T product = value;
        for (int64_t d = 0; d < cross.split; ++d)
            product *= functions[entries[d * cross_height] * pitch + threads.lane];
        to[row] = product;
    }
}

// values (rows, channels, points); partial (slices, rows, channels, columns, cross_height).
template <class T, int Columns>
SPECFAST_DEVICE void cross_adjoint(const GpuCross& cross, const GpuSeries<T>* const* series, int64_t rows,
                                   int64_t channels, int64_t points, int64_t width, int64_t slices, const T* z,
                                   const T* values, T* partial) {
    SPECFAST_BLOCK_MEMORY(raw);
    const int64_t pitch = width + 1, tiles = (points + width - 1) / width, lines = rows * channels;
    T* const leading = reinterpret_cast<T*>(raw);
    const CrossThreads threads(width);
    const int64_t tiles_a_slice = (tiles + slices - 1) / slices;
    for (int64_t task = blockIdx.x; task < slices * lines * cross.groups; task += gridDim.x) {
        const CrossGroup group(cross, task % cross.groups);
        const int64_t line = task / cross.groups % lines, slice = task / cross.groups / lines;
        T* const functions = leading + width * leading_pitch<T>(group);
        CrossSums<T> sums[Columns];
        int64_t offset[Columns], lead[Columns];
        SPECFAST_UNROLL
        for (int j = 0; j < Columns; ++j) {
            const int64_t own = group.begin + threadIdx.x + j * int64_t(blockDim.x);
            const int64_t column = own < group.end ? own : group.begin;
            offset[j] = cross.trailing[column] * pitch;
            lead[j] = (cross.owners[column] - group.rectangle) * cross_height;
            SPECFAST_UNROLL
            for (int r = 0; r < cross_height; ++r) sums[j].sum[r] = 0;
        }
        const int64_t last = (slice + 1) * tiles_a_slice < tiles ? (slice + 1) * tiles_a_slice : tiles;
        for (int64_t tile = slice * tiles_a_slice; tile < last; ++tile) {
            const int64_t first = tile * width, left = points - first < width ? points - first : width;
            __syncthreads();
            fill_functions(cross, series, z + line / channels * points * cross.dim, first, points, threads, pitch,
                           functions);
            __syncthreads();
            const T* const products = fill_products(cross, threads, pitch, functions);
            fill_leading(cross, group, values + line * points + first, left, threads, pitch, functions, leading);
            __syncthreads();
            for (int64_t m = 0; m < left; ++m) {
                const T* const row = leading + m * leading_pitch<T>(group);
                SPECFAST_UNROLL
                for (int j = 0; j < Columns; ++j)
                    sums[j].add(*reinterpret_cast<const GpuColumn<T>*>(row + lead[j]), products[offset[j] + m]);
            }
        }
        GpuColumn<T>* const to = reinterpret_cast<GpuColumn<T>*>(partial) + (slice * lines + line) * cross.columns;
        SPECFAST_UNROLL
        for (int j = 0; j < Columns; ++j) {
            const int64_t own = group.begin + threadIdx.x + j * int64_t(blockDim.x);
            if (own >= group.end) continue;
            SPECFAST_UNROLL
            for (int r = 0; r < cross_height; ++r) to[own].number[r] = sums[j].sum[r];
        }
    }
}

}  // namespace
}  // namespace specfast
