"""Shared by all tests: compile caches off (they ignore changed operator registrations), fixed seeds."""

import os

os.environ.setdefault("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def families_of_gpus(request):
    """Skip what has no kernels for GPUs: functions of two sides of 0, which are refused there."""
    given = getattr(request.node, "callspec", None)
    family, backend = (given.params.get(name) if given else None for name in ("family", "backend"))
    if getattr(family, "half", None) is not None and "cuda" in str(getattr(backend, "__name__", backend)):
        pytest.skip("refused on GPUs")


# Files that compile, work at 50 digits or train: begun first, so that no worker is left with one when the others are done.
_LONGEST = (
    "test_sanitizers", "test_distributed_training", "test_interrupts", "test_launchers", "test_gpu_pairs", "test_accuracy",
    "test_gpu_cross", "test_learn", "test_terms", "test_more_steps", "test_structure", "test_moving_basis", "test_build",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Put the longest files first; the order within a file, and of the others, stays."""
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
