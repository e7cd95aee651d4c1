// The kernels of one instruction set as methods: sizes are checked, the GIL is released, one kernel is called.
#pragma once
#include <string>

#include "fields.hpp"

namespace specfast {
namespace {

// The shape of a sum over an index tree as Python gives it: (K, rows, groups, width, M), (row, point, axis) strides of z.
Cross cross_of(const std::vector<const Plan*>& plans, const TreePlan& tree, const std::vector<int64_t>& shape,
               uintptr_t z, const std::vector<int64_t>& z_strides, int64_t coef_row) {
    if (shape.size() != 5 || z_strides.size() != 3 || (shape[3] != 1 && shape[3] != 4)) {
        throw std::invalid_argument("five sizes, three strides and a width of 1 or 4 are expected");
    }
    bool agree = plans.size() == static_cast<size_t>(tree.dim()) && shape[0] == tree.size();
    Cross cross{};
    cross.dim = tree.dim();
    cross.blocks = tree.blocks();
    for (int d = 0; agree && d < cross.dim; ++d) {
        cross.series[d] = &plans[static_cast<size_t>(d)]->series;
        agree = cross.series[d]->coefficients == tree.size_of(d);
    }
    if (!agree) throw std::invalid_argument("tree: its runs do not agree with the plans or the number of coefficients");
    cross.size = shape[0];
    cross.rows = shape[1];
    cross.groups = shape[2];
    cross.width = static_cast<int>(shape[3]);
    cross.points = shape[4];
    cross.z = reinterpret_cast<const void*>(z);
    cross.z_row = z_strides[0];
    cross.z_point = z_strides[1];
    cross.z_axis = z_strides[2];
    cross.coef_row = coef_row;
    return cross;
}

class Kernels {
  public:
    explicit Kernels(const std::string& wanted) {
        const Level* levels[8];
        const int count = available_levels(levels, 8);
        for (int i = 0; i < count; ++i) {
            names.emplace_back(levels[i]->name);
            if (wanted.empty() || wanted == levels[i]->name) level_ = levels[i];
        }
    }
    bool found() const { return level_ != nullptr; }
    std::string name() const { return level_->name; }

    // Results have to be contiguous and of the broadcast leading axes; this one returns false where its own is not.
    bool synthesize(const Plan& plan, py::handle coef, py::handle z, py::handle values) const {
        Arguments read;
        const Array series = read(coef), places = read(z), result = read(values);
        expect(series.length() == plan.series.coefficients);
        const Rows rows = rows_of(series, places);
        if (result.length() != places.length() || !fits(result, rows)) return false;
        const Operand first = operand_of(series, rows), second = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->synthesize(plan.series, rows, first, second, places.length(), result.data, read.is_double);
        return true;
    }
    void adjoint(const Plan& plan, py::handle values, py::handle z, py::handle coef) const {
        Arguments read;
        const Array weights = read(values), places = read(z), result = read(coef);
        expect(weights.length() == places.length());
        const Rows rows = rows_of(weights, places);
        expect(result.length() == plan.series.coefficients && fits(result, rows));
        const Operand first = operand_of(weights, rows), second = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->adjoint(plan.series, rows, first, second, places.length(), result.data, read.is_double);
    }
    void backward(const Plan& plan, py::handle gradient, py::handle coef, py::handle z, py::handle grad_coef,
                  py::handle grad_z) const {
        Arguments read;
        const Array weights = read(gradient), series = read(coef), places = read(z), first_result = read(grad_coef),
                    second_result = read(grad_z);
        expect(plan.series.derivative >= 1 && weights.length() == places.length() &&
               series.length() == plan.series.coefficients && first_result.length() == series.length() &&
               second_result.length() == places.length());
        const Rows rows = rows_of(weights, series, places);
        expect(fits(first_result, rows) && fits(second_result, rows));
        const Operand first = operand_of(weights, rows), second = operand_of(series, rows),
                      third = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->backward(plan.series, rows, first, second, third, places.length(), first_result.data,
                         second_result.data, read.is_double);
    }
    void vandermonde(const Plan& plan, py::handle z, py::handle functions, bool by_degree) const {
        Arguments read;
        const Array places = read(z), result = read(functions);
        const Rows rows = rows_of(places);
        const Operand only = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->vandermonde(plan.series, rows, only, places.length(), result.data, by_degree, read.is_double);
    }
    // Contiguous points, one row.
    void squares(const Plan& plan, uintptr_t z, int64_t points, uintptr_t norms, uintptr_t result) const {
        Operand only{};
        only.data = reinterpret_cast<const void*>(z);
        only.stride = 1;
        const py::gil_scoped_release release;
        level_->squares(plan.series, Rows{}, only, points, reinterpret_cast<const double*>(norms),
                        reinterpret_cast<double*>(result));
    }
    void differentiate(const Plan& plan, py::handle coef, py::handle derived, bool transposed) const {
        Arguments read;
        const Array series = read(coef), result = read(derived);
        expect(series.length() == plan.series.coefficients && result.length() == series.length());
        const Rows rows = rows_of(series);
        expect(fits(result, rows));
        const Operand only = operand_of(series, rows);
        const py::gil_scoped_release release;
        level_->differentiate(plan.series.differentiation, rows, only, result.data, transposed, read.is_double);
    }

