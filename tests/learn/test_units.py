"""Nothing of the encoder depends on the units of x and u: an affine map of either changes neither basis nor coefficients."""

from dataclasses import replace

import pytest
import torch

import specfast as sf
from specfast import learn
from specfast.learn.encode import encode
from specfast.learn.model_selection import choose_encoder

D = torch.float64


def observations(dim):
    torch.manual_seed(0)
    t = torch.linspace(0, 1, 4, dtype=D)
    x = torch.rand(3, 70 if dim == 1 else 160, *((dim,) if dim > 1 else ()), dtype=D)
    first = x if dim == 1 else x[..., 0]
    z = 6 * (first - 0.5)[:, None] / (1 + 0.2 * t[:, None])
    u = torch.exp(-(z**2) / 2) * (1 + 0.3 * torch.rand(3, 1, 1, dtype=D))
    if dim > 1:
        u = u * torch.cos(2 * x[..., 1])[:, None]
    return learn.Observations(u.unsqueeze(2), x, t.expand(3, -1), ("u",), tuple("xy"[:dim]))


def in_other_units(data, factor, offset, size):
    return replace(data, values=size * data.values, points=factor * data.points + offset)


@pytest.mark.parametrize("factor", [1e-3, 1e6])
@pytest.mark.parametrize(
    ("names", "fixed"),
    [("hermite", True), ("hermite", False), ("legendre", None), ("chebyshev", None), ("hermite,legendre", True),
     ("hermite,legendre", False)],
)  # fmt: skip
def test_units_cancel(names, fixed, factor):
    data = observations(1 + names.count(","))
    other, size = in_other_units(data, factor, 3.0 * factor, 1e-6), 1e-6
    degree = 8 if names == "hermite" else 6
    interval = [(-0.1, 1.1)]
    given = {"domain": interval} if "legendre" in names or names == "chebyshev" else {}
    moved = {"domain": [tuple(factor * end + 3.0 * factor for end in interval[0])]} if given else {}
    encoder = choose_encoder(data, names, degree=degree, fixed=fixed, **given)
    again = choose_encoder(other, names, degree=degree, fixed=fixed, **moved)
    assert encoder.moving is again.moving
    first, second = encode(encoder, data), encode(again, other)
    torch.testing.assert_close(second.coef, first.coef, rtol=1e-6, atol=1e-7)
    if first.scale_shift is not None:
        torch.testing.assert_close(second.scale_shift, first.scale_shift, rtol=1e-6, atol=1e-7)
    fields = [
        e.synthesize(c.coef, d.points, c.scale_shift) for e, c, d in ((encoder, first, data), (again, second, other))
    ]
    torch.testing.assert_close(fields[1] / size, fields[0], rtol=1e-6, atol=1e-8)
    # What `in_data_units` gives is what the methods of Space take.
    coef, log_scale, shift = again.in_data_units(second)
    if again.space.dim == 1:
        log_scale, shift = log_scale[..., 0], shift[..., 0]
    own = {"scale": log_scale.exp().unsqueeze(2), "shift": shift.unsqueeze(2)}
    points = other.points[:, None, None]
    torch.testing.assert_close(again.space.synthesize(coef, points, **own), fields[1], rtol=1e-6, atol=1e-14)


def test_the_degree_of_an_interval_does_not_depend_on_its_length():
    data, sizes = observations(1), set()
    for factor in (1.0, 1e3, 1e6):
        own = in_other_units(data, factor, 0.0, 1.0)
        encoder = choose_encoder(own, "legendre", domain=[(0.0, factor)])
        rest = encoder.synthesize(encode(encoder, own).coef, own.points) - own.values
        assert rest.norm() < 1e-2 * own.values.norm()
        sizes.add(encoder.space.size)
    assert len(sizes) == 1


def test_points_outside_an_interval_are_refused():
    x, t = torch.linspace(-1, 1, 30, dtype=torch.float64), torch.linspace(0, 1, 5, dtype=torch.float64)
    u = torch.cos(x) * torch.exp(-t[:, None])
    model = sf.learn.fit(u, "chebyshev", x=x, t=t, degree=5, steps=2, domain=[(-1.0, 1.0)], progress=False)
    start, points = u[None, :1], x[None]
    inside = model.predict(start, points, t, at=torch.tensor([[-1 - 1e-9, 1.0]], dtype=torch.float64))
    assert torch.allclose(inside[0, 0, 0, 0], u[0, 0], atol=1e-3)
    with pytest.raises(sf.learn.DataError, match=r"lie in \[-1, 1.5\]; the model's basis lives on \[-1, 1\]"):
        model.predict(start, points, t, at=torch.tensor([[-1.0, 1.5]], dtype=torch.float64))
