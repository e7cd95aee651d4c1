// How many FMAs a second this instruction set does: the peak that kernels are measured against.
//
// Method    Twelve independent vectors in registers, one FMA each a round; every thread runs the same loop.
#pragma once
#include "rows.hpp"
#include "simd.hpp"

#if defined(__x86_64__)
#define SPECFAST_REGISTER "+x"  // "v" reaches the upper half of AVX-512's registers, which twelve vectors do not need
#else
#define SPECFAST_REGISTER "+w"
#endif

namespace specfast {
namespace {

template <class T>
int64_t fma_loop(int64_t rounds) {
    constexpr int chains = 12;
    const int threads = threads_for(int64_t(1) << 40);
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int thread = 0; thread < threads; ++thread) {
        Vector<T> value[chains];
        for (int i = 0; i < chains; ++i) value[i] = splat<T>(static_cast<T>(1 + i * 1e-3));
        const Vector<T> factor = splat<T>(static_cast<T>(0.999999)), offset = splat<T>(static_cast<T>(1e-7));
        for (int64_t round = 0; round < rounds; ++round) {
            for (int i = 0; i < chains; ++i) value[i] = value[i] * factor + offset;
            // Keeps every round, and every value in its register.
            for (int i = 0; i < chains; ++i) asm volatile("" : SPECFAST_REGISTER(value[i]));
        }
    }
    return rounds * chains * lanes<T> * threads;
}

int64_t run_fma(int64_t rounds, bool is_double) {
    return is_double ? fma_loop<double>(rounds) : fma_loop<float>(rounds);
}

}  // namespace
}  // namespace specfast
