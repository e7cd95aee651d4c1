"""Tiny files in the layouts of public collections, made from what their generators and loaders do: what readers are compared with.

Every writer: write_xxx(path, **sizes) -> truth dict
  u          (trajectory, time, channel, axes...) as stored (same dtype as on disk)
  time       1-D, or (trajectory, time) where it differs between trajectories
  x, y, z    1-D, or (trajectory, n) where the file has one row per trajectory
  channels   list of str, parameters dict
Extra keys: "groups" (several records in one file), "note", "refuse".
numpy, h5py, scipy, xarray, h5netcdf only.
"""

import h5py
import numpy as np

W, NU = 0.1, 0.02  # width, damping of the travelling bump


def _wave(n, t, axes, length, speed=0.4, channel=0):
    """(n, nt, *axes): damped travelling sine, smooth and periodic on `length`."""
    grids = np.meshgrid(*axes, indexing="ij")
    out = np.empty((n, len(t), *grids[0].shape))
    for i in range(n):
        for j, tj in enumerate(np.asarray(t, float)):
            f = np.ones_like(grids[0])
            for d, (g, ell) in enumerate(zip(grids, length, strict=False)):
                k = 2 * np.pi / ell
                f = f * (1.5 + np.sin((d + 1) * k * g - k * speed * tj + 0.5 * i + 0.3 * channel))
            out[i, j] = np.exp(-NU * tj) * f
    return out


def _centres(lo, hi, n):
    e = np.linspace(lo, hi, n + 1)
    return e[:-1] + 0.5 * (e[1] - e[0])


def _truth(u, time, coords, channels, parameters, **extra):
    d = {"u": np.asarray(u), "time": np.asarray(time), "channels": list(channels), "parameters": dict(parameters)}
    d.update({k: np.asarray(v) for k, v in coords.items()})
    d.update(extra)
    return d


# ------------------------------------------------------------------ PDEBench
def _pdebench_tensor(path, n, nt, nx, lo, hi, attrs, old, extra_time, params):
    x = _centres(lo, hi, nx).astype("f4")
    tc = (np.arange(nt + (1 if extra_time else 0)) * 0.05).astype("f4")
    u = _wave(n, tc[:nt], [x], [hi - lo]).astype("f4")
    with h5py.File(path, "w") as f:
        f["tensor"] = u[None] if old else u
        f["x-coordinate"] = x
        f["t-coordinate"] = tc
        for k, v in attrs.items():
            f.attrs[k] = float(v)
    return _truth(u[:, :, None], tc[:nt], {"x": x}, ["u"], params)


def write_pdebench_advection(path, n=3, nt=6, nx=16, beta=0.4, attrs=True, old=False, extra_time=True):
    """Name the file 1D_Advection_Sols_beta0.4.hdf5; attrs=False leaves beta only there."""
    return _pdebench_tensor(path, n, nt, nx, 0.0, 1.0, {"beta": beta} if attrs else {}, old, extra_time, {"beta": beta})


def write_pdebench_burgers(path, n=3, nt=6, nx=16, nu=0.01, attrs=True, old=False, extra_time=True):
    """Name the file 1D_Burgers_Sols_Nu0.01.hdf5. Attribute is 'Nu' (capital N)."""
    return _pdebench_tensor(path, n, nt, nx, 0.0, 1.0, {"Nu": nu} if attrs else {}, old, extra_time, {"Nu": nu})


def write_pdebench_reacdiff1d(path, n=3, nt=6, nx=16, nu=1.0, rho=1.0, attrs=True, old=False, extra_time=True):
    """ReacDiff_Nu1.0_Rho1.0.hdf5: attributes 'Nu' and 'rho' (mixed case)."""
    return _pdebench_tensor(
        path, n, nt, nx, 0.0, 1.0, {"Nu": nu, "rho": rho} if attrs else {}, old, extra_time, {"Nu": nu, "rho": rho}
    )


