"""Files of every format that is read, as stores: recognised by their first bytes, not by their names."""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..support.extras import optional
from .errors import DataError
from .store import LazyArray, Pairs, Reversed, Store, Variable, is_pairs

_HDF5 = b"\x89HDF\r\n\x1a\n"
ACCEPTED = "NetCDF-3, NetCDF-4, HDF5, Zarr, MATLAB (.mat), NumPy (.npy, .npz), CSV and Parquet"
TEXT = (".csv", ".tsv", ".txt", ".dat")


def open_path(path: Path) -> Store:
    """Return what a file or folder holds.

    Raises
    ------
    DataError
        If it is missing, or of no format that is read.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    reader, label = _reader_of(path)
    try:
        found = reader(path.absolute())  # what is read later does not depend on where the process then is
        return replace(found, source=str(path))
    except (DataError, ImportError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"{path}: not {'an' if label[0] in 'AEHIO' else 'a'} {label} that can be read ({type(error).__name__}: {reason})"
        ) from error


def _reader_of(path: Path) -> tuple[Callable[[Path], Store], str]:
    if path.is_dir():
        if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zarray", ".zmetadata")):
            return _zarr, "Zarr folder"
        raise DataError(f"{path}: a folder that is not Zarr's (no zarr.json, .zgroup or .zarray); {ACCEPTED} are read")
    with path.open("rb") as file:
        head = file.read(128)
        file.seek(512)
        user_block = file.read(8)
    if head.startswith(b"MATLAB 5.0"):
        return _mat, "MATLAB file"
    if head.startswith(b"MATLAB 7.3"):
        return _mat_hdf5, "MATLAB 7.3 file"
    if user_block == _HDF5:
        return _hdf5, "HDF5 file"
    for begins, reader, label in (
        (_HDF5, _hdf5, "HDF5 or NetCDF-4 file"),
        (b"CDF\x01", _netcdf3, "NetCDF-3 file"),
        (b"CDF\x02", _netcdf3, "NetCDF-3 file"),
        (b"\x93NUMPY", _npy, "NumPy file"),
        (b"PK\x03\x04", _npz, "NumPy archive"),
        (b"PAR1", _parquet, "Parquet file"),
    ):
        if head.startswith(begins):
            return reader, label
    if head.startswith(b"CDF\x05"):
        raise DataError(f"{path}: NetCDF of the 64-bit data kind (CDF-5); nccopy -k nc4 makes NetCDF-4 of it")
    if not head:
        raise DataError(f"{path}: the file is empty")
    if b"\x00" not in head and path.suffix.lower() in TEXT:
        return _csv, "CSV file"
    if path.suffix.lower() == ".mat":
        return _mat, "MATLAB file"
    raise DataError(f"{path}: not of a format that is read; {ACCEPTED} are")


def _text(value: Any) -> Any:
    """Return an attribute as Python has it: bytes as text, arrays of one as the number."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        listed = [_text(part) for part in value.reshape(-1).tolist()]
        return listed[0] if len(listed) == 1 else listed
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.reshape(-1)[0]
    return value


def _attributes(of: Any) -> dict[str, Any]:
    """Return the attributes that can be read."""
    found = {}
    for name in of.attrs:
        try:
            found[str(name)] = _text(of.attrs[name])
        except Exception:  # of a type that h5py does not know: it is not needed
            continue
    return found


# ---------------------------------------------------------------------------------------------------- HDF5, NetCDF-4


