// 64- and 32-bit integers, and whether this is compiled for a GPU; the compiler that runs on a user's machine (NVRTC) has no standard library.
#pragma once
#if defined(__CUDACC__) || defined(__CUDACC_RTC__) || defined(SPECFAST_HOST_GPU)
#define SPECFAST_ON_GPU
#endif
#ifdef __CUDACC_RTC__
typedef long long int64_t;
typedef int int32_t;
#else
#include <cstdint>
#endif
