// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 16
#define SPECFAST_VECTORS 4
#include "../adjoint.hpp"
#include "../basis.hpp"
#include "../rate.hpp"
#include "../squares.hpp"
#include "../synthesize.hpp"

namespace specfast {

extern const Level level_baseline;
const Level level_baseline = {"baseline", synthesize,           adjoint,      backward, basis,
                              squares,    differentiate_series, multiply_adds};

}  // namespace specfast
