// The Python module specfast.kernels._cpu: pointers, sizes and strides in, one kernel called with the GIL released.
// No arithmetic here, and no PyTorch header: one build serves every PyTorch release.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "../csrc/blocks.hpp"
#include "../csrc/derivatives.hpp"
#include "../csrc/kernels.hpp"

namespace py = pybind11;
using namespace specfast;

namespace {

template <class T>
using Table = py::array_t<T, py::array::c_style | py::array::forcecast>;

template <class T>
std::vector<T> copy(const py::handle& table, size_t count, bool may_be_empty = false) {
    const Table<T> array = py::cast<Table<T>>(table);
    const auto size = static_cast<size_t>(array.size());
    if (size != count && !(may_be_empty && size == 0)) throw std::invalid_argument("tables of different lengths");
    return {array.data(), array.data() + size};
}

// Owns the tables of one precision.
template <class T>
struct Columns {
    std::vector<T> a, b, r, kappa;
    std::vector<double> scale, value_at_end;

    Recurrence<T> read(const py::dict& from) {
        const size_t count = py::len(from["a"]);
        a = copy<T>(from["a"], count);
        b = copy<T>(from["b"], count, true);
        r = copy<T>(from["r"], count, true);
        kappa = copy<T>(from["kappa"], r.size());
        scale = copy<double>(from["scale"], count);
        value_at_end = copy<double>(from["value_at_end"], r.size());
        const auto limits = py::cast<std::vector<double>>(from["limits"]);
        if (limits.size() != 3 || (r.empty() && limits[2] > 0)) throw std::invalid_argument("bad limits");
        const auto data = [](const std::vector<T>& column) { return column.empty() ? nullptr : column.data(); };
        return {static_cast<int64_t>(count),
                a.data(),
                data(b),
                data(r),
                data(kappa),
                scale.data(),
                value_at_end.data(),
                Start(py::cast<int>(from["start"])),
                limits[0],
                limits[1],
                limits[2]};
    }
};

// Owns the tables that a Series points to.
class Plan {
  public:
    Plan(const py::dict& tables, const py::object& single, const std::vector<py::object>& differentiation,
         int64_t coefficients, int derivative) {
        series.recurrence = double_.read(tables);
        if (!single.is_none()) series.single = single_.read(py::cast<py::dict>(single));
        const int64_t count = series.recurrence.count;
        if (differentiation.size() != 5) throw std::invalid_argument("five tables of differentiation are expected");
        for (size_t i = 0; i < 5; ++i) {
            map_.push_back(copy<double>(differentiation[i], static_cast<size_t>(count), i < 2));
        }
        if (!map_[0].empty() && !map_[1].empty()) throw std::invalid_argument("ahead or leap has to vanish");
        if (coefficients < 1 || coefficients > count || derivative < 0) throw std::invalid_argument("bad counts");
        const auto diagonal = [this](size_t i) { return map_[i].empty() ? nullptr : map_[i].data(); };
        series.differentiation = {count, diagonal(0), diagonal(1), map_[2].data(), map_[3].data(), map_[4].data()};
        series.coefficients = coefficients;
        series.derivative = derivative;
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    Series series{};

  private:
    Columns<double> double_;
    Columns<float> single_;
    std::vector<std::vector<double>> map_;
};

int64_t integer(const py::tuple& from, size_t i) {
    const long long value = PyLong_AsLongLong(PyTuple_GET_ITEM(from.ptr(), static_cast<Py_ssize_t>(i)));
    if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    return value;
}

// An array as Python describes it: where it starts, its sizes and its strides.
struct Array {
    uintptr_t pointer;
    const py::tuple &sizes, &strides;
    size_t leading() const {
        const size_t axes = sizes.size();
        if (axes < 1 || strides.size() != axes)
            throw std::invalid_argument("an axis and one stride an axis are expected");
        return axes - 1;
    }
    int64_t length() const { return integer(sizes, leading()); }
};

// Leading axes that broadcast.
template <class... Arrays>
Rows rows_of(const Arrays&... arrays) {
    const size_t most = std::max({arrays.leading()...});
    if (most > max_leading_axes) throw std::invalid_argument("at most 16 leading axes are supported");
    Rows rows{};
    rows.axes = static_cast<int>(most);
    for (size_t axis = 0; axis < most; ++axis) rows.size[axis] = 1;
    const auto widen = [&rows, most](const Array& array) {
        const size_t missing = most - array.leading();
        for (size_t axis = missing; axis < most; ++axis) {
            const int64_t size = integer(array.sizes, axis - missing);
            if (size != 1 && rows.size[axis] != 1 && size != rows.size[axis]) {
                throw std::invalid_argument("leading axes do not broadcast");
            }
            if (size != 1) rows.size[axis] = size;
        }
    };
    (widen(arrays), ...);
    return rows;
}

Operand operand_of(const Array& array, const Rows& rows) {
    Operand operand{};
    operand.data = reinterpret_cast<const void*>(array.pointer);
    const size_t own = array.leading(), missing = static_cast<size_t>(rows.axes) - own;
    for (size_t axis = 0; axis < own; ++axis) {
        const bool repeated = integer(array.sizes, axis) == 1;
        operand.row_stride[missing + axis] = repeated ? 0 : integer(array.strides, axis);
    }
    operand.stride = integer(array.strides, own);
    return operand;
}

// The shape of a sum over an index tree as Python gives it: (K, rows, groups, width, M), (row, point, axis) strides of z.
Cross cross_of(const std::vector<const Plan*>& plans, const std::vector<int64_t>& shape, uintptr_t z,
               const std::vector<int64_t>& z_strides, int64_t coef_row) {
    const size_t dim = plans.size();
    if (dim < 2 || dim > static_cast<size_t>(max_dimensions) || shape.size() != 5 || z_strides.size() != 3 ||
        (shape[3] != 1 && shape[3] != 4)) {
        throw std::invalid_argument("2 to 64 axes, five sizes, three strides and a width of 1 or 4 are expected");
    }
    Cross cross{};
    cross.dim = static_cast<int>(dim);
    for (size_t d = 0; d < dim; ++d) cross.series[d] = &plans[d]->series;
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

BlockPlan blocks_of(const Cross& cross, uintptr_t tree, int64_t fibres) {
    Tree own{cross.dim, fibres, reinterpret_cast<const int32_t*>(tree), {}};
    for (int d = 0; d < own.dim; ++d) own.sizes[d] = cross.series[d]->coefficients;
    return BlockPlan(own, cross.size);
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

    void synthesize(const Plan& plan, uintptr_t coef, const py::tuple& coef_sizes, const py::tuple& coef_strides,
                    uintptr_t z, const py::tuple& z_sizes, const py::tuple& z_strides, uintptr_t values,
                    bool is_double) const {
        const Array series{coef, coef_sizes, coef_strides}, places{z, z_sizes, z_strides};
        expect(series.length() == plan.series.coefficients);
        const Rows rows = rows_of(series, places);
        const Operand first = operand_of(series, rows), second = operand_of(places, rows);
        const int64_t points = places.length();
        const py::gil_scoped_release release;
        level_->synthesize(plan.series, rows, first, second, points, reinterpret_cast<void*>(values), is_double);
    }
    void adjoint(const Plan& plan, uintptr_t values, const py::tuple& value_sizes, const py::tuple& value_strides,
                 uintptr_t z, const py::tuple& z_sizes, const py::tuple& z_strides, uintptr_t coef,
                 bool is_double) const {
        const Array weights{values, value_sizes, value_strides}, places{z, z_sizes, z_strides};
        const int64_t points = places.length();
        expect(weights.length() == points);
        const Rows rows = rows_of(weights, places);
        const Operand first = operand_of(weights, rows), second = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->adjoint(plan.series, rows, first, second, points, reinterpret_cast<void*>(coef), is_double);
    }
    void backward(const Plan& plan, uintptr_t gradient, const py::tuple& gradient_sizes,
                  const py::tuple& gradient_strides, uintptr_t coef, const py::tuple& coef_sizes,
                  const py::tuple& coef_strides, uintptr_t z, const py::tuple& z_sizes, const py::tuple& z_strides,
                  uintptr_t grad_coef, uintptr_t grad_z, bool is_double) const {
        const Array weights{gradient, gradient_sizes, gradient_strides}, series{coef, coef_sizes, coef_strides},
            places{z, z_sizes, z_strides};
        const int64_t points = places.length();
        expect(plan.series.derivative >= 1 && weights.length() == points &&
               series.length() == plan.series.coefficients);
        const Rows rows = rows_of(weights, series, places);
        const Operand first = operand_of(weights, rows), second = operand_of(series, rows),
                      third = operand_of(places, rows);
        const py::gil_scoped_release release;
        level_->backward(plan.series, rows, first, second, third, points, reinterpret_cast<void*>(grad_coef),
                         reinterpret_cast<void*>(grad_z), is_double);
    }
    void basis(const Plan& plan, uintptr_t z, const py::tuple& z_sizes, const py::tuple& z_strides, uintptr_t result,
               bool by_degree, bool is_double) const {
        const Array places{z, z_sizes, z_strides};
        const Rows rows = rows_of(places);
        const Operand only = operand_of(places, rows);
        const int64_t points = places.length();
        const py::gil_scoped_release release;
        level_->basis(plan.series, rows, only, points, reinterpret_cast<void*>(result), by_degree, is_double);
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
    void differentiate(const Plan& plan, uintptr_t coef, const py::tuple& coef_sizes, const py::tuple& coef_strides,
                       uintptr_t result, bool transposed, bool is_double) const {
        const Array series{coef, coef_sizes, coef_strides};
        expect(series.length() == plan.series.coefficients);
        const Rows rows = rows_of(series);
        const Operand only = operand_of(series, rows);
        const py::gil_scoped_release release;
        level_->differentiate(plan.series.differentiation, rows, only, reinterpret_cast<void*>(result), transposed,
                              is_double);
    }

    void cross_synthesize(const std::vector<const Plan*>& plans, uintptr_t tree, int64_t fibres,
                          const std::vector<int64_t>& shape, uintptr_t z, const std::vector<int64_t>& z_strides,
                          uintptr_t coef, int64_t coef_row, uintptr_t values, bool is_double) const {
        Cross cross = cross_of(plans, shape, z, z_strides, coef_row);
        const py::gil_scoped_release release;
        const BlockPlan blocks = blocks_of(cross, tree, fibres);
        cross.blocks = blocks.blocks();
        level_->cross_synthesize(cross, reinterpret_cast<const void*>(coef), reinterpret_cast<void*>(values),
                                 is_double);
    }
    void cross_adjoint(const std::vector<const Plan*>& plans, uintptr_t tree, int64_t fibres,
                       const std::vector<int64_t>& shape, uintptr_t z, const std::vector<int64_t>& z_strides,
                       uintptr_t values, uintptr_t coef, bool is_double) const {
        Cross cross = cross_of(plans, shape, z, z_strides, 0);
        const py::gil_scoped_release release;
        const BlockPlan blocks = blocks_of(cross, tree, fibres);
        cross.blocks = blocks.blocks();
        level_->cross_adjoint(cross, reinterpret_cast<const void*>(values), reinterpret_cast<void*>(coef), is_double);
    }
    // Addresses 0 stand for null.
    void cross_gradient(const std::vector<const Plan*>& plans, const std::vector<const Plan*>& slopes, uintptr_t tree,
                        int64_t fibres, const std::vector<int64_t>& shape, uintptr_t z,
                        const std::vector<int64_t>& z_strides, uintptr_t gradient, uintptr_t coef, int64_t coef_row,
                        uintptr_t grad_coef, uintptr_t grad_z, bool is_double) const {
        Cross cross = cross_of(plans, shape, z, z_strides, coef_row);
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
        const BlockPlan blocks = blocks_of(cross, tree, fibres);
        cross.blocks = blocks.blocks();
        level_->cross_gradient(cross, derived, reinterpret_cast<const void*>(gradient),
                               reinterpret_cast<const void*>(coef), reinterpret_cast<void*>(grad_coef),
                               reinterpret_cast<void*>(grad_z), is_double);
    }

    // `orders`: for every axis its plans; `slots` (results, dim) which of them each derivative takes.
    void cross_derivatives(const std::vector<const Plan*>& plans, const std::vector<std::vector<const Plan*>>& orders,
                           const std::vector<int32_t>& slots, uintptr_t tree, int64_t fibres,
                           const std::vector<int64_t>& shape, uintptr_t z, const std::vector<int64_t>& z_strides,
                           uintptr_t coef, int64_t coef_row, uintptr_t values, bool is_double) const {
        Cross cross = cross_of(plans, shape, z, z_strides, coef_row);
        expect(orders.size() == plans.size() && shape[3] == 1);
        std::vector<const Series*> series;
        std::vector<int> first{0};
        for (size_t d = 0; d < orders.size(); ++d) {
            for (const Plan* plan : orders[d]) {
                expect(plan->series.coefficients == cross.series[d]->coefficients);
                series.push_back(&plan->series);
            }
            first.push_back(static_cast<int>(series.size()));
        }
        const py::gil_scoped_release release;
        const BlockPlan blocks = blocks_of(cross, tree, fibres);
        cross.blocks = blocks.blocks();
        const DerivativePlan derivatives(cross.dim, series, first, slots);
        level_->cross_derivatives(cross, derivatives.orders(), reinterpret_cast<const void*>(coef),
                                  reinterpret_cast<void*>(values), is_double);
    }

    int64_t multiply_adds(int64_t rounds, bool is_double) const {
        const py::gil_scoped_release release;
        return level_->multiply_adds(rounds, is_double);
    }

    std::vector<std::string> names;

  private:
    static void expect(bool agree) {
        if (!agree) throw std::invalid_argument("sizes or the plan do not agree");
    }
    const Level* level_ = nullptr;
};

}  // namespace

PYBIND11_MODULE(_cpu, module) {
    module.doc() = "Compiled CPU kernels of specfast; see specfast.kernels.cpu for their use.";
    py::class_<Plan>(module, "Plan")
        .def(py::init<const py::dict&, const py::object&, const std::vector<py::object>&, int64_t, int>());
    py::class_<Kernels>(module, "Kernels")
        .def(py::init<const std::string&>())
        .def_readonly("names", &Kernels::names)
        .def_property_readonly("found", &Kernels::found)
        .def_property_readonly("name", &Kernels::name)
        .def("synthesize", &Kernels::synthesize)
        .def("adjoint", &Kernels::adjoint)
        .def("backward", &Kernels::backward)
        .def("basis", &Kernels::basis)
        .def("multiply_adds", &Kernels::multiply_adds)
        .def("cross_synthesize", &Kernels::cross_synthesize)
        .def("cross_adjoint", &Kernels::cross_adjoint)
        .def("cross_gradient", &Kernels::cross_gradient)
        .def("cross_derivatives", &Kernels::cross_derivatives)
        .def("squares", &Kernels::squares)
        .def("differentiate", &Kernels::differentiate);
    module.attr("nvcc") = SPECFAST_NVCC_STATE;  // what the build found, for those who ask why there is no CUDA
#ifdef _OPENMP
    module.attr("openmp") = true;
#else
    module.attr("openmp") = false;
#endif
}
