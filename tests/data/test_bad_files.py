"""Whatever is wrong with a file is said in one line that names it and what is expected; nothing is written."""

import h5py
import numpy as np
import pandas
import pytest
import scipy.io
import xarray as xr

from specfast_cli import main

X, CLOCK = np.linspace(-1, 1, 12), np.arange(4.0)
U = np.cos(X - 0.1 * CLOCK[:, None])  # (time, x)
DIMS = ("time", "x")


def dataset(u=U, dims=DIMS, name="u", **coordinates):
    return xr.Dataset({name: (dims, u)}, coords={"x": X, "time": CLOCK} | coordinates)


def netcdf(path, *given, **named):
    dataset(*given, **named).to_netcdf(path, engine="h5netcdf")


def with_bytes(content):
    return lambda path: path.write_bytes(content)


def cut_short(path):
    netcdf(path)
    path.write_bytes(path.read_bytes()[:3000])


def hdf5(**arrays):
    def write(path):
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name.replace("__", "/")] = array

    return write


def table(**columns):
    return lambda path: pandas.DataFrame(columns).to_csv(path, index=False)


def two_fields(path):
    dataset().assign(v=(DIMS, U)).rename(u="w").to_netcdf(path, engine="h5netcdf")


FULL = {"t": [0, 0, 1, 1], "x": [0, 1, 0, 1], "u": [1, 2, 3, 4]}
CASES = [
    ("missing.nc", None, [], "missing.nc: no such file"),
    ("empty.nc", with_bytes(b""), [], "the file is empty"),
    ("text.nc", with_bytes(b"hello"), [], "not of a format that is read; NetCDF-3, NetCDF-4, HDF5"),
    ("cdf5.nc", with_bytes(b"CDF\x05" + bytes(100)), [], "nccopy -k nc4"),
    ("short.nc", cut_short, [], "not an HDF5 or NetCDF-4 file that can be read"),
    ("broken.mat", with_bytes(b"MATLAB 5.0 MAT-file" + bytes(200)), [], "not a MATLAB file that can be read"),
    ("folder", lambda path: path.mkdir(), [], "a folder that is not Zarr's"),
    ("notime.nc", lambda p: netcdf(p, U, ("y", "x"), y=("y", CLOCK)), [], "without time; nothing changes that could be learned"),
    ("two.nc", two_fields, [], "several could be the field: w, v; --variable says which"),
    ("u.nc", netcdf, ["--variable", "v"], "no variable v; it has u (4, 12)"),
    ("text-u.nc", lambda p: netcdf(p, np.full(U.shape, "a", object)), [], "u has type"),
    ("nan-x.nc", lambda p: netcdf(p, x=np.where(X > 0.9, np.nan, X)), [], "the positions along x hold values that are not finite"),
    ("back.nc", lambda p: netcdf(p, time=CLOCK[::-1]), [], "time does not increase strictly: times 0 and 1 of trajectory 0 are 3.0 and 2.0"),
    ("twice.nc", lambda p: netcdf(p, time=[0.0, 1.0, 1.0, 2.0]), [], "times 1 and 2 of trajectory 0 are 1.0 and 1.0"),
    ("never.nc", lambda p: netcdf(p, np.full(U.shape, np.nan)), [], "trajectories never observed: 0"),
    ("zero.nc", lambda p: netcdf(p, np.zeros(U.shape)), [], "u is zero wherever it was observed"),
    ("bare.h5", hdf5(u=U), [], "no times and no positions (t, x)"),
    ("square.h5", hdf5(u=np.eye(12) + 1, x=X, t=np.arange(12.0)), [], "--dims x,time"),
    ("long.h5", hdf5(u=U, x=X, t=np.arange(9.0)), [], "which axis is which cannot be told: time has 9, x has 12"),
    ("darcy.h5", hdf5(tensor=U[None], **{"x-coordinate": X}), [], "nothing changes in time"),
    ("u.h5", hdf5(u=U, x=X, t=CLOCK), ["--dims", "x,time,y"], "a name for each axis is expected"),
    ("ux.h5", hdf5(u=U, x=X, t=CLOCK), ["--coordinate", "x=nothing"], "--coordinate x=nothing: a variable"),
    ("ut.h5", hdf5(u=U, x=X, t=CLOCK), ["--times", "7:9"], "no time lies in 7 to 9; they are 0 to 3"),
    ("ur.h5", hdf5(u=U, x=X, t=CLOCK), ["--trajectories", "3:9"], "none of 1 trajectories is chosen by 3:9"),
    ("nothing.csv", table(a=[1], b=[2]), [], "no column of times (time, t); it has a, b"),
    ("double.csv", table(**{k: [*v, v[0]] for k, v in FULL.items()}), [], "rows 1 and 5 are of the same trajectory"),
    ("hole.csv", table(**FULL | {"x": [0, None, 0, 1]}), [], "x is missing in row 2"),
    ("words.csv", table(**FULL | {"u": list("abcd")}), [], "no column of values"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "options", "expected"), CASES, ids=[case[0] for case in CASES])
def test_one_line_that_says_what_is_wrong(name, write, options, expected, tmp_path, capsys):
    if write is not None:
        write(tmp_path / name)
    for command in (["inspect"], ["learn", "--out", str(tmp_path / "run"), "--steps", "2"]):
        assert main([command[0], str(tmp_path / name), *command[1:], *options]) == 2
        told = capsys.readouterr()
        assert expected in told.err and len(told.err.splitlines()) == 1 and not told.out, told.err
    assert not (tmp_path / "run").exists()


def test_options_that_cannot_be_read(tmp_path, capsys):
    for arguments, expected in (
        (["inspect", "u.nc", "--times", "5:1"], "A:B with A at most B"),
        (["inspect", "u.nc", "--times", "a"], "A:B is expected"),
        (["inspect", "u.nc", "--trajectories", "1"], "A:B or A:B:STEP of whole numbers"),
        (["inspect", "u.nc", "--coordinate", "x"], "AXIS=NAME or AXIS=FIRST:LAST"),
        (["predict", "run", "u.nc", "--out", "p.nc", "--times", "1:0:0.1"], "A:B:STEP or T1,T2"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        told = capsys.readouterr().err
        assert expected in told and len(told.splitlines()) == 1


def test_scalars_and_structs_beside_the_field_do_no_harm(tmp_path, capsys):
    scipy.io.savemat(tmp_path / "u.mat", {"u": U.T, "x": X, "t": CLOCK, "nu": 0.01, "info": {"by": "me"}})
    assert main(["inspect", str(tmp_path / "u.mat")]) == 0
    assert "trajectories 1" in capsys.readouterr().out