def write_pdebench_old4d(path, n=3, nt=6, nx=16, beta=0.4):
    """The older (1, N, Nt, Nx) form with JAX's leading device axis."""
    return write_pdebench_advection(path, n, nt, nx, beta, old=True)


def _pdebench_cfd(path, ndim, n, nt, shape, eta, zeta, mach, attrs, extra_time):
    names = ["density", "pressure", "Vx", "Vy", "Vz"][: 2 + ndim]
    axes = [_centres(0.0, 1.0, s).astype("f4") for s in shape]
    tc = (np.arange(nt + (1 if extra_time else 0)) * 0.01).astype("f4")
    fields = [_wave(n, tc[:nt], axes, [1.0] * ndim, channel=c).astype("f4") for c in range(len(names))]
    params = {"eta": eta, "zeta": zeta}
    if ndim > 1:
        params["M"] = mach
    with h5py.File(path, "w") as f:
        for k, v in zip(names, fields, strict=False):
            f[k] = v
        for k, v in zip("xyz", axes, strict=False):
            f[k + "-coordinate"] = v
        f["t-coordinate"] = tc
        if attrs:
            for k, v in params.items():
                f.attrs[k] = float(v)
    return _truth(np.stack(fields, 2), tc[:nt], dict(zip("xyz", axes, strict=False)), names, params)


def write_pdebench_cfd1d(path, n=2, nt=5, nx=16, eta=0.1, zeta=0.1, attrs=True, extra_time=True):
    """1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5 (boundary only in the name)."""
    return _pdebench_cfd(path, 1, n, nt, (nx,), eta, zeta, None, attrs, extra_time)


def write_pdebench_cfd2d(path, n=2, nt=4, nx=8, ny=6, eta=1e-8, zeta=1e-8, mach=0.1, attrs=True, extra_time=True):
    """2D_CFD_Rand_M0.1_Eta1e-8_Zeta1e-8_periodic_512_Train.hdf5"""
    return _pdebench_cfd(path, 2, n, nt, (nx, ny), eta, zeta, mach, attrs, extra_time)


def write_pdebench_cfd3d(path, n=1, nt=3, nx=5, ny=4, nz=6, eta=1e-8, zeta=1e-8, mach=1.0, attrs=True, extra_time=True):
    """3D_CFD_Rand_M1.0_Eta1e-8_Zeta1e-8_periodic_Train.hdf5"""
    return _pdebench_cfd(path, 3, n, nt, (nx, ny, nz), eta, zeta, mach, attrs, extra_time)


def _yaml(sim, name):
    body = "".join(f"  {k}: {v!r}\n" if not isinstance(v, str) else f"  {k}: {v}\n" for k, v in sim.items())
    return (
        "work_dir: ${hydra:runtime.cwd}\ndata_dir: data\nupload: false\n"
        f"output_path: {name}\nname: {name.lower()}\nsim:\n{body}"
    )


def _pdebench_groups(path, n, t, axes, length, channels, sims, name, config_on, compression, gap=False):
    fields = np.stack([_wave(n, t, axes, length, channel=c) for c in range(len(channels))], 2)
    fields = fields.astype("f4")
    ids = [i + (1 if gap and i > 0 else 0) for i in range(n)]
    with h5py.File(path, "w") as f:
        for i, seed in enumerate(ids):
            key = str(seed).zfill(4)
            kw = {"dtype": "f4", "compression": compression}
            f.create_dataset(key + "/data", data=np.moveaxis(fields[i], 1, -1), **kw)
            for k, a in zip("xyz", axes, strict=False):
                f.create_dataset(f"{key}/grid/{k}", data=a, **kw)
            f.create_dataset(key + "/grid/t", data=t, **kw)
            text = _yaml(dict(sims[i], seed=seed), name)
            if config_on == "group":
                f[key].attrs["config"] = text
            elif config_on == "root":
                f.attrs[key + "/config"] = text
    coords = {k: np.asarray(a, "f4") for k, a in zip("xyz", axes, strict=False)}
    keys = {k: [s[k] for s in sims] for k in sims[0]}
    params = {k: (v[0] if len(set(map(str, v))) == 1 else v) for k, v in keys.items()}
    return _truth(fields, np.asarray(t, "f4"), coords, channels, params, groups=[str(i).zfill(4) for i in ids])


