// partial[part, row, m] = the part's share of sum_k c_k phi_{n_k1}(z_m1) .. phi_{n_kD}(z_mD), inside out over the tree.
//
// Problem   a tree of K indices (tree.hpp), functions of every axis at all points as tables.
// Method    Parts of the tree of as many nodes each fill the card; each walks its runs, one multiply-add an index and one an inner
//           node. A part begins somewhere within the tree: sums before it are 0. Parts are added by the caller, in order.
// Layout    A task is a part, a row and a tile of `Points` points a thread. Tables (functions, points) are read along the points,
//           coefficients and runs as one broadcast; sums in progress are a thread's own.
// Cost      one multiply-add and one word of a table an index and point.
#pragma once
#include "../tree.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

// Where the parts of a tree begin, and where the functions of every axis are in the tables.
struct CardTree {
    int64_t dim, parts;
    const int32_t* runs;    // (fibres, 2)
    const int64_t* fibres;  // (parts + 1)
    const int64_t* places;  // (parts) of their first coefficients
    const int32_t* first;   // (parts, D - 1) leading entries of their first runs
    const int64_t* axes;    // (D) where an axis's functions begin
};
static_assert(sizeof(CardTree) == 56, "packed by the host");

template <class T, int Points>
SPECFAST_DEVICE void sum_part(const CardTree& tree, int64_t part, const T* coef, const T* tables, int64_t points,
                              const int64_t* at, T* result) {
    const int dim = static_cast<int>(tree.dim), depth = dim - 1;
    int32_t entry[max_dimensions];
    T levels[max_dimensions][Points];
    for (int d = 0; d < depth; ++d) {
        entry[d] = tree.first[part * depth + d];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) levels[d][p] = 0;
    }
    const T* own = coef + tree.places[part];
    const T* const last = tables + tree.axes[depth] * points;
    const int64_t end = tree.fibres[part + 1];
    for (int64_t fibre = tree.fibres[part]; fibre < end; ++fibre) {
        const int32_t length = tree.runs[2 * fibre + 1];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) result[p] = 0;
        for (int32_t n = 0; n < length; ++n) {
            const T c = own[n];
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) result[p] += c * last[n * points + at[p]];
        }
        own += length;
        const int32_t shared = fibre + 1 < end ? tree.runs[2 * fibre + 2] : -1;
        for (int d = depth - 1; d >= 0; --d) {
            const T* const function = tables + (tree.axes[d] + entry[d]) * points;
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p)
                result[p] = result[p] * function[at[p]] + (entry[d] != 0 ? levels[d][p] : T(0));
            if (d != shared) continue;
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) levels[d][p] = result[p];
            ++entry[d];
            for (int behind = d + 1; behind < depth; ++behind) entry[behind] = 0;
            break;
        }
    }
}

// coef (coefficient rows, K), tables (point rows, functions, points), partial (parts, rows, points).
template <class T, int Points>
SPECFAST_DEVICE void cross_synthesize(const CardTree& tree, const CardRows& rows, int64_t row_count, int64_t points,
                                      int64_t size, int64_t functions, const T* coef, const T* tables, T* partial) {
    const int64_t width = int64_t(blockDim.x) * Points, tiles = (points + width - 1) / width;
    for (int64_t task = blockIdx.x; task < tree.parts * row_count * tiles; task += gridDim.x) {
        const int64_t part = task / (row_count * tiles), row = task / tiles % row_count;
        const int64_t first = task % tiles * width + threadIdx.x;
        int64_t at[Points];
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const int64_t m = first + p * int64_t(blockDim.x);
            at[p] = m < points ? m : points - 1;
        }
        T result[Points];
        sum_part<T, Points>(tree, part, coef + row_offset(rows, 0, row) * size,
                            tables + row_offset(rows, 1, row) * functions * points, points, at, result);
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const int64_t m = first + p * int64_t(blockDim.x);
            if (m < points) partial[(part * row_count + row) * points + m] = result[p];
        }
    }
}

