// The kernels compiled for one instruction set as a Level: what a file beside this one includes after setting its widths.
#pragma once
#include "../adjoint.hpp"
#include "../cross_adjoint.hpp"
#include "../cross_derivatives.hpp"
#include "../cross_gradient.hpp"
#include "../cross_synthesize.hpp"
#include "../differentiate_rows.hpp"
#include "../rate.hpp"
#include "../squares.hpp"
#include "../synthesize.hpp"
#include "../vandermonde.hpp"

namespace specfast {
namespace {

// An operation is added here and in kernels.hpp: one line each.
constexpr Level level_named(const char* name) {
    Level level{};
    level.name = name;
    level.synthesize = synthesize;
    level.adjoint = adjoint;
    level.backward = backward;
    level.vandermonde = vandermonde;
    level.squares = squares;
    level.differentiate = differentiate_series;
    level.run_fma = run_fma;
    level.cross_synthesize = cross_synthesize;
    level.cross_adjoint = cross_adjoint;
    level.cross_gradient = cross_gradient;
    level.cross_derivatives = cross_derivatives;
    return level;
}

}  // namespace
}  // namespace specfast
