// coef[row, channel, n] = sum over m of values[row, channel, m] prod_d phi_{n_d}^(k_d)(z[row, m, d]): the transpose of
// cross_synthesize.hpp.
//
// Method    Outside in over the blocks of the index tree: values times the functions of the entries so far, one tile a level. In
//           a block these meet the functions of a segment, or the products of the last two; the sums over a tile's points are
//           kept as vectors and reduced many indices at a time.
// Layout    A task is a row and a run of tiles with sums of its own, in double, for the groups of channels; they are added in a
//           fixed order that depends on shapes alone.
// Cost      one FMA an index and channel and 1/R of three more, one an inner node, and the tables.
#pragma once
#include "cross_synthesize.hpp"

namespace specfast {
namespace {

// Half of v's lanes added to the other half, of two vectors at once: one step of sums over lanes.
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SPECFAST_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef SPECFAST_SHUFFLE
#define SPECFAST_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, decltype((a) < (b)){__VA_ARGS__})
#endif

template <int count, int half, class V>
SPECFAST_INLINE V add_halves(V a, V b) {
    if constexpr (count == 2) {
        return SPECFAST_SHUFFLE(a, b, 0, 2) + SPECFAST_SHUFFLE(a, b, 1, 3);
    } else if constexpr (count == 4 && half == 1) {
        return SPECFAST_SHUFFLE(a, b, 0, 4, 2, 6) + SPECFAST_SHUFFLE(a, b, 1, 5, 3, 7);
    } else if constexpr (count == 4) {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 4, 5) + SPECFAST_SHUFFLE(a, b, 2, 3, 6, 7);
    } else if constexpr (count == 8 && half == 1) {
        return SPECFAST_SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + SPECFAST_SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    } else if constexpr (count == 8 && half == 2) {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + SPECFAST_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    } else if constexpr (count == 8) {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + SPECFAST_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    } else if constexpr (half == 1) {
        return SPECFAST_SHUFFLE(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
               SPECFAST_SHUFFLE(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    } else if constexpr (half == 2) {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
               SPECFAST_SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    } else if constexpr (half == 4) {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
               SPECFAST_SHUFFLE(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    } else {
        return SPECFAST_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
               SPECFAST_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
}

// Sums over the lanes of as many vectors as a vector has lanes: lane l of the result is that of vector l.
template <class T, int half = 1>
SPECFAST_INLINE Vector<T> sum_lanes(Vector<T>* v) {
    for (int i = 0; i < lanes<T> / (2 * half); ++i) v[i] = add_halves<lanes<T>, half>(v[2 * i], v[2 * i + 1]);
    if constexpr (2 * half < lanes<T>) {
        return sum_lanes<T, 2 * half>(v);
    } else {
        return v[0];
    }
}

// Vectors that await their sums over lanes, in the order of the results.
template <class T>
struct Pending {
    static constexpr int most = 16;
    T* memory;
    double* sums;
    int count = 0;

    template <int W>
    SPECFAST_INLINE void push(const Vector<T>* v) {
        for (int w = 0; w < W; ++w) store(memory + (count + w) * lanes<T>, v[w]);
        count += W;
        if (count == most) reduce();
    }
    SPECFAST_INLINE Vector<T> sum_of(int first) const {
        Vector<T> own[lanes<T>];
        for (int l = 0; l < lanes<T>; ++l) own[l] = load(memory + (first + l) * lanes<T>);
        return sum_lanes<T>(own);
    }
    SPECFAST_INLINE void reduce() {
        for (int i = 0; i < most; i += lanes<T>) {
            const Vector<T> sum = sum_of(i);
            if constexpr (sizeof(T) == sizeof(double)) {
                store(sums + i, load(sums + i) + sum);
            } else {
                T own[lanes<T>];
                store(own, sum);
                for (int l = 0; l < lanes<T>; ++l) sums[i + l] += static_cast<double>(own[l]);
            }
        }
        sums += most;
        count = 0;
    }
    void close() {
        for (int i = count; i < most; ++i) store(memory + i * lanes<T>, Vector<T>{});
        for (int i = 0; i < count; ++i) {
            T own[lanes<T>];
            store(own, sum_of(i / lanes<T> * lanes<T>));
            sums[i] += static_cast<double>(own[i % lanes<T>]);
        }
    }
};

// The values of a tile times the functions so far, to be multiplied by one more and summed over the tile.
template <class T, int W, int R>
struct Spread {
    const T* values;
    SPECFAST_INLINE explicit Spread(const T* from) : values(from) {}
    SPECFAST_INLINE void operator()(const T* q, Vector<T>* sum) const {
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(q + r * lanes<T>);
            for (int w = 0; w < W; ++w) {
                const Vector<T> part = load(values + (w * R + r) * lanes<T>) * factor;
                sum[w] = r == 0 ? part : sum[w] + part;
            }
        }
    }
};

// One channel stays in registers; two sums hide half of their latency.
template <class T, int R>
struct Spread<T, 1, R> {
    Vector<T> values[R];
    SPECFAST_INLINE explicit Spread(const T* from) {
        for (int r = 0; r < R; ++r) values[r] = load(from + r * lanes<T>);
    }
    SPECFAST_INLINE void operator()(const T* q, Vector<T>* sum) const {
        Vector<T> part[2] = {values[0] * load(q), values[1] * load(q + lanes<T>)};
        for (int r = 2; r < R; ++r) part[r % 2] += values[r] * load(q + r * lanes<T>);
        sum[0] = part[0] + part[1];
    }
};

// to = from * q, W tiles.
template <class T, int W, int R>
SPECFAST_INLINE void multiply_tiles(const T* from, const T* q, T* to) {
    constexpr int64_t pitch = R * lanes<T>;
    for (int r = 0; r < pitch; r += lanes<T>) {
        const Vector<T> factor = load(q + r);
        for (int w = 0; w < W; ++w) store(to + w * pitch + r, load(from + w * pitch + r) * factor);
    }
}

// Adds one tile to `sums` (K, W), in the order of the blocks; `levels` holds the values of the tile at level 0, (W, P), and
// room for the others.
template <class T, int W, int R>
void spread_tree(const Cross& cross, const int64_t* offset, const T* tables, const T* products, T* levels, T* waiting,
                 double* sums) {
    constexpr int64_t pitch = R * lanes<T>;
    const Blocks& blocks = cross.blocks;
    const int depth = cross.dim - 2;
    const T *const before = tables + offset[depth], *const last = tables + offset[depth + 1];
    T *const above = levels + depth * W * pitch, *const own = above + W * pitch;
    int32_t entry[max_dimensions] = {};
    Pending<T> pending{waiting, sums};
    Vector<T> sum[W];
    int level = 0;
    for (const Block* block = blocks.blocks;; ++block) {
        for (int d = level; d < depth; ++d) {
            if (d > level) entry[d] = 0;
            T* const from = levels + d * W * pitch;
            multiply_tiles<T, W, R>(from, tables + offset[d] + entry[d] * pitch, from + W * pitch);
        }
        const Shape& shape = blocks.shapes[block->shape];
        if (shape.paired) {
            const Spread<T, W, R> spread(above);
            for (int64_t i = shape.begin; i < shape.end; ++i) {
                spread(products + blocks.places[i] * pitch, sum);
                pending.template push<W>(sum);
            }
        } else {
            for (int64_t i = shape.begin; i < shape.end; ++i) {
                const Segment& segment = blocks.segments[i];
                multiply_tiles<T, W, R>(above, (segment.last ? before : last) + segment.fixed * pitch, own);
                const Spread<T, W, R> spread(own);
                const T* q = (segment.last ? last : before) + segment.first * pitch;
                for (int32_t length = segment.length; length > 0; --length, q += pitch) {
                    spread(q, sum);
                    pending.template push<W>(sum);
                }
            }
        }
        level = block->level;
        if (level < 0) break;
        ++entry[level];
    }
    pending.close();
}

// Runs of tiles that have sums of their own, by shape alone: to occupy threads, within about 64 MiB.
inline int64_t cross_runs(const Cross& cross, int64_t tiles) {
    const int64_t numbers = cross.rows * cross.groups * cross.width * cross.size;
    const int64_t room = (int64_t(1) << 23) / larger(1, numbers);
    return larger(1, smaller(smaller(16, room), tiles / 4));
}

// The sums of all runs of tiles, added in order: coef (rows, groups, W, K) from sums (rows, runs, groups, K, W).
template <class Data, int W>
void add_runs(const Cross& cross, const double* sums, int64_t runs, int threads, Data* coef) {
    const int64_t numbers = cross.groups * cross.size * W;
#pragma omp parallel for schedule(static) if (threads > 1)
    for (int64_t place = 0; place < cross.rows * cross.groups * W; ++place) {
        const int64_t row = place / (cross.groups * W), group = place / W % cross.groups, w = place % W;
        const double* const first = sums + row * runs * numbers + group * cross.size * W + w;
        for (int64_t n = 0; n < cross.size; ++n) {
            double sum = 0;
            for (int64_t run = 0; run < runs; ++run) sum += first[run * numbers + n * W];
            coef[place * cross.size + (cross.blocks.order == nullptr ? n : cross.blocks.order[n])] =
                static_cast<Data>(sum);
        }
    }
}

template <class Data, int W>
void cross_adjoint_as(const Cross& cross, const Data* values, Data* coef) {
    constexpr int R = SPECFAST_CROSS_VECTORS, pitch = R * lanes<Data>;
    const CrossPlan<Data> plan(cross, pitch);
    const int64_t tiles = ceil_divide(cross.points, pitch), runs = cross_runs(cross, tiles);
    const int64_t tiles_a_run = ceil_divide(tiles, runs), numbers = cross.groups * cross.size * W;
    const int threads = threads_for(cross.rows * tiles * pitch * numbers);
    const int64_t own_scratch = plan.scratch(W);
    const Scratch scratch(own_scratch + Pending<Data>::most * lanes<Data>, threads);
    const Scratch sums(cross.rows * runs * numbers, 1);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < cross.rows * runs; ++task) {
        const int64_t row = task / runs, from = task % runs * tiles_a_run, to = smaller(tiles, from + tiles_a_run);
        double *const own = sums.block(0) + task * numbers, *const memory = scratch.of_this_thread();
        for (int64_t i = 0; i < numbers; ++i) own[i] = 0;
        Data* const tables = reinterpret_cast<Data*>(memory);
        Data *const products = tables + plan.tables.entries(), *const levels = products + plan.pairs;
        Data* const waiting = reinterpret_cast<Data*>(memory + own_scratch);
        for (int64_t tile = from; tile < to; ++tile) {
            const int64_t begin = tile * pitch, filled = smaller(pitch, cross.points - begin);
            plan.template fill<pitch>(row, begin, filled, memory + own_scratch - plan.tables.scratch(), tables);
            for (int64_t group = 0; group < cross.groups; ++group) {
                const Data* const given = values + (row * cross.groups + group) * W * cross.points + begin;
                for (int w = 0; w < W; ++w)
                    for (int64_t i = 0; i < pitch; ++i)
                        levels[w * pitch + i] = i < filled ? given[w * cross.points + i] : Data(0);
                spread_tree<Data, W, R>(cross, plan.tables.offset, tables, products, levels, waiting,
                                        own + group * cross.size * W);
            }
        }
    }
    add_runs<Data, W>(cross, sums.block(0), runs, threads, coef);
}

void cross_adjoint(const Cross& cross, const void* values, void* coef, bool is_double) {
    const bool wide = cross.width == 4;
    if (is_double) {
        const auto run = wide ? cross_adjoint_as<double, 4> : cross_adjoint_as<double, 1>;
        run(cross, static_cast<const double*>(values), static_cast<double*>(coef));
    } else {
        const auto run = wide ? cross_adjoint_as<float, 4> : cross_adjoint_as<float, 1>;
        run(cross, static_cast<const float*>(values), static_cast<float*>(coef));
    }
}

}  // namespace
}  // namespace specfast
