// The interface of the CPU kernels: plain structs in, one call an operation. No Python, no PyTorch.
//
// A problem is a set of rows: leading axes with a stride each (zero where a row is shared, so broadcasting costs no
// memory), and a last axis of coefficients or points. Data are float or double. Sums of float data run in float where
// `single` has tables, otherwise in double.
#pragma once
#include <cstdint>

#include "recurrence.hpp"
#include "tree.hpp"

namespace specfast {

constexpr int max_leading_axes = 16;

// Leading axes shared by all operands; strides count elements.
struct Rows {
    int axes;
    int64_t size[max_leading_axes];
};

// One operand: where it starts, how its rows are laid out, and the stride of its last axis.
struct Operand {
    const void* data;
    int64_t row_stride[max_leading_axes];
    int64_t stride;
};

struct Series {
    Recurrence<double> recurrence;    // tables for count >= coefficients + derivative
    Recurrence<float> single;         // the same rounded to float; count 0 where float does not suffice
    Differentiation differentiation;  // likewise; used where derivative > 0
    int64_t coefficients;             // K
    int derivative;                   // order of d/dz
};

// values[row, m] = sum_n coef[row, n] phi_n^(k)(z[row, m]); `values` is contiguous.
using SynthesizeKernel = void (*)(const Series&, const Rows&, const Operand& coef, const Operand& z, int64_t points,
                                  void* values, bool is_double);
// coef[row, n] = sum_m values[row, m] phi_n^(k)(z[row, m]); `coef` is contiguous.
using AdjointKernel = void (*)(const Series&, const Rows&, const Operand& values, const Operand& z, int64_t points,
                               void* coef, bool is_double);
// Both gradients of `synthesize` with order k = derivative - 1: grad_coef as `adjoint` of that order, and
// grad_z[row, m] = gradient[row, m] sum_n coef[row, n] phi_n^(k+1)(z[row, m]). Results are contiguous.
using BackwardKernel = void (*)(const Series&, const Rows&, const Operand& gradient, const Operand& coef,
                                const Operand& z, int64_t points, void* grad_coef, void* grad_z, bool is_double);
// table[row, m, n] = phi_n^(k)(z[row, m]), or table[row, n, m] where by_degree; `table` is contiguous.
using VandermondeKernel = void (*)(const Series&, const Rows&, const Operand& z, int64_t points, void* table,
                                   bool by_degree, bool is_double);
// squares[row, m] = sum_{n < K} norms[n] phi_n(z[row, m])^2, all in double; `squares` is contiguous.
using SquaresKernel = void (*)(const Series&, const Rows&, const Operand& z, int64_t points, const double* norms,
                               double* squares);
// coef -> coefficients of the derivative (or the transpose of that map), truncated to K; the result is contiguous.
using DifferentiateKernel = void (*)(const Differentiation&, const Rows&, const Operand& coef, void* result,
                                     bool transposed, bool is_double);

// Sums over an index set of products of functions, one Series an axis (its `derivative` included). Rows of points z (rows,
// M, D) with strides; `groups` groups of `width` channels share the points of a row.
struct Cross {
    int dim;
    Blocks blocks;
    const Series* series[max_dimensions];
    int64_t size;  // K
    int64_t rows, groups, points;
    int width;  // 1 or 4
    const void* z;
    int64_t z_row, z_point, z_axis;
    int64_t coef_row;  // elements from one row's coefficients to the next one's; 0 where rows share them
};

constexpr int max_orders = 4 * max_dimensions;

// A sum in progress of several derivatives: the order of its axis, and what is behind that axis, an ending of the next axis or
// (before the last axis) the order of the last one. Orders count within their axis.
struct Ending {
    int32_t slot, rest;
};

// Several derivatives of one sum; see derivative_plan.hpp.
struct Derivatives {
    int64_t results;
    const int32_t* result;                  // which ending of axis 0 each of them is
    const Series* const* series;            // functions of every order, those of axis 0, then 1, ..
    int first[max_dimensions + 1];          // where those of an axis begin
    const Ending* endings[max_dimensions];  // of every axis but the last
    int counts[max_dimensions];
    int most;  // of all counts
};

// values (rows, groups, width, M) of coefficients (rows or 1, groups, K, width).
using CrossSynthesizeKernel = void (*)(const Cross&, const void* coef, void* values, bool is_double);
// coefficients (rows, groups, width, K) of values (rows, groups, width, M): the transpose.
using CrossAdjointKernel = void (*)(const Cross&, const void* values, void* coef, bool is_double);
// grad_z (rows, groups, M, D): `gradient` (rows, groups, M), or 1 where that is null, times the gradient in z of what
// synthesize gives; and unless null grad_coef (rows, groups, K), what adjoint gives for `gradient`. Width 1; `slopes` are the
// series one derivative up.
using CrossGradientKernel = void (*)(const Cross&, const Series* const* slopes, const void* gradient, const void* coef,
                                     void* grad_coef, void* grad_z, bool is_double);

// values (rows, groups, results, M) of coefficients (rows or 1, groups, K): several derivatives, width 1.
using CrossDerivativesKernel = void (*)(const Cross&, const Derivatives&, const void* coef, void* values,
                                        bool is_double);

// Does `rounds` of independent FMAs in registers on every thread; returns how many they were in all.
using RunFmaKernel = int64_t (*)(int64_t rounds, bool is_double);

// One instruction set's kernels.
struct Level {
    const char* name;
    SynthesizeKernel synthesize;
    AdjointKernel adjoint;
    BackwardKernel backward;
    VandermondeKernel vandermonde;
    SquaresKernel squares;
    DifferentiateKernel differentiate;
    RunFmaKernel run_fma;
    CrossSynthesizeKernel cross_synthesize;
    CrossAdjointKernel cross_adjoint;
    CrossGradientKernel cross_gradient;
    CrossDerivativesKernel cross_derivatives;
};

// The levels built into this binary that this machine can run, slowest first.
int available_levels(const Level** levels, int capacity);

}  // namespace specfast
