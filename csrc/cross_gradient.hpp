// grad_z[row, channel, m, d] = g[row, channel, m] d/dz_d of the sum in cross_synthesize.hpp, for every axis d, and
// grad_coef[row, channel, n] = sum over m of g[row, channel, m] prod_d phi_{n_d}(z_{m d}), in one pass. Either g = 1 and grad_z
// alone is wanted, or both are.
//
// Method    Outside in, g times the functions of the entries so far, one tile a level; in a block these meet the functions of
//           the last two axes as in cross_adjoint.hpp. Inside out, at every inner node the finished sum below it, the tile
//           above it and the derivative of its own function make its part of the gradient along its axis. Blocks sum values
//           and slopes in registers, by segments or from products of the last two functions.
// Layout    As cross_adjoint.hpp with one channel, and a tile of the gradient an axis.
// Cost      three FMAs an index in segments and four in blocks of products (one less without grad_coef), and four an
//           inner node above, whatever D is.
#pragma once
#include "cross_adjoint.hpp"

namespace specfast {
namespace {

// Vectors of points in a tile, so that the sums of a block stay in registers.
constexpr int gradient_vectors = SPECFAST_CROSS_VECTORS / 2;

// The tables of a tile: functions and their derivatives, and the products of those of the last two axes, with neither, the
// first and the second differentiated.
template <class T>
struct GradientTables {
    const int64_t* offset;
    const T *functions, *slopes, *plain, *first, *second;
};

// A block, with its sum and, where they are summed in registers, the slopes of that along the last two axes.
template <class T, int R, bool adjoint>
struct GradientBlock {
    static constexpr int64_t pitch = R * lanes<T>;
    Vector<T> sum[R];

    // From the products of both functions; adds to the gradient along both axes.
    SPECFAST_INLINE const T* pairs(const Blocks& blocks, const Shape& shape, const GradientTables<T>& tables,
                                   const T* coef, const T* above, T* gradient, Pending<T>& pending) {
        Vector<T> before[R] = {}, last[R] = {};
        for (int r = 0; r < R; ++r) sum[r] = Vector<T>{};
        const Spread<T, 1, R> spread(above);
        for (int64_t i = shape.begin; i < shape.end; ++i) {
            const int64_t at = blocks.places[i] * pitch;
            const Vector<T> c = splat<T>(*coef++);
            if constexpr (adjoint) {
                Vector<T> part[1];
                spread(tables.plain + at, part);
                pending.template push<1>(part);
            }
            for (int r = 0; r < R; ++r) {
                sum[r] += c * load(tables.plain + at + r * lanes<T>);
                before[r] += c * load(tables.first + at + r * lanes<T>);
                last[r] += c * load(tables.second + at + r * lanes<T>);
            }
        }
        for (int r = 0; r < R; ++r) {
            T *const to = gradient + r * lanes<T>, *const behind = to + pitch;
            store(to, load(to) + before[r] * spread.values[r]);
            store(behind, load(behind) + last[r] * spread.values[r]);
        }
        return coef;
    }

    // By segments: functions q of the axis that runs with derivatives p, f and g those of the one that is fixed.
    SPECFAST_INLINE const T* segments(const Blocks& blocks, const Shape& shape, const GradientTables<T>& tables,
                                      int depth, const T* coef, const T* above, T* gradient, Pending<T>& pending) {
        for (int r = 0; r < R; ++r) sum[r] = Vector<T>{};
        for (int64_t i = shape.begin; i < shape.end; ++i) {
            const Segment& segment = blocks.segments[i];
            const int runs = depth + segment.last, fixed = depth + 1 - segment.last;
            const int64_t own = tables.offset[fixed] + segment.fixed * pitch;
            const int64_t first = tables.offset[runs] + segment.first * pitch;
            const T *const f = tables.functions + own, *const g = tables.slopes + own;
            const T *q = tables.functions + first, *p = tables.slopes + first;
            Vector<T> value[R] = {}, slope[R] = {};
            alignas(64) T product[pitch];
            if constexpr (adjoint) multiply_tiles<T, 1, R>(above, f, product);
            const Spread<T, 1, R> spread(adjoint ? product : above);
            for (int32_t k = 0; k < segment.length; ++k, q += pitch, p += pitch) {
                const Vector<T> c = splat<T>(*coef++);
                if constexpr (adjoint) {
                    Vector<T> part[1];
                    spread(q, part);
                    pending.template push<1>(part);
                }
                for (int r = 0; r < R; ++r) {
                    value[r] += c * load(q + r * lanes<T>);
                    slope[r] += c * load(p + r * lanes<T>);
                }
            }
            T *const along = gradient + (runs - depth) * pitch, *const across = gradient + (fixed - depth) * pitch;
            for (int r = 0; r < R; ++r) {
                const int l = r * lanes<T>;
                const Vector<T> factor = load(f + l), outer = load(above + l);
                sum[r] += value[r] * factor;
                store(along + l, load(along + l) + slope[r] * (factor * outer));
                store(across + l, load(across + l) + value[r] * (load(g + l) * outer));
            }
        }
        return coef;
    }

