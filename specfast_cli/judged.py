"""What a run is judged by when it ends, and in its report: never what it was trained on, where there is anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specfast.learn import Ensemble, Observations


def judged(ensemble: Ensemble, tested: Observations, held: int) -> tuple[str, Observations, str]:
    """Return the name of the figures in the metrics, what they are measured on, and how that is called; `tested` holds all where `held` is 0.

    Members of an ensemble keep other trajectories for themselves, so of these there are none that no member was trained on.
    """
    from specfast.learn.splits import held_out_times

    kept = ensemble.models[0].metrics.get("validation")
    if held:
        return "held_out", tested, f"{held} held-out trajector{'y' if held == 1 else 'ies'}"
    if kept is None:
        return "training_data", tested, "the training data (nothing was held out)"
    count = f"{kept['trajectories']} trajector{'y' if kept['trajectories'] == 1 else 'ies'}"
    if kept["of"] == "times":
        what = f"the last {100 * kept['share']:.0f} % of the times of {count}, never trained on"
        return "held_out_times", held_out_times(tested, kept["hold_out_time"]), what
    if len(ensemble) > 1:
        return "training_data", tested, "the training data (each run held out trajectories of its own, see validation)"
    import torch

    return (
        "validation_trajectories",
        tested.select(torch.tensor(kept["rows"])),
        f"{count} kept for validation, never trained on",
    )
