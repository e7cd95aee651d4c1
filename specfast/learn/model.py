"""A trained model: predict, evaluate, save, load."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import DataError, Observations, memmap
from ..data.match import Signature, matched, reference_of
from ..nn import SpectralODE
from ..nn.ode import STEP_CONTROLLED
from ..support.files import written_whole
from .checkpoint import read_tensors, write_tensors
from .dynamics import Dynamics, DynamicsConfig, make_dynamics
from .encode import encode
from .encoder import Encoded, FieldEncoder, in_a_row
from .error_measures import Errors, compare, together
from .known_terms import Orders
from .terms.dynamics import TermDynamics
from .terms.equation import Equation, equation_of

FORMAT = 6
# Between two observations; weights that would need more make an equation too stiff to be useful, and training crawl.
MAX_STEPS = 500


@dataclass
class Model:
    """A learned equation with its basis. `fit` returns one, and `load` one that was saved.

    Attributes
    ----------
    encoder : FieldEncoder
        Space, reference scale and shift, and the amplitude by which data are divided.
    dynamics : Dynamics or TermDynamics
        The learned right-hand side in coefficients.
    solver : dict
        method, rtol, atol of the integration.
    signature : Signature
        Names of channels, axes and parameters in their order, and units where they are known.
    history, metrics : list of dict, dict
        What training and evaluation recorded.
    evaluations : int
        How often this object has evaluated the right-hand side.

    Examples
    --------
    >>> import specfast as sf
    >>> model = sf.learn.load("RUN")  # doctest: +SKIP
    >>> u = model.predict(u0, points, times)  # (B, T, C, M) from u0 (B, C, M)  # doctest: +SKIP
    """

    encoder: FieldEncoder
    dynamics: Dynamics | TermDynamics
    solver: dict[str, Any]
    signature: Signature
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    evaluations: int = 0  # of the right-hand side, by this object

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the field's components."""
        return self.signature.channels

    @property
    def config(self) -> DynamicsConfig:
        """What the right-hand side depends on."""
        return self.dynamics.config

    def ode(
        self, norm: Callable[[tuple[Tensor, ...]], Tensor] | None = None,
        on_evaluation: Callable[[], object] | None = None,
    ) -> SpectralODE:  # fmt: skip
        """Return the neural ODE of this model; scale and shift count from the encoder's own, steps are chosen by a norm.

        Parameters
        ----------
        norm : callable, optional
            norm((c, log beta, x0)) is the size of an error; default: that of the solver.
        on_evaluation : callable, optional
            Called whenever the right-hand side is evaluated.

        Returns
        -------
        SpectralODE
        """
        options: dict[str, Any] | None = None
        if self.solver["method"] in STEP_CONTROLLED:
            options = {"max_num_steps": MAX_STEPS} | ({} if norm is None else {"norm": norm})
        return SpectralODE(
            self.encoder.space, self.dynamics, moving=self.encoder.moving, options=options, on_evaluation=on_evaluation,
            **self.solver,
        )  # fmt: skip

    def roll_out(
        self, start: Encoded, times: Tensor, parameters: Tensor | None = None,
        norm: Callable[[tuple[Tensor, ...]], Tensor] | None = None,
    ) -> Encoded:  # fmt: skip
        """Return the state at the times, from that at the first.

        Parameters
        ----------
        start : Encoded
            Coefficients (B, C, K), and scale and shift where the basis moves.
        times : Tensor (T,) or (B, T)
            Increasing, in the data's unit.
        parameters : Tensor (B, P), optional
            What the equation depends on besides the field.
        norm : callable, optional
            As in `ode`.

        Returns
        -------
        Encoded
            Coefficients (B, T, C, K).

        Raises
        ------
        StiffError
            If the solver gives up.
        """
        self._check_parameters(parameters, len(start.coef))
        dim, evaluations = self.encoder.space.dim, itertools.count()
        ode = self.ode(norm, lambda: next(evaluations))
        try:
            coef, *moved = ode(start.coef, *start.log_scale_and_shift(dim), times, parameters)
        finally:  # also where the solver gave up; those of a backward pass are not counted
            self.evaluations += next(evaluations)
        return Encoded(coef) if start.scale_shift is None else Encoded(coef, in_a_row(moved[0], moved[1], dim))

    @torch.no_grad()
    def predict(
        self, u0: Tensor, points: Tensor, times: Tensor, at: Tensor | None = None, parameters: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        """Return the field at the times, from values at the first of them.

        Parameters
        ----------
        u0 : Tensor (B, C, M)
            Values at the first time, in the data's unit; NaN marks what was not observed.
        points : Tensor (B, M) or (B, M, D)
            Where; (1, ...) for all fields alike.
        times : Tensor (T,) or (B, T)
            Increasing, in the data's unit.
        at : Tensor (B, M') or (B, M', D), optional
            Where the result is wanted; default: at the points.
        parameters : Tensor (B, P), optional
            Where the model was trained with them.

        Returns
        -------
        Tensor (B, T, C, M)

        Raises
        ------
        ValueError
            On shapes that do not fit.
        StiffError
            If the solver gives up.

        Examples
        --------
        >>> import specfast as sf
        >>> model = sf.learn.load("RUN")  # doctest: +SKIP
        >>> model.predict(u0, points, torch.linspace(0, 1, 11, dtype=torch.float64)).shape  # doctest: +SKIP
        """
        state = self.roll_out(self._encode(u0, points), times, parameters)
        return self.encoder.synthesize(state.coef, points if at is None else at, state.scale_shift)

    @torch.no_grad()
    def rollout_state(
        self, u0: Tensor, points: Tensor, times: Tensor, parameters: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return coefficients, scale and shift at the times, from values as `predict` takes them.

        They are those of `model.encoder.space`: its `synthesize(coef, points, scale=, shift=)` gives the field.

        Parameters
        ----------
        u0, points, times, parameters
            As in `predict`.

        Returns
        -------
        coef : Tensor (B, T, C, K)
        scale, shift : Tensor (B, T, D)
        """
        state = self.roll_out(self._encode(u0, points), times, parameters)
        coef, log_scale, shift = self.encoder.in_data_units(state)
        return coef, log_scale.exp(), shift

    @torch.no_grad()
    def rhs(self, u: Tensor, points: Tensor, parameters: Tensor | None = None, time: float = 0.0) -> Tensor:
        """Return the learned F[u]: what du/dt is.

        Parameters
        ----------
        u : Tensor (B, C, M)
            Values of fields; NaN marks what was not observed.
        points : Tensor (B, M) or (B, M, D)
            Where.
        parameters : Tensor (B, P), optional
            Where the run was trained with them.
        time : float
            On which F may depend.

        Returns
        -------
        Tensor (B, C, M)
            In the unit of u over that of time.
        """
        self._check_parameters(parameters, len(u))
        state, dim = self._encode(u, points), self.encoder.space.dim
        log_scale, shift = state.log_scale_and_shift(dim)
        now = state.coef.new_tensor(time)
        slope, stretch, motion = self.dynamics(now, state.coef, log_scale, shift, parameters)
        if state.scale_shift is None:
            return self.encoder.synthesize(slope[:, None], points)[:, 0]
        moved = in_a_row(stretch, motion, dim)

        def field(coef: Tensor, scale_shift: Tensor) -> Tensor:
            return self.encoder.synthesize(coef[:, None], points, scale_shift[:, None])[:, 0]

        return torch.func.jvp(field, (state.coef, state.scale_shift), (slope, moved))[1]

    def equation(self) -> Equation:
        """Return the learned equation, where it is a sum of terms: text, LaTeX, plain values with error bars and units.

        Returns
        -------
        Equation

        Raises
        ------
        DataError
            If the right-hand side is a network.

        Examples
        --------
        >>> import specfast as sf
        >>> model = sf.learn.fit("data.nc", model="terms")  # doctest: +SKIP
        >>> print(model.equation())  # doctest: +SKIP
        u_t = 0.1000(2) u_xx - 0.9999(3) u u_x
        """
        if not isinstance(self.dynamics, TermDynamics):
            raise DataError("this model's right-hand side is a network, which is no sum of terms; see model='terms'")
        own, recorded = self.dynamics, self.metrics.get("terms", {})
        deviations = recorded.get("standard_deviations")
        known = [(_name_of(orders, self.signature.axes), number) for orders, number in self.config.known]
        units = {key: unit for key, unit in self.signature.units.items() if unit}
        return equation_of(
            own.fields.names, self.signature.axes, own.terms, own.values, deviations, known, units
        )  # fmt: skip

    def _check_parameters(self, parameters: Tensor | None, rows: int) -> None:
        shape, count = None if parameters is None else tuple(parameters.shape), self.config.parameters
        if shape not in ((None,) if count == 0 else ((rows, count), (1, count))):
            wanted = f"({rows}, {count}) is expected" if count else "the model was trained without"
            raise ValueError(f"parameters have shape {shape}; {wanted}")

    def _encode(self, u: Tensor, points: Tensor) -> Encoded:
        """Return the state of fields (B, C, M), coefficients (B, C, K)."""
        own = 2 if self.encoder.space.dim == 1 else 3
        if u.dim() != 3 or u.shape[1] != len(self.channels):
            raise ValueError(f"the field has shape {tuple(u.shape)}; (B, {len(self.channels)}, M) is expected")
        if points.dim() != own or points.shape[1] != u.shape[2] or len(points) not in (1, len(u)):
            axes = "" if own == 2 else f", {self.encoder.space.dim}"
            raise ValueError(f"points have shape {tuple(points.shape)}; (B or 1, {u.shape[2]}{axes}) is expected")
        names = tuple(f"x{d}" for d in range(self.encoder.space.dim))
        data = Observations(u[:, None], points, u.new_zeros(len(u), 1), self.channels, names)
        return encode(self.encoder, data).at(slice(None), 0)

    @torch.no_grad()
    def predict_dataset(self, data: Observations, at: Tensor | None = None) -> Tensor:
        """Return the field (R, T, C, M), each trajectory from its first observed snapshot alone; NaN before it.

        An integration that fails leaves NaN. With `at` (M'[, D]) the result is at these points instead of the sensors.

        Parameters
        ----------
        data : Observations
            R trajectories.
        at : Tensor (M') or (M', D), optional
            Where the result is wanted; default: at the sensors.

        Returns
        -------
        Tensor (R, T, C, M)
        """
        data = self.matched(data)
        size = data.values.shape[-1] if at is None else at.shape[0]
        result = memmap.empty((*data.values.shape[:-1], size))
        for rows, some in data.blocks():
            result[rows] = self._predict_rows(some, at)
        return result

    def _predict_rows(self, data: Observations, at: Tensor | None = None, encoded: Encoded | None = None) -> Tensor:
        """Return the prediction, from states (R, T) where they are given."""
        size = data.values.shape[-1] if at is None else at.shape[0]
        result = data.values.new_full((*data.values.shape[:-1], size), torch.nan)
        first = data.first

        def roll_out_rows(rows: Tensor, start: int) -> None:
            part = data.select(rows)
            begin = self._encode(part.values[:, start], part.points) if encoded is None else encoded.at(rows, start)
            state = self.roll_out(begin, part.times[:, start:], part.parameters)
            where = part.points if at is None else at.unsqueeze(0)
            result[rows, start:] = self.encoder.synthesize(state.coef, where, state.scale_shift)

        for start in first.unique().tolist():
            rows = (first == start).nonzero()[:, 0]
            try:
                roll_out_rows(rows, start)
            except (ArithmeticError, RuntimeError, ValueError):  # the solver gave up on the batch: one by one
                for row in rows.split(1):
                    with contextlib.suppress(ArithmeticError, RuntimeError):
                        roll_out_rows(row, start)
        return result

    def evaluate(self, data: Observations) -> dict[str, Any]:
        """Return relative_l2 over all times after each trajectory's first observed one, the same per time, and more.

        A trajectory whose prediction fails counts as error 1 and is listed under ``failed``.

        Parameters
        ----------
        data : Observations
            With the channels and axes of those that were learned from.

        Returns
        -------
        dict
            relative_l2, median_trajectory, per_time, trajectories, observed_once and failed.

        Raises
        ------
        DataError
            If the model does not fit the data.

        Examples
        --------
        >>> import specfast as sf
        >>> model, data = sf.learn.load("RUN"), sf.learn.read("data.nc")  # doctest: +SKIP
        >>> model.evaluate(data)["relative_l2"]  # doctest: +SKIP
        """
        return self.errors(self.matched(data)).figures()

    @torch.no_grad()
    def errors(self, data: Observations, encoded: Encoded | None = None) -> Errors:
        """Return the errors of the predictions, made and compared a few trajectories at a time.

        With the states (R, T) of all snapshots those of the first are not sought again.

        Parameters
        ----------
        data : Observations
            R trajectories.
        encoded : Encoded, optional
            Their states (R, T).

        Returns
        -------
        Errors
        """
        return together(
            compare(
                self._predict_rows(some, encoded=None if encoded is None else encoded.at(rows, slice(None))),
                some,
                data.largest,
            )
            for rows, some in data.blocks()
        )

    def matched(self, data: Observations) -> Observations:
        """Return data with channels, axes and parameters in the model's order, matched by name.

        Parameters
        ----------
        data : Observations
            What the model is to forecast.

        Returns
        -------
        Observations

        Raises
        ------
        DataError
            If names or units are not those that the model was trained with, or points lie outside its domain.
        """
        if len(data) == 0:
            raise DataError("the data hold no trajectory")
        begins = [reference_of(units.get("time", "")) for units in (data.units, self.signature.units)]
        if self.config.time_dependent and all(begins) and begins[0] != begins[1]:
            raise DataError(
                f"times count from {begins[0]}; the model depends on time and was trained with times from {begins[1]}"
            )
        data = matched(data, self.signature)
        for axis, family in enumerate(self.encoder.space.families):
            x, (beta, x0) = data.coordinate(axis), family.standard_scale_shift()
            scale, shift = self.encoder.scale[axis], self.encoder.shift[axis]
            low, high = (shift + (x0 + end / beta) / scale for end in family.domain)
            slack = 1e-6 * (high - low) if family.bounded else 0.0
            if x.min() < low - slack or x.max() > high + slack:
                raise DataError(
                    f"points along {data.axes[axis]} lie in [{float(x.min()):g}, {float(x.max()):g}];"
                    f" the model's basis lives on [{low:g}, {high:g}]"
                )
        return data

    def save(self, folder: Path) -> None:
        """Write weights.safetensors, metrics.json and config.json, each whole or not at all.

        The weights' file holds the configuration too: it alone is a model, and one cannot be left with another's.

        Parameters
        ----------
        folder : Path
            Made where it is not there; files of an earlier training in it are overwritten.

        Examples
        --------
        >>> from pathlib import Path
        >>> model.save(Path("RUN"))  # doctest: +SKIP
        """
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "format": FORMAT,
            "encoder": self.encoder.to_dict(),
            "fingerprint": self.encoder.space.fingerprint,
            "solver": self.solver,
            "signature": self.signature.to_dict(),
            "config": self.config.to_dict(),
        }
        write_tensors(folder / "weights.safetensors", self.dynamics.state_dict(), {"config": config})
        write_json(folder / "metrics.json", {"metrics": self.metrics, "history": self.history})
        write_json(folder / "config.json", config)


def _name_of(orders: Orders, axes: tuple[str, ...]) -> str:
    """Return how a known term is written, without the field."""
    if isinstance(orders[0], str):
        return f"-(-d^2/d{axes[0]}^2)^{float(orders[1]) / 2:g}"
    return "d/d" + "".join(axis * int(order) for axis, order in zip(axes, orders, strict=True)) if any(orders) else "1"


def write_json(path: Path, values: object) -> None:
    """Write a JSON file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n")


def load(folder: str | Path) -> Model:
    """Return the model in a folder.

    Parameters
    ----------
    folder : str or Path
        What `Model.save`, or a training, has written to.

    Returns
    -------
    Model

    Raises
    ------
    DataError
        If there is none, or it cannot be read.

    Examples
    --------
    >>> import specfast as sf
    >>> model = sf.learn.load("RUN")  # doctest: +SKIP
    >>> model.encoder.space  # doctest: +SKIP
    """
    folder = Path(folder)
    if not (folder / "weights.safetensors").is_file():
        raise DataError(f"{folder}: no run here (weights.safetensors is missing)")
    try:
        weights, notes = read_tensors(folder / "weights.safetensors")
        config = notes["config"]
        if config.get("format") != FORMAT:
            raise DataError(f"{folder}: a run of format {config.get('format')}; this version reads {FORMAT}")
        encoder = FieldEncoder.from_dict(config["encoder"])
        if encoder.space.fingerprint != config["fingerprint"]:
            raise DataError(f"{folder}: the space in config.json is not the one that the weights belong to")
        signature = Signature.from_dict(config["signature"])
        dynamics = make_dynamics(encoder, signature.channels, DynamicsConfig.from_dict(config["config"]))
        dynamics.load_state_dict(weights)
        recorded: dict[str, Any] = {"history": [], "metrics": {}}
        if (folder / "metrics.json").is_file():
            recorded = json.loads((folder / "metrics.json").read_text())
        model = Model(
            encoder, dynamics, dict(config["solver"]), signature,
            list(recorded["history"]), dict(recorded["metrics"]),
        )  # fmt: skip
        model.ode()
        if not (len(encoder.scale) == len(encoder.shift) == encoder.space.dim and encoder.amplitude > 0):
            raise DataError(f"{folder}: config.json holds no scale and shift for every axis, or no amplitude")
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{folder}: the model cannot be read ({type(error).__name__}: {error})".splitlines()[0]
        ) from error
    return model
