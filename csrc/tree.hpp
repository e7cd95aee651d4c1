// A downward-closed set of D-dimensional indices, and how the kernels walk over it. Plain data, for every kind of kernel.
#pragma once
#include "integers.hpp"

namespace specfast {

constexpr int max_dimensions = 64;

// The runs 0 .. length - 1 of the last entry ("fibers") in lexicographic order: (fibers, 2), how many leading entries a fiber
// shares with the one before (0 .. D - 2), and its length. Entries need not be kept: the entry after the shared ones is one
// more than before, those behind it are 0 again.
struct Tree {
    int dim;
    int64_t fibers;
    const int32_t* runs;
    int64_t sizes[max_dimensions];  // degrees + 1
};

// Indices of a block with one of the last two entries fixed and the other one running.
struct Segment {
    int32_t last;   // which runs: the last entry (1) or the one before (0)
    int32_t fixed;  // the other one
    int32_t first;  // where the run begins
    int32_t length;
};

// What the last two entries of a block's indices are: either segments, or pairs whose products of functions are kept.
struct Shape {
    int64_t begin, end;  // in `segments` or in `places`
    int64_t size;
    bool paired;
};

// All indices with the same first D - 2 entries.
struct Block {
    int32_t level;  // how many entries the next block shares with this one; -1 after the last
    int32_t shape;
};

// A product of functions of the last two axes.
struct Pair {
    int32_t before, last;
};

// The tree cut into blocks, in lexicographic order. Coefficients are walked over in the order of the segments and pairs.
struct Blocks {
    const Block* blocks;
    int64_t count;
    const Shape* shapes;
    const Segment* segments;
    const int32_t* places;  // of a block's pairs in `pairs`
    const Pair* pairs;      // whose products are kept
    int64_t pair_count;
    const int64_t* order;  // (K) where in lexicographic order the coefficients are; null where that is the order
};

}  // namespace specfast
