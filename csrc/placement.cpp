// Problem   z[row, m, d] = sign_d beta[row, d] (x[row, m, d] - x0[row, d]), checked against the domains; and coefficients
//           times constant prod_d beta_d^power_d. What a dozen array operations would do in as many passes.
// Layout    A task is a row and a run of its points (or a row of coefficients).
// Cost      two operations a point and axis, memory once through.
#include "placement.hpp"

#include <cmath>

#include "rows.hpp"

namespace specfast {
namespace {

constexpr int64_t run_points = 4096;

template <class T>
bool usable(T scale) {
    return scale > 0 && std::isfinite(scale);
}

// Places a run of points along one axis; returns whether all of them lie in the domain.
template <class T>
bool place_run(const PlacedAxis& axis, const T* x, int64_t stride, T beta, T x0, int64_t count, T* z, int64_t step) {
    const T sign_beta = static_cast<T>(axis.sign) * beta;
    if (stride == 1 && step == 1) {
        for (int64_t m = 0; m < count; ++m) z[m] = sign_beta * (x[m] - x0);
    } else {
        for (int64_t m = 0; m < count; ++m) z[m * step] = sign_beta * (x[m * stride] - x0);
    }
    bool outside = false;
    if (axis.domain == Domain::half_line) {
        for (int64_t m = 0; m < count; ++m) outside |= z[m * step] < T(0);
    } else if (axis.domain == Domain::interval) {
        const T most = static_cast<T>(1 + axis.slack);
        for (int64_t m = 0; m < count; ++m) {
            T& own = z[m * step];
            outside |= own < -most || own > most;
            own = own > T(1) ? T(1) : own < T(-1) ? T(-1) : own;
        }
    }
    return !outside;
}

template <class T>
Trouble place(const Placement& placement, const Rows& rows, const Operand& x, int64_t axis_stride, const Operand& scale,
              const Operand& shift, int64_t points, T* z) {
    const int dim = placement.dim;
    const int64_t runs = ceil_divide(points, run_points), tasks = row_count(rows) * runs;
    const int threads = threads_for(row_count(rows) * points * dim);
    int bad_scale = 0, bad_point = 0;
#pragma omp parallel for schedule(static) reduction(| : bad_scale, bad_point) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / runs, begin = task % runs * run_points;
        const int64_t count = smaller(run_points, points - begin);
        const T* const own_x = row_start<T>(rows, x, row) + begin * x.stride;
        const T *const own_scale = row_start<T>(rows, scale, row), *const own_shift = row_start<T>(rows, shift, row);
        T* const own_z = z + (row * points + begin) * dim;
        for (int d = 0; d < dim; ++d) {
            const PlacedAxis& axis = placement.axes[d];
            T beta = own_scale[d * scale.stride], x0 = own_shift[d * shift.stride];
            bad_scale |= !usable(beta);
            if (axis.domain == Domain::interval) {
                beta = static_cast<T>(axis.own_scale);
                x0 = static_cast<T>(axis.own_shift);
            }
            bad_point |= !place_run(axis, own_x + d * axis_stride, x.stride, beta, x0, count, own_z + d, int64_t(dim));
        }
    }
    return bad_scale ? Trouble::scale : bad_point ? Trouble::point : Trouble::none;
}

template <class T>
T power_of(T beta, double power) {
    return power == 0 ? T(1) : power == 0.5 ? std::sqrt(beta) : std::pow(beta, static_cast<T>(power));
}

template <class T>
Trouble scale_rows(const Placement& placement, const Rows& rows, const Operand& coef, const Operand& scale,
                   int64_t size, T* result) {
    const int64_t count = row_count(rows);
    const int threads = threads_for(count * size);
    int bad = 0;
#pragma omp parallel for schedule(static) reduction(| : bad) if (threads > 1)
    for (int64_t row = 0; row < count; ++row) {
        const T *const own_scale = row_start<T>(rows, scale, row), *const from = row_start<T>(rows, coef, row);
        T factor = static_cast<T>(placement.constant);
        for (int d = 0; d < placement.dim; ++d) {
            const PlacedAxis& axis = placement.axes[d];
            const T beta = own_scale[d * scale.stride];
            bad |= !usable(beta);
            factor *= power_of(axis.domain == Domain::interval ? static_cast<T>(axis.own_scale) : beta, axis.power);
        }
        T* const to = result + row * size;
        for (int64_t n = 0; n < size; ++n) to[n] = from[n * coef.stride] * factor;
    }
    return bad ? Trouble::scale : Trouble::none;
}

}  // namespace

Trouble place_points(const Placement& placement, const Rows& rows, const Operand& x, int64_t axis_stride,
                     const Operand& scale, const Operand& shift, int64_t points, void* z, bool is_double) {
    const auto run = [&](auto* to) { return place(placement, rows, x, axis_stride, scale, shift, points, to); };
    return is_double ? run(static_cast<double*>(z)) : run(static_cast<float*>(z));
}

Trouble scale_coefficients(const Placement& placement, const Rows& rows, const Operand& coef, const Operand& scale,
                           int64_t size, void* result, bool is_double) {
    const auto run = [&](auto* to) { return scale_rows(placement, rows, coef, scale, size, to); };
    return is_double ? run(static_cast<double*>(result)) : run(static_cast<float*>(result));
}

}  // namespace specfast
