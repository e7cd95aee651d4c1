// What kernels on a GPU are handed: plain structs, filled on the host, that lie in the GPU's memory.
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
static_assert(sizeof(GpuSeries<double>) == 168 && sizeof(GpuSeries<float>) == 168, "packed by the host");

// Leading axes that the operands share by broadcasting: strides in elements, or in rows of what was prepared.
struct GpuRows {
    int64_t axes;
    int64_t size[gpu_leading_axes];
    int64_t stride[gpu_operands][gpu_leading_axes];
};
static_assert(sizeof(GpuRows) == 8 * (1 + gpu_leading_axes * (1 + gpu_operands)), "packed by the host");

}  // namespace specfast
