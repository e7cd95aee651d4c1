"""MATLAB files and CF-NetCDF with all that goes wrong in it, tiny; as `published_layouts`."""

import h5py
import numpy as np
import scipy.io
from published_layouts import _truth, _wave


# ------------------------------------------------------------------ MATLAB
def mat73(path, arrays):
    """MATLAB v7.3: HDF5 behind a 512-byte user block, axes reversed, complex = {real, imag},
    every data set with the attribute MATLAB_class.
    """
    with h5py.File(path, "w", userblock_size=512, libver="earliest") as f:
        for k, a in arrays.items():
            a = np.asarray(a)
            if a.ndim < 2:
                a = a.reshape(1, -1)
            b = a.transpose()  # reversed axes on disk
            if np.iscomplexobj(b):
                ft = "f8" if b.dtype == np.complex128 else "f4"
                w = np.empty(b.shape, [("real", ft), ("imag", ft)])
                w["real"], w["imag"] = b.real, b.imag
                b = w
            d = f.create_dataset(k, data=b)
            single = "f4" in str(b.dtype) or b.dtype == np.float32
            d.attrs["MATLAB_class"] = np.bytes_("single" if single else "double")
    head = (
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 01 00:00:00 2024 HDF5 schema 1.00 .").ljust(
            116, b" "
        )
        + b"\0" * 8
        + b"\x00\x02IM"
    )
    with open(path, "r+b") as f:
        f.write(head.ljust(512, b"\0"))


def write_fno_burgers_mat(path, n=4, nx=32):
    """burgers_data_R10.mat (v5): a -> u is a map between two times, NOT a trajectory. No t, no x."""
    x = np.arange(nx) / nx
    a = _wave(n, [0.0], [x], [1.0])[:, 0]
    u = _wave(n, [1.0], [x], [1.0])[:, 0]
    scipy.io.savemat(
        path, {"a": a, "u": u, "a_smooth": a, "a_smooth_x": np.gradient(a, x, axis=1), "a_x": np.gradient(a, x, axis=1)}
    )
    return _truth(
        np.stack([a, u], 1)[:, :, None],
        [0.0, 1.0],
        {"x": x},
        ["u"],
        {},
        refuse="no time axis: a is the input, u the output at t = 1",
    )


def write_fno_ns_mat(path, n=3, nx=8, ny=6, nt=5, v73=True):
    """NavierStokes_V1e-3_N5000_T50.mat: MATLAB sizes a (N, x, y), u (N, x, y, t), t (1, T).
    h5py sees u (t, y, x, N). Frames are t = 1..T; a is t = 0. float32. nu only in the name.
    """
    x, y, t = np.arange(nx) / nx, np.arange(ny) / ny, np.arange(1, nt + 1, dtype="f4")
    w = _wave(n, np.r_[0.0, t], [x, y], [1.0, 1.0]).astype("f4")
    arr = {"a": w[:, 0], "u": np.moveaxis(w[:, 1:], 1, -1), "t": t.reshape(1, -1)}
    if v73:
        mat73(path, arr)
    else:
        scipy.io.savemat(path, arr)
    return _truth(w[:, 1:, None], t, {"x": x, "y": y}, ["u"], {}, initial=w[:, 0], note="x, y are not in the file")


def _pinn(path, names, u, x, t, row, v73, channels, unit=True):
    """U is (x, t) on disk."""
    sh = (1, -1) if row else (-1, 1)
    arr = {names[0]: u, names[1]: x.reshape(sh), names[2]: t.reshape(sh)}
    mat73(path, arr) if v73 else scipy.io.savemat(path, arr)
    return _truth(u.T[None, :, None], t, {"x": x}, channels, {})


def write_pinns_burgers_mat(path, nx=16, nt=6, v73=False):
    """burgers_shock.mat: usol (x, t) real, x (nx, 1), t (nt, 1)."""
    x, t = np.linspace(-1, 1, nx), np.linspace(0, 0.99, nt)
    return _pinn(path, ("usol", "x", "t"), _wave(1, t, [x], [2.0])[0].T, x, t, False, v73, ["usol"])


def write_pinns_uu_mat(path, nx=16, nt=6, v73=False):
    """AC.mat / KdV.mat: uu (x, t) real, x (1, nx), tt (1, nt)."""
    x, t = np.linspace(-1, 1, nx, endpoint=False), np.linspace(0, 1, nt)
    return _pinn(path, ("uu", "x", "tt"), _wave(1, t, [x], [2.0])[0].T, x, t, True, v73, ["uu"])


