"""Terms that an equation may have: products of fields, of their derivatives, and of powers of the place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

ONE_AXIS, SEVERAL = 4, 2  # highest derivative of a linear term


@dataclass(frozen=True, order=True)
class Factor:
    """A field, or a derivative of it.

    Attributes
    ----------
    field : int
        Which.
    orders : tuple of int
        Of the derivative, one an axis.
    conjugate : bool
        Of a complex field, its conjugate.
    """

    field: int
    orders: tuple[int, ...]
    conjugate: bool = False


@dataclass(frozen=True)
class Term:
    """x^powers times the factors; a constant where there are none.

    Attributes
    ----------
    powers : tuple of int
        Of the place, one an axis.
    factors : tuple of Factor
        In order.
    """

    powers: tuple[int, ...]
    factors: tuple[Factor, ...]

    @property
    def linear(self) -> bool:
        """Whether it is linear in the fields, over the complex numbers too."""
        return len(self.factors) == 1 and not self.factors[0].conjugate

    def text(self, fields: Sequence[str], axes: Sequence[str]) -> str:
        """Return the term as it is read, such as "x^2 u u_xx"."""
        parts = [_power(axis, power) for axis, power in zip(axes, self.powers, strict=True) if power]
        for factor, run in itertools.groupby(self.factors):
            name = fields[factor.field] + ("*" if factor.conjugate else "")
            below = "".join(axis * order for axis, order in zip(axes, factor.orders, strict=True))
            parts.append(_power(f"{name}_{below}" if below else name, len(list(run))))
        return " ".join(parts) or "1"

    def latex(self, fields: Sequence[str], axes: Sequence[str]) -> str:
        """Return the term as LaTeX reads it."""
        parts = [_power(axis, power, True) for axis, power in zip(axes, self.powers, strict=True) if power]
        for factor, run in itertools.groupby(self.factors):
            name = rf"\bar {fields[factor.field]}" if factor.conjugate else fields[factor.field]
            below = "".join(axis * order for axis, order in zip(axes, factor.orders, strict=True))
            count = len(list(run))
            whole = rf"{name}_{{{below}}}" if below else name
            parts.append(_power(f"({whole})" if below and count > 1 else whole, count, True))
        return r"\, ".join(parts) or "1"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "powers": list(self.powers),
            "factors": [[factor.field, list(factor.orders), factor.conjugate] for factor in self.factors],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Term:
        """Return what `to_dict` described."""
        factors = tuple(Factor(field, tuple(orders), conjugate) for field, orders, conjugate in values["factors"])
        return Term(tuple(values["powers"]), factors)


def _power(base: str, exponent: int, latex: bool = False) -> str:
    if exponent == 1:
        return base
    return f"{base}^{{{exponent}}}" if latex else f"{base}^{exponent}"


def _orders(dim: int, most: int) -> list[tuple[int, ...]]:
    """Return all orders of derivatives with a sum up to `most`, those of least sum first."""
    found = [n for n in itertools.product(range(most + 1), repeat=dim) if sum(n) <= most]
    return sorted(found, key=lambda n: (sum(n), tuple(-k for k in n)))


def candidates(
    dim: int, fields: int, *, complex_fields: bool, place: Sequence[bool], constant: bool
) -> tuple[Term, ...]:
    """Return the terms among which those of an equation are sought.

    Linear ones up to the fourth derivative (on several axes the second), products of two with two derivatives together at
    most, of three with one; with x and x^2 along axes where place may matter. Of complex fields |u|^2 v.

    Parameters
    ----------
    dim, fields : int
        Axes; fields, a complex one counting once.
    complex_fields : bool
        Whether the fields are complex.
    place : sequence of bool
        Along which axes coefficients may depend on the place.
    constant : bool
        Whether the constant function is in the space.
    """
    none = (0,) * dim
    terms = [Term(none, ())] if constant and not complex_fields else []
    linear = [Factor(f, n) for f in range(fields) for n in _orders(dim, ONE_AXIS if dim == 1 else SEVERAL)]
    terms += [Term(none, (factor,)) for factor in linear]
    for axis in (d for d in range(dim) if place[d]):
        along = [tuple(k * (d == axis) for d in range(dim)) for k in range(3)]
        for f in range(fields):
            terms += [Term(power, (Factor(f, n),)) for power in along[1:] for n in along if sum(n) <= 2]
    if complex_fields:
        for f, g in itertools.product(range(fields), repeat=2):
            terms.append(Term(none, (Factor(f, none), Factor(g, none), Factor(g, none, True))))
        return tuple(dict.fromkeys(terms))
    terms += [Term(none, pair) for pair in _products(fields, dim, 2, 2)]
    terms += [Term(none, triple) for triple in _products(fields, dim, 3, 1)]
    return tuple(dict.fromkeys(terms))


def _products(fields: int, dim: int, count: int, most: int) -> Iterator[tuple[Factor, ...]]:
    """Yield products of so many factors with derivatives of at most this order together."""
    own = [Factor(f, n) for f in range(fields) for n in _orders(dim, most)]
    for factors in itertools.combinations_with_replacement(own, count):
        if sum(sum(factor.orders) for factor in factors) <= most:
            yield tuple(sorted(factors))
