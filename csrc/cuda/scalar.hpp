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

}  // namespace
}  // namespace specfast
