// synthesize where several rows of coefficients share a row of points: the functions once, for a few rows at a time.
//
// Problem   values[c, m] = sum_n coef[c, n] phi_n(z[m]) for channels c. Clenshaw's sum repeats the recurrence, two
//           FMAs a term, for every channel.
// Method    The recurrence runs upwards from start(z), and every term is added to the sums of all channels, which stay in
//           registers: one FMA a term and channel, and two more a term. Every regime as in the adjoint.
// Layout    Leading axes are parted into those along which points change and those along which they do not. A task is a
//           row of points, a block of channels and a run of points. Coefficients lie channel by channel for each n.
// Cost      (C + 2) / C FMAs a coefficient and point; scratch of (5 + 3 C) K doubles and C blocks of points a thread.
#pragma once
#include "coefficients.hpp"
#include "sweep.hpp"

namespace specfast {
namespace {

// Two vectors of points for each of them have to stay in registers.
constexpr int channel_block = SPECFAST_BYTES == 64 ? 8 : 4;
constexpr int64_t channel_run = 2 * block_points;

// The leading axes along which the points change, the others, and how rows of each lie in the coefficients and results.
struct SharedRows {
    Rows own{}, shared{};
    Operand z{}, coef_own{}, coef_shared{}, result_own{}, result_shared{};
};

inline SharedRows part_rows(const Rows& rows, const Operand& coef, const Operand& z, int64_t points) {
    SharedRows parts;
    parts.z = z;
    int64_t result_stride[max_leading_axes];
    for (int axis = rows.axes - 1, next = -1; axis >= 0; next = axis--) {
        result_stride[axis] = next < 0 ? points : result_stride[next] * rows.size[next];
    }
    for (int axis = 0; axis < rows.axes; ++axis) {
        const bool is_shared = z.row_stride[axis] == 0;
        Rows& part = is_shared ? parts.shared : parts.own;
        (is_shared ? parts.coef_shared : parts.coef_own).row_stride[part.axes] = coef.row_stride[axis];
        (is_shared ? parts.result_shared : parts.result_own).row_stride[part.axes] = result_stride[axis];
        if (!is_shared) parts.z.row_stride[part.axes] = z.row_stride[axis];
        part.size[part.axes++] = rows.size[axis];
    }
    return parts;
}

// Adds every term to the sums of C channels.
template <class T, int C>
struct SumChannels {
    static constexpr int most = 2;
    const T* near_coef;  // channel by channel for each n
    const T* end_coef;
    T* sums;  // block_capacity a channel, in the order of the places

    template <class U, int R>
    struct Tile {
        const T* coef;
        T* sums;
        Vector<T> sum[C][R] = {};
        SPECFAST_INLINE void operator()(int64_t n, const Vector<T>* term) {
#pragma GCC unroll 8
            for (int channel = 0; channel < C; ++channel) {
                const Vector<T> c = splat<T>(coef[n * C + channel]);
                for (int v = 0; v < R; ++v) sum[channel][v] += c * term[v];
            }
        }
        void close() const {
#pragma GCC unroll 8
            for (int channel = 0; channel < C; ++channel) {
                for (int v = 0; v < R; ++v) store(sums + channel * block_capacity<T> + v * lanes<T>, sum[channel][v]);
            }
        }
    };
    template <class U, int R, Regime regime>
    Tile<U, R> open(int64_t place) const {
        return {regime == Regime::end ? end_coef : near_coef, sums + place};
    }
};

// The coefficients of up to C channels, in both forms; the second is made when it is first asked for.
template <class T, int C>
class ChannelCoefficients {
  public:
    static int64_t scratch(int64_t count) {
        return ceil_divide(Coefficients<T>::scratch(count), 8) * 8 + 3 * C * count;
    }

    template <class Data>
    ChannelCoefficients(const Series& series, const Recurrence<T>& recurrence, const SharedRows& parts,
                        const Data* coef, int64_t stride, int64_t first, int64_t channels, double* memory)
        : recurrence_(recurrence), count_(working_count(series)), channels_(channels) {
        const int64_t own = ceil_divide(Coefficients<T>::scratch(count_), 8) * 8;
        plain_ = memory + own;
        near_ = reinterpret_cast<T*>(plain_ + C * count_);
        end_ = reinterpret_cast<T*>(plain_ + 2 * C * count_);
        for (int64_t channel = 0; channel < channels; ++channel) {
            const Data* source = coef + row_offset(parts.shared, parts.coef_shared, first + channel);
            const Coefficients<T> one(recurrence, series.differentiation, series.derivative, source, stride,
                                      series.coefficients, count_, memory);
            near_exponent[channel] = one.near_exponent;
            place(one.near_form(), channel, near_);
            if (recurrence.end_limit > 0) __builtin_memcpy(plain_ + channel * count_, one.series(), count_ * 8);
        }
        for (int64_t channel = channels; channel < C; ++channel) place(nullptr, channel, near_);
    }
    const T* near_form() const { return near_; }
    const T* end_form(double* spare) {
        for (int64_t channel = 0; channel < C && !end_ready_; ++channel) {
            T* const one = reinterpret_cast<T*>(spare + count_);
            if (channel < channels_) {
                end_exponent[channel] =
                    normalise(plain_ + channel * count_, recurrence_.value_at_end, count_, spare, one);
            }
            place(channel < channels_ ? one : nullptr, channel, end_);
        }
        end_ready_ = true;
        return end_;
    }
    int near_exponent[C] = {}, end_exponent[C] = {};

