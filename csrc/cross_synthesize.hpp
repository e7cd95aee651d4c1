// values[row, channel, m] = sum over n in the index set of coef[row, channel, n] prod_d phi_{n_d}^(k_d)(z[row, m, d]).
//
// Method    Inside out over the blocks of the index tree (blocks.hpp): the sum over a block, by segments or by products that all
//           blocks of a tile share, is multiplied by the function of the entry before and added to the sums one level up,
//           until the level that goes on.
// Layout    A task is a row and a tile of P = R vectors of points; `width` channels run side by side on coefficients that
//           are interleaved. Sums in progress: one tile a level, in a near cache.
// Cost      one FMA an index and channel, one an inner node of the tree, and the tables.
#pragma once
#include "cross_tables.hpp"

namespace specfast {
namespace {

// Vectors of points in a tile, so that width x vectors sums stay in registers.
constexpr int cross_vectors(int width) {
    return width == 1 ? SPECFAST_CROSS_VECTORS * 3 / 4 : SPECFAST_CROSS_VECTORS * 3 / 8;
}

template <class T, int W, int R>
struct CrossSum {
    static constexpr int64_t pitch = R * lanes<T>;
    Vector<T> sum[W][R];

    SPECFAST_INLINE void clear() {
        for (int w = 0; w < W; ++w)
            for (int r = 0; r < R; ++r) sum[w][r] = Vector<T>{};
    }
    SPECFAST_INLINE void add(const T* coef, const T* q) {
        for (int w = 0; w < W; ++w) {
            const Vector<T> c = splat<T>(coef[w]);
            for (int r = 0; r < R; ++r) sum[w][r] += c * load(q + r * lanes<T>);
        }
    }
    // Adds sum_n coef_n q_n along a run.
    SPECFAST_INLINE const T* run(const T* coef, const T* q, int64_t length) {
        for (; length > 0; --length, coef += W, q += pitch) add(coef, q);
        return coef;
    }
    // The same for two sums at once: half the loads.
    SPECFAST_INLINE static void run_both(CrossSum& one, const T* coef, CrossSum& two, const T* other, const T* q,
                                         int64_t length) {
        for (; length > 0; --length, coef += W, other += W, q += pitch) both(one, coef, two, other, q);
    }
    SPECFAST_INLINE static void both(CrossSum& one, const T* coef, CrossSum& two, const T* other, const T* q) {
        for (int r = 0; r < R; ++r) {
            const Vector<T> term = load(q + r * lanes<T>);
            for (int w = 0; w < W; ++w) {
                one.sum[w][r] += splat<T>(coef[w]) * term;
                two.sum[w][r] += splat<T>(other[w]) * term;
            }
        }
    }
    // Multiplies by q and adds another sum times p.
    SPECFAST_INLINE void join(const T* q, const CrossSum& other, const T* p) {
        for (int r = 0; r < R; ++r) {
            const Vector<T> factor = load(q + r * lanes<T>), second = load(p + r * lanes<T>);
            for (int w = 0; w < W; ++w) sum[w][r] = sum[w][r] * factor + other.sum[w][r] * second;
        }
    }
    SPECFAST_INLINE void increase(const T* level) {
        for (int r = 0; r < R; ++r)
            for (int w = 0; w < W; ++w) sum[w][r] += load(level + (w * R + r) * lanes<T>);
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

// Whether the next segment runs along this one, so that both read the same functions: worth it for one channel.
template <int W>
inline bool goes_along(const Blocks& blocks, int64_t segment, int64_t end) {
    const Segment *const own = blocks.segments + segment, *const next = own + 1;
    return W == 1 && segment + 1 < end && next->last == own->last && next->first == own->first &&
           next->length <= own->length;
}

// The sum over a block; `sums` holds a tile of W P sums in progress.
template <class T, int W, int R>
SPECFAST_INLINE const T* sum_block(const Blocks& blocks, const Shape& shape, const T* before, const T* last,
                                   const T* products, const T* coef, T* sums, CrossSum<T, W, R>& own) {
    constexpr int64_t pitch = R * lanes<T>;
    own.clear();
    if (shape.paired) {
        const int32_t *place = blocks.places + shape.begin, *const stop = blocks.places + shape.end;
        for (; place != stop; ++place, coef += W) own.add(coef, products + *place * pitch);
        return coef;
    }
    for (int64_t i = shape.begin; i < shape.end; ++i) {
        const Segment& segment = blocks.segments[i];
        const T *const fixed = segment.last ? before : last, *const running = segment.last ? last : before;
        const T* const q = running + segment.first * pitch;
        if (i > shape.begin) {
            own.write(sums);
            own.clear();
        }
        if (goes_along<W>(blocks, i, shape.end)) {
            const int64_t length = blocks.segments[i + 1].length;
            CrossSum<T, W, R> next;
            next.clear();
            CrossSum<T, W, R>::run_both(own, coef, next, coef + segment.length * W, q, length);
            own.run(coef + length * W, q + length * pitch, segment.length - length);
            own.join(fixed + segment.fixed * pitch, next, fixed + blocks.segments[i + 1].fixed * pitch);
            if (i > shape.begin) own.increase(sums);
            coef += (segment.length + length) * W;
            ++i;
        } else {
            coef = own.run(coef, q, segment.length);
            if (i > shape.begin) {
                own.fold(fixed + segment.fixed * pitch, sums);
            } else {
                own.multiply(fixed + segment.fixed * pitch);
            }
        }
    }
    return coef;
}

// The sums over a block and the next one, of the same shape; true where that is how they are: siblings of products.
template <class T, int W, int R>
SPECFAST_INLINE bool sum_siblings(const Blocks& blocks, const Block* block, int depth, const T* products,
                                  const T*& coef, CrossSum<T, W, R>& own, CrossSum<T, W, R>& next) {
    if (W > 1 || depth == 0 || block->level != depth - 1 || block[1].shape != block->shape) return false;
    const Shape& shape = blocks.shapes[block->shape];
    if (!shape.paired) return false;
    own.clear();
    next.clear();
    const T* other = coef + shape.size * W;
    for (const int32_t* place = blocks.places + shape.begin; place != blocks.places + shape.end; ++place) {
        CrossSum<T, W, R>::both(own, coef, next, other, products + *place * R * lanes<T>);
        coef += W;
        other += W;
    }
    coef = other;
    return true;
}

// Sums one tile; `levels` holds a tile of W P sums a level, `result` gets W P.
template <class T, int W, int R>
void sum_tree(const Cross& cross, const int64_t* offset, const T* tables, const T* products, const T* coef, T* levels,
              T* result) {
    constexpr int64_t pitch = R * lanes<T>;
    const int depth = cross.dim - 2;
    const T *const before = tables + offset[depth], *const last = tables + offset[depth + 1];
    int32_t entry[max_dimensions] = {};
    CrossSum<T, W, R> own, next;
    for (const Block* block = cross.blocks.blocks;; ++block) {
        int d = depth - 1;
        if (sum_siblings(cross.blocks, block, depth, products, coef, own, next)) {
            const T* const q = tables + offset[d] + entry[d] * pitch;
            own.join(q, next, q + pitch);
            if (entry[d] != 0) own.increase(levels + d * W * pitch);
            ++block;
            if (block->level == d) {
                own.write(levels + d * W * pitch);
                entry[d] += 2;
                continue;
            }
            entry[d--] = 0;
        } else {
            coef = sum_block(cross.blocks, cross.blocks.shapes[block->shape], before, last, products, coef,
                             levels + depth * W * pitch, own);
        }
        const int level = block->level;
        for (; d >= 0; --d) {
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

// Coefficients (count, K, width) in the order in which the blocks are walked.
template <class Data>
class Walked {
  public:
    Walked(const Cross& cross, const Data* coef, int64_t width)
        : given_(coef), memory_(cross.blocks.order == nullptr ? 0 : doubles(cross, width), 1) {
        if (cross.blocks.order == nullptr) return;
        Data* const to = reinterpret_cast<Data*>(memory_.block(0));
        const int64_t count = (cross.coef_row == 0 ? 1 : cross.rows) * cross.groups;
        for (int64_t i = 0; i < count; ++i)
            for (int64_t k = 0; k < cross.size; ++k)
                for (int64_t w = 0; w < width; ++w)
                    to[(i * cross.size + k) * width + w] = coef[(i * cross.size + cross.blocks.order[k]) * width + w];
        given_ = to;
    }
    const Data* data() const { return given_; }

  private:
    static int64_t doubles(const Cross& cross, int64_t width) {
        const int64_t numbers = (cross.coef_row == 0 ? 1 : cross.rows) * cross.groups * cross.size * width;
        return ceil_divide(numbers * static_cast<int64_t>(sizeof(Data)), 8);
    }
    const Data* given_;
    Scratch memory_;
};

// What all tasks of a sum share: the tables' places, and scratch memory.
template <class Data>
struct CrossPlan {
    AxisTables<Data> tables;
    int64_t pairs;

    CrossPlan(const Cross& cross, int64_t pitch)
        : tables(cross, cross.series, pitch), pairs(cross.blocks.pair_count * pitch) {}
    // Numbers of type Data, then doubles.
    int64_t numbers(int64_t width) const {
        return tables.entries() + pairs + (tables.cross.dim + 1) * width * tables.pitch;
    }
    int64_t scratch(int64_t width) const {
        return ceil_divide(numbers(width) * static_cast<int64_t>(sizeof(Data)), 64) * 8 + tables.scratch();
    }
    // Fills the tables of a tile, and the products behind them.
    template <int Pitch>
    void fill(int64_t row, int64_t begin, int64_t filled, double* memory, Data* to) const {
        const Cross& cross = tables.cross;
        tables.fill(row, begin, filled, memory, to);
        multiply_pairs<Data, Pitch>(cross.blocks, to + tables.offset[cross.dim - 2], to + tables.offset[cross.dim - 1],
                                    to + tables.entries());
    }
};

template <class Data, int W>
void cross_synthesize_as(const Cross& cross, const Data* coef, Data* values) {
    constexpr int R = cross_vectors(W), pitch = R * lanes<Data>;
    const CrossPlan<Data> plan(cross, pitch);
    const Walked<Data> walked(cross, coef, W);
    const int64_t tiles_a_row = ceil_divide(cross.points, pitch);
    const int64_t tasks = cross.rows * tiles_a_row;
    const int threads = threads_for(tasks * pitch * cross.size * cross.groups * W);
    const Scratch scratch(plan.scratch(W), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / tiles_a_row, begin = task % tiles_a_row * pitch;
        const int64_t filled = smaller(pitch, cross.points - begin);
        double* const memory = scratch.of_this_thread();
        Data* const tables = reinterpret_cast<Data*>(memory);
        Data *const products = tables + plan.tables.entries(), *const levels = products + plan.pairs;
        Data* const result = levels + cross.dim * W * pitch;
        plan.template fill<pitch>(row, begin, filled, memory + plan.scratch(W) - plan.tables.scratch(), tables);
        for (int64_t group = 0; group < cross.groups; ++group) {
            const Data* const own = walked.data() + row * cross.coef_row + group * cross.size * W;
            sum_tree<Data, W, R>(cross, plan.tables.offset, tables, products, own, levels, result);
            Data* const to = values + ((row * cross.groups + group) * W) * cross.points + begin;
            for (int w = 0; w < W; ++w)
                for (int64_t i = 0; i < filled; ++i) to[w * cross.points + i] = result[w * pitch + i];
        }
    }
}

void cross_synthesize(const Cross& cross, const void* coef, void* values, bool is_double) {
    const bool wide = cross.width == 4;
    if (is_double) {
        const auto run = wide ? cross_synthesize_as<double, 4> : cross_synthesize_as<double, 1>;
        run(cross, static_cast<const double*>(coef), static_cast<double*>(values));
    } else {
        const auto run = wide ? cross_synthesize_as<float, 4> : cross_synthesize_as<float, 1>;
        run(cross, static_cast<const float*>(coef), static_cast<float*>(values));
    }
}

}  // namespace
}  // namespace specfast
