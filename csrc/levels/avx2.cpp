// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 32
#define SPECFAST_VECTORS 6
#include "../adjoint.hpp"
#include "../basis.hpp"
#include "../rate.hpp"
#include "../squares.hpp"
#include "../synthesize.hpp"

namespace specfast {

extern const Level level_avx2;
const Level level_avx2 = {"avx2", synthesize, adjoint, backward, basis, squares, differentiate_series, multiply_adds};

}  // namespace specfast
