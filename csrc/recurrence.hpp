// What a kernel knows of a family: the tables of its recurrence, in two forms.
//
// Problem   phi_{n+1} = (a_n z + b_n) phi_n - c_n phi_{n-1} needs three tables and three operations a term, and loses
//           digits near a hard end of the domain, where a_n z + b_n is 2 minus something small.
// Method    Rescaled: phi_n = s_n q_n with s_{n+1} = c_n s_{n-1} gives
//               q_{n+1} = (a'_n z + b'_n) q_n - q_{n-1},                            q_0 = start(z),
//           two FMAs a term. The constant factor of phi_0 is part of s.
//           Differences (Reinsch): phi_n = v_n q_n with v_n = phi_n(end), and y the distance to the end,
//               d_n = r_n d_{n-1} - kappa_n y q_n,   q_{n+1} = q_n + d_n,           q_0 = start(z), d_{-1} = 0,
//           one multiplication more a term; nothing cancels.
// Shared    by every processor: plain structs, no standard-library types, no family names.
#pragma once
#include "integers.hpp"

namespace specfast {

// The shapes that phi_0 can take, up to a constant: exp(-z^2/2), exp(-z/2), 1; and two of functions in pairs (pairs.hpp),
// which need no tables but `scale`: cos(k pi z), sin(k pi z), and those of (1 + iz)^k / (1 - iz)^{k+1}. Two sides are pairs too,
// q_k(|z|) and sign(z) q_k(|z|) with q_0 = exp(-|z|/2): a and b have an entry a pair, scale and value_at_end one a function.
// A rational half-line has 1 / (1 + z), and its recurrence is in y = (1 - z) / (1 + z), as on an interval.
enum class Start : int { gaussian = 0, exponential = 1, one = 2, ring = 3, rational = 4, sides = 5, half_rational = 6 };

// Which recurrence a point needs: the plain one; with powers of two, where start(z) underflows although phi_n need not; the
// difference form, close to a hard end of the domain.
enum class Regime : int { near = 0, far = 1, end = 2 };

// How far past an interval's end z may lie by the rounding of z = beta (x - x0) alone, for data of type Data.
template <class Data>
constexpr double rounding_slack = sizeof(Data) == 4 ? 1e-6 : 2e-15;

// Tables hold n = 0 .. count-1 of each column; T is the type in which the recurrence runs.
template <class T>
struct Recurrence {
    int64_t count;
    const T* a;                  // a'_n
    const T* b;                  // b'_n, or nullptr where it vanishes
    const T* r;                  // differences: r_n, or nullptr where there is no hard end
    const T* kappa;              // differences: kappa_n
    const double* scale;         // s_n
    const double* value_at_end;  // v_n
    Start start;
    double near_limit;  // for |z| up to here no partial sum over- or underflows
    double far_limit;   // beyond |z| > far_limit every phi_n underflows to zero
    double end_limit;   // the difference form is used up to this distance from a hard end; 0 for never
};

// d/dz as a map of coefficients, written so that one form serves every family and costs O(count):
//     d_k = ahead_k d_{k+1} + leap_k d_{k+2} + lower_k c_{k-1} + middle_k c_k + upper_k c_{k+1}
//           + far_lower_k c_{k-far} + far_upper_k c_{k+far},    far = 2 or 3.
struct Differentiation {
    int64_t count;
    const double* ahead;  // or nullptr where it vanishes
    const double* leap;   // likewise; at most one of the two does not vanish
    const double* lower;
    const double* middle;
    const double* upper;
    const double* far_lower;  // or nullptr where both vanish
    const double* far_upper;
    int64_t far;
};

}  // namespace specfast
