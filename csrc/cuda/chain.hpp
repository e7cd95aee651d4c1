// x_j += f_j x_{j - hop} along a row, upwards or downwards, by a block: the part of d/dz on coefficients that waits for itself.
//
// Method    Every thread takes neighbouring j: first what it ends with if nothing came in, and by how much that is multiplied which
//           does; from these follows what comes in to each; then once more. `hop` is 1 or 2: two chains side by side.
// Cost      two passes over the row and a walk over the threads, in place of one thread's walk over the row.
#pragma once
#include "../recurrence.hpp"
#include "platform.hpp"

namespace specfast {
namespace {

constexpr int chain_numbers = 4;  // doubles of the block's memory a thread

struct Chain {
    const double* factor;
    int64_t count;
    int hop;
    bool up;

    SPECFAST_DEVICE int64_t place(int64_t j) const { return up ? j : count - 1 - j; }
    SPECFAST_DEVICE double factor_of(int64_t j) const { return j < hop ? 0.0 : factor[up ? j - hop : count - 1 - j]; }
};

// `memory` holds chain_numbers doubles a thread. Ends with all threads in step.
SPECFAST_DEVICE void run_chain(const Chain& chain, double* row, double* memory) {
    if (chain.factor == nullptr) return;
    const int64_t length = (chain.count + 2 * int64_t(blockDim.x) - 1) / (2 * int64_t(blockDim.x)) * 2;
    const int64_t begin = threadIdx.x * length, end = begin + length < chain.count ? begin + length : chain.count;
    double last[2] = {0, 0}, product[2] = {1, 1};
    __syncthreads();
    for (int64_t j = begin; j < end; ++j) {
        const int c = chain.hop == 2 ? static_cast<int>(j & 1) : 0;
        const double factor = chain.factor_of(j);
        last[c] = row[chain.place(j)] + factor * last[c];
        product[c] *= factor;
    }
    double* const own = memory + chain_numbers * threadIdx.x;
    own[0] = last[0];
    own[1] = last[1];
    own[2] = product[0];
    own[3] = product[1];
    __syncthreads();
    double incoming[2] = {0, 0};
    for (const double* other = memory; other < own; other += chain_numbers) {
        incoming[0] = other[0] + other[2] * incoming[0];
        incoming[1] = other[1] + other[3] * incoming[1];
    }
    for (int64_t j = begin; j < end; ++j) {
        const int c = chain.hop == 2 ? static_cast<int>(j & 1) : 0;
        incoming[c] = row[chain.place(j)] + chain.factor_of(j) * incoming[c];
        row[chain.place(j)] = incoming[c];
    }
    __syncthreads();
}

}  // namespace
}  // namespace specfast