  private:
    void place(const T* from, int64_t channel, T* to) const {
        for (int64_t n = 0; n < count_; ++n) to[n * C + channel] = from == nullptr ? T(0) : from[n];
    }
    const Recurrence<T>& recurrence_;
    int64_t count_, channels_;
    double* plain_ = nullptr;
    T *near_ = nullptr, *end_ = nullptr;
    bool end_ready_ = false;
};

// Memory of a thread, in doubles.
template <class T, int C>
inline int64_t channel_scratch(int64_t count) {
    return ceil_divide(ChannelCoefficients<T, C>::scratch(count) + points_scratch<T> + 8, 8) * 8 +
           (C + 1) * block_capacity<T>;
}

// A block of channels over a run of points.
template <class T, int C, class Data>
void channel_run_of_points(const Series& series, const Recurrence<T>& recurrence, const SharedRows& parts,
                           const Data* coef, int64_t coef_stride, int64_t first, int64_t channels, const Data* z,
                           int64_t length, double* memory, Data* values) {
    const int64_t count = working_count(series);
    ChannelCoefficients<T, C> own(series, recurrence, parts, coef, coef_stride, first, channels, memory);
    double* const place = memory + ceil_divide(ChannelCoefficients<T, C>::scratch(count), 8) * 8;
    Points<T> points;
    carve_points(points, place);
    T* const weight = reinterpret_cast<T*>(place + ceil_divide(points_scratch<T>, 8) * 8);
    T* const sums = weight + block_capacity<T>;
    for (int64_t i = 0; i < block_capacity<T>; ++i) weight[i] = 1;
    for (int64_t begin = 0; begin < length; begin += block_points) {
        const int64_t filled = smaller(block_points, length - begin);
        set_points(recurrence, z + begin * parts.z.stride, parts.z.stride, filled, points);
        const T* const end_coef = points.size[Regime::end] > 0 ? own.end_form(memory) : nullptr;
        sweep_upwards(recurrence, count, points, weight, SumChannels<T, C>{own.near_form(), end_coef, sums});
        for (int64_t channel = 0; channel < channels; ++channel) {
            write_results(points, filled, sums + channel * block_capacity<T>, own.near_exponent[channel],
                          own.end_exponent[channel],
                          values + row_offset(parts.shared, parts.result_shared, first + channel) + begin);
        }
    }
}

template <class T, class Data>
void synthesize_channels(const Series& series, const Recurrence<T>& recurrence, const SharedRows& parts,
                         const Operand& coef, int64_t points, Data* values) {
    const int64_t channels = row_count(parts.shared), runs = ceil_divide(points, channel_run);
    const int64_t blocks = ceil_divide(channels, channel_block), tasks = row_count(parts.own) * blocks * runs;
    const int64_t count = working_count(series);
    const int threads = threads_for(row_count(parts.own) * channels * points * count);
    const Scratch scratch(channel_scratch<T, channel_block>(count), threads);
#pragma omp parallel for schedule(guided) if (threads > 1)
    for (int64_t task = 0; task < tasks; ++task) {
        const int64_t begin = task % runs * channel_run, row = task / runs / blocks;
        const int64_t first = channels * (task / runs % blocks) / blocks;
        const int64_t number = channels * (task / runs % blocks + 1) / blocks - first;
        const Data* source = static_cast<const Data*>(coef.data) + row_offset(parts.own, parts.coef_own, row);
        const Data* z = row_start<Data>(parts.own, parts.z, row) + begin * parts.z.stride;
        Data* const to = values + row_offset(parts.own, parts.result_own, row) + begin;
        const auto run = number > 4 ? channel_run_of_points<T, channel_block, Data> : channel_run_of_points<T, 4, Data>;
        run(series, recurrence, parts, source, coef.stride, first, number, z, smaller(channel_run, points - begin),
            scratch.of_this_thread(), to);
    }
}

}  // namespace
}  // namespace specfast
