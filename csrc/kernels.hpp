// The interface of the CPU kernels: plain structs in, one call an operation. No Python, no PyTorch.
//
// A problem is a set of rows: leading axes with a stride each (zero where a row is shared, so broadcasting costs no
// memory), and a last axis of coefficients or points. Data are float or double; all arithmetic is double.
#pragma once
#include <cstdint>

#include "recurrence.hpp"

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
    Recurrence recurrence;            // tables for count >= coefficients + derivative
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
// basis[row, m, n] = phi_n^(k)(z[row, m]); `basis` is contiguous.
using BasisKernel = void (*)(const Series&, const Rows&, const Operand& z, int64_t points, void* basis, bool is_double);
// coef -> coefficients of the derivative (or the transpose of that map), truncated to K; the result is contiguous.
using DifferentiateKernel = void (*)(const Differentiation&, const Rows&, const Operand& coef, void* result,
                                     bool transposed, bool is_double);

// One instruction set's kernels.
struct Level {
    const char* name;
    SynthesizeKernel synthesize;
    AdjointKernel adjoint;
    BasisKernel basis;
    DifferentiateKernel differentiate;
};

// The levels built into this binary that this machine can run, slowest first.
int available_levels(const Level** levels, int capacity);

}  // namespace specfast
