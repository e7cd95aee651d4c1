// Functions in pairs on a GPU, the real and the imaginary part of s(z) w(z)^k: sums downwards, and every function in turn upwards.
//
// Method    As pairs.hpp: one complex multiplication a pair, the power found anew from w^pair_block every pair_block steps.
// Layout    Sums: coefficients come through the block's memory, gpu_waves pairs at a time, read as one broadcast by all. Upwards a point
//           is a thread's own, and goes on by one function at a time, since runs of terms may end between a cosine and its sine.
// Cost      four FMAs a pair and point.
#pragma once
#include "../pairs.hpp"
#include "point.hpp"

namespace specfast {
namespace {

constexpr int gpu_waves = 64;  // pairs of coefficients that are in the block's memory at once
static_assert(pair_block<double> % gpu_waves == 0 && pair_block<float> % gpu_waves == 0, "blocks are whole runs");

template <class T>
struct alignas(2 * sizeof(T)) GpuPair {
    T re, im;
};

template <class T>
constexpr int64_t pair_memory = gpu_waves * sizeof(GpuPair<T>);

SPECFAST_DEVICE int64_t wave_numbers(Start start, int64_t count) {
    return start == Start::ring ? wave_numbers<Start::ring>(count) : wave_numbers<Start::rational>(count);
}

// The coefficients of wave number k; 0 where there is no function.
template <class T>
SPECFAST_DEVICE GpuPair<T> pair_of(Start start, const T* coef, int64_t count, int64_t k) {
    if (start == Start::ring && k == 0) return {coef[0], T(0)};
    const int64_t n = start == Start::ring ? place_of<Start::ring>(k) : place_of<Start::rational>(k);
    return {coef[n], n + 1 < count ? coef[n + 1] : T(0)};
}

// Leaps are found where `count` functions need them.
template <class T>
SPECFAST_DEVICE Rotation<T> rotation_at(const Recurrence<T>& recurrence, const GpuPoint<T>& point) {
    const bool leaps = wave_numbers(recurrence.start, recurrence.count) > pair_block<T>;
    if (recurrence.start == Start::ring) return rotation<T, Start::ring>(point.z, point.mantissa, leaps);
    return rotation<T, Start::rational>(point.z, point.mantissa, leaps);
}

// sums[p] = sum coef_n phi_n(z_p) / mantissa_p. All threads of the block together.
template <class T, int Points>
SPECFAST_DEVICE void sum_pairs(const Recurrence<T>& recurrence, const T* coef, const GpuPoint<T>* points, T* sums,
                               unsigned char* memory) {
    GpuPair<T>* const pairs = reinterpret_cast<GpuPair<T>*>(memory);
    const int64_t waves = wave_numbers(recurrence.start, recurrence.count);
    Rotation<T> own[Points];
    Complex<T> total[Points], part[Points];
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) {
        own[p] = rotation_at(recurrence, points[p]);
        total[p] = part[p] = {T(0), T(0)};
    }
    for (int64_t run = (waves - 1) / gpu_waves; run >= 0; --run) {
        const int64_t begin = run * gpu_waves;
        const int length = static_cast<int>(waves - begin < gpu_waves ? waves - begin : gpu_waves);
        __syncthreads();
        for (int i = threadIdx.x; i < length; i += blockDim.x)
            pairs[i] = pair_of(recurrence.start, coef, recurrence.count, begin + i);
        __syncthreads();
        for (int i = length - 1; i >= 0; --i) {
            const GpuPair<T> pair = pairs[i];
            SPECFAST_UNROLL
            for (int p = 0; p < Points; ++p) {
                const Complex<T> w = own[p].step, sum = part[p];
                part[p] = {sum.re * w.re + (sum.im * w.im + pair.re), sum.im * w.re + (pair.im - sum.re * w.im)};
            }
        }
        if (begin % pair_block<T> != 0) continue;
        SPECFAST_UNROLL
        for (int p = 0; p < Points; ++p) {
            const Complex<T> w = own[p].leap, sum = total[p];
            total[p] = {sum.re * w.re + (sum.im * w.im + part[p].re), sum.im * w.re + (part[p].im - sum.re * w.im)};
            part[p] = {T(0), T(0)};
        }
    }
    SPECFAST_UNROLL
    for (int p = 0; p < Points; ++p) sums[p] = total[p].re * own[p].first.re + total[p].im * own[p].first.im;
}

// A point on its way upwards over functions in pairs; its members are those of Climber.
template <class T>
struct PairClimber {
    static constexpr bool may_be_mixed = false;
    Complex<T> current, anchor, turn, leap;

    SPECFAST_DEVICE void begin(const Recurrence<T>& recurrence, const GpuPoint<T>& at, T weight) {
        const Rotation<T> own = rotation_at(recurrence, at);
        const T factor = at.mantissa * weight;
        current = anchor = {own.first.re * factor, own.first.im * factor};
        turn = own.step;
        leap = own.leap;
    }
    SPECFAST_DEVICE void leave_out() { current = anchor = {T(0), T(0)}; }
    SPECFAST_DEVICE bool is_near() const { return true; }
    SPECFAST_DEVICE bool is_at_end() const { return false; }
    // Function n without its scale, times the weight; then goes on to the next.
    template <class Terms>
    SPECFAST_DEVICE T step(const Recurrence<T>& recurrence, const Terms&, int64_t n, int64_t) {
        const int64_t place = recurrence.start == Start::ring ? n + 1 : n;  // as if there were a sine of wave number 0
        if (place % 2 == 0) return current.re;
        const T term = n == 0 ? current.re : current.im;
        go_on(place / 2);
        return term;
    }
    // From wave number k to the next.
    SPECFAST_DEVICE void go_on(int64_t k) {
        if ((k + 1) % pair_block<T> == 0) {
            current = anchor = product<T>(anchor, leap);
        } else {
            current = product<T>(current, turn);
        }
    }
    template <class Terms>
    SPECFAST_DEVICE T scale(const Terms& terms, int64_t i) const {
        return terms.scale[i];
    }
};

}  // namespace
}  // namespace specfast
