// table[row, m, n] = phi_n^(k)(z[row, m]), or with degree before point.
//
// Method    The recurrence upwards over a tile of points. A panel of degrees is gathered in cache and written out, so that
//           the result is filled in long runs, whichever of point and degree comes first.
//           Derivatives by the transposed coefficient map, point by point, from a table in scratch memory.
// Layout    A task is a row and a block of points; the block is smaller where there are many degrees.
// Cost      two FMAs a term and point, and the result's memory traffic; with derivatives, scratch of a block
//           times K a thread.
#pragma once
#include <type_traits>

#include "coefficients.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

constexpr int64_t panel_degrees = 256;  // runs of 2 KiB: shorter ones wait for every cache line

constexpr int64_t streamed_bytes = int64_t(1) << 24;  // a larger result is not found in a cache afterwards

template <class T, class Data>
struct WriteTerms {
    static constexpr int most = max_vectors;
    const Recurrence<T>& recurrence;
    const Points<T>& points;
    int64_t filled, count;
    Data* result;
    int64_t point_step, degree_step;
    T* panel;
    bool streams;

    // Writes `number` degrees from `first` on of the `width` points from `place` on.
    void write(int64_t width, int64_t place, bool moved, const double* factor, int64_t first, int64_t number) const {
        if (point_step == 1 && !moved) {
            const int64_t last = smaller(width, filled - place);
            for (int64_t k = 0; k < number; ++k) {
                Data* const to = result + place + (first + k) * degree_step;
                const double own = factor[first + k];
                for (int64_t i = 0; i < last; ++i) to[i] = static_cast<Data>(panel[k * width + i] * own);
            }
            return;
        }
        int64_t whole = 0;
        if constexpr (std::is_same<T, Data>::value) {
            if (degree_step == 1) whole = number / lanes<T> * lanes<T>;
            for (int64_t i = 0; i < width && whole > 0; i += lanes<T>) {
                for (int64_t k = 0; k < whole; k += lanes<T>) {
                    write_square(panel + k * width + i, width, place + i, moved, factor + first + k, first + k);
                }
            }
        }
        write_each(width, place, moved, factor, first, whole, number);
    }

    void write_each(int64_t width, int64_t place, bool moved, const double* factor, int64_t first, int64_t from,
                    int64_t to) const {
        for (int64_t i = 0; i < width && from < to; ++i) {
            const int64_t m = point(place + i, moved);
            if (m < 0) continue;
            Data* const own = result + m * point_step + first * degree_step;
            for (int64_t k = from; k < to; ++k) {
                own[k * degree_step] = static_cast<Data>(panel[k * width + i] * factor[first + k]);
            }
        }
    }

    // As many degrees as points, a vector of each.
    SPECFAST_INLINE void write_square(const T* from, int64_t width, int64_t place, bool moved, const double* factor,
                                      int64_t first) const {
        Vector<T> rows[lanes<T>];
        for (int k = 0; k < lanes<T>; ++k) rows[k] = load(from + k * width) * splat<T>(static_cast<T>(factor[k]));
        transpose<T>(rows);
        for (int i = 0; i < lanes<T>; ++i) {
            const int64_t m = point(place + i, moved);
            if (m < 0) continue;
            T* const to = result + m * point_step + first;
            streams ? stream(to, rows[i]) : store(to, rows[i]);
        }
    }

    // Which point of the block is in a place; -1 for padding.
    SPECFAST_INLINE int64_t point(int64_t place, bool moved) const {
        if (moved) return points.origin[place];
        return place < filled ? place : -1;
    }

    template <class U, int R>
    struct Tile {
        const WriteTerms& all;
        const double* factor;
        int64_t place;
        bool moved;
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) const {
            T* const row = all.panel + n % panel_degrees * R * lanes<T>;
            for (int v = 0; v < R; ++v) store(row + v * lanes<T>, term[v]);
            if ((n + 1) % panel_degrees == 0) write(n + 1 - panel_degrees, panel_degrees);
        }
        void close() const {
            const int64_t left = all.count % panel_degrees;
            if (left > 0) write(all.count - left, left);
        }
        void write(int64_t first, int64_t number) const {
            all.write(R * lanes<T>, place, moved, factor, first, number);
        }
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        const bool moved =
            points.layout == Layout::sorted || (points.layout == Layout::moved_out && regime != Regime::near);
        return {*this, regime == Regime::end ? recurrence.value_at_end : recurrence.scale, place, moved};
    }
};

