"""What an axis is, by its name and by the attributes of its coordinate."""

from __future__ import annotations

from ..field import CHANNEL, POINT, TIME, TRAJECTORY
from ..store import Store

_NAMES = {
    TRAJECTORY: (
        "trajectory", "traj", "trajectories", "sample", "samples", "batch", "b", "realization", "realisation", "member",
        "ensemble", "run", "simulation", "sim", "case", "replicate", "experiment", "n", "id", "trajectory_id", "sample_id",
    ),
    TIME: ("time", "times", "t", "tt", "date", "datetime", "t-coordinate", "tspan", "timestamp", "valid_time"),
    CHANNEL: ("channel", "channels", "component", "components", "c", "species"),
    POINT: ("point", "points", "sensor", "sensors", "station", "stations", "location", "locations", "site", "node", "nodes"),
}  # fmt: skip
# Of coordinates, in the order of the axes.
AXES = (("x", "y", "z"), tuple(f"x{i}" for i in range(1, 65)), ("lon", "lat"), ("longitude", "latitude"))
SPATIAL = {name: name for names in AXES for name in names} | {
    f"{name}-coordinate": name for name in "xyz"
} | {f"grid/{name}": name for name in "xyz"}  # fmt: skip


def role_of(name: str, store: Store | None = None) -> str:
    """Return trajectory, time, channel or point; for any other name the name itself, a space axis."""
    lower = name.lower().rpartition("/")[2]
    for role, names in _NAMES.items():
        if lower in names:
            return role
    if store is not None and name in store:
        variable = store[name]
        attributes = {key: str(value) for key, value in variable.attributes.items()}
        if attributes.get("standard_name") == "realization":
            return TRAJECTORY
        dates = getattr(variable.array.dtype, "kind", "") == "M"
        since = " since " in attributes.get("units", "")
        if attributes.get("axis") == "T" or attributes.get("standard_name") == "time" or dates or since:
            return TIME
    return name
