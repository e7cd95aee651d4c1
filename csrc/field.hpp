// A field on a space, u(x) = prod_d sign_d^k_d beta_d^(p_d + k_d) sum_n c_n prod_d phi_{n_d}^(k_d)(z_d), z = sign beta (x - x0): its
// values, the transpose of that map, and all gradients of it, each in one call.
//
// Problem   An affine map of the points and a factor on the coefficients are a dozen array operations around one kernel; they and the
//           nodes that differentiate them take longer than a small sum does.
// Method    Points are mapped and coefficients scaled into scratch memory, the kernel of one axis or of the index tree runs on these,
//           and what it gives is brought back in place.
// Layout    Rows of points (rows, M, D); on several axes every row has points of its own.
// Cost      that of the kernel, once through the points and once through the coefficients of a row.
#pragma once
#include "affine_map.hpp"

namespace specfast {

// One axis: `series` alone. Several: a Series an axis and the tree in blocks. `raised` are the same one derivative up.
struct FieldPlan {
    AffineMap map;
    const Series* series[max_dimensions];
    const Series* raised[max_dimensions];
    Blocks blocks;
    int64_t size;  // K
};

// Leading axes of what is computed, and of what is made ready for it: scaled coefficients and mapped points.
struct FieldRows {
    Rows all, coef, points;
};

// Operands in the rows of `all` and, for what is made ready, in their own.
struct FieldOperands {
    Operand first;  // coefficients, or values
    Operand x, scale, shift;
    int64_t axis_stride;  // of D in x
    int64_t points;       // M
    bool is_double;
};

// values (rows, M)
Trouble synthesize_field(const Level&, const FieldPlan&, const FieldRows&, const FieldOperands&, void* values);
// coef (rows, K)
Trouble adjoint_field(const Level&, const FieldPlan&, const FieldRows&, const FieldOperands&, void* coef);
// grad_coef (rows, K), grad_x (rows, M, D), and (rows, D) in scale and shift, unless null; `first` are coefficients.
Trouble backward_field(const Level&, const FieldPlan&, const FieldRows&, const FieldOperands&, const Operand& gradient,
                       void* grad_coef, void* grad_x, void* grad_scale, void* grad_shift);

}  // namespace specfast