// Points of a block: so many that their functions stay within 256 KiB, at least one tile.
template <class T>
inline int64_t vandermonde_block(int64_t count) {
    const int64_t fitting = (int64_t(1) << 18) / (count * static_cast<int64_t>(sizeof(T)));
    return smaller(block_points, larger(32, fitting / 32 * 32));
}

template <class T>
struct BasisBlock {
    const Series& series;
    const Recurrence<T>& recurrence;
    int64_t count;
    Points<T> points;
    T *weight, *panel;
    double *spare, *table;  // of derivatives
    bool streams = false;   // writes past the caches

    static constexpr int64_t panel_size =
        panel_degrees * max_vectors * lanes<double>;  // doubles, or twice as many floats

    static int64_t scratch(int64_t count, bool derived) {
        const int64_t own = points_scratch<T> + block_capacity<T> + panel_size;
        return derived ? own + (2 + vandermonde_block<T>(count)) * count : own;
    }
    BasisBlock(const Series& given, const Recurrence<T>& tables, int64_t size, double* memory)
        : series(given), recurrence(tables), count(size) {
        carve_points(points, memory);
        weight = reinterpret_cast<T*>(memory + points_scratch<T>);
        double* const behind = memory + points_scratch<T> + block_capacity<T>;
        panel = reinterpret_cast<T*>(behind);
        spare = behind + panel_size;
        table = spare + 2 * count;
        for (int64_t i = 0; i < block_capacity<T>; ++i) weight[i] = 1;
    }

    template <class Data>
    void run(const Data* z, int64_t stride, int64_t filled, Data* result, int64_t point_step, int64_t degree_step) {
        set_points(recurrence, z, stride, filled, points);
        if (series.derivative == 0) {
            write(filled, result, point_step, degree_step);
            return;
        }
        write(filled, table, count, 1);
        for (int64_t m = 0; m < filled; ++m) {
            const double* derived =
                derive_transposed(series.differentiation, series.derivative, table + m * count, spare);
            for (int64_t n = 0; n < series.coefficients; ++n) {
                result[m * point_step + n * degree_step] = static_cast<Data>(derived[n]);
            }
        }
    }

  private:
    // A point that was moved out is written twice, last where it is now.
    template <class Data>
    void write(int64_t filled, Data* to, int64_t point_step, int64_t degree_step) {
        sweep_upwards(
            recurrence, count, points, weight,
            WriteTerms<T, Data>{recurrence, points, filled, count, to, point_step, degree_step, panel, streams});
    }
};

template <class T, class Data>
void vandermonde_rows(const Series& series, const Recurrence<T>& recurrence, const Rows& rows, const Operand& z,
                      int64_t points, bool by_degree, Data* result) {
    const int64_t count = working_count(series), block = vandermonde_block<T>(count), size = series.coefficients;
    const int64_t blocks = ceil_divide(points, block), tasks = row_count(rows) * blocks;
    const int threads = threads_for(row_count(rows) * points * count);
    const bool streams = row_count(rows) * points * size * int64_t(sizeof(Data)) > streamed_bytes && !by_degree &&
                         series.derivative == 0 && size % lanes<T> == 0 &&
                         reinterpret_cast<uintptr_t>(result) % SPECFAST_BYTES == 0;
    const Scratch scratch(BasisBlock<T>::scratch(count, series.derivative > 0), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t row = task / blocks, begin = task % blocks * block;
        BasisBlock<T> own(series, recurrence, count, scratch.of_this_thread());
        Data* const target = result + row * points * size + begin * (by_degree ? 1 : size);
        own.streams = streams;
        own.run(row_start<Data>(rows, z, row) + begin * z.stride, z.stride, smaller(block, points - begin), target,
                by_degree ? 1 : size, by_degree ? points : 1);
        if (streams) finish_streaming();
    }
}

void vandermonde(const Series& series, const Rows& rows, const Operand& z, int64_t points, void* result, bool by_degree,
                 bool is_double) {
    if (is_double) {
        vandermonde_rows(series, series.recurrence, rows, z, points, by_degree, static_cast<double*>(result));
    } else if (series.single.count > 0) {
        vandermonde_rows(series, series.single, rows, z, points, by_degree, static_cast<float*>(result));
    } else {
        vandermonde_rows(series, series.recurrence, rows, z, points, by_degree, static_cast<float*>(result));
    }
}

}  // namespace
}  // namespace specfast
