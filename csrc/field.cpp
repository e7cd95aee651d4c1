#include "field.hpp"

#include <type_traits>

#include "rows.hpp"

namespace specfast {
namespace {

// Memory for what is made ready, small ones kept by every thread: apart from that of the kernels, which run meanwhile.
class Ready {
  public:
    explicit Ready(int64_t bytes) {
        static thread_local struct Kept {
            alignas(64) char small[16384];
            bool in_use = false;
        } kept;
        if (bytes <= static_cast<int64_t>(sizeof kept.small) && !kept.in_use) {
            flag_ = &kept.in_use;
            *flag_ = true;
            memory_ = kept.small;
            return;
        }
        owned_ = std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64));
        if (owned_ == nullptr) throw std::bad_alloc();
        memory_ = owned_;
    }
    ~Ready() {
        if (flag_ != nullptr) *flag_ = false;
        std::free(owned_);
    }
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;
    char* at(int64_t offset) const { return static_cast<char*>(memory_) + offset; }

  private:
    bool* flag_ = nullptr;
    void *owned_ = nullptr, *memory_ = nullptr;
};

int64_t size_of(const FieldOperands& given) { return given.is_double ? 8 : 4; }

int64_t round_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// An operand of contiguous rows as `all` walks over it: where `own` has one row, all have the same.
Operand spread(const void* data, const Rows& own, const Rows& all, int64_t length, int64_t stride) {
    Operand operand{};
    operand.data = data;
    operand.stride = stride;
    int64_t step = length;
    const int missing = all.axes - own.axes;
    for (int axis = own.axes - 1; axis >= 0; --axis) {
        operand.row_stride[missing + axis] = own.size[axis] == 1 ? 0 : step;
        step *= own.size[axis];
    }
    return operand;
}

// The operand with its strides among the rows of `own`, trailing axes of `all`.
Operand within(Operand operand, const Rows& own, const Rows& all) {
    const int missing = all.axes - own.axes;
    for (int axis = 0; axis < own.axes; ++axis) operand.row_stride[axis] = operand.row_stride[missing + axis];
    return operand;
}

// Whether an operand is one number for all rows and axes.
template <class T>
bool all_equal(const Rows& rows, const Operand& operand, T value) {
    for (int axis = 0; axis < rows.axes; ++axis)
        if (operand.row_stride[axis] != 0) return false;
    return operand.stride == 0 && *static_cast<const T*>(operand.data) == value;
}

// Whether one axis, the line, has z = x and a factor of 1.
bool nothing_to_do(const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given) {
    const MappedAxis& axis = plan.map.axes[0];
    if (plan.map.dim != 1 || axis.domain != Domain::line || axis.sign != 1 || plan.map.constant != 1) return false;
    return given.is_double ? all_equal(rows.all, given.scale, 1.0) && all_equal(rows.all, given.shift, 0.0)
                           : all_equal(rows.all, given.scale, 1.0f) && all_equal(rows.all, given.shift, 0.0f);
}

// The mapped points of `given` as an operand of all rows, and its scaled coefficients if there are any.
class Prepared {
  public:
    Prepared(const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given, bool has_coefficients)
        : z(given.x),
          coef(given.first),
          as_it_is_(nothing_to_do(plan, rows, given)),
          z_bytes_(as_it_is_ ? 0 : round_up(row_count(rows.points) * given.points * plan.map.dim * size_of(given))),
          ready_(as_it_is_ ? 0
                           : z_bytes_ + (has_coefficients ? row_count(rows.coef) * plan.size * size_of(given) : 0)) {
        if (as_it_is_) return;
        const Operand x = within(given.x, rows.points, rows.all), scale = within(given.scale, rows.points, rows.all),
                      shift = within(given.shift, rows.points, rows.all);
        trouble = map_points(plan.map, rows.points, x, given.axis_stride, scale, shift, given.points, ready_.at(0),
                             given.is_double);
        z = spread(ready_.at(0), rows.points, rows.all, given.points * plan.map.dim, 1);
        if (trouble != Trouble::none || !has_coefficients) return;
        trouble = scale_coefficients(plan.map, rows.coef, within(given.first, rows.coef, rows.all),
                                     within(given.scale, rows.coef, rows.all), plan.size, ready_.at(z_bytes_),
                                     given.is_double);
        coef = spread(ready_.at(z_bytes_), rows.coef, rows.all, plan.size, 1);
    }
    Trouble trouble = Trouble::none;
    Operand z, coef;

  private:
    bool as_it_is_;
    int64_t z_bytes_;
    Ready ready_;
};

