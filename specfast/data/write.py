"""Fields to Datasets and files, as the data that they belong to had them: dimensions, coordinates, attributes, order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..support.files import written_whole
from .complex_channels import ENDINGS, complex_pairs
from .errors import DataError
from .observations import Observations

if TYPE_CHECKING:
    import xarray

_KEPT = (
    "units",
    "long_name",
    "standard_name",
    "axis",
    "calendar",
    "positive",
    "comment",
    "description",
    "title",
    "source",
)


def to_dataset(
    data: Observations, values: Tensor | None = None, spread: Tensor | None = None, attributes: Mapping[str, object] | None = None
) -> xarray.Dataset:  # fmt: skip
    """Return a field (R, T, C, M) at the points and times of data as a Dataset like the one that the data came from.

    A grid is given back as a grid, sensors as sensors, with the file's names and order of dimensions, coordinates and
    attributes; complex fields are complex. Dates are numbers with units "... since ...", as CF conventions have them.

    Parameters
    ----------
    data : Observations
        Whose points, times and names they are.
    values : Tensor (R, T, C, M), optional
        Default: those of the data.
    spread : Tensor (R, T, C, M), optional
        Becomes NAME_spread: the standard deviation within an ensemble.
    attributes : mapping, optional
        Of the Dataset, besides its own.

    Returns
    -------
    xarray.Dataset

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> data = sf.data.read(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t)
    >>> sf.data.to_dataset(data)["u"].dims
    ('time', 'x')
    """
    import xarray

    values = data.values if values is None else values
    roles = _roles(data)
    names = {role: _free(data, role) for role in roles}
    dims = tuple(names[role] for role in roles)
    variables: dict[str, Any] = {}
    for suffix, field in (("", values), ("_spread", spread)):
        if field is None:
            continue
        for name, which in _variables(data, CHANNEL in roles):
            array = _shaped(data, field[:, :, which].numpy(), roles, _is_complex([data.channels[i] for i in which]))
            variables[name + suffix] = (
                dims,
                array,
                _attributes(data, name) | _unit(data, [data.channels[i] for i in which]),
            )
    own = {"Conventions": "CF-1.8", **_attributes(data, ""), **(attributes or {})}
    coordinates = _coordinates(data, roles, names)
    if len(coordinates[names[TIME]][0]) == 2:  # times of each trajectory's own: no index of a dimension
        variables[names[TIME]] = coordinates.pop(names[TIME])
    dataset = xarray.Dataset(variables, coords=coordinates, attrs=own)
    if data.parameters is not None:
        dataset = dataset.assign(parameters=(("trajectory", "parameter"), data.parameters.numpy()))
        if data.parameter_names:
            dataset = dataset.assign_coords(parameter=np.array(data.parameter_names, dtype=str))
    return dataset


TRAJECTORY, TIME, CHANNEL, POINT = "trajectory", "time", "channel", "point"


def _roles(data: Observations) -> tuple[str, ...]:
    """Return the axes in the file's order; what the file lacked is added where there is more than one of it."""
    space = data.axes if data.grid is not None else (POINT,)
    roles = [role for role in data.origin.dims if role in (TRAJECTORY, TIME, CHANNEL) or role in space]
    roles += [role for role in (TIME, *space) if role not in roles]
    if TRAJECTORY not in roles and (len(data) > 1 or not data.origin.dims):
        roles = [TRAJECTORY, *roles]
    if CHANNEL not in roles and not data.origin.variables and len(data.channels) > 1:
        roles.insert(roles.index(TIME) + 1, CHANNEL)
    return tuple(roles)


def dimension_of(data: Observations, role: str) -> str | None:
    """Return what `to_dataset` calls the dimension of trajectories or times, None where it has none."""
    return _free(data, role) if role in _roles(data) else None


def _free(data: Observations, role: str) -> str:
    """Return the file's name of a dimension, if no other is called so."""
    name = data.origin.names.get(role, role).replace("/", "_")
    return name if name.isidentifier() or name.replace("-", "_").isidentifier() else role


def _is_complex(labels: Sequence[str]) -> bool:
    """Whether all channels are parts of complex arrays, in the order in which those are read."""
    places = [place for _, *pair in complex_pairs(tuple(labels)) for place in pair]
    return places == list(range(len(labels))) and all(label.endswith(ENDINGS) for label in labels)


def _variables(data: Observations, channel: bool) -> list[tuple[str, list[int]]]:
    """Return names of variables and which channels each has, in the file's order."""
    given, names = data.origin.variables, list(data.channels)
    if sorted(label for _, labels in given for label in labels) == sorted(names):
        short = [name.rpartition("/")[2] for name, _ in given]
        alone = [
            one if short.count(one) == 1 else name.replace("/", "_")
            for one, (name, _) in zip(short, given, strict=True)
        ]
        return [
            (name, [names.index(label) for label in labels]) for name, (_, labels) in zip(alone, given, strict=True)
        ]
    if channel or len(names) == 1:
        return [(names[0] if len(names) == 1 else "u", list(range(len(names))))]
    return [(name, [i]) for i, name in enumerate(names)]


