// A tile of functions that come in pairs: the real and the imaginary part of s(z) w(z)^k, k the wave number, |w| = 1.
//
// Problem   On a ring w = exp(i pi z), s = 1: 1, cos(pi z), sin(pi z), cos(2 pi z), .. On the line in rational functions
//           w = (1 + iz) / (1 - iz), s = 1 / (1 - iz). Sums downwards, and every function in turn upwards.
// Method    One complex multiplication a pair: sums by Horner's rule on complex coefficients, functions by w^{k+1} = w w^k.
//           After pair_block steps the power is found anew from w^pair_block, which is right to its last bits (the phase of
//           a computed w is not: its rounding grows with k). On the ring that is exp(i pi (pair_block z)), whose argument
//           is exact; on the line w is squared with its rounding error carried along.
// Layout    Coefficients in the order of the functions: on a ring one of wave number 0 and then pairs, on the line pairs.
// Cost      four FMAs a pair and point, as many as two terms of a three-term recurrence; some 40 operations a vector of
//           points for w, and 100 more for w^pair_block on the line where there are more wave numbers than that.
// Source    Goertzel's and Clenshaw's sums lose digits near z = 0: Oliver, J. Inst. Maths Applics 20 (1977). Functions on
//           the line: Christov, SIAM J. Appl. Math. 42 (1982); Iserles and Webb, J. Fourier Anal. Appl. 26 (2020).
// Shared    w and its powers by every processor; how many steps the sums go at once on a GPU is in cuda/pairs.hpp.
#pragma once
#include "start_value.hpp"
#ifdef SPECFAST_ON_GPU
#include "cuda/scalar.hpp"
#else
#include "coefficients.hpp"
#endif

