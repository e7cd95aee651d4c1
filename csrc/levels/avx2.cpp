// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 32
#define SPECFAST_VECTORS 6
#define SPECFAST_CROSS_VECTORS 8
#include "table.hpp"

namespace specfast {

extern const Level level_avx2;
const Level level_avx2 = level_named("avx2");

}  // namespace specfast