    // One level up: multiplied by the function there, and what the level holds already added.
    SPECFAST_INLINE void fold(const T* q, const T* slope, const T* above, const T* level, T* gradient) {
        for (int r = 0; r < R; ++r) {
            const int l = r * lanes<T>;
            store(gradient + l, load(gradient + l) + sum[r] * load(slope + l) * load(above + l));
            sum[r] *= load(q + l);
            if (level != nullptr) sum[r] += load(level + l);
        }
    }
};

// `levels` holds D tiles of sums, `above` D tiles of products, the first of which is g; adds to `gradient` (D, P) and to the
// sums of `pending`.
template <class T, int R, bool adjoint>
void gradient_tree(const Cross& cross, const GradientTables<T>& tables, const T* coef, T* levels, T* above, T* gradient,
                   Pending<T> pending) {
    constexpr int64_t pitch = R * lanes<T>;
    const int depth = cross.dim - 2;
    int32_t entry[max_dimensions] = {};
    GradientBlock<T, R, adjoint> own;
    int level = 0;
    for (const Block* block = cross.blocks.blocks;; ++block) {
        for (int d = level; d < depth; ++d) {
            T* const from = above + d * pitch;
            multiply_tiles<T, 1, R>(from, tables.functions + tables.offset[d] + entry[d] * pitch, from + pitch);
        }
        const Shape& shape = cross.blocks.shapes[block->shape];
        T *const outer = above + depth * pitch, *const to = gradient + depth * pitch;
        if (shape.paired) {
            coef = own.pairs(cross.blocks, shape, tables, coef, outer, to, pending);
        } else {
            coef = own.segments(cross.blocks, shape, tables, depth, coef, outer, to, pending);
        }
        level = block->level;
        for (int d = depth - 1; d >= 0; --d) {
            const int64_t place = tables.offset[d] + entry[d] * pitch;
            own.fold(tables.functions + place, tables.slopes + place, above + d * pitch,
                     entry[d] != 0 ? levels + d * pitch : nullptr, gradient + d * pitch);
            if (d == level) break;
            entry[d] = 0;
        }
        if (level < 0) break;
        for (int r = 0; r < R; ++r) store(levels + level * pitch + r * lanes<T>, own.sum[r]);
        ++entry[level];
    }
    if (adjoint) pending.close();
}

// What a thread needs for a tile, and how it is filled.
template <class Data, int R>
struct GradientPlan {
    static constexpr int64_t pitch = R * lanes<Data>;
    const Cross& cross;
    AxisTables<Data> slopes;
    int64_t entries, pairs, numbers;