// coef[row, k] = sum_m values[row, m] times the functions' product: a block for every 32 indices and row, all points in turn.
//
// Layout    Every thread takes some of the points, and keeps its share of the 32 sums in the block's memory; these are added in
//           order at the end, so there are no partial sums of tiles. Products of leading functions are kept by level, and
//           found anew where an entry changes.
// Cost      one multiply-add and one word of the block's memory an index and point, one multiplication an inner node.
template <class T>
struct CardGroups {
    const int64_t* fibres;  // (groups) in which run a group begins
    const int32_t* behind;  // (groups) how many of its indices are before
    const int32_t* first;   // (groups, D - 1) its leading entries
};

template <class T>
SPECFAST_DEVICE void leading_products(const CardTree& tree, int from, const int32_t* entry, const T* tables,
                                      int64_t points, int64_t m, T weight, T* products) {
    for (int d = from; d < static_cast<int>(tree.dim) - 1; ++d) {
        const T before = d == 0 ? weight : products[d - 1];
        products[d] = before * tables[(tree.axes[d] + entry[d]) * points + m];
    }
}

template <class T>
SPECFAST_DEVICE void add_group(const CardTree& tree, const CardGroups<T>& groups, int64_t group, int length,
                               const T* tables, int64_t points, int64_t m, T weight, T* share) {
    const int depth = static_cast<int>(tree.dim) - 1;
    int32_t entry[max_dimensions];
    T products[max_dimensions];
    for (int d = 0; d < depth; ++d) entry[d] = groups.first[group * depth + d];
    leading_products(tree, 0, entry, tables, points, m, weight, products);
    int64_t fibre = groups.fibres[group];
    int32_t n = groups.behind[group];
    const T* const last = tables + tree.axes[depth] * points + m;
    for (int i = 0; i < length; ++i) {
        if (n == tree.runs[2 * fibre + 1]) {
            ++fibre;
            n = 0;
            const int shared = tree.runs[2 * fibre];
            ++entry[shared];
            for (int d = shared + 1; d < depth; ++d) entry[d] = 0;
            leading_products(tree, shared, entry, tables, points, m, weight, products);
        }
        share[i * (static_cast<int>(blockDim.x) + 1)] += products[depth - 1] * last[n++ * points];
    }
}

// values and tables as above; `functions` in a row of the tables; coef (rows, K).
template <class T>
SPECFAST_DEVICE void cross_adjoint(const CardTree& tree, const CardGroups<T>& groups, const CardRows& rows,
                                   int64_t row_count, int64_t points, int64_t size, int64_t functions, const T* values,
                                   const T* tables, T* coef) {
    SPECFAST_BLOCK_MEMORY(raw);
    double* const sums = reinterpret_cast<double*>(raw);
    T* const shares = reinterpret_cast<T*>(sums + blockDim.x / card_run * card_run);
    const int64_t count = (size + card_run - 1) / card_run;
    for (int64_t task = blockIdx.x; task < row_count * count; task += gridDim.x) {
        const int64_t group = task % count, row = task / count, begin = group * card_run;
        const int length = static_cast<int>(size - begin < card_run ? size - begin : card_run);
        T* const share = shares + threadIdx.x;
        __syncthreads();
        for (int i = 0; i < length; ++i) share[i * (static_cast<int>(blockDim.x) + 1)] = 0;
        const T* const own = tables + row_offset(rows, 1, row) * functions * points;
        const T* const weights = values + row_offset(rows, 0, row) * points;
        for (int64_t m = threadIdx.x; m < points; m += blockDim.x)
            add_group(tree, groups, group, length, own, points, m, weights[m], share);
        add_shares<T>(shares, sums, nullptr, length, coef + row * size + begin);
    }
}

}  // namespace
}  // namespace specfast