def write_pinns_nls_mat(path, nx=16, nt=6, v73=False):
    """NLS.mat: uu (x, t) COMPLEX, x (1, nx), tt (1, nt)."""
    x, t = np.linspace(-5, 5, nx, endpoint=False), np.linspace(0, np.pi / 2, nt)
    u = (_wave(1, t, [x], [10.0])[0] + 1j * _wave(1, t, [x], [10.0], channel=1)[0]).T
    return _pinn(path, ("uu", "x", "tt"), u, x, t, True, v73, ["uu"])


def write_pysindy_mat(path, nx=16, nt=6, v73=False):
    """PySINDy kdv.mat / burgers.mat: usol (x, t) stored COMPLEX with a zero imaginary part,
    x (1, nx), t (1, nt) or (nt, 1): the examples take np.real and np.ravel.
    """
    x, t = np.linspace(-30, 30, nx, endpoint=False), np.linspace(0, 20, nt)
    u = _wave(1, t, [x], [60.0])[0].T + 0j
    return _pinn(path, ("usol", "x", "t"), u, x, t, True, v73, ["usol"])


def write_pysindy_ks_mat(path, nx=16, nt=6, v73=False):
    """kuramoto_sivishinky.mat: uu (x, t), x a COLUMN (nx, 1), tt a ROW (1, nt)."""
    x, t = np.linspace(0, 100, nx, endpoint=False), np.linspace(0, 100, nt)
    u = _wave(1, t / 20, [x], [100.0])[0]
    arr = {"uu": u.T, "x": x[:, None], "tt": t[None]}
    mat73(path, arr) if v73 else scipy.io.savemat(path, arr)
    return _truth(u[None, :, None], t, {"x": x}, ["uu"], {})


# ------------------------------------------------------------------ CF / netCDF trouble
DEFAULT_FILL = {
    "i1": -127,
    "S1": b"\0",
    "i2": -32767,
    "i4": -2147483647,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
    "u1": 255,
    "u2": 65535,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
}


def _cf_field(nt, nx):
    x, t = np.arange(nx) / nx, np.arange(nt, dtype=float)
    return x, t, _wave(1, t, [x], [1.0])[0]


def _h5nc(path, x, t, raw, attrs, name="u", time_attrs=None, h5fill=None, extra=None):
    import h5netcdf

    with h5netcdf.File(path, "w") as f:
        f.dimensions = {"time": len(t), "x": len(x)}
        v = f.create_variable("time", ("time",), np.asarray(t).dtype, data=t)
        for k, a in (time_attrs or {}).items():
            v.attrs[k] = a
        f.create_variable("x", ("x",), "f8", data=x)
        v = f.create_variable(name, ("time", "x"), raw.dtype, data=raw)
        for k, a in attrs.items():
            if k != "_FillValue":
                v.attrs[k] = a
    if "_FillValue" in attrs:  # straight into HDF5: no check by the library
        with h5py.File(path, "r+") as f:
            f[name].attrs["_FillValue"] = np.atleast_1d(attrs["_FillValue"])


def _holes(u, value, where):
    raw, true = u.copy(), u.astype("f8").copy()
    for (i, j), v in zip(where, np.atleast_1d(value), strict=False):
        raw[i, j] = v
        true[i, j] = np.nan
    return raw, true


def _cf_truth(true, t, x, **extra):
    return _truth(true[None, :, None], t, {"x": x}, ["u"], {}, **extra)


def write_cf_fill(path, nt=5, nx=8):
    """_FillValue = -9999 (f4)."""
    x, t, u = _cf_field(nt, nx)
    raw, true = _holes(u.astype("f4"), [-9999.0] * 2, [(1, 2), (3, 4)])
    _h5nc(path, x, t, raw, {"_FillValue": np.float32(-9999)})
    return _cf_truth(true, t, x)


def write_cf_missing_value(path, nt=5, nx=8):
    """missing_value only."""
    x, t, u = _cf_field(nt, nx)
    raw, true = _holes(u.astype("f4"), [-999.0] * 2, [(1, 2), (3, 4)])
    _h5nc(path, x, t, raw, {"missing_value": np.float32(-999)})
    return _cf_truth(true, t, x)


def write_cf_two_fills(path, nt=5, nx=8):
    """_FillValue and a two-valued missing_value, all different."""
    x, t, u = _cf_field(nt, nx)
    raw, true = _holes(u.astype("f4"), [-9999.0, -999.0, -888.0], [(1, 2), (3, 4), (0, 0)])
    _h5nc(path, x, t, raw, {"_FillValue": np.float32(-9999), "missing_value": np.array([-999, -888], "f4")})
    return _cf_truth(true, t, x)