def write_pdebench_diff_sorp(path, n=2, nt=6, nx=16, config_on="group", compression="lzf", tdim=None, gap=False):
    """1D_diff-sorp_NA_NA.h5: data (Nt, Nx, 1). config_on: 'group', 'root' (attribute named
    '0000/config' on the FILE, as one version of the generator wrote) or None. Pass tdim (501 in
    the shipped config, 101 frames in the file) to make config and array disagree. gap=True
    leaves a hole in the group numbers.
    """
    t = np.linspace(0.0, 500.0, nt)
    sim = {
        "D": 5e-4,
        "por": 0.29,
        "rho_s": 2880,
        "k_f": 3.5e-4,
        "n_f": 0.874,
        "sol": 1.0,
        "t": 500,
        "tdim": tdim or nt,
        "x_left": 0.0,
        "x_right": 1.0,
        "xdim": nx,
        "n": 1,
    }
    return _pdebench_groups(
        path, n, t, [_centres(0, 1, nx)], [1.0], ["u"], [sim] * n, "1D_diff-sorp_NA_NA", config_on, compression, gap
    )


def write_pdebench_diff_react2d(path, n=2, nt=5, nx=8, ny=6, config_on="group", compression="lzf", gap=False):
    """2D_diff-react_NA_NA.h5: data (Nt, Nx, Ny, 2)."""
    sim = {
        "Du": 1e-3,
        "Dv": 5e-3,
        "k": 5e-3,
        "t": 5,
        "tdim": nt,
        "x_left": -1.0,
        "x_right": 1.0,
        "xdim": nx,
        "y_bottom": -1.0,
        "y_top": 1.0,
        "ydim": ny,
        "n": 1,
    }
    return _pdebench_groups(
        path,
        n,
        np.linspace(0, 5, nt),
        [_centres(-1, 1, nx), _centres(-1, 1, ny)],
        [2.0, 2.0],
        ["u", "v"],
        [sim] * n,
        "2D_diff-react_NA_NA",
        config_on,
        compression,
        gap,
    )


def write_pdebench_rdb2d(path, n=2, nt=5, nx=8, ny=6, config_on="group", gap=False):
    """2D_rdb_NA_NA.h5 (shallow water): data (Nt, Nx, Ny, 1), no compression; dam_radius is
    different for every group; n_time_steps in the config is Nt - 1.
    """
    sims = [
        {
            "T_end": 1.0,
            "n_time_steps": nt - 1,
            "xdim": nx,
            "ydim": ny,
            "gravity": 1.0,
            "dam_radius": 0.3 + 0.1 * i,
            "inner_height": 2.0,
            "x_left": -2.5,
            "x_right": 2.5,
            "y_bottom": -2.5,
            "y_top": 2.5,
        }
        for i in range(n)
    ]
    return _pdebench_groups(
        path,
        n,
        np.linspace(0, 1, nt),
        [_centres(-2.5, 2.5, nx), _centres(-2.5, 2.5, ny)],
        [5.0, 5.0],
        ["h"],
        sims,
        "2D_rdb_NA_NA",
        config_on,
        None,
        gap,
    )


