// What a kernel for GPUs needs of its compiler: nvcc, NVRTC, or a host compiler that runs blocks of threads for tests.
#pragma once
#include "../integers.hpp"

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define SPECFAST_KERNEL extern "C" __global__ void
#define SPECFAST_DEVICE __device__ __forceinline__
#define SPECFAST_BLOCK_MEMORY(name) extern __shared__ __align__(16) unsigned char name[]
#define SPECFAST_PRAGMA(text) _Pragma(#text)
#define SPECFAST_UNROLL SPECFAST_PRAGMA(unroll)
#define SPECFAST_UNROLL_BY(count) SPECFAST_PRAGMA(unroll count)
#elif defined(SPECFAST_HOST_GPU)
#include SPECFAST_HOST_GPU
#define SPECFAST_KERNEL extern "C" void
#define SPECFAST_DEVICE inline
#define SPECFAST_BLOCK_MEMORY(name) unsigned char* const name = host_gpu::block_memory()
#define SPECFAST_UNROLL
#define SPECFAST_UNROLL_BY(count)
#endif
