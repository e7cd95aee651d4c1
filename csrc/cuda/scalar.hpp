// The names of simd.hpp for one number at a time: what the shared headers are written in, on a GPU.
#pragma once
#include "platform.hpp"

#define SPECFAST_INLINE SPECFAST_DEVICE

namespace specfast {
namespace {

template <class T>
using Vector = T;

template <class T>
struct Simd;
template <>
struct Simd<double> {
    static constexpr double round_magic = 0x1.8p52;
};
template <>
struct Simd<float> {
    static constexpr float round_magic = 0x1.8p23f;
};

template <class T>
SPECFAST_DEVICE T splat(T value) {
    return value;
}

// a b - c, rounded once.
SPECFAST_DEVICE double fused_minus(double a, double b, double c) { return fma(a, b, -c); }
SPECFAST_DEVICE float fused_minus(float a, float b, float c) { return fmaf(a, b, -c); }

SPECFAST_DEVICE double square_root(double a) { return sqrt(a); }
SPECFAST_DEVICE float square_root(float a) { return sqrtf(a); }

// a b, rounded by itself: where its rounding error is found next, the compiler must not fuse it with a sum.
template <class T>
SPECFAST_DEVICE T rounded_product(T a, T b);
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
template <>
SPECFAST_DEVICE double rounded_product<double>(double a, double b) {
    return __dmul_rn(a, b);
}
template <>
SPECFAST_DEVICE float rounded_product<float>(float a, float b) {
    return __fmul_rn(a, b);
}
#else
template <class T>
SPECFAST_DEVICE T rounded_product(T a, T b) {
    return a * b;
}
#endif

}  // namespace
}  // namespace specfast