namespace specfast {
namespace {

template <class T>
constexpr int64_t pair_block = sizeof(T) == 8 ? 256 : 64;

SPECFAST_INLINE bool in_pairs(Start start) { return start == Start::ring || start == Start::rational; }

// How many functions have wave number 0.
SPECFAST_INLINE constexpr int64_t constant_functions(Start start) { return start == Start::ring ? 1 : 2; }

template <class T>
struct Complex {
    Vector<T> re, im;
};

template <class T>
SPECFAST_INLINE Complex<T> product(Complex<T> a, Complex<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

// (sin(pi f) / f - pi) / f^2 and (cos(pi f) - 1) / f^2 on |f| <= 1/4, t = f^2: interpolated at Chebyshev's points, with an
// error below 1e-17 (float 1e-8) in sine and cosine.
SPECFAST_INLINE Vector<double> sine_tail(Vector<double> t) {
    const Vector<double> t2 = t * t;
    return (splat(-0x1.4abbce625be52p+2) + t * splat(0x1.466bc6775a476p+1)) +
           t2 * ((splat(-0x1.32d2cce500387p-1) + t * splat(0x1.50783208843ebp-4)) +
                 t2 * (splat(-0x1.e3027dea82bd7p-8) + t * splat(0x1.e4a9d9166f052p-12)));
}
SPECFAST_INLINE Vector<float> sine_tail(Vector<float> t) {
    return splat(-5.167712779178267f) +
           t * (splat(2.5501635935099567f) + t * (splat(-0.5992287960538701f) + t * splat(0.08122957450924484f)));
}
SPECFAST_INLINE Vector<double> cosine_tail(Vector<double> t) {
    const Vector<double> t2 = t * t;
    return (splat(-0x1.3bd3cc9be45dep+2) + t * splat(0x1.03c1f081b5ac0p+2)) +
           t2 * ((splat(-0x1.55d3c7e3cb241p+0) + t * splat(0x1.e1f5068688d5bp-3)) +
                 t2 * ((splat(-0x1.a6d1eef479be1p-6) + t * splat(0x1.f9ce245cada0bp-10)) +
                       t2 * splat(-0x1.b2f3eb054afcdp-14)));
}
SPECFAST_INLINE Vector<float> cosine_tail(Vector<float> t) {
    return splat(-4.934802197496877f) +
           t * (splat(4.058710565713736f) + t * (splat(-1.3351378139007979f) + t * splat(0.23212541399123623f)));
}

template <class T>
SPECFAST_INLINE Vector<T> rounded(Vector<T> x) {
    const Vector<T> magic = splat<T>(Simd<T>::round_magic);
    return (x + magic) - magic;
}

// exp(i pi z), for |z| below a third of the largest number with a half.
template <class T>
SPECFAST_INLINE Complex<T> half_turns(Vector<T> z) {
    constexpr T pi_high = T(3.14159265358979323846);
    constexpr T pi_low = sizeof(T) == 8 ? T(1.2246467991473532e-16) : T(-8.742278000372485e-08);
    const Vector<T> quarter = rounded<T>(z + z), f = z - splat<T>(T(0.5)) * quarter, t = f * f;
    const Vector<T> sine = f * splat<T>(pi_high) + f * (t * sine_tail(t) + splat<T>(pi_low));
    const Vector<T> cosine = splat<T>(1) + t * cosine_tail(t);
#ifdef SPECFAST_ON_GPU
    const int64_t q = static_cast<int64_t>(quarter);
    const T re = q & 1 ? sine : cosine, im = q & 1 ? cosine : sine;
    return {(q + 1) & 2 ? -re : re, q & 2 ? -im : im};
#else
    // quarter mod 4 in two's complement: the lowest bits of the number that was rounded.
    const Mask<T> q = (Mask<T>)((z + z) + splat<T>(Simd<T>::round_magic));
    const Mask<T> odd = -(q & 1), minus_im = (q & 2) << (8 * sizeof(T) - 2);
    const Mask<T> minus_re = ((q + 1) & 2) << (8 * sizeof(T) - 2);
    const Vector<T> re = select<T>(odd, sine, cosine), im = select<T>(odd, cosine, sine);
    return {(Vector<T>)((Mask<T>)re ^ minus_re), (Vector<T>)((Mask<T>)im ^ minus_im)};
#endif
}

#ifndef SPECFAST_ON_GPU
// a b, rounded by itself. Compilers fuse a product with a sum only where no other use of it is left, and here one is.
template <class T>
SPECFAST_INLINE Vector<T> rounded_product(Vector<T> a, Vector<T> b) {
    return a * b;
}
#endif

// w^pair_block on the line, from w as computed and 1 / (1 + z^2): by squaring, with the rounding error of each power.
template <class T>
SPECFAST_INLINE Complex<T> rational_leap(Vector<T> z, Complex<T> w, Vector<T> inverse) {
    const Vector<T> one = splat<T>(1), square = rounded_product<T>(z, z), square_low = fused_minus(z, z, square);
    const Vector<T> a = one - w.re, b = one + w.re, p = rounded_product<T>(b, square);
    const Vector<T> twice = z + z, q = rounded_product<T>(w.im, square), s = twice - q;
    const Vector<T> a_low = sum_error<T>(one, -w.re, a), b_low = sum_error<T>(one, w.re, b);
    Complex<T> error{
        ((a - p) + (((a_low - fused_minus(b, square, p)) - b * square_low) - b_low * square)) * inverse,
        ((s - w.im) + ((sum_error<T>(twice, -q, s) - fused_minus(w.im, square, q)) - w.im * square_low)) * inverse};
    for (int64_t power = 1; power < pair_block<T>; power *= 2) {
        const Vector<T> xx = rounded_product<T>(w.re, w.re), yy = rounded_product<T>(w.im, w.im), x2 = w.re + w.re;
        const Complex<T> next{xx - yy, rounded_product<T>(x2, w.im)};
        const Vector<T> re_low =
            sum_error<T>(xx, -yy, next.re) + (fused_minus(w.re, w.re, xx) - fused_minus(w.im, w.im, yy));
        const Vector<T> im_low = fused_minus(x2, w.im, next.im);
        const Complex<T> carried = product<T>(w, error);
        error = {(carried.re + carried.re) + re_low, (carried.im + carried.im) + im_low};
        w = next;
    }
    return {w.re + error.re, w.im + error.im};
}

// w, s without the factor that `mantissa` holds already, and w^pair_block where `leaps`.
template <class T>
struct Rotation {
    Complex<T> step, first, leap;
};

template <class T, Start start>
SPECFAST_INLINE Rotation<T> rotation(Vector<T> z, Vector<T> mantissa, bool leaps) {
    Rotation<T> own;
    if constexpr (start == Start::ring) {
        own.step = half_turns<T>(z);
        own.first = {splat<T>(1), splat<T>(0)};
        own.leap = leaps ? half_turns<T>(z * splat<T>(T(pair_block<T>))) : own.first;
    } else {
        const Vector<T> inverse = mantissa * mantissa;  // of 1 + z^2
        own.step = {rounded_product<T>((splat<T>(1) - z) * (splat<T>(1) + z), inverse),
                    rounded_product<T>(z + z, inverse)};
        own.first = {mantissa, z * mantissa};
        own.leap = leaps ? rational_leap<T>(z, own.step, inverse) : own.first;
    }
    return own;
}

// How many wave numbers `count` functions reach, the last one perhaps with its first function alone.
template <Start start>
SPECFAST_INLINE int64_t wave_numbers(int64_t count) {
    return (count - constant_functions(start) + 1) / 2 + 1;
}

// The place of the first function of wave number k > 0.
template <Start start>
SPECFAST_INLINE int64_t place_of(int64_t k) {
    return 2 * k - (2 - constant_functions(start));
}

#ifndef SPECFAST_ON_GPU
constexpr int pair_vectors = SPECFAST_BYTES == 64 ? 6 : 3;  // four registers each

// At R vectors of points.
template <class T, int R, Start start>
struct Rotations {
    Complex<T> step[R], first[R], leap[R];

    SPECFAST_INLINE Rotations(const T* points, const T* mantissa, bool leaps) {
        for (int v = 0; v < R; ++v) {
            const Vector<T> z = load<T>(points + v * lanes<T>), m = load<T>(mantissa + v * lanes<T>);
            const Rotation<T> own = rotation<T, start>(z, m, leaps);
            step[v] = own.step;
            first[v] = own.first;
            leap[v] = own.leap;
        }
    }
};

// sums = sum coef_n phi_n / mantissa.
template <class T, int R, Start start>
SPECFAST_INLINE void sum_pairs(const T* coef, int64_t count, const T* z, const T* mantissa, T* sums) {
    const int64_t waves = wave_numbers<start>(count), blocks = ceil_divide(waves, pair_block<T>);
    const Rotations<T, R, start> own(z, mantissa, blocks > 1);
    Complex<T> total[R];
    for (int64_t block = blocks - 1; block >= 0; --block) {
        Vector<T> re[R], im[R];
        int64_t k = smaller((block + 1) * pair_block<T>, waves) - 1;
        const auto coefficient = [&](int64_t n) { return splat<T>(n >= 0 && n < count ? coef[n] : T(0)); };
        const bool constant = start == Start::ring && k == 0;
        for (int v = 0; v < R; ++v) {
            re[v] = constant ? coefficient(0) : coefficient(place_of<start>(k));
            im[v] = constant ? splat<T>(0) : coefficient(place_of<start>(k) + 1);
        }
        const int64_t bottom = larger(block * pair_block<T>, start == Start::ring ? 1 : 0);
        const auto step = [&](Vector<T> a, Vector<T> b) __attribute__((always_inline)) {
            for (int v = 0; v < R; ++v) {
                const Complex<T> w = own.step[v];
                const Vector<T> next = re[v] * w.re + (im[v] * w.im + a);
                im[v] = im[v] * w.re + (b - re[v] * w.im);
                re[v] = next;
            }
        };
        for (--k; k >= bottom; --k) step(splat<T>(coef[place_of<start>(k)]), splat<T>(coef[place_of<start>(k) + 1]));
        if (start == Start::ring && block == 0 && !constant) step(splat<T>(coef[0]), splat<T>(0));
        for (int v = 0; v < R; ++v) {
            const Complex<T> part{re[v], im[v]}, w = own.leap[v];
            total[v] = block == blocks - 1 ? part
                                           : Complex<T>{total[v].re * w.re + (total[v].im * w.im + part.re),
                                                        total[v].im * w.re + (part.im - total[v].re * w.im)};
        }
    }
    for (int v = 0; v < R; ++v) {
        store(sums + v * lanes<T>, total[v].re * own.first[v].re + total[v].im * own.first[v].im);
    }
}

// Calls visit(n, term) with term[v] = weight phi_n(z) for n = 0 .. count-1, in vectors.
template <class T, int R, Start start, class Visit>
SPECFAST_INLINE void visit_pairs(int64_t count, const T* z, const T* mantissa, const T* weight, Visit visit) {
    const int64_t waves = wave_numbers<start>(count);
    const Rotations<T, R, start> own(z, mantissa, waves > pair_block<T>);
    Vector<T> re[R], im[R];
    Complex<T> anchor[R];
    for (int v = 0; v < R; ++v) {
        const Vector<T> factor = load<T>(mantissa + v * lanes<T>) * load<T>(weight + v * lanes<T>);
        anchor[v] = {re[v] = own.first[v].re * factor, im[v] = own.first[v].im * factor};
    }
    visit(0, re);
    if (start != Start::ring && count > 1) visit(1, im);
    for (int64_t k = 1; k < waves; ++k) {
        if (k % pair_block<T> == 0) {
            for (int v = 0; v < R; ++v) {
                anchor[v] = product<T>(anchor[v], own.leap[v]);
                re[v] = anchor[v].re;
                im[v] = anchor[v].im;
            }
        } else {
            for (int v = 0; v < R; ++v) {
                const Complex<T> next = product<T>({re[v], im[v]}, own.step[v]);
                re[v] = next.re;
                im[v] = next.im;
            }
        }
        const int64_t n = place_of<start>(k);
        visit(n, re);
        if (n + 1 < count) visit(n + 1, im);
    }
}
#endif

}  // namespace
}  // namespace specfast
