// What the CUDA kernels need of a compiler: C++17, the host compiler's headers, and the header shared with the CPU.
#include <cstdint>

#include "../../csrc/recurrence.hpp"

extern "C" __global__ void probe(specfast::Recurrence<double> recurrence, double* z) {
    if constexpr (sizeof(int64_t) == 8) z[threadIdx.x] *= recurrence.a[threadIdx.x];
}
