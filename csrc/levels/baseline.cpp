// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 16
#define SPECFAST_VECTORS 4
#define SPECFAST_CROSS_VECTORS 8
#include "table.hpp"

namespace specfast {

extern const Level level_baseline;
const Level level_baseline = level_named("baseline");

}  // namespace specfast