    void cross_synthesize(const std::vector<const Plan*>& plans, const TreePlan& tree,
                          const std::vector<int64_t>& shape, uintptr_t z, const std::vector<int64_t>& z_strides,
                          uintptr_t coef, int64_t coef_row, uintptr_t values, bool is_double) const {
        const Cross cross = cross_of(plans, tree, shape, z, z_strides, coef_row);
        const py::gil_scoped_release release;
        level_->cross_synthesize(cross, reinterpret_cast<const void*>(coef), reinterpret_cast<void*>(values),
                                 is_double);
    }
    void cross_adjoint(const std::vector<const Plan*>& plans, const TreePlan& tree, const std::vector<int64_t>& shape,
                       uintptr_t z, const std::vector<int64_t>& z_strides, uintptr_t values, uintptr_t coef,
                       bool is_double) const {
        const Cross cross = cross_of(plans, tree, shape, z, z_strides, 0);
        const py::gil_scoped_release release;
        level_->cross_adjoint(cross, reinterpret_cast<const void*>(values), reinterpret_cast<void*>(coef), is_double);
    }
    // Addresses 0 stand for null.
    void cross_gradient(const std::vector<const Plan*>& plans, const std::vector<const Plan*>& slopes,
                        const TreePlan& tree, const std::vector<int64_t>& shape, uintptr_t z,
                        const std::vector<int64_t>& z_strides, uintptr_t gradient, uintptr_t coef, int64_t coef_row,
                        uintptr_t grad_coef, uintptr_t grad_z, bool is_double) const {
        const Cross cross = cross_of(plans, tree, shape, z, z_strides, coef_row);
        if (slopes.size() != plans.size() || shape[3] != 1) throw std::invalid_argument("as many slopes as plans");
        expect((gradient == 0) == (grad_coef == 0));
        const Series* derived[max_dimensions];
        for (size_t d = 0; d < slopes.size(); ++d) {
            derived[d] = &slopes[d]->series;
            if (derived[d]->coefficients != cross.series[d]->coefficients) {
                throw std::invalid_argument("slopes of other sizes");
            }
        }
        const py::gil_scoped_release release;
        level_->cross_gradient(cross, derived, reinterpret_cast<const void*>(gradient),
                               reinterpret_cast<const void*>(coef), reinterpret_cast<void*>(grad_coef),
                               reinterpret_cast<void*>(grad_z), is_double);
    }

    void cross_derivatives(const std::vector<const Plan*>& plans, const OrdersPlan& orders, const TreePlan& tree,
                           const std::vector<int64_t>& shape, uintptr_t z, const std::vector<int64_t>& z_strides,
                           uintptr_t coef, int64_t coef_row, uintptr_t values, bool is_double) const {
        const Cross cross = cross_of(plans, tree, shape, z, z_strides, coef_row);
        expect(orders.agrees(cross) && cross.width == 1);
        const py::gil_scoped_release release;
        level_->cross_derivatives(cross, orders.derivatives(), reinterpret_cast<const void*>(coef),
                                  reinterpret_cast<void*>(values), is_double);
    }

