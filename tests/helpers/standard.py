"""Fields on the standard domain of one axis, by the operators: scale 1, shift 0, a family by its name."""

import functools

import torch

import specfast as sf
from specfast import ops
from specfast.families import family_by_name


@functools.cache
def key(name, size):
    """Return the key of the space of so many functions of a family."""
    family = family_by_name(name)
    return sf.Space(family.with_degree(int(family.function_degrees(size)[-1]))).key


def unit(like):
    """Return scale 1 and shift 0."""
    return torch.ones((), dtype=like.dtype, device=like.device), torch.zeros((), dtype=like.dtype, device=like.device)


def synthesize(coef, z, name, derivative):
    """Return sum_n coef_n phi_n^(k)(z)."""
    return ops.synthesize(coef, z, *unit(z), key(name, coef.shape[-1]), [derivative])


def adjoint(values, z, size, name, derivative):
    """Return the sums over m of values_m phi_n^(k)(z_m)."""
    return ops.adjoint(values, z, *unit(z), key(name, size), [derivative])


def gradients(gradient, coef, z, name, derivative):
    """Return the gradients of the sum in coefficients and points."""
    return ops.synthesize_backward(gradient, coef, z, *unit(z), key(name, coef.shape[-1]), [derivative])[:2]