    GradientPlan(const Cross& given, const Series* const* derived)
        : cross(given),
          slopes(given, derived, pitch),
          entries(slopes.entries()),
          pairs(given.blocks.pair_count * pitch) {
        const int64_t all = 2 * entries + 3 * pairs + 3 * cross.dim * pitch + Pending<Data>::most * lanes<Data>;
        numbers = ceil_divide(all * static_cast<int64_t>(sizeof(Data)), 64) * 8;
    }
    int64_t scratch() const { return numbers + slopes.scratch(); }
    GradientTables<Data> tables(double* memory) const {
        Data *const own = reinterpret_cast<Data*>(memory), *const derived = own + entries,
                    *const plain = derived + entries;
        return {slopes.offset, own, derived, plain, plain + pairs, plain + 2 * pairs};
    }
    Data* levels(double* memory) const { return reinterpret_cast<Data*>(memory) + 2 * entries + 3 * pairs; }
    void fill(int64_t row, int64_t begin, int64_t filled, double* memory) const {
        Data *const own = reinterpret_cast<Data*>(memory), *const derived = own + entries,
                    *const plain = derived + entries;
        slopes.fill_with_functions(row, begin, filled, memory + numbers, own, derived);
        const int64_t before = slopes.offset[cross.dim - 2], last = slopes.offset[cross.dim - 1];
        multiply_pairs<Data, pitch>(cross.blocks, own + before, own + last, plain);
        multiply_pairs<Data, pitch>(cross.blocks, derived + before, own + last, plain + pairs);
        multiply_pairs<Data, pitch>(cross.blocks, own + before, derived + last, plain + 2 * pairs);
    }
};

template <class Data, bool adjoint>
void cross_gradient_as(const Cross& cross, const Series* const* derived, const Data* values, const Data* coef,
                       Data* grad_coef, Data* grad_z) {
    constexpr int R = gradient_vectors, pitch = R * lanes<Data>;
    const GradientPlan<Data, R> plan(cross, derived);
    const int64_t tiles = ceil_divide(cross.points, pitch), dim = cross.dim;
    const int64_t runs = adjoint ? cross_runs(cross, tiles) : tiles, tiles_a_run = ceil_divide(tiles, runs);
    const int64_t sums_a_run = adjoint ? cross.groups * cross.size : 0;
    const int threads = threads_for(cross.rows * tiles * pitch * cross.size * cross.groups);
    const Scratch scratch(plan.scratch(), threads);
    const Scratch sums(cross.rows * runs * sums_a_run, 1);
    const Walked<Data> walked(cross, coef, 1);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < cross.rows * runs; ++task) {
        const int64_t row = task / runs, from = task % runs * tiles_a_run, to = smaller(tiles, from + tiles_a_run);
        double *const memory = scratch.of_this_thread(), *const own_sums = sums.block(0) + task * sums_a_run;
        for (int64_t i = 0; i < sums_a_run; ++i) own_sums[i] = 0;
        const GradientTables<Data> tables = plan.tables(memory);
        Data *const levels = plan.levels(memory), *const above = levels + dim * pitch, *const own = above + dim * pitch;
        for (int64_t tile = from; tile < to; ++tile) {
            const int64_t begin = tile * pitch, filled = smaller(pitch, cross.points - begin);
            plan.fill(row, begin, filled, memory);
            for (int64_t group = 0; group < cross.groups; ++group) {
                const int64_t place = row * cross.groups + group;
                for (int64_t i = 0; i < pitch; ++i)
                    above[i] = !adjoint ? Data(1) : i < filled ? values[place * cross.points + begin + i] : Data(0);
                for (int64_t i = 0; i < dim * pitch; ++i) own[i] = 0;
                gradient_tree<Data, R, adjoint>(
                    cross, tables, walked.data() + row * cross.coef_row + group * cross.size, levels, above, own,
                    Pending<Data>{own + dim * pitch, own_sums + group * cross.size});
                Data* const result = grad_z + (place * cross.points + begin) * dim;
                for (int64_t i = 0; i < filled; ++i)
                    for (int64_t d = 0; d < dim; ++d) result[i * dim + d] = own[d * pitch + i];
            }
        }
    }
    if (adjoint) add_runs<Data, 1>(cross, sums.block(0), runs, threads, grad_coef);
}

template <class Data>
void cross_gradient_of(const Cross& cross, const Series* const* derived, const void* values, const void* coef,
                       void* grad_coef, void* grad_z) {
    const auto run = grad_coef == nullptr ? cross_gradient_as<Data, false> : cross_gradient_as<Data, true>;
    run(cross, derived, static_cast<const Data*>(values), static_cast<const Data*>(coef), static_cast<Data*>(grad_coef),
        static_cast<Data*>(grad_z));
}

void cross_gradient(const Cross& cross, const Series* const* derived, const void* values, const void* coef,
                    void* grad_coef, void* grad_z, bool is_double) {
    (is_double ? cross_gradient_of<double> : cross_gradient_of<float>)(cross, derived, values, coef, grad_coef, grad_z);
}

}  // namespace
}  // namespace specfast
