// The Python module specfast.kernels._cpu: pointers, sizes and strides in, one kernel called with the GIL released.
// No arithmetic here, and no PyTorch header: one build serves every PyTorch release.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../csrc/kernels.hpp"

namespace py = pybind11;
using namespace specfast;

namespace {

using Table = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Sizes = std::vector<int64_t>;

std::vector<double> copy(const Table& table) { return {table.data(), table.data() + table.size()}; }

// Owns the tables that a Series points to.
class Plan {
  public:
    Plan(const Table& a, const Table& b, const Table& scale, int start, double near_limit, double far_limit,
         const std::vector<Table>& differentiation, int64_t coefficients, int derivative)
        : a_(copy(a)), b_(copy(b)), scale_(copy(scale)) {
        const size_t count = scale_.size();
        if (a_.size() != count || (!b_.empty() && b_.size() != count) || differentiation.size() != 5) {
            throw std::invalid_argument("tables of different lengths");
        }
        for (const Table& table : differentiation) {
            map_.push_back(copy(table));
            if (map_.back().size() != count) throw std::invalid_argument("tables of different lengths");
        }
        const auto length = static_cast<int64_t>(count);
        if (coefficients < 1 || coefficients > length || derivative < 0) throw std::invalid_argument("bad counts");
        series.recurrence = {length,     a_.data(), b_.empty() ? nullptr : b_.data(), scale_.data(), Start(start),
                             near_limit, far_limit};
        series.differentiation = {length,         map_[0].data(), map_[1].data(),
                                  map_[2].data(), map_[3].data(), map_[4].data()};
        series.coefficients = coefficients;
        series.derivative = derivative;
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    Series series{};

  private:
    std::vector<double> a_, b_, scale_;
    std::vector<std::vector<double>> map_;
};

Rows rows_of(const Sizes& sizes) {
    if (sizes.size() > max_leading_axes) throw std::invalid_argument("at most 16 leading axes are supported");
    Rows rows{};
    rows.axes = static_cast<int>(sizes.size());
    for (size_t axis = 0; axis < sizes.size(); ++axis) rows.size[axis] = sizes[axis];
    return rows;
}

// `strides` are those of the leading axes, then of the last one.
Operand operand_of(uintptr_t pointer, const Sizes& strides, const Rows& rows) {
    if (strides.size() != static_cast<size_t>(rows.axes) + 1) throw std::invalid_argument("one stride an axis");
    Operand operand{};
    operand.data = reinterpret_cast<const void*>(pointer);
    for (int axis = 0; axis < rows.axes; ++axis) operand.row_stride[axis] = strides[axis];
    operand.stride = strides.back();
    return operand;
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

    void synthesize(const Plan& plan, const Sizes& sizes, uintptr_t coef, const Sizes& coef_strides, uintptr_t z,
                    const Sizes& z_strides, int64_t points, uintptr_t values, bool is_double) const {
        const Rows rows = rows_of(sizes);
        const Operand first = operand_of(coef, coef_strides, rows), second = operand_of(z, z_strides, rows);
        const py::gil_scoped_release release;
        level_->synthesize(plan.series, rows, first, second, points, reinterpret_cast<void*>(values), is_double);
    }
    void adjoint(const Plan& plan, const Sizes& sizes, uintptr_t values, const Sizes& value_strides, uintptr_t z,
                 const Sizes& z_strides, int64_t points, uintptr_t coef, bool is_double) const {
        const Rows rows = rows_of(sizes);
        const Operand first = operand_of(values, value_strides, rows), second = operand_of(z, z_strides, rows);
        const py::gil_scoped_release release;
        level_->adjoint(plan.series, rows, first, second, points, reinterpret_cast<void*>(coef), is_double);
    }
    void basis(const Plan& plan, const Sizes& sizes, uintptr_t z, const Sizes& z_strides, int64_t points,
               uintptr_t result, bool is_double) const {
        const Rows rows = rows_of(sizes);
        const Operand only = operand_of(z, z_strides, rows);
        const py::gil_scoped_release release;
        level_->basis(plan.series, rows, only, points, reinterpret_cast<void*>(result), is_double);
    }
    void differentiate(const Plan& plan, const Sizes& sizes, uintptr_t coef, const Sizes& coef_strides,
                       uintptr_t result, bool transposed, bool is_double) const {
        const Rows rows = rows_of(sizes);
        const Operand only = operand_of(coef, coef_strides, rows);
        const py::gil_scoped_release release;
        level_->differentiate(plan.series.differentiation, rows, only, reinterpret_cast<void*>(result), transposed,
                              is_double);
    }

    std::vector<std::string> names;

  private:
    const Level* level_ = nullptr;
};

}  // namespace

PYBIND11_MODULE(_cpu, module) {
    module.doc() = "Compiled CPU kernels of specfast; see specfast.kernels.cpu for their use.";
    py::class_<Plan>(module, "Plan")
        .def(py::init<const Table&, const Table&, const Table&, int, double, double, const std::vector<Table>&, int64_t,
                      int>());
    py::class_<Kernels>(module, "Kernels")
        .def(py::init<const std::string&>())
        .def_readonly("names", &Kernels::names)
        .def_property_readonly("found", &Kernels::found)
        .def_property_readonly("name", &Kernels::name)
        .def("synthesize", &Kernels::synthesize)
        .def("adjoint", &Kernels::adjoint)
        .def("basis", &Kernels::basis)
        .def("differentiate", &Kernels::differentiate);
    module.attr("nvcc") = SPECFAST_NVCC_STATE;  // what the build found, for those who ask why there is no CUDA
#ifdef _OPENMP
    module.attr("openmp") = true;
#else
    module.attr("openmp") = false;
#endif
}