def write_pdebench_ns_incom2d(path, n=1, nt=4, nx=8, ny=6):
    """ns_incom_inhom_2d_*.h5: velocity/particles/force/t, channels last, t is (N, Nt), no x/y."""
    t = np.tile((np.arange(nt) * 0.05).astype("f4"), (n, 1))
    ax = [np.arange(nx) + 0.5, np.arange(ny) + 0.5]
    c = [_wave(n, t[0], ax, [nx, ny], channel=k).astype("f4") for k in range(3)]
    sim = {"NU": 0.01, "n_steps": nt, "DT": 0.05, "frame_int": 1, "n_batch": n}
    with h5py.File(path, "w") as f:
        f.attrs["config"] = "".join(f"{k}: {v}\n" for k, v in sim.items())
        f.attrs["latestIndex"] = nt - 1
        kw = {"dtype": "f4", "compression": "lzf", "shuffle": True}
        vel = np.stack(c[:2], -1)
        f.create_dataset("velocity", data=vel, chunks=(1, 1, nx, ny, 2), **kw)
        f.create_dataset("particles", data=c[2][..., None], chunks=(1, 1, nx, ny, 1), **kw)
        f.create_dataset("force", data=vel[:, 0] * 0.1, **kw)
        f.create_dataset("t", data=t, **kw)
    return _truth(
        np.stack(c, 2),
        t,
        {},
        ["velocity_x", "velocity_y", "particles"],
        sim,
        force=np.moveaxis(vel[:, 0] * np.float32(0.1), -1, 1),
    )


def write_pdebench_darcy2d(path, n=3, nx=8, ny=8, beta=1.0):
    """2D_DarcyFlow_beta1.0_Train.hdf5: NOT time dependent. tensor (N, 1, Nx, Ny), nu (N, Nx, Ny),
    no t-coordinate, attribute beta.
    """
    ax = [_centres(0, 1, nx).astype("f4"), _centres(0, 1, ny).astype("f4")]
    u = _wave(n, [0.0], ax, [1.0, 1.0]).astype("f4")
    nu = (u[:, 0] > u.mean()).astype("f4") * 0.9 + 0.1
    with h5py.File(path, "w") as f:
        f["tensor"] = u
        f["nu"] = nu
        f["x-coordinate"], f["y-coordinate"] = ax
        f.attrs["beta"] = float(beta)
    return _truth(u[:, :, None], [], {"x": ax[0], "y": ax[1]}, ["u"], {"beta": beta}, refuse="no time axis")


# ------------------------------------------------------------------ The Well
def _well_field(g, name, data, dim, sample, time, **extra):
    d = g.create_dataset(name, data=data)
    d.attrs["dim_varying"] = np.array(dim)
    d.attrs["sample_varying"] = bool(sample)
    d.attrs["time_varying"] = bool(time)
    for k, v in extra.items():
        d.attrs[k] = v
    return d


