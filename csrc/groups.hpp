// The points of a block by regime, where they are not all near.
//
// Problem   A tile runs in one regime. Copying all points into groups costs as much as ten terms of the recurrence.
// Method    A few others among near points are moved out: the near ones stay in place, a harmless point of weight 0 in
//           each gap, and the others form groups of their own behind them. Where there are more, all are sorted: by
//           splitting where none is far, else by counting, the far ones in bands of |z|. Far points whose numbers must be
//           brought into range at the same terms then share a tile, which otherwise would be stopped for each in turn.
// Cost      moving out 3 vector operations a vector and 10 a point that is moved; sorting 10 a point.
#pragma once
#include "points.hpp"

namespace specfast {
namespace {

constexpr Regime all_regimes[3] = {Regime::near, Regime::far, Regime::end},
                 others_than_near[2] = {Regime::far, Regime::end};

// Copies point m of `from` to `place`.
template <class T>
struct Mover {
    const T *z, *mantissa, *exponent;
    Points<T>& points;
    void operator()(int64_t m, int64_t place) const {
        points.z[place] = z[m];
        points.mantissa[place] = mantissa[m];
        points.exponent[place] = exponent[m];
        points.origin[place] = m;
    }
};

// Fills up the group that began at `first` and now ends at `filled` to whole vectors; returns its end.
template <class T>
inline int64_t close_group(Points<T>& points, Regime group, int64_t first, int64_t filled) {
    for (; filled % lanes<T> != 0; ++filled) {
        points.z[filled] = points.mantissa[filled] = points.exponent[filled] = 0;
        points.origin[filled] = -1;
    }
    points.first[group] = first;
    points.size[group] = filled - first;
    return filled;
}

// Lists the points that are near, or those that are not; returns how many, or -1 where they are more than `most`.
template <class T>
inline int64_t list_points(const Recurrence<T>& recurrence, const Points<T>& points, int64_t count, bool near_ones,
                           int64_t most, short* list) {
    const NearRange<T> range(recurrence, true);
    int64_t number = 0;
    for (int64_t i = 0; i < count; i += lanes<T>) {
        const Mask<T> inside = range.holds(load<T>(points.z + i));
        unsigned bits = bits_of<T>(near_ones ? inside : ~inside);
        if (count - i < lanes<T>) bits &= (1u << (count - i)) - 1;
        if (number + lanes<T> > most && number + __builtin_popcount(bits) > most) return -1;
        for (; bits != 0; bits &= bits - 1) list[number++] = static_cast<short>(i + __builtin_ctz(bits));
    }
    return number;
}

template <class T>
inline bool move_out(const Recurrence<T>& recurrence, Points<T>& points, int64_t count, int64_t padded) {
    short others[most_moved_out];
    const int64_t number = list_points(recurrence, points, count, false, count / 4, others);
    if (number < 0) return false;
    const Mover<T> move{points.z, points.mantissa, points.exponent, points};
    int64_t filled = padded;
    for (const Regime group : others_than_near) {
        const int64_t first = filled;
        for (int64_t i = 0; i < number; ++i) {
            if (regime_of(recurrence, points.z[others[i]]) == group) move(others[i], filled++);
        }
        filled = close_group(points, group, first, filled);
    }
    for (int64_t i = 0; i < number; ++i) points.z[others[i]] = points.mantissa[others[i]] = 0;
    points.first[Regime::near] = 0;
    points.size[Regime::near] = padded;
    points.layout = Layout::moved_out;
    return true;
}

// Into near points and points at an end.
template <class T>
inline void split(const Recurrence<T>& recurrence, Points<T>& points, const Mover<T>& move, int64_t count) {
    short list[2][block_points];
    const int64_t length[2] = {list_points(recurrence, points, count, true, count, list[0]),
                               list_points(recurrence, points, count, false, count, list[1])};
    const Regime groups[2] = {Regime::near, Regime::end};
    for (int64_t group = 0, filled = 0; group < 2; ++group) {
        const int64_t first = filled;
        for (int64_t i = 0; i < length[group]; ++i) move(list[group][i], filled++);
        filled = close_group(points, groups[group], first, filled);
    }
}

template <class T>
inline void sort_by_band(const Recurrence<T>& recurrence, Points<T>& points, const Mover<T>& move, int64_t count) {
    constexpr int bands = 64;
    T largest = static_cast<T>(recurrence.near_limit);
    for (int64_t i = 0; i < count; ++i) {
        const T size = move.z[i] < 0 ? -move.z[i] : move.z[i];
        largest = size > largest ? size : largest;
    }
    const T width = largest - static_cast<T>(recurrence.near_limit);
    const T scale = width > 0 ? static_cast<T>(bands - 1) / width : 0;
    unsigned char key[block_points];
    int64_t length[bands + 2] = {}, next[bands + 2], filled = 0;
    for (int64_t i = 0; i < count; ++i) {
        const T size = move.z[i] < 0 ? -move.z[i] : move.z[i];
        const Regime regime = regime_of(recurrence, move.z[i]);
        const int band =
            static_cast<int>((size - static_cast<T>(recurrence.near_limit)) * (regime == Regime::far ? scale : 0));
        key[i] = static_cast<unsigned char>(regime == Regime::near ? 0 : regime == Regime::far ? 1 + band : bands + 1);
        ++length[key[i]];
    }
    const int first_key[4] = {0, 1, bands + 1, bands + 2};
    for (const Regime group : all_regimes) {
        const int64_t first = filled;
        for (int own = first_key[int(group)]; own < first_key[int(group) + 1]; ++own) {
            next[own] = filled;
            filled += length[own];
        }
        filled = close_group(points, group, first, filled);
    }
    for (int64_t i = 0; i < count; ++i) move(i, next[key[i]]++);
}

// Where not all points are near: finds out which are what.
template <class T>
inline void sort_out(const Recurrence<T>& recurrence, int64_t count, int64_t padded, T slack, Points<T>& points) {
    Found<T> found;
    with_start(recurrence.start,
               [&](auto start) { found = classify_all<T, decltype(start)::value>(recurrence, points, padded, slack); });
    const bool some_far = any<T>(found.some_far), some_end = any<T>(found.some_end);
    if (!some_far && !(some_end && any<T>(~found.all_end))) {
        points.layout = Layout::whole;
        points.size[some_end ? Regime::end : Regime::near] = padded;
        return;
    }
    if (move_out(recurrence, points, count, padded)) return;
    points.layout = Layout::sorted;
    T* const columns[3] = {points.z, points.mantissa, points.exponent};
    for (int column = 0; column < 3; ++column) {
        __builtin_memcpy(points.spare + column * block_capacity<T>, columns[column], count * sizeof(T));
    }
    const Mover<T> move{points.spare, points.spare + block_capacity<T>, points.spare + 2 * block_capacity<T>, points};
    some_far ? sort_by_band(recurrence, points, move, count) : split(recurrence, points, move, count);
}

// Reads up to block_points points of type In.
template <class T, class In>
inline void set_points(const Recurrence<T>& recurrence, const In* z, int64_t stride, int64_t count, Points<T>& points) {
    const int64_t padded = ceil_divide(count, lanes<T>) * lanes<T>;
    points.first = points.size = {};
    if (copy_points(recurrence, z, stride, count, points.z)) {
        points.layout = Layout::whole;
        points.size[Regime::near] = padded;
        with_start(recurrence.start, [&](auto start) { start_near<T, decltype(start)::value>(points, padded); });
    } else {
        sort_out(recurrence, count, padded, static_cast<T>(rounding_slack<In>), points);
    }
    if (points.layout == Layout::sorted) return;
    for (int64_t i = count; i < padded; ++i) points.mantissa[i] = 0;
}

// Calls visit(place in the arrays, point of the block) for every point that is not in place.
template <class T, class Visit>
inline void each_moved(const Points<T>& points, Visit visit) {
    if (points.layout == Layout::whole) return;
    for (const Regime group : all_regimes) {
        if (group == Regime::near && points.layout == Layout::moved_out) continue;
        for (int64_t i = points.first[group]; i < points.first[group] + points.size[group]; ++i) {
            if (points.origin[i] >= 0) visit(i, points.origin[i]);
        }
    }
}

// The same for every point. One that was moved out is visited twice, last where it is now.
template <class T, class Visit>
inline void each_point(const Points<T>& points, int64_t count, Visit visit) {
    for (int64_t i = 0; i < count && points.layout != Layout::sorted; ++i) visit(i, i);
    each_moved(points, visit);
}

}  // namespace
}  // namespace specfast
