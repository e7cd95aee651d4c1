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
