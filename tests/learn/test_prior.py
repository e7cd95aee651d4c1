"""The ridge by degree: where no sensor was, fields are as small as those seen elsewhere; noise and gaps, and where it stays away."""

import numpy as np
import torch

import specfast as sf
from specfast import learn
from specfast.learn.encoder import FieldEncoder
from specfast.learn.prior import with_prior

D = torch.float64


def cauchy(count, noise, reach=8.0, sensors=60):
    """Return densities of Cauchy at scattered sensors, and how they are made."""
    generator = np.random.default_rng(1)
    width, place = generator.uniform(1.0, 2.0, (2, count, 1, 1))
    x, t = np.sort(generator.uniform(-reach, reach, (count, sensors)), 1), np.linspace(0, 1, 3)

    def field(x):
        wide = width + t[:, None]
        return wide / (wide**2 + (x[:, None] - place + 1.5) ** 2)

    u = field(x)
    return learn.read((u + noise * generator.standard_normal(u.shape))[:, :, None], x=x, t=t), field


def test_tails_beyond_the_sensors():
    data, field = cauchy(20, 2e-3)
    plain = FieldEncoder(sf.Space(sf.Rational(degree=14)), (0.6,), (0.0,), 0.5)
    encoder = with_prior(plain, data)
    ridge = torch.tensor(encoder.ridge)
    assert ridge.shape == (30,) and ridge[-1] > 100 * ridge[0] and (ridge.diff() >= 0).all()
    x = torch.tensor(np.concatenate([np.linspace(-25, -9, 20), np.linspace(9, 25, 20)]))
    truth = torch.from_numpy(field(x.numpy()[None]))
    errors = []
    for own in (plain, encoder):
        found = own.synthesize(own.coefficients(data), x.expand(20, -1))[:, :, 0]
        errors.append(float((found - truth).norm() / truth.norm()))
    assert errors[1] < 0.2 * errors[0] and errors[1] < 0.1
    assert FieldEncoder.from_dict(encoder.to_dict()) == encoder


def test_the_best_linear_estimate_for_coefficients_of_that_size():
    """Coefficients that are drawn as the prior says: s^2 / v is found, and the error is that of the exact posterior."""
    torch.manual_seed(0)
    space, noise = sf.Space(sf.Legendre(-1, 1, degree=11)), 0.05
    size = 2.0 ** -torch.arange(12.0).double()
    x = torch.linspace(-0.9, 0.9, 40, dtype=D)
    coef = torch.randn(60, 5, 12, dtype=D) * size
    u = space.synthesize(coef, x) + noise * torch.randn(60, 5, 40, dtype=D)
    data = learn.read(u.unsqueeze(2).numpy(), x=x.numpy(), t=np.arange(5.0))
    encoder = with_prior(FieldEncoder(space, (1.0,), (0.0,), 1.0), data)
    exact = noise**2 / size**2
    assert (torch.tensor(encoder.ridge)[:7] / exact[:7]).log().abs().max() < np.log(2)
    table = space.vandermonde(x)
    best = torch.linalg.solve(table.T @ table + exact.diag(), (u @ table).mT).mT
    errors = [(found - coef).norm() for found in (encoder.coefficients(data)[:, :, 0], best)]
    assert errors[0] < 1.05 * errors[1]


def test_without_noise_and_without_a_basis_that_resolves_nothing_changes():
    data, _ = cauchy(6, 0.0)
    fine = FieldEncoder(sf.Space(sf.Rational(degree=20)), (0.6,), (0.0,), 0.5)
    known = with_prior(fine, data)
    found = known.synthesize(known.coefficients(data), data.points)
    assert float((found - data.values).norm() / data.values.norm()) < 1e-4
    coarse = FieldEncoder(sf.Space(sf.Chebyshev(-8, 8, degree=6)), (1.0,), (0.0,), 0.5)
    assert with_prior(coarse, data) == coarse


def test_gaps():
    data, _ = cauchy(20, 2e-3)
    values = data.values.clone()
    values[:, :, :, 30:] = torch.nan
    some = sf.learn.Observations(values, data.points, data.times, ("u",))
    plain = FieldEncoder(sf.Space(sf.Rational(degree=10)), (0.6,), (0.0,), 0.5)
    whole = plain.synthesize(plain.coefficients(data), data.points)
    errors = [
        float((own.synthesize(own.coefficients(some), data.points) - whole).norm() / whole.norm())
        for own in (plain, with_prior(plain, some))
    ]
    assert errors[1] < 0.7 * errors[0]
