// A downward-closed set of D-dimensional indices as a tree: the runs 0 .. length - 1 of the last entry ("fibres") in
// lexicographic order.
//
// Layout    (fibres, 2): how many leading entries a fibre shares with the one before (0 .. D - 2), and its length. Entries
//           need not be kept: the entry after the shared ones is one more than before, those behind it are 0 again.
#pragma once
#include <cstdint>

#include "kernels.hpp"

namespace specfast {
namespace {

// The runs that make up the block of all indices with the same first D - 2 entries: pairs (i, j) of the last two. The first
// block, with entries 0 before it, holds all others.
struct PairTable {
    int64_t rows = 0;                // i = 0 .. rows - 1
    int64_t pairs = 0;               // of the first block
    const int64_t* first = nullptr;  // where row i begins
};

// Whether the tree is one of this dimension within these sizes, and has `size` indices; nothing else may be walked.
inline bool is_valid(const Tree& tree, int64_t size) {
    const int depth = tree.dim - 1;
    if (tree.dim < 2 || tree.dim > max_dimensions || tree.fibres < 1 || tree.runs[0] != 0) return false;
    int64_t entry[max_dimensions] = {}, total = 0;
    for (int64_t fibre = 0; fibre < tree.fibres; ++fibre) {
        const int64_t shared = tree.runs[2 * fibre], length = tree.runs[2 * fibre + 1];
        if (fibre > 0) {
            if (shared < 0 || shared >= depth || ++entry[shared] >= tree.sizes[shared]) return false;
            for (int64_t d = shared + 1; d < depth; ++d) entry[d] = 0;
        }
        if (length < 1 || length > tree.sizes[depth]) return false;
        total += length;
    }
    return total == size;
}

// Whether every block lies in the first one.
inline bool is_nested(const Tree& tree, int64_t first_rows) {
    int64_t row = 0;
    for (int64_t fibre = 0; fibre < tree.fibres; ++fibre, ++row) {
        if (tree.runs[2 * fibre] < tree.dim - 2) row = 0;
        if (row >= first_rows || tree.runs[2 * fibre + 1] > tree.runs[2 * row + 1]) return false;
    }
    return true;
}

inline int64_t first_block_rows(const Tree& tree) {
    int64_t rows = 1;
    while (rows < tree.fibres && tree.runs[2 * rows] == tree.dim - 2) ++rows;
    return rows;
}

}  // namespace
}  // namespace specfast
