// values[row, channel, m] = sum over n in the index set of coef[row, channel, n] prod_d phi_{n_d}^(k_d)(z[row, m, d]).
//
// Method    Inside out over the index tree: the sum along a run of the last entry is multiplied by the function of the entry
//           before and added to the sums one level up, until the level that goes on. Where runs are short, blocks of pairs
//           (last two entries) take the place of runs; their products are shared by all blocks of a tile.
// Layout    A task is a row and a tile of P = R vectors of points; `width` channels run side by side on coefficients that
//           are interleaved. Sums in progress: one tile a level, in a near cache.
// Cost      one multiply-add an index and channel, one an inner node of the tree, and the tables.
#pragma once
#include "cross_tables.hpp"

namespace specfast {
namespace {

// Vectors of points in a tile, so that width x vectors sums stay in registers.
constexpr int cross_vectors(int width) { return width == 1 ? SPECFAST_CROSS_VECTORS : SPECFAST_CROSS_VECTORS * 3 / 8; }

template <class T, int W, int R>
struct CrossSum {
    static constexpr int pitch = R * lanes<T>;
    Vector<T> sum[W][R];

    SPECFAST_INLINE void clear() {
        for (int w = 0; w < W; ++w)
            for (int r = 0; r < R; ++r) sum[w][r] = Vector<T>{};
    }
    // Adds sum_n coef_n q_n along a run.
    SPECFAST_INLINE const T* run(const T* coef, const T* q, int64_t length) {
        for (; length > 0; --length, coef += W, q += pitch) {
            for (int w = 0; w < W; ++w) {
                const Vector<T> c = splat<T>(coef[w]);
                for (int r = 0; r < R; ++r) sum[w][r] += c * load(q + r * lanes<T>);
            }
        }
        return coef;
    }
    // Multiplies by q and adds what the level holds already.
    SPECFAST_INLINE void fold(const T* q, const T* level) {
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(q + r * lanes<T>);
            for (int w = 0; w < W; ++w) sum[w][r] = sum[w][r] * factor + load(level + (w * R + r) * lanes<T>);
        }
    }
    SPECFAST_INLINE void multiply(const T* q) {
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(q + r * lanes<T>);
            for (int w = 0; w < W; ++w) sum[w][r] *= factor;
        }
    }
    SPECFAST_INLINE void write(T* to) const {
        for (int w = 0; w < W; ++w)
            for (int r = 0; r < R; ++r) store(to + (w * R + r) * lanes<T>, sum[w][r]);
    }
};

// Sums one tile; `levels` holds a tile of W P sums a level, `result` gets W P.
template <class T, int W, int R, bool paired>
void sum_tree(const Tree& tree, const int64_t* offset, const T* tables, const PairTable& pairs, const T* products,
              const T* coef, T* levels, T* result) {
    constexpr int pitch = R * lanes<T>;
    const int depth = tree.dim - (paired ? 2 : 1);
    const T* const last = tables + offset[tree.dim - 1];
    int32_t entry[max_dimensions] = {};
    const int32_t *run = tree.runs, *const stop = tree.runs + 2 * tree.fibres;
    CrossSum<T, W, R> own;
    for (;;) {
        own.clear();
        const int64_t* row = pairs.first;
        do {
            coef = own.run(coef, paired ? products + *row++ * pitch : last, run[1]);
            run += 2;
        } while (paired && run != stop && run[0] >= depth);
        const int level = run == stop ? -1 : run[0];
        for (int d = depth - 1; d >= 0; --d) {
            const T* const q = tables + offset[d] + entry[d] * pitch;
            if (entry[d] == 0) {
                own.multiply(q);
            } else {
                own.fold(q, levels + d * W * pitch);
            }
            if (d == level) break;
            entry[d] = 0;
        }
        if (level < 0) break;
        own.write(levels + level * W * pitch);
        ++entry[level];
    }
    own.write(result);
}

