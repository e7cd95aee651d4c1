// What kernels take of a family, an index tree or a list of derivatives, kept by Python from call to call: tables and what is
// found from them once.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../csrc/blocks.hpp"
#include "../csrc/derivative_plan.hpp"
#include "../csrc/kernels.hpp"

namespace specfast {

namespace py = pybind11;

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
    Plan(const py::dict& tables, const py::object& single, const std::vector<py::object>& differentiation, int64_t far,
         int64_t coefficients, int derivative) {
        series.recurrence = double_.read(tables);
        if (!single.is_none()) series.single = single_.read(py::cast<py::dict>(single));
        const int64_t count = series.recurrence.count;
        if (differentiation.size() != 7) throw std::invalid_argument("seven tables of differentiation are expected");
        for (size_t i = 0; i < 7; ++i) {
            map_.push_back(copy<double>(differentiation[i], static_cast<size_t>(count), i < 2 || i > 4));
        }
        if (map_[5].size() != map_[6].size()) throw std::invalid_argument("both far tables or none are expected");
        if (far != 2 && far != 3) throw std::invalid_argument("far tables reach 2 or 3 places");
        if (!map_[0].empty() && !map_[1].empty()) throw std::invalid_argument("ahead or leap has to vanish");
        if (coefficients < 1 || coefficients > count || derivative < 0) throw std::invalid_argument("bad counts");
        const auto diagonal = [this](size_t i) { return map_[i].empty() ? nullptr : map_[i].data(); };
        series.differentiation = {count,       diagonal(0), diagonal(1), map_[2].data(), map_[3].data(), map_[4].data(),
                                  diagonal(5), diagonal(6), far};
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

}  // namespace
}  // namespace specfast
