#include "blocks.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace specfast {

namespace {

// Kept products stay in a near cache: a quarter of this many kibibytes for a tile of 32 doubles.
constexpr int64_t most_pairs = 128;
// As many times the blocks' indices must be the products, for these to be worth forming.
constexpr int64_t least_reuse = 4;

bool is_valid(const Tree& tree, int64_t size) {
    const int depth = tree.dim - 1;
    if (tree.dim < 2 || tree.dim > max_dimensions || tree.fibers < 1 || tree.runs[0] != 0) return false;
    int64_t entry[max_dimensions] = {}, total = 0;
    for (int64_t fiber = 0; fiber < tree.fibers; ++fiber) {
        const int64_t shared = tree.runs[2 * fiber], length = tree.runs[2 * fiber + 1];
        if (fiber > 0) {
            if (shared < 0 || shared >= depth || ++entry[shared] >= tree.sizes[shared]) return false;
            for (int64_t d = shared + 1; d < depth; ++d) entry[d] = 0;
        }
        if (length < 1 || length > tree.sizes[depth]) return false;
        total += length;
    }
    return total == size;
}

// Of rows that do not get longer: how long column j is.
int32_t height(const std::vector<int32_t>& lengths, int32_t column) {
    return static_cast<int32_t>(
        std::partition_point(lengths.begin(), lengths.end(), [=](int32_t length) { return length > column; }) -
        lengths.begin());
}

}  // namespace

BlockPlan::BlockPlan(const Tree& tree, int64_t size) {
    if (!is_valid(tree, size))
        throw std::invalid_argument("tree: its runs do not agree with the degrees and the number of coefficients");
    find_shapes(tree);
    choose_pairs();
    bool in_order = true;
    for (size_t shape = 0; shape < shapes_.size(); ++shape) {
        if (shapes_[shape].paired) {
            list_pairs(shape);
        } else {
            cut(shape);
            for (int64_t i = shapes_[shape].begin; i < shapes_[shape].end; ++i)
                in_order = in_order && segments_[static_cast<size_t>(i)].last == 1;
        }
    }
    if (!in_order) set_order(size);
}

Blocks BlockPlan::blocks() const {
    return {blocks_.data(),
            static_cast<int64_t>(blocks_.size()),
            shapes_.data(),
            segments_.data(),
            places_.data(),
            pairs_.data(),
            static_cast<int64_t>(pairs_.size()),
            order_.empty() ? nullptr : order_.data()};
}

// Equal shapes are found by a hash of their lengths.
void BlockPlan::find_shapes(const Tree& tree) {
    std::unordered_multimap<uint64_t, int32_t> known;
    std::vector<int32_t> lengths;
    for (int64_t fiber = 0; fiber < tree.fibers;) {
        lengths.clear();
        uint64_t hash = 0;
        int64_t size = 0;
        do {
            const int32_t length = tree.runs[2 * fiber + 1];
            lengths.push_back(length);
            hash = (hash ^ static_cast<uint64_t>(length)) * 0x9E3779B97F4A7C15u;
            hash ^= hash >> 29;
            size += length;
            ++fiber;
        } while (fiber < tree.fibers && tree.runs[2 * fiber] == tree.dim - 2);
        int32_t shape = blocks_.empty() ? -1 : blocks_.back().shape;
        if (shape < 0 || rows_[static_cast<size_t>(shape)] != lengths) {
            shape = -1;
            const auto same = known.equal_range(hash);
            for (auto it = same.first; it != same.second && shape < 0; ++it)
                if (rows_[static_cast<size_t>(it->second)] == lengths) shape = it->second;
        }
        if (shape < 0) {
            shape = static_cast<int32_t>(shapes_.size());
            known.emplace(hash, shape);
            rows_.push_back(lengths);
            uses_.push_back(0);
            shapes_.push_back({0, 0, size, false});
        }
        ++uses_[static_cast<size_t>(shape)];
        blocks_.push_back({fiber < tree.fibers ? tree.runs[2 * fiber] : -1, shape});
    }
}

// Keeps the products of all blocks up to the largest size at which they are few, and used often.
void BlockPlan::choose_pairs() {
    for (int64_t most = most_pairs; most >= 2; most /= 2) {
        std::vector<int32_t> rows;
        int64_t used = 0;
        for (size_t shape = 0; shape < shapes_.size(); ++shape) {
            if (shapes_[shape].size > most) continue;
            used += uses_[shape] * shapes_[shape].size;
            const std::vector<int32_t>& own = rows_[shape];
            if (own.size() > rows.size()) rows.resize(own.size(), 0);
            for (size_t i = 0; i < own.size(); ++i) rows[i] = std::max(rows[i], own[i]);
        }
        int64_t kept = 0;
        for (const int32_t length : rows) kept += length;
        if (kept == 0 || kept > most_pairs || used < least_reuse * kept) continue;
        pair_rows_ = rows;
        for (int32_t i = 0; i < static_cast<int32_t>(rows.size()); ++i)
            for (int32_t j = 0; j < rows[static_cast<size_t>(i)]; ++j) pairs_.push_back({i, j});
        for (Shape& shape : shapes_) shape.paired = shape.size <= most;
        return;
    }
}

void BlockPlan::list_pairs(size_t shape) {
    shapes_[shape].begin = static_cast<int64_t>(places_.size());
    int32_t first = 0;
    for (size_t i = 0; i < rows_[shape].size(); first += pair_rows_[i++])
        for (int32_t j = 0; j < rows_[shape][i]; ++j) places_.push_back(first + j);
    shapes_[shape].end = static_cast<int64_t>(places_.size());
}

void BlockPlan::cut(size_t shape) {
    const std::vector<int32_t>& lengths = rows_[shape];
    const int32_t rows = static_cast<int32_t>(lengths.size());
    int32_t split = rows;
    if (std::is_sorted(lengths.rbegin(), lengths.rend())) {
        int32_t fewest = rows;
        for (int32_t s = 0; s < rows; ++s) {
            if (s + lengths[static_cast<size_t>(s)] >= fewest) continue;
            fewest = s + lengths[static_cast<size_t>(s)];
            split = s;
        }
    }
    shapes_[shape].begin = static_cast<int64_t>(segments_.size());
    for (int32_t i = 0; i < split; ++i) segments_.push_back({1, i, 0, lengths[static_cast<size_t>(i)]});
    for (int32_t j = 0; split < rows && j < lengths[static_cast<size_t>(split)]; ++j)
        segments_.push_back({0, j, split, height(lengths, j) - split});
    shapes_[shape].end = static_cast<int64_t>(segments_.size());
}

void BlockPlan::set_order(int64_t size) {
    order_.reserve(static_cast<size_t>(size));
    std::vector<int64_t> begin;  // where the rows of a block begin
    int64_t first = 0;
    for (const Block& block : blocks_) {
        const size_t own = static_cast<size_t>(block.shape);
        const Shape& shape = shapes_[own];
        if (shape.paired) {
            for (int64_t i = 0; i < shape.size; ++i) order_.push_back(first + i);
        } else {
            begin.assign(1, first);
            for (const int32_t length : rows_[own]) begin.push_back(begin.back() + length);
            for (int64_t k = shape.begin; k < shape.end; ++k) {
                const Segment& segment = segments_[static_cast<size_t>(k)];
                for (int32_t i = segment.first; i < segment.first + segment.length; ++i) {
                    order_.push_back(segment.last ? begin[static_cast<size_t>(segment.fixed)] + i
                                                  : begin[static_cast<size_t>(i)] + segment.fixed);
                }
            }
        }
        first += shape.size;
    }
}

}  // namespace specfast