def write_cf_default_fill(path, nt=5, nx=8, dtype="f4"):
    """NetCDF's default fill value in the data, no attribute at all; HDF5 fill property set (as
    the C library does). xarray does NOT mask it.
    """
    x, t, u = _cf_field(nt, nx)
    raw = (u if dtype[0] == "f" else np.round(u * 40)).astype(dtype)
    true = raw.astype("f8")
    raw[1, 2] = raw[3, 4] = np.array(DEFAULT_FILL[dtype], dtype)
    true[1, 2] = true[3, 4] = np.nan
    import h5netcdf.legacyapi as legacy

    f = legacy.Dataset(path, "w")
    f.createDimension("time", nt)
    f.createDimension("x", nx)
    for k, a in (("time", t), ("x", x)):
        f.createVariable(k, "f8", (k,))[:] = a
    f.createVariable("u", dtype, ("time", "x"))[:] = raw
    f.close()
    return _cf_truth(true, t, x)


def write_cf_valid_range(path, nt=5, nx=8, kind="range"):
    """valid_range, or valid_min + valid_max (kind='minmax'): xarray ignores all three."""
    x, t, u = _cf_field(nt, nx)
    raw, true = _holes(u.astype("f4"), [1e4, -1e4], [(1, 2), (3, 4)])
    at = (
        {"valid_range": np.array([-10, 10], "f4")}
        if kind == "range"
        else {"valid_min": np.float32(-10), "valid_max": np.float32(10)}
    )
    _h5nc(path, x, t, raw, at)
    return _cf_truth(true, t, x)


def write_cf_packed(path, nt=5, nx=8):
    """int16 with scale_factor, add_offset; _FillValue and valid_range are in PACKED units."""
    x, t, u = _cf_field(nt, nx)
    scale, off = 0.001, 1.0
    raw = np.round((u - off) / scale).astype("i2")
    true = raw * scale + off
    raw[1, 2], true[1, 2] = -32768, np.nan
    _h5nc(
        path,
        x,
        t,
        raw,
        {
            "_FillValue": np.int16(-32768),
            "scale_factor": scale,
            "add_offset": off,
            "valid_range": np.array([-32767, 32767], "i2"),
        },
    )
    return _cf_truth(true, t, x)


def write_cf_360_day(path, nt=5, nx=8):
    """Time in 'days since 2000-01-01', calendar 360_day, crossing 30 February."""
    x, t, u = _cf_field(nt, nx)
    t = np.arange(58.0, 58.0 + nt)
    _h5nc(path, x, t, u, {}, time_attrs={"units": "days since 2000-01-01", "calendar": "360_day"})
    return _cf_truth(u, t, x, note="true time in days")


def write_cf_bad_time(path, nt=5, nx=8):
    """Undecodable units: open_dataset raises unless decode_times=False."""
    x, t, u = _cf_field(nt, nx)
    _h5nc(path, x, t, u, {}, time_attrs={"units": "fortnights since forever"})
    return _cf_truth(u, t, x)


def write_cf_netcdf3(path, nt=5, nx=8, version=1, record=True):
    """NetCDF-3 classic (version 1) or 64-bit offset (2); big endian; unlimited time."""
    x, t, u = _cf_field(nt, nx)
    raw, true = _holes(u.astype("f4"), [-9999.0] * 2, [(1, 2), (3, 4)])
    with scipy.io.netcdf_file(path, "w", version=version) as f:
        f.createDimension("time", None if record else nt)
        f.createDimension("x", nx)
        f.createVariable("time", "f8", ("time",))[:] = t
        f.createVariable("x", "f8", ("x",))[:] = x
        v = f.createVariable("u", "f4", ("time", "x"))
        v[:] = raw
        v._FillValue = np.float32(-9999)
    return _cf_truth(true, t, x)


def write_cf_unreadable_type(path, nt=5, nx=8):
    """A good variable u beside `odd`, an HDF5 H5T_TIME data set that NumPy has no type for."""
    x, t, u = _cf_field(nt, nx)
    _h5nc(path, x, t, u, {})
    with h5py.File(path, "r+") as f:
        h5py.h5d.create(f.id, b"odd", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((nx,)))
    return _cf_truth(u, t, x)


WRITERS = {k[6:]: v for k, v in list(globals().items()) if k.startswith("write_")}
