// A point on its way upwards over the terms, in any regime.
//
// Method    Near: q_{n+1} = (k_n z + b_n) q_n - g_n q_{n-1}. Far: the same with a power of two kept apart, brought down every few terms.
//           Near a hard end: the difference form, with what rounding takes from it (Kahan).
// Layout    A thread's own; `Terms` has the recurrence's tables under the names of TableOfTerms, in whatever memory they lie.
#pragma once
#include "point.hpp"

namespace specfast {
namespace {

// One number of every step, as a table.
template <class T>
struct StepTable {
    const T* first;
    SPECFAST_DEVICE T operator[](int64_t n) const { return first[4 * n]; }
};

// The tables of a family as they lie in the GPU's memory.
template <class T>
struct TableOfTerms {
    StepTable<T> a, b, g, scale;
    const T *kappa, *r;
    const double* value_at_end;

    SPECFAST_DEVICE explicit TableOfTerms(const GpuSeries<T>& series)
        : a{&series.steps->a},
          b{&series.steps->b},
          g{&series.steps->g},
          scale{&series.steps->scale},
          kappa(series.recurrence.kappa),
          r(series.recurrence.r),
          value_at_end(series.recurrence.value_at_end) {}
};

template <class T>
struct Climber {
    static constexpr bool may_be_mixed = true;
    GpuPoint<T> point;
    T current, previous;  // near the end: the function and its difference
    T lost;               // what rounding has taken from it
    T factor;             // far: the weight times its power of two, in two parts with `split`
    T weight;
    int exponent;

    SPECFAST_DEVICE void begin(const Recurrence<T>&, const GpuPoint<T>& at, T own_weight) {
        point = at;
        weight = own_weight;
        exponent = static_cast<int>(at.exponent);
        current = at.regime == Regime::far ? at.mantissa : at.mantissa * own_weight;
        previous = lost = factor = 0;
    }
    // Adds nothing to any sum from here on.
    SPECFAST_DEVICE void leave_out() {
        current = point.z = 0;
        point.regime = Regime::near;
    }
    SPECFAST_DEVICE bool is_near() const { return point.regime == Regime::near; }
    SPECFAST_DEVICE bool is_at_end() const { return point.regime == Regime::end; }
    SPECFAST_DEVICE void bring_down() {
        using Range = GpuRange<T>;
        while (magnitude(current) > Range::high && magnitude(current) <= Range::largest) {
            current *= Range::step;
            previous *= Range::step;
            exponent += Range::step_exponent;
        }
        factor = static_cast<T>(times_power_of_two(static_cast<double>(weight), exponent + Range::split_exponent));
    }
    // q_n times the weight, in its regime's scale; then goes on to the next. Term n is the terms' i-th.
    template <class Terms>
    SPECFAST_DEVICE T step(const Recurrence<T>& recurrence, const Terms& terms, int64_t n, int64_t i) {
        if (point.regime == Regime::end) {
            const T term = with_parity(recurrence, current, point.z, n);
            previous = terms.r[i] * previous - terms.kappa[i] * distance_to_end(recurrence, point.z) * current;
            const T change = previous + lost, next = current + change;
            lost = change - (next - current);
            current = next;
            return term;
        }
        T term = current;
        if (point.regime == Regime::far) {
            if (n % GpuRange<T>::between_checks == 0) bring_down();
            term = (current * GpuRange<T>::split) * factor;
        }
        const T next = (terms.a[i] * point.z + terms.b[i]) * current - terms.g[i] * previous;
        previous = current;
        current = next;
        return term;
    }
    template <class Terms>
    SPECFAST_DEVICE T scale(const Terms& terms, int64_t i) const {
        return point.regime == Regime::end ? static_cast<T>(terms.value_at_end[i]) : terms.scale[i];
    }
    template <class Terms>
    SPECFAST_DEVICE T coefficient(const Terms& terms, int64_t i) const {
        return point.regime == Regime::end ? terms.end_coef[i] : terms.near_coef[i];
    }
};

}  // namespace
}  // namespace specfast
