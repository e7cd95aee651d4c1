"""Index sets chosen from data: what is known of a field decides which one has to win."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import specfast as sf
from specfast.experiments.exact_solutions import packets
from specfast.learn.encode import encode
from specfast.learn.model_selection import choose_encoder

HERMITE = [sf.Hermite()] * 3


def sampled(space, coef, count, seed=0):
    points = torch.from_numpy(np.random.default_rng(seed).normal(0, 1.5, (count, space.dim)))
    return space.synthesize(coef, points), points


def test_a_field_on_a_known_set_is_found():
    inside = sf.Indices([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    space = sf.Space(HERMITE, inside)
    coef = torch.tensor([1.0, 0.8, 0.5, 0.7, -0.6, 0.5, 0.4, 0.3], dtype=torch.float64)
    values, points = sampled(space, coef, 800)
    grown = sf.adapt.grow_index_set(values, points, 40, HERMITE)
    assert grown.contains(inside.indices(3)).all()
    assert grown.size(3) <= 40
    refit = sf.Space(HERMITE, grown)
    assert (refit.synthesize(refit.fit(values, points, ridge=1e-9), points) - values).norm() <= 1e-7 * values.norm()


def test_growth_beats_every_cross_where_axes_differ():
    x = np.random.default_rng(1).uniform(-3, 3, (2500, 3))
    u = np.exp(-0.5 * (x**2).sum(1)) * np.cos(3.5 * x[:, 0])  # hard along one axis, one function along the others
    tried = sf.adapt.choose_index_set(u, x, 40, HERMITE)
    assert len(tried) == 10
    assert isinstance(tried[0].index_set, sf.Indices)
    assert tried[0].error < 0.1 * tried[1].error
    assert all(candidate.size <= 40 for candidate in tried)
    assert [candidate.error for candidate in tried] == sorted(candidate.error for candidate in tried)


def test_largest_within_a_budget():
    for gamma in (-math.inf, -1.0, 0.5):
        best = sf.adapt.largest_within(lambda n, g=gamma: sf.HyperbolicCross(n, g), 4, 1000)
        assert best.size(4) <= 1000 < sf.HyperbolicCross(best.degree + 1, gamma).size(4)


def test_neither_the_size_of_a_field_nor_its_phase_matters():
    x = np.random.default_rng(2).uniform(-3, 3, (400, 2))
    u = np.exp(-0.6 * (x**2).sum(1)) * (1 + x[:, 0])
    usual = sf.adapt.grow_index_set(u, x, 20, HERMITE[:2])
    for other in (1e200 * u, 1e-200 * u, 1j * u):
        assert sf.adapt.grow_index_set(other, x, 20, HERMITE[:2]) == usual
    assert sf.adapt.grow_index_set(u[:30], x[:30], 60, HERMITE[:2], ridge=0).size(2) <= 30


def test_bad_arguments():
    x, u = np.zeros((20, 3)), np.ones(20)
    with pytest.raises(ValueError, match=r"points have shape \(20, 2\)"):
        sf.adapt.choose_index_set(u, x[:, :2], 10, HERMITE)
    with pytest.raises(ValueError, match="budget=0"):
        sf.adapt.grow_index_set(u, x, 0, HERMITE)
    with pytest.raises(ValueError, match=r"values have shape \(19,\)"):
        sf.adapt.choose_index_set(u[1:], x, 10, HERMITE)
    with pytest.raises(ValueError, match=r"budget=20\.5"):
        sf.adapt.grow_index_set(u, x, 20.5, HERMITE)
    with pytest.raises(ValueError, match="3 are given; at least 5"):
        sf.adapt.choose_index_set(u[:3], x[:3], 10, HERMITE)


def test_the_study_of_index_sets_runs(tmp_path):
    script = Path(__file__).parents[2] / "examples" / "index_sets.py"
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "index_sets.png").stat().st_size > 10_000
    assert len(done.stdout.splitlines()) == 13


@pytest.mark.parametrize("fixed", [True, False])
def test_the_learner_takes_the_cross_that_gives_kept_sensors_best(fixed):
    data, _ = packets(8, 2, torch.linspace(0, 0.5, 3, dtype=torch.float64), 200, 0)
    plain, best = (choose_encoder(data, "hermite", degree=6, gamma=g, fixed=fixed) for g in (None, "auto"))
    assert best.space.size <= plain.space.size and best.moving == plain.moving == (not fixed)
    unseen, _ = packets(8, 2, torch.linspace(0, 0.5, 3, dtype=torch.float64), 200, 1)
    assert left_over(best, unseen) <= 1.1 * left_over(plain, unseen)


def left_over(basis, data):
    """Return what half of the sensors leave of the others."""
    half, rest = (
        dataclasses.replace(data, values=data.values[..., part], points=data.points[:, part])
        for part in (slice(0, None, 2), slice(1, None, 2))
    )
    encoded = encode(basis, half)
    return float((basis.synthesize(encoded.coef, rest.points, encoded.scale_shift) - rest.values).norm())
