// 64- and 32-bit integers; the compiler that runs on a user's machine (NVRTC) has no standard library.
#pragma once
#ifdef __CUDACC_RTC__
typedef long long int64_t;
typedef int int32_t;
#else
#include <cstdint>
#endif
