// How many FMAs a GPU does in a second: independent chains in registers, nothing else.
#pragma once
#include "platform.hpp"

namespace specfast {
namespace {

constexpr int rate_chains = 16;

// `rounds` FMAs a chain and thread; `out` (2) holds the factor and what is added, and is written only if sums are what they cannot be.
template <class T>
SPECFAST_DEVICE void run_fma(int64_t rounds, T* out) {
    const T factor = out[0], more = out[1];
    T chain[rate_chains];
    SPECFAST_UNROLL
    for (int i = 0; i < rate_chains; ++i) chain[i] = T(i + int(threadIdx.x));
    for (int64_t round = 0; round < rounds; ++round) {
        SPECFAST_UNROLL
        for (int i = 0; i < rate_chains; ++i) chain[i] = chain[i] * factor + more;
    }
    T sum = 0;
    SPECFAST_UNROLL
    for (int i = 0; i < rate_chains; ++i) sum += chain[i];
    if (sum == T(-1)) out[0] = sum;
}

}  // namespace
}  // namespace specfast