def write_well(
    path, n=2, nt=5, nx=8, ny=6, sample_time=False, constants="dropped", tensor="DD", per_sample_scalar=True
):
    """2-D cartesian, periodic in x, wall in y. constants: 'dropped' = axes with a false
    dim_varying vanish (docs/data_format.md), 'singleton' = they stay with length 1 (what the
    loader's tile needs). tensor: 'DD' = (..., D, D) as the loader flattens it, 'flat' =
    (..., D*D) as the documentation and the xarray export have it. sample_time=True gives dimensions/time (B, T).
    """
    s = h5py.string_dtype()
    ax = [_centres(0, 1, nx).astype("f4"), np.linspace(0, 1, ny).astype("f4")]
    t = (np.arange(nt) * 0.1).astype("f4")
    comp = {c: _wave(n, t, ax, [1.0, 1.0], channel=c).astype("f4") for c in range(7)}
    nu = np.linspace(0.01, 0.03, n).astype("f4") if per_sample_scalar else np.array(0.01, "f4")
    drive = np.sin(t).astype("f4")  # scalar varying in time only
    prof = np.cos(ax[0]).astype("f4")  # constant in sample, time and y
    mask_field = (comp[6][:, 0] > comp[6].mean()).astype("f4")  # (B, X, Y), no time axis
    times = np.stack([t * (1 + 0.1 * i) for i in range(n)]) if sample_time else t
    with h5py.File(path, "w") as f:
        f.attrs["dataset_name"] = "tiny_well"
        f.attrs["grid_type"] = "cartesian"
        f.attrs["n_spatial_dims"] = 2
        f.attrs["n_trajectories"] = n
        f.attrs.create("simulation_parameters", ["nu", "speed"], dtype=s)
        f.attrs["nu"] = 0.01
        f.attrs["speed"] = 0.4
        g = f.create_group("dimensions")
        g.attrs.create("spatial_dims", ["x", "y"], dtype=s)
        g["time"] = times
        g["time"].attrs["sample_varying"] = bool(sample_time)
        for k, a in zip("xy", ax, strict=False):
            g[k] = a
            g[k].attrs["sample_varying"] = False
            g[k].attrs["time_varying"] = False
        b = f.create_group("boundary_conditions")
        for k, kind, m in (("x", "periodic", nx), ("y", "wall", ny)):
            q = b.create_group(f"{k}_{kind}")
            q.attrs.create("associated_dims", [k], dtype=s)
            q.attrs.create("associated_fields", [], shape=(0,), dtype=s)
            q.attrs["bc_type"] = kind
            q.attrs["sample_varying"] = False
            q.attrs["time_varying"] = False
            mask = np.zeros(m, bool)
            mask[[0, -1]] = True
            q["mask"] = mask
            q["values"] = np.zeros(2, "f4")
        g = f.create_group("scalars")
        g.attrs.create("field_names", ["nu", "drive"], dtype=s)
        for k, v, sv, tv in (("nu", nu, per_sample_scalar, False), ("drive", drive, False, True)):
            g[k] = v
            g[k].attrs["sample_varying"] = bool(sv)
            g[k].attrs["time_varying"] = bool(tv)
        g = f.create_group("t0_fields")
        g.attrs.create("field_names", ["density", "mask", "profile"], dtype=s)
        _well_field(g, "density", comp[0], [True, True], True, True)
        _well_field(g, "mask", mask_field, [True, True], True, False)
        _well_field(g, "profile", prof if constants == "dropped" else prof[:, None], [True, False], False, False)
        g = f.create_group("t1_fields")
        g.attrs.create("field_names", ["velocity"], dtype=s)
        _well_field(g, "velocity", np.stack([comp[1], comp[2]], -1), [True, True], True, True)
        g = f.create_group("t2_fields")
        g.attrs.create("field_names", ["D"], dtype=s)
        ten = np.stack([np.stack([comp[3], comp[4]], -1), np.stack([comp[4], comp[5]], -1)], -2)
        if tensor == "flat":
            ten = ten.reshape((*ten.shape[:-2], 4))
        _well_field(g, "D", ten, [True, True], True, True, symmetric=True, antisymmetric=False)
    u = np.stack([comp[0], comp[1], comp[2], comp[3], comp[4], comp[4], comp[5]], 2)
    return _truth(
        u,
        times,
        {"x": ax[0], "y": ax[1]},
        ["density", "velocity_x", "velocity_y", "D_xx", "D_xy", "D_yx", "D_yy"],
        {"nu": nu, "speed": 0.4},
        constants={"mask": mask_field, "profile": prof},
        scalars={"drive": drive},
        boundary={"x": "periodic", "y": "wall"},
        note="root attribute nu (0.01) and per-sample scalars/nu can disagree",
    )


# ------------------------------------------------------------------ PDEArena / LPSDA
def write_pdearena_ns2d(path, split="train", n=2, nt=4, nx=8, ny=6, buo_y=0.5):
    """float64; x, y = linspace(0, L, n) although values are at cell centres; t, x, y, dt, dx, dy,
    buo_y have one row per trajectory.
    """
    L = 32.0
    ax = [np.linspace(0, L, nx), np.linspace(0, L, ny)]
    t = np.linspace(18.0, 102.0, nt)
    c = [_wave(n, t / 20, ax, [L, L], channel=k) for k in range(3)]
    with h5py.File(path, "w") as f:
        g = f.create_group(split)
        for k, v in zip(("u", "vx", "vy"), c, strict=False):
            g[k] = v
        g["t"], g["x"], g["y"] = (np.tile(a, (n, 1)) for a in (t, ax[0], ax[1]))
        for k, v in (("dt", 84.0 / nt), ("dx", L / (nx - 1)), ("dy", L / (ny - 1)), ("buo_y", buo_y)):
            if v is not None:
                g[k] = np.full(n, float(v))
    return _truth(
        np.stack(c, 2),
        np.tile(t, (n, 1)),
        {"x": np.tile(ax[0], (n, 1)), "y": np.tile(ax[1], (n, 1))},
        ["u", "vx", "vy"],
        {} if buo_y is None else {"buo_y": np.full(n, float(buo_y))},
        groups=[split],
        note="dt = (tmax - tmin) / nt but t = linspace(tmin, tmax, nt): they disagree",
    )


