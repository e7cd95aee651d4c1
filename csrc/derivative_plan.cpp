#include "derivative_plan.hpp"

#include <algorithm>
#include <stdexcept>

namespace specfast {

DerivativePlan::DerivativePlan(int dim, const std::vector<const Series*>& series, const std::vector<int>& first,
                               const std::vector<int32_t>& slots)
    : dim_(dim), series_(series), first_(first), endings_(static_cast<size_t>(std::max(dim, 0))) {
    const size_t axes = static_cast<size_t>(dim), results = axes == 0 ? 0 : slots.size() / axes;
    if (dim < 2 || dim > max_dimensions || first.size() != axes + 1 || results < 1 || slots.size() != results * axes ||
        first.front() != 0 || first.back() != static_cast<int>(series.size()) || series.size() > size_t(max_orders)) {
        throw std::invalid_argument("derivatives: orders do not agree with the axes, or there are too many");
    }
    // On the last axis an ending is a slot; before, a slot and one of the endings behind it.
    std::vector<int32_t> rest(results);
    for (size_t j = 0; j < results; ++j) rest[j] = slots[j * axes + axes - 1];
    for (size_t d = axes - 1; d-- > 0;) {
        std::vector<Ending>& known = endings_[d];
        for (size_t j = 0; j < results; ++j) {
            const int32_t slot = slots[j * axes + d];
            if (slot < 0 || slot >= first[d + 1] - first[d] || slots[j * axes + axes - 1] < 0 ||
                slots[j * axes + axes - 1] >= first[axes] - first[axes - 1]) {
                throw std::invalid_argument("derivatives: a slot that is none");
            }
            const auto same = std::find_if(known.begin(), known.end(), [&](const Ending& other) {
                return other.slot == slot && other.rest == rest[j];
            });
            if (same == known.end()) {
                known.push_back({slot, rest[j]});
                rest[j] = static_cast<int32_t>(known.size()) - 1;
            } else {
                rest[j] = static_cast<int32_t>(same - known.begin());
            }
        }
    }
    result_ = rest;
}

Derivatives DerivativePlan::orders() const {
    Derivatives orders{};
    orders.results = static_cast<int64_t>(result_.size());
    orders.result = result_.data();
    orders.series = series_.data();
    for (int d = 0; d <= dim_; ++d) orders.first[d] = first_[static_cast<size_t>(d)];
    for (int d = 0; d < dim_ - 1; ++d) {
        orders.endings[d] = endings_[static_cast<size_t>(d)].data();
        orders.counts[d] = static_cast<int>(endings_[static_cast<size_t>(d)].size());
        orders.most = std::max(orders.most, orders.counts[d]);
    }
    return orders;
}

}  // namespace specfast
