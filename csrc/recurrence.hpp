// What a kernel knows of a family: the tables of its rescaled three-term recurrence.
//
// Problem   phi_{n+1} = (a_n z + b_n) phi_n - c_n phi_{n-1} needs three tables and three operations a term.
// Method    With phi_n = s_n q_n and s_{n+1} = c_n s_{n-1} it becomes
//               q_{n+1} = (a'_n z + b'_n) q_n - q_{n-1},      q_0 = start(z),
//           two multiply-adds a term. The constant factor of phi_0 is part of s.
// Shared    by every processor: plain structs, no standard-library types, no family names.
#pragma once
#include <cstdint>

namespace specfast {

// The three shapes that phi_0 can take, up to a constant.
enum class Start : int { gaussian = 0, exponential = 1, one = 2 };  // exp(-z^2/2), exp(-z/2), 1

struct Recurrence {
    int64_t count;        // tables hold n = 0 .. count-1
    const double* a;      // a'_n
    const double* b;      // b'_n, or nullptr where it vanishes
    const double* scale;  // s_n
    Start start;
    double near_limit;  // for |z| up to here no partial sum over- or underflows
    double far_limit;   // beyond |z| > far_limit every phi_n underflows to zero
};

// d/dz as a map of coefficients, written so that one form serves every family and costs O(count):
//     d_k = ahead_k d_{k+1} + leap_k d_{k+2} + lower_k c_{k-1} + middle_k c_k + upper_k c_{k+1}.
struct Differentiation {
    int64_t count;
    const double* ahead;
    const double* leap;
    const double* lower;
    const double* middle;
    const double* upper;
};

}  // namespace specfast