def write_lpsda_1d(
    path, split="train", n=3, nt=8, nx=16, L=64.0, T=50.0, failed_row=False, viscosity=False, channel_axis=False
):
    """KS / KdV / Heat: <split>/pde_{nt}-{nx} (n, nt, nx) float64 with per-trajectory x (n, nx),
    t (n, nt), dx (n,), dt (n,). Length and time differ by row; the kept frames are the LAST nt,
    so t does not start at 0. failed_row: a solver failure leaves an all-zero last row.
    """
    rng = np.random.default_rng(0)
    full = nt + 4
    Ls, Ts = L * rng.uniform(0.9, 1.1, n), T * rng.uniform(0.9, 1.1, n)
    x = np.stack([np.linspace(0, (1 - 1 / nx) * length, nx) for length in Ls])
    t = np.stack([np.linspace(0, tt, full)[-nt:] for tt in Ts])
    u = np.stack([_wave(1, t[i] / 20, [x[i]], [Ls[i]])[0] for i in range(n)])
    dx, dt = Ls / nx, Ts / (full - 1)
    if failed_row:
        for a in (u, x, t, dx, dt):
            a[-1] = 0
    with h5py.File(path, "w") as f:
        g = f.create_group(split)
        g[f"pde_{nt}-{nx}"] = u[:, :, None] if channel_axis else u
        g["x"], g["t"], g["dx"], g["dt"] = x, t, dx, dt
        par = {}
        if viscosity:
            par["v"] = np.linspace(0.5, 1.5, n)
            g["v"] = par["v"]
    return _truth(u[:, :, None], t, {"x": x}, ["u"], par, groups=[split])


def pdearena_shallow_water(n=2, nt=4, nlat=6, nlon=8):
    import xarray as xr

    lat, lon = np.linspace(-75, 75, nlat), np.arange(nlon) * 360.0 / nlon
    t = np.arange(nt) * 6.0
    c = {
        k: _wave(n, t / 6, [lat, lon], [180.0, 360.0], channel=i).astype("f4")
        for i, k in enumerate(("u", "v", "vor", "pres"))
    }
    d5, d4 = ("b", "time", "lev", "lat", "lon"), ("b", "time", "lat", "lon")
    ds = xr.Dataset(
        {k: (d4, v) if k == "pres" else (d5, v[:, :, None]) for k, v in c.items()},
        coords={
            "time": ("time", t, {"units": "hours since 2000-01-01"}),
            "lev": [1.0],
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    return ds, _truth(
        np.stack(list(c.values()), 2),
        t,
        {"x": lat, "y": lon},
        list(c),
        {},
        note="axes are (lat, lon); u, v, vor carry a lev axis of 1, pres does not",
    )


def write_pdearena_shallow_water_zarr(path, zarr_format=2, consolidated=None, **sizes):
    """train.zarr: one trajectory per `b`."""
    ds, truth = pdearena_shallow_water(**sizes)
    ds.to_zarr(path, mode="w", zarr_format=zarr_format, consolidated=consolidated)
    return truth


def write_pdearena_shallow_water_nc(path, nt=4, nlat=6, nlon=8):
    """seed=*/run*/output.nc: one trajectory per file, no b axis."""
    ds, truth = pdearena_shallow_water(1, nt, nlat, nlon)
    ds.isel(b=0).to_netcdf(path, engine="h5netcdf")
    return truth


WRITERS = {k[6:]: v for k, v in list(globals().items()) if k.startswith("write_")}
