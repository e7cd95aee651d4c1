// gradient[row, channel, m, d] = d/dz_d of the sum in cross_synthesize.hpp, for every axis d in one pass.
//
// Method    At every inner node the finished sum below it, the product of the functions above it and the derivative of its
//           own function make its part of the gradient along its axis. Blocks of the last two entries sum values and slopes
//           in registers; where runs are short, from products of the last two functions.
// Layout    As cross_synthesize.hpp with one channel: sums in progress and products so far one tile a level, a tile of the
//           gradient an axis.
// Cost      two multiply-adds an index and three a run, or three an index, and four an inner node above, whatever D is.
#pragma once
#include "cross_synthesize.hpp"

namespace specfast {
namespace {

constexpr int gradient_vectors = SPECFAST_CROSS_VECTORS / 2;

template <class T, int R>
struct Gradient {
    static constexpr int pitch = R * lanes<T>;
    const T* above;  // D tiles of products, the first of which is 1
    T* gradient;     // D tiles

    SPECFAST_INLINE void add(int d, const Vector<T>* part) const {
        for (int r = 0; r < R; ++r) {
            T* const to = gradient + d * pitch + r * lanes<T>;
            store(to, load(to) + part[r] * load(above + d * pitch + r * lanes<T>));
        }
    }
};

// A block: all indices with the same first D - 2 entries, with its sum and the slopes of that along the last two axes.
template <class T, int R>
struct GradientBlock {
    static constexpr int pitch = R * lanes<T>;
    Vector<T> sum[R] = {}, before[R] = {}, last[R] = {};

    // Adds the run of the last entry whose functions are q, their derivatives p; f and g those of the entry before.
    SPECFAST_INLINE void run(const T* coef, int32_t length, const T* q, const T* p, const T* f, const T* g) {
        Vector<T> value[R] = {}, slope[R] = {};
        for (; length > 0; --length, ++coef, q += pitch, p += pitch) {
            const Vector<T> c = splat<T>(*coef);
            for (int r = 0; r < R; ++r) {
                value[r] += c * load(q + r * lanes<T>);
                slope[r] += c * load(p + r * lanes<T>);
            }
        }
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(f + r * lanes<T>);
            sum[r] += value[r] * factor;
            last[r] += slope[r] * factor;
            before[r] += value[r] * load(g + r * lanes<T>);
        }
    }
    // The same from the products of both functions, those with the first and with the second differentiated.
    SPECFAST_INLINE void pairs(const T* coef, int32_t length, const T* plain, const T* first, const T* second) {
        for (int64_t at = 0; at < length * pitch; at += pitch) {
            const Vector<T> c = splat<T>(*coef++);
            for (int r = 0; r < R; ++r) sum[r] += c * load(plain + at + r * lanes<T>);
            for (int r = 0; r < R; ++r) before[r] += c * load(first + at + r * lanes<T>);
            for (int r = 0; r < R; ++r) last[r] += c * load(second + at + r * lanes<T>);
        }
    }
};

// Where the products of the last two functions are, with neither, the first and the second differentiated.
template <class T>
struct PairProducts {
    const T *plain, *first, *second;
};

// `levels` holds D tiles of sums, `above` D tiles of products, the first of which is 1; adds to `gradient` (D, P).
template <class T, int R, bool paired>
void gradient_tree(const Tree& tree, const int64_t* offset, const T* tables, const T* slopes, const PairTable& pairs,
                   const PairProducts<T>& products, const T* coef, T* levels, T* above, T* gradient) {
    constexpr int pitch = R * lanes<T>;
    const int depth = tree.dim - 2;
    const int64_t last = offset[depth + 1];
    int32_t entry[max_dimensions] = {};
    const int32_t *run = tree.runs, *const stop = tree.runs + 2 * tree.fibres;
    const Gradient<T, R> result{above, gradient};
    for (int from = 0;;) {
        for (int d = from; d < depth; ++d) {
            const T* const q = tables + offset[d] + entry[d] * pitch;
            for (int l = 0; l < pitch; l += lanes<T>)
                store(above + (d + 1) * pitch + l, load(above + d * pitch + l) * load(q + l));
        }
        GradientBlock<T, R> block;
        int64_t place = offset[depth];
        const int64_t* row = pairs.first;
        do {
            if constexpr (paired) {
                const int64_t first = *row++ * pitch;
                block.pairs(coef, run[1], products.plain + first, products.first + first, products.second + first);
            } else {
                block.run(coef, run[1], tables + last, slopes + last, tables + place, slopes + place);
                place += pitch;
            }
            coef += run[1];
            run += 2;
        } while (run != stop && run[0] == depth);
        // Both slopes lack the product of the functions above the block.
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(above + depth * pitch + r * lanes<T>);
            T *const to = gradient + depth * pitch + r * lanes<T>, *const behind = to + pitch;
            store(to, load(to) + block.before[r] * factor);
            store(behind, load(behind) + block.last[r] * factor);
        }
        const int level = run == stop ? -1 : run[0];
        for (int d = depth - 1; d >= 0; --d) {
            const int64_t own = offset[d] + entry[d] * pitch;
            Vector<T> part[R];
            for (int r = 0; r < R; ++r) {
                part[r] = block.sum[r] * load(slopes + own + r * lanes<T>);
                block.sum[r] *= load(tables + own + r * lanes<T>);
                if (entry[d] != 0) block.sum[r] += load(levels + d * pitch + r * lanes<T>);
            }
            result.add(d, part);
            if (d == level) break;
            entry[d] = 0;
        }
        if (level < 0) break;
        for (int r = 0; r < R; ++r) store(levels + level * pitch + r * lanes<T>, block.sum[r]);
        ++entry[level];
        from = level;
    }
}