    // Fields: the results, or None where a case is not for these kernels or something is wrong with it.
    // The points (..., M) of one axis on the standard domain.
    py::object map_field(const Field& field, py::handle x, py::handle scale, py::handle shift) const {
        Arguments read;
        const Given points{x, read(x)};
        const Array beta = with_axis(read(scale), 1), x0 = with_axis(read(shift), 1);
        Rows rows{};
        if (field.plan.map.dim != 1 || points.array.axes < 1 || !rows_of(rows, points.array, beta, x0))
            return py::none();
        py::object z = (*new_tensor)(Sizes(rows, {points.array.length()}), points);
        void* data = read(z).data;
        const Operand from = operand_of(points.array, rows), scales = operand_of(beta, rows),
                      shifts = operand_of(x0, rows);
        return unless(run([&] {
                          return map_points(field.plan.map, rows, from, 0, scales, shifts, points.array.length(), data,
                                            read.is_double);
                      }),
                      std::move(z));
    }
    py::object synthesize_field(const Field& field, py::handle coef, py::handle x, py::handle scale,
                                py::handle shift) const {
        Arguments read;
        FieldCall call(field, read, coef, x, scale, shift);
        if (!call.agree || call.own.array.length() != field.plan.size) return py::none();
        py::object values = call.result({call.given.points}, call.dim == 1 ? call.x : call.own);
        void* data = read(values).data;
        return unless(run([&] { return specfast::synthesize_field(*level_, field.plan, call.rows, call.given, data); }),
                      std::move(values));
    }
    py::object adjoint_field(const Field& field, py::handle values, py::handle x, py::handle scale,
                             py::handle shift) const {
        Arguments read;
        FieldCall call(field, read, values, x, scale, shift);
        if (!call.agree || call.own.array.length() != call.given.points) return py::none();
        py::object coef = call.result({field.plan.size}, call.dim == 1 ? call.x : call.own);
        void* data = read(coef).data;
        return unless(run([&] { return specfast::adjoint_field(*level_, field.plan, call.rows, call.given, data); }),
                      std::move(coef));
    }
    py::object backward_field(const Field& field, py::handle gradient, py::handle coef, py::handle x, py::handle scale,
                              py::handle shift) const {
        Arguments read;
        const Array weights = read(gradient);
        FieldCall call(field, read, coef, x, scale, shift, &weights);
        if (!call.agree || call.own.array.length() != field.plan.size || weights.length() != call.given.points) {
            return py::none();
        }
        py::tuple results =
            py::make_tuple(call.result({field.plan.size}, call.own), call.result_with_axis({call.given.points}, call.x),
                           call.result_with_axis({}, call.scale), call.result_with_axis({}, call.shift));
        const Operand weight = operand_of(weights, call.rows.all);
        void* data[4];
        for (size_t i = 0; i < 4; ++i) data[i] = read(results[i]).data;
        return unless(run([&] {
                          return specfast::backward_field(*level_, field.plan, call.rows, call.given, weight, data[0],
                                                          data[1], data[2], data[3]);
                      }),
                      std::move(results));
    }

    int64_t run_fma(int64_t rounds, bool is_double) const {
        const py::gil_scoped_release release;
        return level_->run_fma(rounds, is_double);
    }

    std::vector<std::string> names;

  private:
    static void expect(bool agree) {
        if (!agree) throw std::invalid_argument("sizes or the plan do not agree");
    }
    template <class Kernel>
    static Trouble run(const Kernel& kernel) {
        const py::gil_scoped_release release;
        return kernel();
    }
    static py::object unless(Trouble trouble, py::object result) {
        return trouble == Trouble::none ? std::move(result) : py::none();
    }
    const Level* level_ = nullptr;
};

// Tensors that cannot be read, or not together, are not for these kernels either.
template <class... Given>
auto or_none(py::object (Kernels::*method)(Given...) const) {
    return [method](const Kernels& kernels, Given... given) -> py::object {
        try {
            return (kernels.*method)(given...);
        } catch (const std::invalid_argument&) {
            return py::none();
        } catch (const py::error_already_set& error) {
            // PyTorch's, of a tensor without strided memory.
            if (!error.matches(PyExc_RuntimeError) && !error.matches(PyExc_BufferError)) throw;
            return py::none();
        }
    };
}

}  // namespace
}  // namespace specfast
