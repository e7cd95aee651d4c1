// How a kernel for cards is launched: blocks, threads, memory of a block, points a thread. Plain C++, the same for whoever launches.
#pragma once
#include <cstdint>

namespace specfast {

struct CardGeometry {
    int64_t blocks;
    int threads;
    int64_t memory;  // bytes of a block's dynamic memory
    int points;      // a thread; part of the kernel's name where it has tiles
    int64_t tiles;   // of a row
};

enum class CardOperation { prepare, synthesize, sweep, basis, finish, rows, cross, cross_adjoint };

// `rows` of `points` (for `basis` rows is 1; for prepare, finish and rows `points` does not matter). Depends on shapes alone, so that
// results do not depend on the card. For crosses `points` a thread and tiles: the caller multiplies the blocks by the tree's parts.
CardGeometry card_geometry(CardOperation operation, int64_t rows, int64_t points, bool is_double);

}  // namespace specfast
