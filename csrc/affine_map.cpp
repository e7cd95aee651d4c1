// Problem   z[row, m, d] = sign_d beta[row, d] (x[row, m, d] - x0[row, d]), checked against the domains; and coefficients
//           times constant prod_d beta_d^power_d. What a dozen array operations would do in as many passes.
// Layout    A task is a row and a run of its points (or a row of coefficients).
// Cost      two operations a point and axis, memory once through.
#include "affine_map.hpp"

#include <cmath>
#include <type_traits>

#include "rows.hpp"

namespace specfast {
namespace {

constexpr int64_t run_points = 4096;

template <class T>
bool usable(T scale) {
    return scale > 0 && std::isfinite(scale);
}

// Maps a run of points along one axis; returns whether all of them lie in the domain.
template <class T>
bool map_run(const MappedAxis& axis, const T* x, int64_t stride, T beta, T x0, int64_t count, T* z, int64_t step) {
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
Trouble map_rows(const AffineMap& map, const Rows& rows, const Operand& x, int64_t axis_stride, const Operand& scale,
                 const Operand& shift, int64_t points, T* z) {
    const int dim = map.dim;
    const int64_t runs = ceil_divide(points, run_points), tasks = row_count(rows) * runs;
    const int threads = threads_for(row_count(rows) * points * dim);
    int bad_scale = 0, bad_point = 0;
    bool all_set = true;  // intervals alone: 1 and 0 stand for their own scale and shift
    for (int d = 0; d < dim; ++d) all_set &= has_own_map(map.axes[d]);
#pragma omp parallel for schedule(static) reduction(| : bad_scale, bad_point) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / runs, begin = task % runs * run_points;
        const int64_t count = smaller(run_points, points - begin);
        const T* const own_x = row_start<T>(rows, x, row) + begin * x.stride;
        const T *const own_scale = row_start<T>(rows, scale, row), *const own_shift = row_start<T>(rows, shift, row);
        T* const own_z = z + (row * points + begin) * dim;
        for (int d = 0; d < dim; ++d) {
            const MappedAxis& axis = map.axes[d];
            T beta = own_scale[d * scale.stride], x0 = own_shift[d * shift.stride];
            bad_scale |= !usable(beta) || (all_set && (beta != 1 || x0 != 0));
            if (has_own_map(axis)) {
                beta = static_cast<T>(axis.own_scale);
                x0 = static_cast<T>(axis.own_shift);
            }
            bad_point |= !map_run(axis, own_x + d * axis_stride, x.stride, beta, x0, count, own_z + d, int64_t(dim));
        }
    }
    return bad_scale ? Trouble::scale : bad_point ? Trouble::point : Trouble::none;
}

template <class T>
T power_of(T beta, double power) {
    return power == 0 ? T(1) : power == 0.5 ? std::sqrt(beta) : std::pow(beta, static_cast<T>(power));
}

// constant prod_d beta_d^power_d
template <class T>
T factor_of(const AffineMap& map, const T* scale, int64_t stride) {
    T factor = static_cast<T>(map.constant);
    for (int d = 0; d < map.dim; ++d) {
        const MappedAxis& axis = map.axes[d];
        const T beta = has_own_map(axis) ? static_cast<T>(axis.own_scale) : scale[d * stride];
        factor *= power_of(beta, axis.power);
    }
    return factor;
}

template <class T>
Trouble scale_rows(const AffineMap& map, const Rows& rows, const Operand& coef, const Operand& scale, int64_t size,
                   T* result) {
    const int64_t count = row_count(rows);
    const int threads = threads_for(count * size);
    int bad = 0;
#pragma omp parallel for schedule(static) reduction(| : bad) if (threads > 1)
    for (int64_t row = 0; row < count; ++row) {
        const T *const own_scale = row_start<T>(rows, scale, row), *const from = row_start<T>(rows, coef, row);
        for (int d = 0; d < map.dim; ++d) bad |= !usable(own_scale[d * scale.stride]);
        const T factor = factor_of(map, own_scale, scale.stride);
        T* const to = result + row * size;
        for (int64_t n = 0; n < size; ++n) to[n] = from[n * coef.stride] * factor;
    }
    return bad ? Trouble::scale : Trouble::none;
}

// Gradients in scale and shift are sums in double: of M terms, and of K.
template <class T>
void finish_rows(const AffineMap& map, const Rows& rows, const Operand& coef, const Operand& x, int64_t axis_stride,
                 const Operand& scale, const Operand& shift, int64_t size, int64_t points, T* grad_coef, T* grad_z,
                 T* grad_scale, T* grad_shift) {
    const int64_t count = row_count(rows);
    const int dim = map.dim;
    const int threads = threads_for(count * (size + points * dim));
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t row = 0; row < count; ++row) {
        const T *const own_scale = row_start<T>(rows, scale, row), *const own_shift = row_start<T>(rows, shift, row);
        const T *const own_x = row_start<T>(rows, x, row), *const own_coef = row_start<T>(rows, coef, row);
        const T factor = factor_of(map, own_scale, scale.stride);
        T* const to = grad_coef + row * size;
        double inner = 0;  // sum_m g_m u_m = sum_n c_n dL/dc_n
        for (int64_t n = 0; n < size; ++n) {
            to[n] *= factor;
            inner += static_cast<double>(to[n]) * static_cast<double>(own_coef[n * coef.stride]);
        }
        for (int d = 0; d < dim; ++d) {
            const MappedAxis& axis = map.axes[d];
            const bool interval = has_own_map(axis);
            const T beta = interval ? static_cast<T>(axis.own_scale) : own_scale[d * scale.stride];
            const T x0 = own_shift[d * shift.stride], slope = static_cast<T>(axis.sign) * beta;
            T* const along = grad_z + row * points * dim + d;
            double moved = 0, stretched = 0;
            for (int64_t m = 0; m < points; ++m) {
                const T own = along[m * dim] * slope;
                along[m * dim] = own;
                moved += static_cast<double>(own);
                stretched += static_cast<double>(own) * static_cast<double>(own_x[m * x.stride + d * axis_stride] - x0);
            }
            if (grad_scale == nullptr) continue;
            const double relative = interval ? 0 : (stretched + axis.power * inner) / static_cast<double>(beta);
            grad_scale[row * dim + d] = static_cast<T>(relative);
            grad_shift[row * dim + d] = static_cast<T>(interval ? 0 : -moved);
        }
    }
}

}  // namespace

