#include "geometry.hpp"

#include "problem.hpp"

namespace specfast {
namespace {

constexpr int threads = 128, run = gpu_run;
constexpr int64_t most_blocks = int64_t(1) << 30;
// From so many blocks on a thread takes four points: twice the multiprocessors of the largest GPUs of today.
constexpr int64_t enough_blocks = 264;
// So many sums over parts of rows exist at once, or one a row.
constexpr int64_t most_parts = 4 * enough_blocks;
// A thread prepares so many values, or more where there are most_parts.
constexpr int64_t values_a_thread = 16;

int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Of RunOfTerms and what lies behind it in sweep.hpp; asserted there.
int64_t sweep_bytes(int64_t size) {
    const int64_t tables = (9 * run * size + 4 + size - 1) / size * size;
    return (tables + 15) / 16 * 16 + run * (threads + 1) * size + run * (threads / run) * 8;
}

}  // namespace

GpuGeometry gpu_geometry(GpuOperation operation, int64_t rows, int64_t points, bool is_double) {
    const int64_t size = is_double ? 8 : 4;
    GpuGeometry geometry{1, threads, 0, 1, 1};
    switch (operation) {
        case GpuOperation::prepare:
            geometry.blocks = rows;
            geometry.memory = threads * 4 * 8;  // of chains
            break;
        case GpuOperation::values: {
            const int64_t parts = ceil_divide(most_parts, rows < 1 ? 1 : rows);
            geometry.tiles = ceil_divide(points, threads * values_a_thread);
            if (geometry.tiles > parts) geometry.tiles = parts;
            if (geometry.tiles < 1) geometry.tiles = 1;
            geometry.blocks = rows * geometry.tiles;
            geometry.memory = threads * 8;
            break;
        }
        case GpuOperation::finish:
            geometry.blocks = rows;
            geometry.memory = threads * 4 * 8;
            break;
        case GpuOperation::rows:
            geometry.blocks = ceil_divide(rows, threads);
            break;
        default:
            geometry.points = rows * ceil_divide(points, 4 * threads) >= enough_blocks ? 4 : 1;
            geometry.tiles = ceil_divide(points, int64_t(geometry.points) * threads);
            geometry.blocks = rows * geometry.tiles;
            if (operation == GpuOperation::sweep && geometry.tiles > 1) {
                const int64_t parts = ceil_divide(most_parts, rows);
                if (geometry.tiles > parts) geometry.tiles = parts;
                geometry.blocks = rows * geometry.tiles;
            }
            geometry.memory = operation == GpuOperation::synthesize ? run * 4 * size + 16 : sweep_bytes(size);
    }
    if (geometry.blocks < 1) geometry.blocks = 1;
    if (geometry.blocks > most_blocks) geometry.blocks = most_blocks;
    return geometry;
}

GpuGeometry gpu_cross_geometry(const GpuCrossNeeds& needs, bool adjoint, bool is_double, int64_t limit) {
    constexpr int block = 256, widest = 32;
    const int64_t size = is_double ? 8 : 4;
    const auto bytes = [&](int64_t width) {
        const int64_t leading = needs.leading * size + 16;  // padded as in cross_adjoint.hpp
        return adjoint ? leading * width + size * needs.words * (width + 1) : size * (needs.words * width + block);
    };
    // The adjoint's blocks go on from tile to tile, so a small one does; two of them hide what each waits for.
    const int least = adjoint ? 4 : 8;
    int width = widest;
    while (width > least && bytes(width) > (adjoint ? limit / 2 : limit)) width /= 2;
    if (bytes(width) > limit) return {0, block, 0, 0, 0};
    const int64_t tiles = ceil_divide(needs.points, width);
    const int64_t own = needs.rows * (adjoint ? needs.pieces : tiles);
    const int64_t most = adjoint ? tiles : ceil_divide(needs.pieces, block / width);
    int64_t parts = ceil_divide(enough_blocks, own < 1 ? 1 : own);
    parts = parts > most ? most : parts;
    if (parts < 1) parts = 1;
    int64_t blocks = own * parts;
    blocks = blocks < 1 ? 1 : blocks > most_blocks ? most_blocks : blocks;
    return {blocks, block, bytes(width), width, parts};
}

}  // namespace specfast
