#include "geometry.hpp"

namespace specfast {
namespace {

constexpr int threads = 128, run = 32;
constexpr int64_t most_blocks = int64_t(1) << 30;
// From so many blocks on a thread takes four points: twice the multiprocessors of the largest cards of today.
constexpr int64_t enough_blocks = 264;

int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Of RunOfTerms and what lies behind it in sweep.hpp; asserted there.
int64_t sweep_bytes(int64_t size) {
    const int64_t tables = (9 * run * size + 4 + size - 1) / size * size;
    return (tables + 15) / 16 * 16 + run * (threads + 1) * size + run * (threads / run) * 8;
}

}  // namespace

CardGeometry card_geometry(CardOperation operation, int64_t rows, int64_t points, bool is_double) {
    const int64_t size = is_double ? 8 : 4;
    CardGeometry geometry{1, threads, 0, 1, 1};
    switch (operation) {
        case CardOperation::prepare:
            geometry.blocks = rows;
            geometry.memory = threads * 8;
            break;
        case CardOperation::cross_adjoint:  // `points` counts the indices
            geometry.tiles = ceil_divide(points, run);
            geometry.blocks = rows * geometry.tiles;
            geometry.memory = threads / run * run * 8 + run * (threads + 1) * size;
            break;
        case CardOperation::finish:
            geometry.blocks = rows;
            break;
        case CardOperation::rows:
            geometry.blocks = ceil_divide(rows, threads);
            break;
        default:
            geometry.points = rows * ceil_divide(points, 4 * threads) >= enough_blocks ? 4 : 1;
            geometry.tiles = ceil_divide(points, int64_t(geometry.points) * threads);
            geometry.blocks = rows * geometry.tiles;
            geometry.memory = operation == CardOperation::cross        ? 0
                              : operation == CardOperation::synthesize ? run * 4 * size + 16
                                                                       : sweep_bytes(size);
    }
    if (geometry.blocks < 1) geometry.blocks = 1;
    if (geometry.blocks > most_blocks) geometry.blocks = most_blocks;
    return geometry;
}

}  // namespace specfast