template <class Data>
void cross_gradient_as(const Cross& cross, const Series* const* derived, const Data* coef, Data* gradient) {
    constexpr int R = gradient_vectors, pitch = R * lanes<Data>;
    const CrossPlan<Data> plan(cross, pitch, 3);
    const AxisTables<Data>& values = plan.tables;
    const AxisTables<Data> slopes(cross, derived, pitch);
    const int64_t tiles = ceil_divide(cross.points, pitch), dim = cross.tree.dim, entries = values.entries();
    const int64_t pairs = plan.pairs.pairs * pitch;
    const int threads = threads_for(cross.rows * tiles * pitch * cross.size * cross.groups);
    const int64_t all = 2 * entries + 3 * pairs + 3 * dim * pitch;
    const int64_t numbers = ceil_divide(all * static_cast<int64_t>(sizeof(Data)), 64) * 8;
    const Scratch scratch(numbers + larger(values.scratch(), slopes.scratch()), threads);
    const auto sum = plan.paired ? gradient_tree<Data, R, true> : gradient_tree<Data, R, false>;
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < cross.rows * tiles; ++task) {
        const int64_t row = task / tiles, begin = task % tiles * pitch;
        const int64_t filled = smaller(pitch, cross.points - begin);
        double* const memory = scratch.of_this_thread();
        Data *const tables = reinterpret_cast<Data*>(memory), *const derivatives = tables + entries;
        Data *const products = derivatives + entries, *const levels = products + 3 * pairs;
        Data *const above = levels + dim * pitch, *const own = above + dim * pitch;
        values.fill(row, begin, filled, memory + numbers, tables);
        slopes.fill(row, begin, filled, memory + numbers, derivatives);
        if (plan.paired) {
            const int64_t before = values.offset[dim - 2], last = values.offset[dim - 1];
            multiply_pairs<Data, pitch>(cross.tree, plan.pairs, tables + before, tables + last, products);
            multiply_pairs<Data, pitch>(cross.tree, plan.pairs, derivatives + before, tables + last, products + pairs);
            multiply_pairs<Data, pitch>(cross.tree, plan.pairs, tables + before, derivatives + last,
                                        products + 2 * pairs);
        }
        for (int64_t i = 0; i < pitch; ++i) above[i] = 1;
        for (int64_t group = 0; group < cross.groups; ++group) {
            for (int64_t i = 0; i < dim * pitch; ++i) own[i] = 0;
            sum(cross.tree, values.offset, tables, derivatives, plan.pairs,
                PairProducts<Data>{products, products + pairs, products + 2 * pairs},
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
