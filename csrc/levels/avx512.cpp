// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 64
#define SPECFAST_VECTORS 6
#define SPECFAST_CROSS_VECTORS 16
#include "table.hpp"

namespace specfast {

extern const Level level_avx512;
const Level level_avx512 = level_named("avx512");

}  // namespace specfast
