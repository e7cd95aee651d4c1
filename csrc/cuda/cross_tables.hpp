// The functions of every axis at a block's points, and the products of those of the trailing axes, in the block's memory.
//
// Problem   sums over an index set need phi_n(z_md) for all n, d at a tile of points. From the GPU's memory a word costs as much as
//           20 FMAs; made and kept in the block it costs three.
// Method    A thread an axis and point goes upwards over the terms, and differentiates what it wrote where that is asked for. Products of
//           the trailing axes: a thread a run of the last entry and point, whose leading product is found once.
// Layout    [function][pitch] and [product][pitch], points along the pitch.
// Cost      three FMAs a function, two loads and a multiplication a product.
#pragma once
#include "../differentiation.hpp"
#include "../tree.hpp"
#include "climber.hpp"
#include "pairs.hpp"

namespace specfast {
namespace {

template <class Climbing, class T>
SPECFAST_DEVICE void climb_with(const GpuSeries<T>& series, const GpuPoint<T>& point, T* column, int64_t pitch) {
    const TableOfTerms<T> terms(series);
    Climbing climber;
    climber.begin(series.recurrence, point, T(1));
    for (int64_t n = 0; n < series.recurrence.count; ++n) {
        const T term = climber.step(series.recurrence, terms, n, n);
        column[n * pitch] = term * climber.scale(terms, n);
    }
}

template <class T>
SPECFAST_DEVICE void climb(const GpuSeries<T>& series, T z, T* column, int64_t pitch) {
    const Recurrence<T>& recurrence = series.recurrence;
    const GpuPoint<T> point = classify(recurrence, z, static_cast<T>(rounding_slack<T>));
    if (in_pairs(recurrence.start)) return climb_with<PairClimber<T>>(series, point, column, pitch);
    if (point.regime == Regime::near) {
        T current = point.mantissa, previous = 0;
        for (int64_t n = 0; n < recurrence.count; ++n) {
            const GpuStep<T> step = series.steps[n];
            column[n * pitch] = current * step.scale;
            const T next = (step.a * point.z + step.b) * current - step.g * previous;
            previous = current;
            current = next;
        }
        return;
    }
    climb_with<Climber<T>>(series, point, column, pitch);
}

// A block's threads as teams of `width` side by side, one for every point of a tile.
struct CrossThreads {
    int lane, team, teams;
    SPECFAST_DEVICE explicit CrossThreads(int64_t width)
        : lane(static_cast<int>(threadIdx.x) % static_cast<int>(width)),
          team(static_cast<int>(threadIdx.x) / static_cast<int>(width)),
          teams(static_cast<int>(blockDim.x) / static_cast<int>(width)) {}
};

// z (points, D) contiguous; of the points from `first` on those beyond the last are its copies.
template <class T>
SPECFAST_DEVICE void fill_functions(const GpuCross& cross, const GpuSeries<T>* const* series, const T* z, int64_t first,
                                    int64_t points, const CrossThreads& threads, int64_t pitch, T* functions) {
    const int64_t m = first + threads.lane < points ? first + threads.lane : points - 1;
    for (int64_t axis = threads.team; axis < cross.dim; axis += threads.teams) {
        T* const column = functions + cross.axes[axis] * pitch + threads.lane;
        climb(*series[axis], z[m * cross.dim + axis], column, pitch);
        for (int64_t step = 0; step < series[axis]->derivative; ++step)
            differentiate_transposed_in_place(series[axis]->map, StridedRow<T>{column, pitch});
    }
}

// Returns where the products are: behind the functions, or the functions of the last axis.
template <class T>
SPECFAST_DEVICE const T* fill_products(const GpuCross& cross, const CrossThreads& threads, int64_t pitch,
                                       T* functions) {
    const T* const last = functions + cross.axes[cross.dim - 1] * pitch;
    if (cross.products == 0) return last;
    T* const products = functions + cross.functions * pitch;
    const int64_t depth = cross.dim - cross.split - 1, lane = threads.lane;
    for (int64_t run = threads.team; run < cross.runs; run += threads.teams) {
        const int32_t* const factors = cross.factors + run * depth;
        T leading = functions[factors[0] * pitch + lane];
        for (int64_t d = 1; d < depth; ++d) leading *= functions[factors[d] * pitch + lane];
        const int32_t begin = cross.run_ends[run], end = cross.run_ends[run + 1];
        for (int32_t k = begin; k < end; ++k)
            products[cross.places[k] * pitch + lane] = leading * last[(k - begin) * pitch + lane];
    }
    return products;
}

}  // namespace
}  // namespace specfast