void finish_gradients(const AffineMap& map, const Rows& rows, const Operand& coef, const Operand& x,
                      int64_t axis_stride, const Operand& scale, const Operand& shift, int64_t size, int64_t points,
                      void* grad_coef, void* grad_z, void* grad_scale, void* grad_shift, bool is_double) {
    const auto run = [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        finish_rows<T>(map, rows, coef, x, axis_stride, scale, shift, size, points, to, static_cast<T*>(grad_z),
                       static_cast<T*>(grad_scale), static_cast<T*>(grad_shift));
    };
    is_double ? run(static_cast<double*>(grad_coef)) : run(static_cast<float*>(grad_coef));
}

Trouble map_points(const AffineMap& map, const Rows& rows, const Operand& x, int64_t axis_stride, const Operand& scale,
                   const Operand& shift, int64_t points, void* z, bool is_double) {
    const auto run = [&](auto* to) { return map_rows(map, rows, x, axis_stride, scale, shift, points, to); };
    return is_double ? run(static_cast<double*>(z)) : run(static_cast<float*>(z));
}

Trouble scale_coefficients(const AffineMap& map, const Rows& rows, const Operand& coef, const Operand& scale,
                           int64_t size, void* result, bool is_double) {
    const auto run = [&](auto* to) { return scale_rows(map, rows, coef, scale, size, to); };
    return is_double ? run(static_cast<double*>(result)) : run(static_cast<float*>(result));
}

}  // namespace specfast
