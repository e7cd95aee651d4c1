// The kernels compiled for one instruction set; its flags are in CMakeLists.txt.
#define SPECFAST_BYTES 16
#define SPECFAST_VECTORS 4
#define SPECFAST_CROSS_VECTORS 8
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

extern const Level level_baseline;
const Level level_baseline = {"baseline",     synthesize,           adjoint,       backward,         basis,
                              squares,        differentiate_series, multiply_adds, cross_synthesize, cross_adjoint,
                              cross_gradient, cross_derivatives};

}  // namespace specfast
