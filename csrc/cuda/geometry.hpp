// How a kernel for GPUs is launched: blocks, threads, memory of a block, points a thread. Plain C++, the same for whoever launches.
#pragma once
#include <cstdint>

namespace specfast {

struct GpuGeometry {
    int64_t blocks;
    int threads;
    int64_t memory;  // bytes of a block's dynamic memory
    int points;      // a thread; part of the kernel's name where it has tiles
    int64_t tiles;   // of a row; where sums over the points are wanted or values are prepared, parts of a row
};

enum class GpuOperation { prepare, values, synthesize, sweep, vandermonde, finish, rows };

// `rows` of `points` (for `vandermonde` rows is 1; for prepare, finish and rows `points` does not matter). Depends on shapes alone, so that
// results do not depend on the GPU.
GpuGeometry gpu_geometry(GpuOperation operation, int64_t rows, int64_t points, bool is_double);

// What a sum over an index set needs of a block.
struct GpuCrossNeeds {
    int64_t words;    // functions and products of a point
    int64_t leading;  // adjoint: most leading indices of a group; otherwise 0
    int64_t pieces;   // rectangles; adjoint: groups of columns
    int64_t rows;     // rows of points; adjoint: and channels
    int64_t points;
};

// `points` of a tile, 0 where not even a few fit into `limit` bytes; `tiles` is the parts of the set, for the adjoint the slices of the
// points, that fill a GPU. Depends on shapes and on how much memory a block may have.
GpuGeometry gpu_cross_geometry(const GpuCrossNeeds& needs, bool adjoint, bool is_double, int64_t limit);

}  // namespace specfast
