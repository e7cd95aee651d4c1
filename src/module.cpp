// The Python module specfast.kernels._cpu: tensors in, one kernel called with the GIL released.
// No arithmetic here, and no PyTorch header: one build serves every PyTorch release.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../csrc/blocks.hpp"
#include "../csrc/derivatives.hpp"
#include "../csrc/field.hpp"
#include "../csrc/kernels.hpp"
#include "gpu.hpp"
#include "results.hpp"
#include "tensors.hpp"

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

// An index tree in blocks, with what these point to: one for every sum over the tree.
class TreePlan {
  public:
    TreePlan(const Table<int32_t>& runs, const std::vector<int64_t>& sizes) {
        if (runs.ndim() != 2 || runs.shape(1) != 2) throw std::invalid_argument("a tree has two columns");
        if (sizes.size() < 2 || sizes.size() > static_cast<size_t>(max_dimensions)) {
            throw std::invalid_argument("2 to 64 axes");
        }
        tree_.dim = static_cast<int>(sizes.size());
        tree_.fibers = runs.shape(0);
        tree_.runs = runs.data();
        std::copy(sizes.begin(), sizes.end(), tree_.sizes);
        for (py::ssize_t i = 0; i < runs.shape(0); ++i) size_ += runs.at(i, 1);
        const py::gil_scoped_release release;
        plan_ = std::make_unique<BlockPlan>(tree_, size_);
        tree_.runs = nullptr;  // not kept
    }
    int dim() const { return tree_.dim; }
    int64_t size() const { return size_; }
    int64_t size_of(int axis) const { return tree_.sizes[axis]; }
    Blocks blocks() const { return plan_->blocks(); }

  private:
    Tree tree_{};
    int64_t size_ = 0;
    std::unique_ptr<BlockPlan> plan_;
};

// Which sums several derivatives need: for every axis the plans of its orders, and `slots` (results, dim), which of them each takes.
class OrdersPlan {
  public:
    OrdersPlan(std::vector<std::vector<std::shared_ptr<Plan>>> orders, const std::vector<int32_t>& slots)
        : orders_(std::move(orders)) {
        std::vector<const Series*> series;
        std::vector<int> first{0};
        for (const auto& own : orders_) {
            for (const auto& plan : own) {
                if (plan->series.coefficients != own[0]->series.coefficients) {
                    throw std::invalid_argument("orders of other sizes");
                }
                series.push_back(&plan->series);
            }
            first.push_back(static_cast<int>(series.size()));
        }
        plan_ = std::make_unique<DerivativePlan>(static_cast<int>(orders_.size()), series, first, slots);
    }
    bool agrees(const Cross& cross) const {
        if (orders_.size() != static_cast<size_t>(cross.dim)) return false;
        for (size_t d = 0; d < orders_.size(); ++d) {
            if (orders_[d].empty() || orders_[d][0]->series.coefficients != cross.series[d]->coefficients) return false;
        }
        return true;
    }
    Derivatives derivatives() const { return plan_->orders(); }

  private:
    std::vector<std::vector<std::shared_ptr<Plan>>> orders_;
    std::unique_ptr<DerivativePlan> plan_;
};

// Set once, when the module is imported.
TensorReader read_tensor;
NewTensors* new_tensor = new NewTensors;  // never destroyed: Python may be gone by then

// Reads tensors of one type of element; remembers which.
class Arguments {
  public:
    Array operator()(py::handle tensor) {
        const Array array = read_tensor(tensor);
        if (known_ && array.is_double != is_double) throw std::invalid_argument("one type of element is expected");
        known_ = true;
        is_double = array.is_double;
        return array;
    }
    bool is_double = false;

  private:
    bool known_ = false;
};

// Scale or shift as Python has them, with an axis for the dimensions: (...,) or a number, and for D > 1 (..., D) or (..., 1).
Array with_axis(Array array, int dim) {
    if (dim > 1 && array.axes > 0) {
        if (array.length() == 1) array.strides[array.axes - 1] = 0;
        return array;
    }
    array.sizes[array.axes] = 1;
    array.strides[array.axes++] = 0;
    return array;
}

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
        // On several axes every row has points of its own here.
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

PYBIND11_MODULE(_cpu, module) {
    module.doc() = "Compiled CPU kernels of specfast; see specfast.kernels.cpu for their use.";
    py::class_<Plan, std::shared_ptr<Plan>>(module, "Plan")
        .def(py::init<const py::dict&, const py::object&, const std::vector<py::object>&, int64_t, int>());
    py::class_<TreePlan>(module, "TreePlan").def(py::init<const Table<int32_t>&, const std::vector<int64_t>&>());
    py::class_<OrdersPlan>(module, "OrdersPlan")
        .def(py::init<std::vector<std::vector<std::shared_ptr<Plan>>>, const std::vector<int32_t>&>());
    py::class_<Field>(module, "Field")
        .def(py::init<std::vector<std::shared_ptr<Plan>>, std::vector<std::shared_ptr<Plan>>, const std::vector<int>&,
                      const std::vector<std::vector<double>>&, double, const py::object&>())
        .def_property_readonly("size", [](const Field& field) { return field.plan.size; });
    bind_gpu(module);
    module.def("exchange_by", [](const py::object& table) { read_tensor.use(table); });
    module.def("new_tensors_by", [](const py::object& empty_like) { new_tensor->use(empty_like); });
    py::class_<Kernels>(module, "Kernels")
        .def(py::init<const std::string&>())
        .def_readonly("names", &Kernels::names)
        .def_property_readonly("found", &Kernels::found)
        .def_property_readonly("name", &Kernels::name)
        .def("synthesize", &Kernels::synthesize)
        .def("adjoint", &Kernels::adjoint)
        .def("backward", &Kernels::backward)
        .def("vandermonde", &Kernels::vandermonde)
        .def("run_fma", &Kernels::run_fma)
        .def("cross_synthesize", &Kernels::cross_synthesize)
        .def("cross_adjoint", &Kernels::cross_adjoint)
        .def("cross_gradient", &Kernels::cross_gradient)
        .def("cross_derivatives", &Kernels::cross_derivatives)
        .def("synthesize_field", or_none(&Kernels::synthesize_field))
        .def("adjoint_field", or_none(&Kernels::adjoint_field))
        .def("backward_field", or_none(&Kernels::backward_field))
        .def("squares", &Kernels::squares)
        .def("differentiate", &Kernels::differentiate);
    module.attr("nvcc") = SPECFAST_NVCC_STATE;  // what the build found, for those who ask why there is no CUDA
#ifdef _OPENMP
    module.attr("openmp") = true;
#else
    module.attr("openmp") = false;
#endif
}
