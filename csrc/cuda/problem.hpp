// What kernels on a GPU are handed: plain structs, filled on the host (src/gpu.hpp), that lie in the GPU's memory.
//
// The recurrence has other scales than on a processor with a pipe for additions: with s_{n+1} = a_n s_n / k_n it reads
//     q_{n+1} = k_n z q_n - g_n q_{n-1},   g_n = c_n s_{n-1} / s_{n+1},
// and k_n is the same for runs of 32 terms (their geometric mean of a_n), so that k z is found once a run and a term costs two
// FMAs. Where b_n does not vanish (Laguerre) it is the rescaled form of recurrence.hpp, g_n = 1: three.
#pragma once
#include "../recurrence.hpp"

namespace specfast {

constexpr int gpu_run = 32;  // terms with the same k_n
constexpr int gpu_leading_axes = 16;
constexpr int gpu_operands = 3;

template <class T>
struct alignas(16) GpuStep {
    T a, b, g, scale;
};

template <class T>
struct GpuSeries {
    Recurrence<T> recurrence;  // its `a` is k_n where there is no `b`
    const T* g;                // count + 1 numbers; null where they are 1
    const GpuStep<T>* steps;   // count: the near recurrence, its numbers side by side
    Differentiation map;
    int64_t coefficients;  // K
    int64_t derivative;
};

// Leading axes that the operands share by broadcasting: strides in elements, or in rows of what was prepared.
struct GpuRows {
    int64_t axes;
    int64_t size[gpu_leading_axes];
    int64_t stride[gpu_operands][gpu_leading_axes];
};

constexpr int cross_height = 8;  // rows of a rectangle

// An index set unfolded: leading indices (rows) times trailing ones (columns), in rectangles of cross_height rows, each with columns of
// its own. A column of a rectangle is cross_height numbers, one behind the other.
struct GpuCross {
    int64_t dim, split;
    int64_t functions;          // of all axes, and what their derivatives need
    int64_t products;           // of the trailing axes; 0 where they are one axis, whose functions they are
    int64_t runs;               // of those products
    int64_t rectangles, parts;  // parts: rectangles of as much work each
    int64_t columns, groups;    // groups of columns, those of a block of the adjoint
    const int64_t* axes;        // (D) where an axis's functions begin
    const int32_t* entries;     // (rectangles, split, cross_height) functions of the leading indices
    const int64_t* begins;      // (rectangles + 1) their columns
    const int32_t* first;  // (rectangles) product of the first column where the others follow it; -1 where they do not
    const int32_t* trailing;    // (columns) their products (functions of the last axis where split = D - 1)
    const int32_t* owners;      // (columns) their rectangles
    const int64_t* part_ends;   // (parts + 1) where parts begin among the rectangles
    const int64_t* group_ends;  // (groups + 1) where groups begin among the columns
    const int32_t* factors;     // (runs, D - split - 1) functions that lead a run of products
    const int32_t* run_ends;    // (runs + 1) where runs begin among the products
    const int32_t* places;      // (products) where each product of the runs is kept
};

}  // namespace specfast