def _hdf5(path: Path) -> Store:
    import h5py

    file = h5py.File(path, "r")
    if "_NCProperties" in file.attrs or any(
        getattr(part, "is_scale", False) for part in file.values() if isinstance(part, h5py.Dataset)
    ):
        file.close()
        return _netcdf4(path)
    variables: dict[str, Variable] = {}
    unreadable: dict[str, str] = {}
    attributes = _attributes(file)
    for name, part in _walk(file):
        if isinstance(part, h5py.Group):
            attributes |= {f"{name}/{key}": value for key, value in _attributes(part).items()}
            continue
        try:
            array: LazyArray = Pairs(part) if is_pairs(part.dtype) else part
            if part.shape is None:
                continue  # an empty dataset
            labels = tuple(_label(dimension) for dimension in part.dims)
            variables[name] = Variable(name, array, labels if all(labels) and labels else None, _attributes(part))  # type: ignore[arg-type]
        except Exception as error:
            unreadable[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return Store(str(path), "HDF5", variables, attributes, unreadable)


def _walk(group: Any, prefix: str = "", seen: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield all parts of a file by name; links that lead nowhere, or back to a group that they are in, are left out."""
    for name in group:
        try:
            part = group[name]
        except (KeyError, OSError):
            continue
        if hasattr(part, "keys") and part in (*seen, group):
            continue
        yield prefix + name, part
        if hasattr(part, "keys"):
            yield from _walk(part, f"{prefix}{name}/", (*seen, group))


def _label(dimension: Any) -> str | None:
    if dimension.label:
        return str(dimension.label)
    return str(dimension.keys()[0]) if len(dimension) else None


def _netcdf4(path: Path) -> Store:
    import h5netcdf

    file = h5netcdf.File(path, "r", decode_vlen_strings=True)
    variables: dict[str, Variable] = {}
    unreadable: dict[str, str] = {}
    for name in file.variables:
        try:
            part = file.variables[name]
            array = Pairs(part) if is_pairs(part.dtype) else part
            variables[name] = Variable(name, array, tuple(map(str, part.dimensions)), _attributes(part), file)
        except Exception as error:
            unreadable[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return Store(str(path), "NetCDF-4", variables, _attributes(file), unreadable)


def _netcdf3(path: Path) -> Store:
    from scipy.io import netcdf_file

    file = netcdf_file(path, "r", mmap=True)
    variables = {}
    for name, part in file.variables.items():
        attributes = {key: _text(value) for key, value in part._attributes.items()}
        variables[name] = Variable(name, part.data, tuple(part.dimensions), attributes, file)
    # The arrays are views of the mapped file, which SciPy warns of when it is closed with them alive.
    warnings.filterwarnings("ignore", message="Cannot close a netcdf_file", category=RuntimeWarning)
    return Store(str(path), "NetCDF-3", variables, {key: _text(v) for key, v in file._attributes.items()})


def _zarr(path: Path) -> Store:
    zarr = optional("zarr", f"reading the Zarr folder {path}", extra="formats")
    top = zarr.open(path, mode="r")
    version = top.metadata.zarr_format if hasattr(top, "metadata") else 2
    parts = [(path.stem, top)] if hasattr(top, "shape") else list(_walk_zarr(top))
    variables: dict[str, Variable] = {}
    attributes: dict[str, Any] = {}
    for name, part in parts:
        own = dict(part.attrs)
        if not hasattr(part, "shape"):
            attributes |= {f"{name}/{key}": value for key, value in own.items()}
            continue
        of_xarray = "_ARRAY_DIMENSIONS" in own
        dims = own.pop("_ARRAY_DIMENSIONS", None) or getattr(part.metadata, "dimension_names", None)
        fill = part.metadata.fill_value
        # Version 2 has xarray's _FillValue there; 0 is what it holds where nobody has said anything.
        if version == 2 and "_FillValue" not in own and fill is not None and (fill != 0 or of_xarray):
            own["_FillValue"] = fill
        if isinstance(own.get("_FillValue"), str) and np.dtype(part.dtype).kind == "f":
            own["_FillValue"] = np.frombuffer(base64.b64decode(own["_FillValue"]), "<f8")[
                0
            ]  # as xarray writes version 3
        variables[name] = Variable(name, part, None if not dims or None in dims else tuple(dims), own)
    top_attributes = {} if hasattr(top, "shape") else dict(top.attrs)
    return Store(str(path), f"Zarr {version}", variables, top_attributes | attributes)


def _walk_zarr(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in group.members():
        yield prefix + name, part
        if not hasattr(part, "shape"):
            yield from _walk_zarr(part, f"{prefix}{name}/")


# --------------------------------------------------------------------------------------------------- MATLAB and NumPy


def _mat(path: Path) -> Store:
    from scipy.io import loadmat, whosmat

    names = {name: kind for name, _, kind in whosmat(path)}
    usable = [
        name for name, kind in names.items()
        if kind in ("double", "single", "logical", "sparse") or kind.startswith(("int", "uint"))
    ]  # fmt: skip
    read = loadmat(path, variable_names=usable) if usable else {}
    variables = {}
    for name in usable:
        array = read[name]
        variables[name] = Variable(name, array.toarray() if hasattr(array, "toarray") else array)
    unreadable = {name: f"MATLAB's type {kind}" for name, kind in names.items() if name not in usable}
    return Store(str(path), "MATLAB", variables, {}, unreadable)


def _mat_hdf5(path: Path) -> Store:
    import h5py

    file, variables, unreadable = h5py.File(path, "r"), {}, {}
    for name, part in file.items():
        if name.startswith("#"):
            continue
        kind = _text(part.attrs.get("MATLAB_class", ""))
        if isinstance(part, h5py.Dataset) and (part.dtype.kind in "fiub" or is_pairs(part.dtype)):
            variables[name] = Variable(name, Reversed(part))
        else:
            unreadable[name] = f"MATLAB's type {kind or 'struct'}"
    return Store(str(path), "MATLAB 7.3", variables, {}, unreadable)


def _npy(path: Path) -> Store:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.names:
        return _columns(path, "NumPy", {name: array[name] for name in array.dtype.names})
    return Store(str(path), "NumPy", {"u": Variable("u", array)})


def _npz(path: Path) -> Store:
    archive = np.load(path, allow_pickle=False)
    variables, unreadable = {}, {}
    for name in archive.files:
        try:
            variables[name] = Variable(name, archive[name])
        except ValueError as error:  # pickled objects are not loaded: they run code
            unreadable[name] = str(error).splitlines()[0]
    return Store(str(path), "NumPy archive", variables, {}, unreadable)


# ------------------------------------------------------------------------------------------------------------- tables


def _columns(path: Path, name: str, columns: dict[str, np.ndarray]) -> Store:
    variables = {key: Variable(key, column, ("row",)) for key, column in columns.items()}
    return Store(str(path), name, variables, {"table": True})


def _csv(path: Path) -> Store:
    import pandas

    with path.open() as file:
        head = next((line for line in file if line.strip() and not line.startswith("#")), "")
    separator = max((",", ";", "\t"), key=head.count)
    separator = separator if separator in head else r"\s+"
    options = {"sep": separator, "comment": "#", "skipinitialspace": True, "index_col": False, "encoding": "utf-8-sig"}
    table = pandas.read_csv(path, **options)
    if separator != "," and any(_decimal_comma(table[name]) for name in table.columns):
        table = pandas.read_csv(path, decimal=",", **options)
    return _table(path, "CSV", table)


def _decimal_comma(column: Any) -> bool:
    return len(column) > 0 and re.fullmatch(r"\s*[-+]?\d+,\d+\s*", str(column.iloc[0])) is not None


def _parquet(path: Path) -> Store:
    optional("pyarrow", f"reading the Parquet file {path}", extra="formats")
    import pandas

    table = pandas.read_parquet(path)
    return _table(path, "Parquet", table.reset_index() if any(table.index.names) else table)


def _table(path: Path, name: str, table: Any) -> Store:
    columns = {}
    for key in table.columns:
        column = table[key]
        if str(key).startswith("Unnamed:"):  # an index that was written along, or an empty column
            continue
        if column.dtype.kind not in "fiubcM":
            column = _parsed(path, str(key), column)
        columns[str(key).strip()] = column.to_numpy()
    return _columns(path, name, columns)


def _parsed(path: Path, name: str, column: Any) -> Any:
    """Return a column of text as numbers or dates if all of it is; else as it is, which can name trajectories.

    Raises
    ------
    DataError
        If most of it is numbers, and the rest is not.
    """
    import pandas

    numbers = pandas.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if not wrong.any():
        return numbers
    if wrong.sum() < 0.5 * len(column):
        row = int(wrong.to_numpy().argmax())
        raise DataError(f"{path}: column {name} holds {column.iloc[row]!r} in row {row + 1}; numbers are expected")
    if re.match(r"\s*\d{4}-\d{1,2}-\d{1,2}", str(column.iloc[0])):
        try:
            return pandas.to_datetime(column)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{path}: column {name} holds dates that cannot be read ({error})".splitlines()[0]
            ) from error
    return column.where(column.notna(), "").astype(str)
