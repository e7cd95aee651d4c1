"""Files as the generators of public collections write them are read as what went into them."""

import importlib.util

import numpy as np
import published_files
import published_layouts
import pytest

from specfast import data

WRITERS = published_layouts.WRITERS | published_files.WRITERS
# What a user has to say of those that do not speak for themselves.
SAID = {
    "pdebench_ns_incom2d": {
        "variable": ("velocity", "particles"), "dims": ("trajectory", "time", "x", "y", "channel"),
        "coordinates": {"x": "0:1", "y": "0:1"},
    },
    "fno_ns_mat": {"dims": ("trajectory", "x", "y", "time"), "coordinates": {"x": "0:1", "y": "0:1"}},
    "pdearena_shallow_water_zarr": {"variable": ("u", "v", "vor", "pres")},
    "pdearena_shallow_water_nc": {"variable": ("u", "v", "vor", "pres")},
}  # fmt: skip


def written(name, folder):
    end = (
        "zarr"
        if "zarr" in name
        else "mat"
        if "mat" in name
        else "nc"
        if name.endswith("_nc") or "cf_" in name
        else "h5"
    )
    path = folder / f"{name}.{end}"
    return path, WRITERS[name](path)


@pytest.mark.parametrize("name", list(WRITERS))
def test_what_was_written_is_read(name, tmp_path):
    if "zarr" in name and importlib.util.find_spec("zarr") is None:
        pytest.skip("needs zarr")
    path, truth = written(name, tmp_path)
    if truth.get("refuse"):
        with pytest.raises(data.DataError):
            data.read(path)
        return
    read = data.read(path, **SAID.get(name, {}))
    u = np.asarray(truth["u"])
    if np.iscomplexobj(u):
        u = np.stack([u.real, u.imag], 3).reshape(*u.shape[:2], -1, *u.shape[3:])
    assert np.allclose(read.values.numpy().reshape(u.shape), u, rtol=1e-5, atol=1e-5, equal_nan=True)
    assert np.allclose(read.times.numpy(), np.asarray(truth["time"], float), rtol=1e-5, atol=1e-6)
    for axis, column in enumerate(read.axes):
        if column in truth and name not in SAID:
            found = read.grid[axis].numpy() if read.grid is not None else read.coordinate(axis).numpy()
            assert np.allclose(found, np.asarray(truth[column], float), rtol=1e-5, atol=1e-6)
