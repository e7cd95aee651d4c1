// A GPU on the host: the threads of a block are threads of the system, blocks run one after the other.
#pragma once
#include <pthread.h>

#include <cmath>
#include <cstring>

struct HostIndex {
    unsigned x;
};
inline thread_local HostIndex threadIdx, blockIdx, blockDim, gridDim;

namespace host_gpu {

inline pthread_barrier_t barrier;
inline unsigned char* memory;
inline unsigned char* block_memory() { return memory; }

}  // namespace host_gpu

inline void __syncthreads() { pthread_barrier_wait(&host_gpu::barrier); }
using std::frexp;
