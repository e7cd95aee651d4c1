"""What is printed of families, index sets and spaces makes them again."""

import numpy as np
import pytest

import specfast as sf
from specfast.index_sets import FunctionsOf, Part

FAMILIES = [
    (sf.Hermite(), "Hermite()"),
    (sf.Hermite(degree=8), "Hermite(degree=8)"),
    (sf.Laguerre(), "Laguerre()"),
    (sf.Laguerre(0.5, degree=3), "Laguerre(0.5, degree=3)"),
    (sf.Laguerre(2.0, sign=-1), "Laguerre(2, sign=-1)"),
    (sf.Laguerre(degree=2, sign=-1), "Laguerre(degree=2, sign=-1)"),
    (sf.Chebyshev(0, 2), "Chebyshev(0, 2)"),
    (sf.Chebyshev(b=3), "Chebyshev(b=3)"),
    (sf.Chebyshev(-1, 1), "Chebyshev()"),
    (sf.Fourier(), "Fourier()"),
    (sf.Fourier(1, 2.5, degree=4), "Fourier(1, 2.5, degree=4)"),
    (sf.Rational(degree=4), "Rational(degree=4)"),
    (sf.RationalHalfLine(degree=4), "RationalHalfLine(degree=4)"),
    (sf.TwoHalfLines(degree=4), "TwoHalfLines(degree=4)"),
    (sf.Legendre(np.float64(0.1), np.float64(1e300), degree=0), "Legendre(0.1, 1e+300, degree=0)"),
]
SETS = [
    (sf.TensorProduct(4), "TensorProduct(4)"),
    (sf.TensorProduct([2, np.int64(3)]), "TensorProduct((2, 3))"),
    (sf.TensorProduct([2]), "TensorProduct((2,))"),
    (sf.TotalDegree(4), "TotalDegree(4)"),
    (sf.TotalDegree(4, [1, 2.5]), "TotalDegree(4, weights=(1, 2.5))"),
    (sf.HyperbolicCross(6), "HyperbolicCross(6)"),
    (sf.HyperbolicCross(6, gamma=-1.0), "HyperbolicCross(6, gamma=-1)"),
    (sf.HyperbolicCross(6, 0.25, weights=(1, 2)), "HyperbolicCross(6, gamma=0.25, weights=(1, 2))"),
    (sf.HyperbolicCross(6, gamma=-np.inf), "HyperbolicCross(6, gamma=float('-inf'))"),
    (sf.Indices([[0, 0], [1, 0], [0, 1]]), "Indices([[0, 0], [0, 1], [1, 0]])"),
    (sf.Indices(sf.TotalDegree(9).indices(2)), None),
    (Part(sf.TotalDegree(9), 1, 3), "Part(TotalDegree(9), 1, 3)"),
    (FunctionsOf(sf.TotalDegree(3), ["fourier", "hermite"]), "FunctionsOf(TotalDegree(3), ('fourier', 'hermite'))"),
]
SPACES = [
    (sf.Space(sf.Hermite(degree=8)), "Space(Hermite(degree=8))"),
    (sf.Space([sf.Laguerre(0.5)], sf.TensorProduct(3)), "Space(Laguerre(0.5, degree=3))"),
    (sf.Space(sf.Hermite(), sf.TotalDegree(8)), "Space(Hermite(), TotalDegree(8))"),
    (
        sf.Space([sf.Hermite(), sf.Legendre(0, 2)], sf.HyperbolicCross(6)),
        "Space([Hermite(), Legendre(0, 2)], HyperbolicCross(6))",
    ),
    (
        sf.Space([sf.Laguerre(sign=-1)] * 2, sf.Indices([[0, 0], [1, 0]])),
        "Space([Laguerre(sign=-1), Laguerre(sign=-1)], Indices([[0, 0], [1, 0]]))",
    ),
    (sf.Space([sf.Hermite(), sf.Chebyshev()], sf.TensorProduct((1, 2))), None),
    (sf.Space([sf.Fourier(0, 1), sf.Rational()], sf.TotalDegree(3)), None),
    (sf.Space([sf.Hermite()] * 3, Part(sf.HyperbolicCross(8), 0, 2)), None),
]


@pytest.mark.parametrize(("value", "text"), [*FAMILIES, *SETS, *SPACES], ids=repr)
def test_the_text_makes_the_value(value, text):
    if text is not None:
        assert repr(value) == text
    again = eval(repr(value), {**vars(sf), "Part": Part, "FunctionsOf": FunctionsOf})
    assert again == value and hash(again) == hash(value) and type(again) is type(value)


def test_every_family_and_set_is_here():
    from specfast.families import FAMILIES as families
    from specfast.index_sets.registry import INDEX_SETS as sets

    assert {type(value) for value, _ in FAMILIES} >= {
        own for own in families.values() if own.__module__.startswith("specfast")
    }
    assert {type(value) for value, _ in SETS} >= set(sets.values())


def test_long_lists_are_not_printed():
    large = sf.Indices(sf.TotalDegree(12).indices(4))
    assert repr(large) == str(large) == "<Indices: 1820 in 4 dimensions, degree=(12, 12, 12, 12)>"
    assert str(sf.Indices([[0, 0]])) == "<Indices: 1 in 2 dimensions, degree=(0, 0)>"
    with pytest.raises(ValueError, match=r"index_set=<Indices: 3 in 2 dimensions"):
        sf.Space([sf.Hermite()] * 2, sf.Indices([[0, 0], [0, 1], [1, 0]])).quadrature()
