// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 64
#define SPECFAST_VECTORS 6
#define SPECFAST_CROSS_VECTORS 16
#include "../adjoint.hpp"
#include "../basis.hpp"
#include "../cross_adjoint.hpp"
#include "../cross_derivatives.hpp"
#include "../cross_gradient.hpp"
#include "../cross_synthesize.hpp"
#include "../rate.hpp"
#include "../squares.hpp"
#include "../synthesize.hpp"

namespace specfast {

extern const Level level_avx512;
const Level level_avx512 = {"avx512",       synthesize,           adjoint,       backward,         basis,
                            squares,        differentiate_series, multiply_adds, cross_synthesize, cross_adjoint,
                            cross_gradient, cross_derivatives};

}  // namespace specfast
