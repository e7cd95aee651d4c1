// gradient[row, channel, m, d] = d/dz_d of the sum in cross_synthesize.hpp, for every axis d in one pass.
//
// Method    At every inner node the finished sum below it, the product of the functions above it and the derivative of its
//           own function make its part of the gradient along its axis; at the leaves a second sum runs with the derivatives
//           of the last functions.
// Layout    As cross_synthesize.hpp with one channel: sums in progress and products so far one tile a level, a tile of the
//           gradient an axis.
// Cost      two multiply-adds an index and four an inner node, whatever D is; both tables.
#pragma once
#include "cross_synthesize.hpp"

namespace specfast {
namespace {

constexpr int gradient_vectors = SPECFAST_CROSS_VECTORS / 2;

// `levels` holds D tiles of sums, `above` D tiles of products, the first of which is 1; adds to `gradient` (D, P).
template <class T, int R>
void gradient_tree(const Tree& tree, const int64_t* offset, const T* tables, const T* slopes, const T* coef, T* levels,
                   T* above, T* gradient) {
    constexpr int pitch = R * lanes<T>;
    const int depth = tree.dim - 1;
    const T *const last = tables + offset[depth], *const last_slope = slopes + offset[depth];
    int32_t entry[max_dimensions] = {};
    const int32_t *run = tree.runs, *const stop = tree.runs + 2 * tree.fibres;
    int from = 0;
    for (;;) {
        for (int d = from; d < depth; ++d) {
            const T* const q = tables + offset[d] + entry[d] * pitch;
            for (int l = 0; l < pitch; l += lanes<T>)
                store(above + (d + 1) * pitch + l, load(above + d * pitch + l) * load(q + l));
        }
        Vector<T> sum[R] = {}, slope[R] = {};
        const T *q = last, *p = last_slope;
        for (int32_t length = run[1]; length > 0; --length, q += pitch, p += pitch) {
            const Vector<T> c = splat<T>(*coef++);
            for (int r = 0; r < R; ++r) {
                sum[r] += c * load(q + r * lanes<T>);
                slope[r] += c * load(p + r * lanes<T>);
            }
        }
        const auto add = [&](int d, const Vector<T>* part) __attribute__((always_inline)) {
            for (int r = 0; r < R; ++r) {
                T* const to = gradient + d * pitch + r * lanes<T>;
                store(to, load(to) + part[r] * load(above + d * pitch + r * lanes<T>));
            }
        };
        add(depth, slope);
        run += 2;
        const int level = run == stop ? -1 : run[0];
        for (int d = depth - 1; d >= 0; --d) {
            const int64_t place = offset[d] + entry[d] * pitch;
            Vector<T> part[R];
            for (int r = 0; r < R; ++r) {
                part[r] = sum[r] * load(slopes + place + r * lanes<T>);
                sum[r] *= load(tables + place + r * lanes<T>);
                if (entry[d] != 0) sum[r] += load(levels + d * pitch + r * lanes<T>);
            }
            add(d, part);
            if (d == level) break;
            entry[d] = 0;
        }
        if (level < 0) break;
        for (int r = 0; r < R; ++r) store(levels + level * pitch + r * lanes<T>, sum[r]);
        ++entry[level];
        from = level;
    }
}

template <class Data>
void cross_gradient_as(const Cross& cross, const Series* const* derived, const Data* coef, Data* gradient) {
    constexpr int R = gradient_vectors, pitch = R * lanes<Data>;
    const AxisTables<Data> values(cross, cross.series, pitch), slopes(cross, derived, pitch);
    const int64_t tiles = ceil_divide(cross.points, pitch), dim = cross.tree.dim, entries = values.entries();
    const int threads = threads_for(cross.rows * tiles * pitch * cross.size * cross.groups);
    const int64_t numbers = ceil_divide((2 * entries + 3 * dim * pitch) * static_cast<int64_t>(sizeof(Data)), 64) * 8;
    const Scratch scratch(numbers + larger(values.scratch(), slopes.scratch()), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < cross.rows * tiles; ++task) {
        const int64_t row = task / tiles, begin = task % tiles * pitch;
        const int64_t filled = smaller(pitch, cross.points - begin);
        double* const memory = scratch.of_this_thread();
        Data *const tables = reinterpret_cast<Data*>(memory), *const levels = tables + 2 * entries;
        Data *const above = levels + dim * pitch, *const own = above + dim * pitch;
        values.fill(row, begin, filled, memory + numbers, tables);
        slopes.fill(row, begin, filled, memory + numbers, tables + entries);
        for (int64_t i = 0; i < pitch; ++i) above[i] = 1;
        for (int64_t group = 0; group < cross.groups; ++group) {
            for (int64_t i = 0; i < dim * pitch; ++i) own[i] = 0;
            gradient_tree<Data, R>(cross.tree, values.offset, tables, tables + entries,
                                   coef + row * cross.coef_row + group * cross.size, levels, above, own);
            Data* const to = gradient + ((row * cross.groups + group) * cross.points + begin) * dim;
            for (int64_t i = 0; i < filled; ++i)
                for (int64_t d = 0; d < dim; ++d) to[i * dim + d] = own[d * pitch + i];
        }
    }
}

bool cross_gradient(const Cross& cross, const Series* const* slopes, const void* coef, void* gradient, bool is_double) {
    if (!is_valid(cross.tree, cross.size)) return false;
    if (is_double) {
        cross_gradient_as(cross, slopes, static_cast<const double*>(coef), static_cast<double*>(gradient));
    } else {
        cross_gradient_as(cross, slopes, static_cast<const float*>(coef), static_cast<float*>(gradient));
    }
    return true;
}

}  // namespace
}  // namespace specfast
