// values[row, channel, j, m] = sum over n of coef[row, channel, n] prod_d phi_{n_d}^(k_jd)(z[row, m, d]): several derivatives of
// the sum in cross_synthesize.hpp in one pass.
//
// Method    Inside out as there. Tuples of orders that end alike share their sums: at axis d there is one sum in progress for
//           every different (k_d, .., k_D). Of a Laplacian these are two on the last axis and one more an axis before.
// Layout    As cross_synthesize.hpp with one channel; functions of every order that an axis needs, and products of the last
//           two for every pair of orders.
// Cost      one FMA an index and pair of orders of the last two axes, one an inner node and sum in progress.
#pragma once
#include "cross_synthesize.hpp"

namespace specfast {
namespace {

// The tables of a tile: of axis d and slot s (one order each) at functions + offset[first[d] + s].
template <class Data>
struct OrderTables {
    const Cross& cross;
    const Derivatives& orders;
    int64_t pitch, entries = 0, scratch = 0;
    int64_t offset[max_orders];

    OrderTables(const Cross& given, const Derivatives& wanted, int64_t points_a_tile)
        : cross(given), orders(wanted), pitch(points_a_tile) {
        for (int i = 0; i < orders.first[cross.dim]; ++i) {
            offset[i] = entries;
            entries += working_count(*orders.series[i]) * pitch;
            scratch = larger(scratch, table_scratch(*orders.series[i], pitch));
        }
    }
    int64_t pairs() const { return orders.counts[cross.dim - 2] * cross.blocks.pair_count * pitch; }
    const Data* table(const Data* functions, int axis, int32_t slot) const {
        return functions + offset[orders.first[axis] + slot];
    }
    template <int Pitch>
    void fill(int64_t row, int64_t begin, int64_t filled, double* memory, Data* functions) const {
        const Data* const first = static_cast<const Data*>(cross.z) + row * cross.z_row + begin * cross.z_point;
        for (int d = 0; d < cross.dim; ++d)
            for (int i = orders.first[d]; i < orders.first[d + 1]; ++i)
                fill_table(*orders.series[i], first + d * cross.z_axis, cross.z_point, filled, pitch, memory,
                           functions + offset[i]);
        const int before = cross.dim - 2;
        for (int s = 0; s < orders.counts[before]; ++s) {
            const Ending& ending = orders.endings[before][s];
            multiply_pairs<Data, Pitch>(cross.blocks, table(functions, before, ending.slot),
                                        table(functions, before + 1, ending.rest),
                                        functions + entries + s * cross.blocks.pair_count * pitch);
        }
    }
};

// `levels` and `sums` hold `most` tiles a level and two times `most`; the results are left in `sums`.
template <class T, int R>
void derivatives_tree(const Cross& cross, const OrderTables<T>& tables, const T* functions, const T* coef, T* levels,
                      T* scratch, T* sums) {
    constexpr int64_t pitch = R * lanes<T>;
    const Derivatives& orders = tables.orders;
    const int depth = cross.dim - 2;
    const int64_t a_level = orders.most * pitch, products = cross.blocks.pair_count * pitch;
    int32_t entry[max_dimensions] = {};
    CrossSum<T, 1, R> own;
    for (const Block* block = cross.blocks.blocks;; ++block) {
        const Shape& shape = cross.blocks.shapes[block->shape];
        for (int s = 0; s < orders.counts[depth]; ++s) {
            const Ending& ending = orders.endings[depth][s];
            sum_block(cross.blocks, shape, tables.table(functions, depth, ending.slot),
                      tables.table(functions, depth + 1, ending.rest), functions + tables.entries + s * products, coef,
                      scratch, own);
            own.write(sums + s * pitch);
        }
        coef += shape.size;
        const int level = block->level;
        for (int d = depth - 1; d >= 0; --d) {
            T* const to = d == level ? levels + d * a_level : sums + a_level;
            for (int s = 0; s < orders.counts[d]; ++s) {
                const Ending& ending = orders.endings[d][s];
                const T* const q = tables.table(functions, d, ending.slot) + entry[d] * pitch;
                const T *const below = sums + ending.rest * pitch, *const held = levels + d * a_level + s * pitch;
                for (int l = 0; l < pitch; l += lanes<T>) {
                    const Vector<T> part = load(below + l) * load(q + l);
                    store(to + s * pitch + l, entry[d] == 0 ? part : part + load(held + l));
                }
            }
            if (d == level) break;
            for (int64_t l = 0; l < orders.counts[d] * pitch; l += lanes<T>) store(sums + l, load(sums + a_level + l));
            entry[d] = 0;
        }
        if (level < 0) break;
        ++entry[level];
    }
}

template <class Data>
void cross_derivatives_as(const Cross& cross, const Derivatives& orders, const Data* coef, Data* values) {
    constexpr int R = cross_vectors(1), pitch = R * lanes<Data>;
    const OrderTables<Data> tables(cross, orders, pitch);
    const int64_t tiles = ceil_divide(cross.points, pitch), a_level = orders.most * pitch;
    const int64_t numbers = tables.entries + tables.pairs() + (cross.dim + 2) * a_level + pitch;
    const int64_t own_scratch = ceil_divide(numbers * static_cast<int64_t>(sizeof(Data)), 64) * 8;
    const int threads = threads_for(cross.rows * tiles * pitch * cross.size * cross.groups * orders.results);
    const Scratch scratch(own_scratch + tables.scratch, threads);
    const Walked<Data> walked(cross, coef, 1);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < cross.rows * tiles; ++task) {
        const int64_t row = task / tiles, begin = task % tiles * pitch;
        const int64_t filled = smaller(pitch, cross.points - begin);
        double* const memory = scratch.of_this_thread();
        Data* const functions = reinterpret_cast<Data*>(memory);
        Data *const levels = functions + tables.entries + tables.pairs(), *const sums = levels + cross.dim * a_level;
        tables.template fill<pitch>(row, begin, filled, memory + own_scratch, functions);
        for (int64_t group = 0; group < cross.groups; ++group) {
            derivatives_tree<Data, R>(cross, tables, functions,
                                      walked.data() + row * cross.coef_row + group * cross.size, levels,
                                      sums + 2 * a_level, sums);
            Data* const to = values + (row * cross.groups + group) * orders.results * cross.points + begin;
            for (int64_t j = 0; j < orders.results; ++j)
                for (int64_t i = 0; i < filled; ++i) to[j * cross.points + i] = sums[orders.result[j] * pitch + i];
        }
    }
}

void cross_derivatives(const Cross& cross, const Derivatives& orders, const void* coef, void* values, bool is_double) {
    if (is_double) {
        cross_derivatives_as(cross, orders, static_cast<const double*>(coef), static_cast<double*>(values));
    } else {
        cross_derivatives_as(cross, orders, static_cast<const float*>(coef), static_cast<float*>(values));
    }
}

}  // namespace
}  // namespace specfast