// What all tasks of a sum share: the tables' places, the pairs, and scratch memory.
template <class Data>
struct CrossPlan {
    AxisTables<Data> tables;
    PairTable pairs;
    bool paired;
    Scratch starts;

    // `kinds` of products of pairs are kept.
    CrossPlan(const Cross& cross, int64_t pitch, int64_t kinds = 1)
        : tables(cross, cross.series, pitch), starts(first_block_rows(cross.tree), 1) {
        pairs.rows = first_block_rows(cross.tree);
        int64_t* const first = reinterpret_cast<int64_t*>(starts.block(0));
        for (int64_t i = 0; i < pairs.rows; ++i) {
            first[i] = pairs.pairs;
            pairs.pairs += cross.tree.runs[2 * i + 1];
        }
        pairs.first = first;
        paired = pairs_pay(cross, kinds * pairs.pairs, pitch * static_cast<int64_t>(sizeof(Data))) &&
                 is_nested(cross.tree, pairs.rows);
        if (!paired) pairs.pairs = 0;
    }
    // Numbers of type Data, then doubles.
    int64_t numbers(int64_t width) const {
        return tables.entries() + (pairs.pairs + (tables.cross.tree.dim + 1) * width) * tables.pitch;
    }
    int64_t scratch(int64_t width) const {
        return ceil_divide(numbers(width) * static_cast<int64_t>(sizeof(Data)), 64) * 8 + tables.scratch();
    }
};

template <class Data, int W>
void cross_synthesize_as(const Cross& cross, const Data* coef, Data* values) {
    constexpr int R = cross_vectors(W), pitch = R * lanes<Data>;
    const CrossPlan<Data> plan(cross, pitch);
    const int64_t tiles_a_row = ceil_divide(cross.points, pitch), dim = cross.tree.dim;
    const int64_t tasks = cross.rows * tiles_a_row;
    const int threads = threads_for(tasks * pitch * cross.size * cross.groups * W);
    const Scratch scratch(plan.scratch(W), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / tiles_a_row, begin = task % tiles_a_row * pitch;
        const int64_t filled = smaller(pitch, cross.points - begin);
        Data* const tables = reinterpret_cast<Data*>(scratch.of_this_thread());
        Data *const products = tables + plan.tables.entries(), *const levels = products + plan.pairs.pairs * pitch;
        Data* const result = levels + dim * W * pitch;
        plan.tables.fill(row, begin, filled, scratch.of_this_thread() + plan.scratch(W) - plan.tables.scratch(),
                         tables);
        if (plan.paired) {
            multiply_pairs<Data, pitch>(cross.tree, plan.pairs, tables + plan.tables.offset[dim - 2],
                                        tables + plan.tables.offset[dim - 1], products);
        }
        for (int64_t group = 0; group < cross.groups; ++group) {
            const Data* const own = coef + row * cross.coef_row + group * cross.size * W;
            const auto sum = plan.paired ? sum_tree<Data, W, R, true> : sum_tree<Data, W, R, false>;
            sum(cross.tree, plan.tables.offset, tables, plan.pairs, products, own, levels, result);
            Data* const to = values + ((row * cross.groups + group) * W) * cross.points + begin;
            for (int w = 0; w < W; ++w)
                for (int64_t i = 0; i < filled; ++i) to[w * cross.points + i] = result[w * pitch + i];
        }
    }
}

bool cross_synthesize(const Cross& cross, const void* coef, void* values, bool is_double) {
    if (!is_valid(cross.tree, cross.size)) return false;
    const bool wide = cross.width == 4;
    if (is_double) {
        const auto run = wide ? cross_synthesize_as<double, 4> : cross_synthesize_as<double, 1>;
        run(cross, static_cast<const double*>(coef), static_cast<double*>(values));
    } else {
        const auto run = wide ? cross_synthesize_as<float, 4> : cross_synthesize_as<float, 1>;
        run(cross, static_cast<const float*>(coef), static_cast<float*>(values));
    }
    return true;
}

}  // namespace
}  // namespace specfast
