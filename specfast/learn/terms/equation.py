"""A learned equation as text, LaTeX and plain values: terms, coefficients, error bars and units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .library import Term


@dataclass(frozen=True)
class Coefficient:
    """A number of a term, real or complex, and its standard deviation (of real and imaginary part), or None."""

    value: complex
    deviation: complex | None = None


@dataclass(frozen=True)
class Equation:
    """What `Model.equation` returns: u_t = sum of coefficients times terms, for every field.

    Attributes
    ----------
    fields, axes : tuple of str
        Names.
    terms : tuple of Term
        J of them.
    coefficients : tuple of tuple of Coefficient or None
        (F, J); None where a term does not stand in a field's equation.
    known : tuple of (str, float)
        What was given.
    units : dict
        Of fields, axes and "time", where they are known.

    Examples
    --------
    >>> from specfast.learn.terms.library import Factor
    >>> term = Term((0,), (Factor(0, (2,)),))
    >>> print(Equation(("u",), ("x",), (term,), ((Coefficient(0.1, 0.002),),)))
    u_t = 0.1000(20) u_xx
    """

    fields: tuple[str, ...]
    axes: tuple[str, ...]
    terms: tuple[Term, ...]
    coefficients: tuple[tuple[Coefficient | None, ...], ...]
    known: tuple[tuple[str, float], ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return a line a field; digits in brackets are the standard deviation of the last ones."""
        return "\n".join(self._line(f, False) for f in range(len(self.fields)))

    def latex(self) -> str:
        """Return a line a field, for LaTeX's mathematics."""
        return " \\\\\n".join(self._line(f, True) for f in range(len(self.fields)))

    def _line(self, field: int, latex: bool) -> str:
        pieces = []
        for term, own in zip(self.terms, self.coefficients[field], strict=True):
            if own is None:
                continue
            words = term.latex(self.fields, self.axes) if latex else term.text(self.fields, self.axes)
            number = _number(own)
            pieces.append(number if words == "1" else number + (r"\, " if latex else " ") + words)
        pieces += [f"{value:.6g} [{name}]" for name, value in self.known]
        left = f"{self.fields[field]}_t = "
        if not pieces:
            return left + "0"
        line = pieces[0]
        for piece in pieces[1:]:
            line += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
        return left + line

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, with each number's standard deviation and unit."""
        rows = []
        for f, name in enumerate(self.fields):
            terms = []
            for term, own in zip(self.terms, self.coefficients[f], strict=True):
                if own is None:
                    continue
                entry: dict[str, Any] = {"term": term.text(self.fields, self.axes), **term.to_dict()}
                entry["value"] = _plain(own.value)
                entry["standard_deviation"] = None if own.deviation is None else _plain(own.deviation)
                entry["unit"] = self._unit(name, term)
                terms.append(entry)
            rows.append({"field": name, "terms": terms})
        return {
            "text": self.text(), "latex": self.latex(), "equations": rows, "known": [list(pair) for pair in self.known],
        }  # fmt: skip

    def _unit(self, field: str, term: Term) -> str | None:
        """Return that of the coefficient of a term; None where one is not known."""
        units, powers = dict(self.units), {field: 1, "time": -1}
        for factor in term.factors:
            name = self.fields[factor.field]
            powers[name] = powers.get(name, 0) - 1
            for axis, order in zip(self.axes, factor.orders, strict=True):
                powers[axis] = powers.get(axis, 0) + order
        for axis, power in zip(self.axes, term.powers, strict=True):
            powers[axis] = powers.get(axis, 0) - power
        needed = {name: power for name, power in powers.items() if power}
        if any(not units.get(name) for name in needed):
            return None
        return " ".join(
            f"({units[name]})^{power}" if power != 1 else f"({units[name]})" for name, power in needed.items()
        )


def _plain(number: complex) -> float | list[float]:
    return [number.real, number.imag] if isinstance(number, complex) else float(number)


def _number(own: Coefficient) -> str:
    """Return a number with its standard deviation in brackets, such as 0.0998(3)."""
    value, deviation = own.value, own.deviation
    if not isinstance(value, complex):
        return _real(float(value), None if deviation is None else float(abs(deviation)))
    wide = deviation if isinstance(deviation, complex) else None
    small = 3 * abs(wide) if wide is not None else 1e-6 * abs(value)
    parts = [
        _real(part, None if wide is None else bar) + unit
        for part, bar, unit in (
            (value.real, 0.0 if wide is None else wide.real, ""), (value.imag, 0.0 if wide is None else wide.imag, "i"),
        )
        if abs(part) > small
    ]  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    bars = (None, None) if wide is None else (wide.real, wide.imag)
    real, imaginary = _real(value.real, bars[0]), _real(value.imag, bars[1])
    return f"({real} {'-' if imaginary.startswith('-') else '+'} {imaginary.lstrip('-')}i)"


def _real(value: float, deviation: float | None) -> str:
    if deviation is None or not deviation > 1e-12 * abs(value) or not math.isfinite(deviation):
        return f"{value:.6g}"
    digits = 1 - math.floor(math.log10(deviation))  # two digits of the deviation
    if digits <= 0:
        return f"{value:.0f}({deviation:.0f})"
    if digits > 9:
        return f"{value:.6g}"
    return f"{value:.{digits}f}({round(deviation * 10**digits)})"


def equation_of(
    fields: Sequence[str], axes: Sequence[str], terms: Sequence[Term], values: Any, deviations: Any, known: Any, units: Any
) -> Equation:  # fmt: skip
    """Return the equation of coefficients (F, J) and their deviations (F, J, 2) or None."""
    rows = []
    for f in range(len(fields)):
        row: list[Coefficient | None] = []
        for j in range(len(terms)):
            value = values[f][j].item()
            if value == 0:
                row.append(None)
                continue
            bar: complex | None = None
            if deviations is not None:
                parts = deviations[f][j]
                bar = complex(*parts) if isinstance(value, complex) else float(parts[0])
            row.append(Coefficient(value, bar))
        rows.append(tuple(row))
    return Equation(tuple(fields), tuple(axes), tuple(terms), tuple(rows), tuple(known), tuple(sorted(units.items())))
