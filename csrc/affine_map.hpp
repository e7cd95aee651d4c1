// From points in x to points on the standard domains, and from a field's coefficients to those of its series there.
#pragma once
#include "kernels.hpp"

namespace specfast {

enum class Domain { line = 0, half_line = 1, interval = 2, ring = 3 };
enum class Trouble { none = 0, scale = 1, point = 2 };

// z = sign beta (x - x0) on one axis; an interval and a ring have a beta and x0 of their own.
struct MappedAxis {
    Domain domain;
    double sign, own_scale, own_shift;
    double slack;  // how far z may lie outside by rounding alone; on an interval it is moved onto the end
    double power;  // of beta in the factor on the coefficients
};

inline bool has_own_map(const MappedAxis& axis) {
    return axis.domain == Domain::interval || axis.domain == Domain::ring;
}

// Points (rows, M, D) in x with a scale and shift (rows, D) each; `axis_stride` is that of D in x.
struct AffineMap {
    int dim;
    MappedAxis axes[max_dimensions];
    double constant;  // a further factor on the coefficients
};

// z (rows, M, D), contiguous. NaN stays NaN. Where there is trouble, the result is not to be used.
Trouble map_points(const AffineMap&, const Rows&, const Operand& x, int64_t axis_stride, const Operand& scale,
                   const Operand& shift, int64_t points, void* z, bool is_double);
// result[row, n] = constant prod_d beta_d^power_d coef[row, n], contiguous.
Trouble scale_coefficients(const AffineMap&, const Rows&, const Operand& coef, const Operand& scale, int64_t size,
                           void* result, bool is_double);

// What follows a backward kernel, in place: grad_coef (rows, K) of the series to that of the field's coefficients; grad_z (rows, M, D),
// the gradient in z, to that in x; and the gradients (rows, D) in scale and shift, unless null.
void finish_gradients(const AffineMap&, const Rows&, const Operand& coef, const Operand& x, int64_t axis_stride,
                      const Operand& scale, const Operand& shift, int64_t size, int64_t points, void* grad_coef,
                      void* grad_z, void* grad_scale, void* grad_shift, bool is_double);

}  // namespace specfast
