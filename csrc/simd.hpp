// Vectors of one instruction set, in the compiler's own vector types: the same source for every width and element type.
#pragma once
#include <cmath>
#include <cstdint>
#ifdef __FMA__
#include <immintrin.h>
#endif

#ifndef SPECFAST_BYTES
#error "compile through one of csrc/levels/*.cpp, which say how many bytes a vector holds"
#endif

// For what runs within the loops over n: a compiler that leaves one of these as a call keeps its vectors in memory, at
// half the speed. GCC decides by the size of the whole file.
#define SPECFAST_INLINE inline __attribute__((always_inline))

namespace specfast {
namespace {

template <class T>
struct Simd;

template <>
struct Simd<double> {
    typedef double Vector __attribute__((vector_size(SPECFAST_BYTES)));
    typedef int64_t Mask __attribute__((vector_size(SPECFAST_BYTES)));
    static constexpr int lanes = SPECFAST_BYTES / 8;
    static constexpr int mantissa_bits = 52;
    static constexpr double round_magic = 0x1.8p52;  // adding it rounds to an integer, held in the lowest bits
};

template <>
struct Simd<float> {
    typedef float Vector __attribute__((vector_size(SPECFAST_BYTES)));
    typedef int32_t Mask __attribute__((vector_size(SPECFAST_BYTES)));
    static constexpr int lanes = SPECFAST_BYTES / 4;
    static constexpr int mantissa_bits = 23;
    static constexpr float round_magic = 0x1.8p23f;
};

template <class T>
using Vector = typename Simd<T>::Vector;
template <class T>
using Mask = typename Simd<T>::Mask;
template <class T>
constexpr int lanes = Simd<T>::lanes;

template <class T>
SPECFAST_INLINE Vector<T> splat(T value) {
    return value - Vector<T>{};
}

template <class T>
SPECFAST_INLINE Vector<T> load(const T* from) {
    Vector<T> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template <class T, class V>
SPECFAST_INLINE void store(T* to, V v) {
    __builtin_memcpy(to, &v, sizeof v);
}

// Past the caches, to where a whole vector is aligned: for results that no cache holds, which then are not read first.
template <class T>
SPECFAST_INLINE void stream(T* to, Vector<T> v) {
#if defined(__AVX512F__) && SPECFAST_BYTES == 64
    _mm512_stream_si512((__m512i*)to, (__m512i)v);
#elif defined(__AVX2__) && SPECFAST_BYTES == 32
    _mm256_stream_si256((__m256i*)to, (__m256i)v);
#else
    store(to, v);
#endif
}

// After the last `stream`: before others are told that the result is there.
inline void finish_streaming() {
#ifdef __FMA__
    _mm_sfence();
#endif
}

template <class T>
SPECFAST_INLINE Vector<T> select(Mask<T> mask, Vector<T> yes, Vector<T> no) {
    return (Vector<T>)((mask & (Mask<T>)yes) | (~mask & (Mask<T>)no));
}

template <class T>
SPECFAST_INLINE Vector<T> magnitude(Vector<T> v) {
    return (Vector<T>)((Mask<T>)v & ~(Mask<T>)splat<T>(T(-0.0)));
}

template <class T>
SPECFAST_INLINE Mask<T> above(Vector<T> v, T limit) {
    return magnitude<T>(v) > splat<T>(limit);
}

template <class T>
SPECFAST_INLINE bool any(Mask<T> mask) {
#if defined(__AVX512F__) && SPECFAST_BYTES == 64
    return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__) && SPECFAST_BYTES == 32
    return _mm256_testz_si256((__m256i)mask, (__m256i)mask) == 0;
#else
    int64_t bits[SPECFAST_BYTES / 8], all = 0;
    __builtin_memcpy(bits, &mask, sizeof bits);
    for (int64_t part : bits) all |= part;
    return all != 0;
#endif
}

// One bit a lane, of masks whose lanes are all ones or all zeros.
template <class T>
SPECFAST_INLINE unsigned bits_of(Mask<T> mask) {
#if defined(__AVX512DQ__) && SPECFAST_BYTES == 64
    return sizeof(T) == 8 ? _mm512_movepi64_mask((__m512i)mask) : _mm512_movepi32_mask((__m512i)mask);
#elif defined(__AVX2__) && SPECFAST_BYTES == 32
    const int bits = sizeof(T) == 8 ? _mm256_movemask_pd((__m256d)mask) : _mm256_movemask_ps((__m256)mask);
    return static_cast<unsigned>(bits);
#else
    unsigned bits = 0;
    for (int i = 0; i < lanes<T>; ++i) bits |= static_cast<unsigned>(mask[i] & 1) << i;
    return bits;
#endif
}

// a * b - c with one rounding. Written out, because the compiler would see z * z - (z * z) as zero.
#if defined(__FMA__) && SPECFAST_BYTES == 64
SPECFAST_INLINE Vector<double> fused_minus(Vector<double> a, Vector<double> b, Vector<double> c) {
    return (Vector<double>)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
SPECFAST_INLINE Vector<float> fused_minus(Vector<float> a, Vector<float> b, Vector<float> c) {
    return (Vector<float>)_mm512_fmsub_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif defined(__FMA__) && SPECFAST_BYTES == 32
SPECFAST_INLINE Vector<double> fused_minus(Vector<double> a, Vector<double> b, Vector<double> c) {
    return (Vector<double>)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
SPECFAST_INLINE Vector<float> fused_minus(Vector<float> a, Vector<float> b, Vector<float> c) {
    return (Vector<float>)_mm256_fmsub_ps((__m256)a, (__m256)b, (__m256)c);
}
#else
template <class V>
SPECFAST_INLINE V fused_minus(V a, V b, V c) {
    V result;
    for (unsigned i = 0; i < sizeof(V) / sizeof(a[0]); ++i) result[i] = std::fma(a[i], b[i], -c[i]);
    return result;
}
#endif

// The sum of a vector in memory, by halves of 16 bytes.
SPECFAST_INLINE double sum_of_lanes(const double* from) {
    typedef double Pair __attribute__((vector_size(16)));
    Pair sum{};
    for (int i = 0; i < SPECFAST_BYTES / 16; ++i) {
        Pair part;
        __builtin_memcpy(&part, from + 2 * i, sizeof part);
        sum += part;
    }
    return sum[0] + sum[1];
}

SPECFAST_INLINE double sum_of_lanes(const float* from) {
    typedef float Four __attribute__((vector_size(16)));
    Four sum{};
    for (int i = 0; i < SPECFAST_BYTES / 16; ++i) {
        Four part;
        __builtin_memcpy(&part, from + 4 * i, sizeof part);
        sum += part;
    }
    return (static_cast<double>(sum[0]) + sum[1]) + (static_cast<double>(sum[2]) + sum[3]);
}

// The lanes of a and b in turns, of their first or of their second halves.
template <class T, bool second>
SPECFAST_INLINE Vector<T> interleave(Vector<T> a, Vector<T> b) {
    constexpr int from = second ? lanes<T> / 2 : 0;
#if defined(__GNUC__) && !defined(__clang__)
    Mask<T> order;
    for (int i = 0; i < lanes<T>; ++i) order[i] = from + i / 2 + (i % 2) * lanes<T>;
    return __builtin_shuffle(a, b, order);
#else
    Vector<T> result;
    for (int i = 0; i < lanes<T>; ++i) result[i] = i % 2 ? b[from + i / 2] : a[from + i / 2];
    return result;
#endif
}

// The transpose of as many vectors as a vector has lanes: perfect shuffles, as many as two goes into that.
template <class T>
SPECFAST_INLINE void transpose(Vector<T>* rows) {
    for (int step = 1; step < lanes<T>; step *= 2) {
        Vector<T> next[lanes<T>];
        for (int i = 0; i < lanes<T> / 2; ++i) {
            next[2 * i] = interleave<T, false>(rows[i], rows[i + lanes<T> / 2]);
            next[2 * i + 1] = interleave<T, true>(rows[i], rows[i + lanes<T> / 2]);
        }
        for (int i = 0; i < lanes<T>; ++i) rows[i] = next[i];
    }
}

// 2^exponent for integers in the normal range of T, from the bits.
template <class T>
SPECFAST_INLINE Vector<T> power_of_two(Vector<T> exponent) {
    const Mask<T> shifted = (Mask<T>)(exponent + splat<T>(Simd<T>::round_magic)) << Simd<T>::mantissa_bits;
    return (Vector<T>)(shifted + (Mask<T>)splat<T>(1));
}

}  // namespace
}  // namespace specfast
