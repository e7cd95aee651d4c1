// One row's coefficients made ready for the recurrence: differentiated, multiplied by s_n or v_n, and normalised.
//
// Method    A power of two is taken out so that the largest lies in [1/2, 1): sums in the far regime count on it, and
//           tiny or huge coefficients lose nothing in float.
// Cost      O(count) a row.
#pragma once
#include <cmath>

#include "differentiation.hpp"
#include "groups.hpp"

namespace specfast {
namespace {

// d^order/dz^order of a row of `count` coefficients, or the transpose; returns the buffer that holds the result.
inline double* derive(const Differentiation& map, int order, double* current, double* other) {
    return repeat(order, current, other, [&](double* from, double* to) {
        differentiate(map, ContiguousRow<double>{from}, ContiguousRow<double>{to});
    });
}

inline double* derive_transposed(const Differentiation& map, int order, double* current, double* other) {
    return repeat(order, current, other, [&](double* from, double* to) {
        differentiate_transposed(map, ContiguousRow<double>{from}, ContiguousRow<double>{to});
    });
}

// 2^exponent from its bits, for exponents of normal numbers.
inline double exact_power(int exponent) {
    const int64_t bits = static_cast<int64_t>(1023 + exponent) << 52;
    double value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

// A power of two in two factors, so that neither over- nor underflows.
struct PowerOfTwo {
    double first, second;
};

inline PowerOfTwo power_of_two_factors(int exponent) {
    return {exact_power(exponent / 2), exact_power(exponent - exponent / 2)};
}

// The exponent that brings `largest` >= 0 below 1, and into [1/2, 1) where it is a normal number; 0 for 0, inf and NaN.
inline int exponent_of(double largest) {
    int64_t bits;
    __builtin_memcpy(&bits, &largest, sizeof bits);
    const int field = static_cast<int>(bits >> 52);
    return largest > 0 && field < 2047 ? field - 1022 : 0;
}

// Numbers with a stride as contiguous doubles: where they lie if they are that already, else copied.
template <class In>
inline const double* in_double(const In* source, int64_t stride, int64_t count, double* copy) {
    if (stride == 1) {
        if constexpr (sizeof(In) == 8) return source;
        for (int64_t i = 0; i < count; ++i) copy[i] = static_cast<double>(source[i]);
    } else {
        for (int64_t i = 0; i < count; ++i) copy[i] = static_cast<double>(source[i * stride]);
    }
    return copy;
}

// The largest |x|; NaN is passed over.
inline double largest_magnitude(const double* x, int64_t count) {
    Vector<double> most = splat(0.0);
    int64_t n = 0;
    for (; n + lanes<double> <= count; n += lanes<double>) {
        const Vector<double> size = magnitude<double>(load(x + n));
        most = select<double>(size > most, size, most);
    }
    double largest = 0;
    for (int i = 0; i < lanes<double>; ++i) largest = most[i] > largest ? most[i] : largest;
    for (; n < count; ++n) largest = std::fabs(x[n]) > largest ? std::fabs(x[n]) : largest;
    return largest;
}

// Writes coef_n * scale_n * 2^-exponent as T; returns the exponent.
template <class T>
inline int normalise(const double* coef, const double* scale, int64_t count, double* product, T* result) {
    for (int64_t n = 0; n < count; ++n) product[n] = coef[n] * scale[n];
    const int exponent = exponent_of(largest_magnitude(product, count));
    const PowerOfTwo down = power_of_two_factors(-exponent);
    for (int64_t n = 0; n < count; ++n) result[n] = static_cast<T>(product[n] * down.first * down.second);
    return exponent;
}

// to[m] = from[place of m] 2^exponent, for results that already hold start(z): those of the sweep upwards.
template <class T, class Data>
inline void write_results(const Points<T>& points, int64_t count, const T* from, int near_exponent, int end_exponent,
                          Data* to) {
    const PowerOfTwo up[2] = {power_of_two_factors(near_exponent), power_of_two_factors(end_exponent)};
    if (points.layout != Layout::sorted) {
        const PowerOfTwo factor = up[points.size[Regime::near] == 0];
        for (int64_t m = 0; m < count; ++m) to[m] = static_cast<Data>(from[m] * factor.first * factor.second);
    }
    const int64_t first_end = points.first[Regime::end], last_end = first_end + points.size[Regime::end];
    each_moved(points, [&](int64_t i, int64_t m) {
        const PowerOfTwo& factor = up[i >= first_end && i < last_end];
        to[m] = static_cast<Data>(from[i] * factor.first * factor.second);
    });
}

// A row's coefficients in both forms; the second is made when it is first asked for.
template <class T>
class Coefficients {
  public:
    // Doubles of scratch memory.
    static int64_t scratch(int64_t count) { return 5 * count + 2; }

    // Reads `given` coefficients of type In and differentiates them `order` times.
    template <class In>
    Coefficients(const Recurrence<T>& recurrence, const Differentiation& map, int order, const In* source,
                 int64_t stride, int64_t given, int64_t count, double* memory)
        : recurrence_(recurrence), count_(count), spare_(memory + count) {
        series_ = in_double(source, stride, given, memory);
        if (order > 0) {
            if (series_ != memory) __builtin_memcpy(memory, series_, given * sizeof(double));
            for (int64_t n = given; n < count; ++n) memory[n] = 0;
            series_ = derive(map, order, memory, spare_);
            if (series_ != memory) spare_ = memory;
        }
        near_ = reinterpret_cast<T*>(memory + 2 * count);
        end_ = reinterpret_cast<T*>(memory + 3 * count + 1);
        near_exponent = normalise(series_, recurrence.scale, count, spare_, near_);
    }
    const double* series() const { return series_; }  // differentiated, not multiplied by anything
    const T* near_form() const { return near_; }
    const T* end_form() {
        if (!end_ready_) end_exponent = normalise(series_, recurrence_.value_at_end, count_, spare_, end_);
        end_ready_ = true;
        return end_;
    }
    int near_exponent = 0, end_exponent = 0;

  private:
    const Recurrence<T>& recurrence_;
    int64_t count_;
    const double* series_ = nullptr;
    double* spare_ = nullptr;
    T *near_ = nullptr, *end_ = nullptr;
    bool end_ready_ = false;
};

}  // namespace
}  // namespace specfast