def _shaped(data: Observations, field: np.ndarray, roles: tuple[str, ...], is_complex: bool) -> np.ndarray:
    """Return (R, T, C, M) in the shape of the roles."""
    if is_complex:
        field = field[:, :, 0::2] + 1j * field[:, :, 1::2]
    inner = [len(column) for column in data.grid] if data.grid is not None else [field.shape[-1]]
    space = data.axes if data.grid is not None else (POINT,)
    own = (TRAJECTORY, TIME, CHANNEL, *space)
    field = field.reshape(*field.shape[:3], *inner)
    drop = tuple(i for i, role in enumerate(own) if role not in roles)
    if any(field.shape[i] != 1 for i in drop):
        raise DataError(f"a field of shape {field.shape} cannot have the axes {roles}")
    kept = [role for role in own if role in roles]
    return field.reshape([n for i, n in enumerate(field.shape) if i not in drop]).transpose(
        [kept.index(r) for r in roles]
    )


def _coordinates(data: Observations, roles: tuple[str, ...], names: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    times = data.times.numpy()
    shared = bool((times == times[:1]).all()) or TRAJECTORY not in roles
    of_time = {**_attributes(data, TIME), **({"units": data.units["time"]} if "time" in data.units else {})}
    if data.origin.calendar:
        of_time["calendar"] = data.origin.calendar
    found[names[TIME]] = (
        (names[TIME], times[0], of_time) if shared else ((names[TRAJECTORY], names[TIME]), times, of_time)
    )
    for axis, name in enumerate(data.axes):
        attributes = _attributes(data, name) | ({"units": data.units[name]} if name in data.units else {})
        if data.grid is not None:
            found[names[name]] = (names[name], data.grid[axis].numpy(), attributes)
            continue
        column = data.coordinate(axis).numpy()
        one = len(column) == 1 or TRAJECTORY not in roles
        found[name] = (
            (names[POINT], column[0], attributes) if one else ((names[TRAJECTORY], names[POINT]), column, attributes)
        )
    if TRAJECTORY in roles and data.labels is not None:
        found[names[TRAJECTORY]] = (names[TRAJECTORY], data.labels)
    if CHANNEL in roles:
        channels = [data.channels[i] for i in _variables(data, True)[0][1]]
        labels = [name.removesuffix(".real") for name in channels[::2]] if _is_complex(channels) else channels
        found[names[CHANNEL]] = (names[CHANNEL], np.array(labels, dtype=str))
        units = [data.units.get(name, "") for name in (channels[::2] if _is_complex(channels) else channels)]
        if len(set(units)) > 1:
            found["channel_units"] = (names[CHANNEL], np.array(units, dtype=str))
    return found


def _attributes(data: Observations, name: str) -> dict[str, Any]:
    """Return the attributes that still hold for other numbers of the same quantity: no ranges, no packing."""
    own = data.origin.attributes.get(name, {})
    kept = own if name == "" else {key: value for key, value in own.items() if key in _KEPT}
    return {key: value for key, value in kept.items() if _writable(key, value)}


def _writable(key: str, value: object) -> bool:
    """Whether NetCDF can hold an attribute; the others are left out."""
    if "/" in key or key.startswith("_") or isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, str):
        return "\0" not in value
    return isinstance(value, (float, np.number)) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _unit(data: Observations, channels: Sequence[str]) -> dict[str, str]:
    """Return the unit of a variable, where all that it holds has the same."""
    units = {data.units.get(name, "") for name in channels}
    return {"units": units.pop()} if len(units) == 1 and units != {""} else {}


def write(dataset: xarray.Dataset, path: Path) -> None:
    """Write a Dataset whole or not at all: NetCDF-4, or by the name's end NumPy's archive (.npz) or CSV.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `to_dataset` gives.
    path : Path
        Where; its folder is made where it is not there.

    Raises
    ------
    DataError
        If the name's end is of another format.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.data.write(sf.data.to_dataset(data), Path("data.nc"))  # doctest: +SKIP
    """
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    with written_whole(path) as temporary:
        if suffix in (".nc", ".nc4", ".h5", ".hdf5", ".cdf", ""):
            is_complex = any(v.dtype.kind == "c" for v in dataset.variables.values())
            dataset.to_netcdf(temporary, engine="h5netcdf", invalid_netcdf=is_complex)
        elif suffix == ".npz":
            with open(temporary, "wb") as file:
                np.savez(file, **{str(name): v.values for name, v in dataset.variables.items()})  # type: ignore[arg-type]
        elif suffix == ".csv":
            _long_table(dataset).to_csv(temporary, index=False)
        else:
            raise DataError(f"{path}: .nc, .npz or .csv is expected")


def _long_table(dataset: xarray.Dataset) -> Any:
    """Return a row an observation: a column a channel, those of complex fields in two; parameters have no place in it."""
    dataset = dataset.drop_vars(
        [name for name in ("parameters", "parameter", "channel_units") if name in dataset.variables]
    )
    for name in list(map(str, dataset.variables)):
        variable = dataset[name]
        if variable.ndim == 2 and name in variable.dims:  # times of each trajectory's own
            dataset = dataset.rename_dims({name: "step"}).set_coords(name)
        elif name in dataset.data_vars and "channel" in variable.dims:
            parts = {str(label): variable.sel(channel=label, drop=True) for label in dataset["channel"].values}
            dataset = dataset.drop_vars(name).assign(parts)
    dataset = dataset.drop_vars([name for name in ("channel",) if name in dataset.variables])
    for name in list(map(str, dataset.data_vars)):
        if dataset[name].dtype.kind == "c":
            dataset = dataset.assign(
                {f"{name}.real": dataset[name].real, f"{name}.imag": dataset[name].imag}
            ).drop_vars(name)
    table = dataset.to_dataframe().reset_index().dropna(how="all", subset=list(dataset.data_vars))
    return table.drop(columns=[name for name in ("point", "step") if name in table])
