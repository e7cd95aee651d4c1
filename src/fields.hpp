// A field on a space as one call computes it: what is kept of the space, and how its arguments come together.
#pragma once
#include "../csrc/field.hpp"
#include "operands.hpp"
#include "plans.hpp"
#include "results.hpp"

namespace specfast {
namespace {

NewTensors* new_tensor = new NewTensors;  // set once; never destroyed: Python may be gone by then

// What an operator needs of a space and of orders of differentiation; keeps what it points to.
class Field {
  public:
    Field(std::vector<std::shared_ptr<Plan>> plans, std::vector<std::shared_ptr<Plan>> raised,
          const std::vector<int>& domains, const std::vector<std::vector<double>>& columns, double constant,
          const py::object& tree)
        : plans_(std::move(plans)), raised_(std::move(raised)) {
        const size_t dim = plans_.size();
        if (dim < 1 || dim > static_cast<size_t>(max_dimensions)) throw std::invalid_argument("1 to 64 axes");
        if (raised_.size() != dim || domains.size() != dim || columns.size() != 5) {
            throw std::invalid_argument("one value an axis is expected");
        }
        for (const auto& column : columns) {
            if (column.size() != dim) throw std::invalid_argument("one value an axis is expected");
        }
        plan.map.dim = static_cast<int>(dim);
        for (size_t d = 0; d < dim; ++d) {
            plan.map.axes[d] = {Domain(domains[d]), columns[0][d], columns[1][d],
                                columns[2][d],      columns[3][d], columns[4][d]};
            plan.series[d] = &plans_[d]->series;
            plan.raised[d] = &raised_[d]->series;
        }
        plan.map.constant = constant;
        plan.size = plan.series[0]->coefficients;
        if (dim < 2) return;
        std::vector<int64_t> sizes;
        for (size_t d = 0; d < dim; ++d) sizes.push_back(plan.series[d]->coefficients);
        tree_ = std::make_unique<TreePlan>(py::cast<Table<int32_t>>(tree), sizes);
        plan.size = tree_->size();
        plan.blocks = tree_->blocks();
    }
    FieldPlan plan{};

  private:
    std::vector<std::shared_ptr<Plan>> plans_, raised_;
    std::unique_ptr<TreePlan> tree_;
};

// How rows, points (..., M[, D]) and scale and shift come together; `agree` is false where they do not.
struct FieldCall {
    FieldCall(const Field& field, Arguments& read, py::handle first, py::handle x, py::handle scale, py::handle shift,
              const Array* gradient = nullptr)
        : dim(field.plan.map.dim),
          own{first, read(first)},
          x{x, read(x)},
          scale{scale, read(scale)},
          shift{shift, read(shift)} {
        const Array beta = with_axis(this->scale.array, dim), x0 = with_axis(this->shift.array, dim);
        Array points = this->x.array;
        if (dim > 1) {
            if (points.axes < 2 || points.length() != dim || bad_axis(beta) || bad_axis(x0)) return;
            given.axis_stride = points.strides[--points.axes];
        }
        if (points.axes < 1 || own.array.axes < 1) return;
        const bool fits = gradient == nullptr ? rows_of(rows.all, own.array, points, beta, x0)
                                              : rows_of(rows.all, own.array, points, beta, x0, *gradient);
        if (!fits || !rows_of(rows.coef, own.array, beta) || !rows_of(rows.points, points, beta, x0)) return;
        given.first = operand_of(own.array, rows.all);
        given.x = operand_of(points, rows.all);
        given.scale = operand_of(beta, rows.all);
        given.shift = operand_of(x0, rows.all);
        given.points = points.length();
        given.is_double = read.is_double;
        // Without rows or points there is nothing to read. On several axes every row has points of its own here.
        if (count_of(rows.all) == 0 || given.points == 0) return;
        agree = dim == 1 || (count_of(rows.points) == count_of(rows.all) &&
                             (count_of(rows.coef) == 1 || count_of(rows.coef) == count_of(rows.all)));
    }
    static int64_t count_of(const Rows& rows) {
        int64_t count = 1;
        for (int axis = 0; axis < rows.axes; ++axis) count *= rows.size[axis];
        return count;
    }
    bool bad_axis(const Array& array) const { return array.length() != 1 && array.length() != dim; }
    // Memory for a result of these trailing axes; those of the dimensions only where there are several.
    py::object result(std::initializer_list<int64_t> trailing, const Given& like) const {
        return (*new_tensor)(Sizes(rows.all, trailing), like);
    }
    py::object result_with_axis(std::initializer_list<int64_t> trailing, const Given& like) const {
        Sizes sizes(rows.all, trailing);
        if (dim > 1) sizes.of[sizes.axes++] = dim;
        return (*new_tensor)(sizes, like);
    }
    int dim;
    Given own, x, scale, shift;
    FieldRows rows{};
    FieldOperands given{};
    bool agree = false;
};

}  // namespace
}  // namespace specfast
