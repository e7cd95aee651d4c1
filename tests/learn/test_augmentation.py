"""Learning from shifted copies where the equation is the same everywhere."""

import pytest
import torch

from specfast import learn
from specfast.experiments.exact_solutions import chebyshev_points, jumps
from specfast.learn import DataError
from specfast.learn.augmentation import shifted_copies

D = torch.float64
TIMES = torch.linspace(0, 1, 6, dtype=D)


def test_copies_are_the_same_fields_elsewhere():
    data, _ = jumps(5, TIMES, 30, 0)
    more = shifted_copies(data, "hermite", 0)
    assert len(more) == 100 and torch.equal(more.values[:5], data.values) and torch.equal(more.points[:5], data.points)
    assert torch.equal(more.values[5:10], data.values) and torch.equal(more.times[95:], data.times)
    moved = more.points.reshape(20, 5, 30) - data.points
    assert (moved - moved[..., :1]).abs().max() < 1e-12  # all sensors of one alike
    assert 1 < moved.abs().max() < 5 and moved[1:, :, 0].std() > 0.5
    assert len(shifted_copies(jumps(150, TIMES, 4, 0)[0], "hermite", 0)) == 300


def test_copies_on_the_plane_at_shared_points():
    points = torch.rand(1, 40, 2, dtype=D)
    data = learn.Observations(torch.randn(3, 2, 1, 40, dtype=D), points, TIMES[:2].expand(3, -1), ("u",), ("x", "y"))
    more = shifted_copies(data, "hermite,hermite", 0)
    moved = more.points.reshape(20, 3, 40, 2) - points
    assert moved[0].abs().max() == 0 and (moved - moved[:, :, :1]).abs().max() < 1e-12
    assert (moved[1:, :, 0, 0] - moved[1:, :, 0, 1]).abs().min() > 0


def test_what_cannot_be_shifted_is_refused():
    data, _ = jumps(3, TIMES, 20, 0)
    with pytest.raises(DataError, match="the whole line"):
        learn.fit(data, "laguerre", translation_invariant=True, progress=False)
    with pytest.raises(DataError, match="depends_on_position=True"):
        learn.fit(data, translation_invariant=True, depends_on_position=True, progress=False)
    assert chebyshev_points(3)[0] < 0


def test_few_trajectories_gain_by_it():
    times = torch.linspace(0, 2, 6, dtype=D)
    data, tested = jumps(3, times, 60, 0, 1e-3)[0], jumps(20, times, 60, 9)[0]
    plain, more = (
        learn.fit(data, degree=12, fixed=True, steps=60, translation_invariant=translation_invariant, progress=False)
        for translation_invariant in (False, True)
    )
    assert more.evaluate(tested)["relative_l2"] < 0.3 * plain.evaluate(tested)["relative_l2"]