// Sums over the index tree at mapped points, one channel.
Cross cross_of(const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given, const Prepared& prepared) {
    Cross cross{};
    cross.dim = plan.map.dim;
    cross.blocks = plan.blocks;
    for (int d = 0; d < cross.dim; ++d) cross.series[d] = plan.series[d];
    cross.size = plan.size;
    cross.rows = row_count(rows.all);
    cross.groups = 1;
    cross.width = 1;
    cross.points = given.points;
    cross.z = prepared.z.data;
    cross.z_axis = 1;
    cross.z_point = cross.dim;
    cross.z_row = given.points * cross.dim;
    cross.coef_row = row_count(rows.coef) == 1 ? 0 : plan.size;
    return cross;
}

// values (rows, M) of any strides, contiguous.
const void* contiguous(const Rows& rows, const Operand& values, int64_t points, bool is_double, Ready& memory) {
    const auto copy = [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        for (int64_t row = 0; row < row_count(rows); ++row) {
            const T* const from = row_start<T>(rows, values, row);
            for (int64_t m = 0; m < points; ++m) to[row * points + m] = from[m * values.stride];
        }
    };
    is_double ? copy(reinterpret_cast<double*>(memory.at(0))) : copy(reinterpret_cast<float*>(memory.at(0)));
    return memory.at(0);
}

void multiply(void* slopes, const void* values, int64_t count, int64_t dim, bool is_double) {
    const auto run = [&](auto* to, const auto* factor) {
        for (int64_t i = 0; i < count; ++i)
            for (int64_t d = 0; d < dim; ++d) to[i * dim + d] *= factor[i];
    };
    is_double ? run(static_cast<double*>(slopes), static_cast<const double*>(values))
              : run(static_cast<float*>(slopes), static_cast<const float*>(values));
}

// One pass for both gradients is the faster where tables are a good part of the work; beyond, sums in memory cost more.
constexpr int most_fused_axes = 3;

}  // namespace

Trouble synthesize_field(const Level& level, const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given,
                         void* values) {
    const Prepared prepared(plan, rows, given, true);
    if (prepared.trouble != Trouble::none) return prepared.trouble;
    if (plan.map.dim == 1) {
        level.synthesize(*plan.series[0], rows.all, prepared.coef, prepared.z, given.points, values, given.is_double);
    } else {
        level.cross_synthesize(cross_of(plan, rows, given, prepared), prepared.coef.data, values, given.is_double);
    }
    return Trouble::none;
}

Trouble adjoint_field(const Level& level, const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given,
                      void* coef) {
    const Prepared prepared(plan, rows, given, false);
    if (prepared.trouble != Trouble::none) return prepared.trouble;
    if (plan.map.dim == 1) {
        level.adjoint(*plan.series[0], rows.all, given.first, prepared.z, given.points, coef, given.is_double);
    } else {
        Ready memory(row_count(rows.all) * given.points * size_of(given));
        level.cross_adjoint(cross_of(plan, rows, given, prepared),
                            contiguous(rows.all, given.first, given.points, given.is_double, memory), coef,
                            given.is_double);
    }
    return scale_coefficients(plan.map, rows.all, spread(coef, rows.all, rows.all, plan.size, 1), given.scale,
                              plan.size, coef, given.is_double);
}

Trouble backward_field(const Level& level, const FieldPlan& plan, const FieldRows& rows, const FieldOperands& given,
                       const Operand& gradient, void* grad_coef, void* grad_x, void* grad_scale, void* grad_shift) {
    const Prepared prepared(plan, rows, given, true);
    if (prepared.trouble != Trouble::none) return prepared.trouble;
    if (plan.map.dim == 1) {
        level.backward(*plan.raised[0], rows.all, gradient, prepared.coef, prepared.z, given.points, grad_coef, grad_x,
                       given.is_double);
    } else {
        const Cross cross = cross_of(plan, rows, given, prepared);
        const int64_t count = cross.rows * given.points;
        Ready memory(count * size_of(given));
        const void* const values = contiguous(rows.all, gradient, given.points, given.is_double, memory);
        if (cross.dim <= most_fused_axes) {
            level.cross_gradient(cross, plan.raised, values, prepared.coef.data, grad_coef, grad_x, given.is_double);
        } else {
            level.cross_adjoint(cross, values, grad_coef, given.is_double);
            level.cross_gradient(cross, plan.raised, nullptr, prepared.coef.data, nullptr, grad_x, given.is_double);
            multiply(grad_x, values, count, cross.dim, given.is_double);
        }
    }
    finish_gradients(plan.map, rows.all, given.first, given.x, given.axis_stride, given.scale, given.shift, plan.size,
                     given.points, grad_coef, grad_x, grad_scale, grad_shift, given.is_double);
    return Trouble::none;
}

}  // namespace specfast
