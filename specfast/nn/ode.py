"""The spectral neural ODE: coefficients, scale and shift of a field, driven by a learned right-hand side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..kernels.affine_map import can_look
from ..space import Space
from ..support.extras import optional
from .exponential import etdrk4
from .runge_kutta import TABLEAUS, runge_kutta

EXPONENTIAL = "etdrk4"
# Of torchdiffeq: those that choose their steps, and those that take equal ones.
STEP_CONTROLLED = ("dopri8", "dopri5", "bosh3", "fehlberg2", "adaptive_heun")
METHODS = (
    *STEP_CONTROLLED, "euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams", "fixed_adams",
    "scipy_solver", EXPONENTIAL,
)  # fmt: skip
_ADVICE = f"try method={EXPONENTIAL!r}, a lower degree, or looser tolerances"


class StiffError(ArithmeticError):
    """The step of a solver shrank to nothing, or too many steps would be needed: the equation is too stiff for it.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> blow_up = lambda t, c, log_scale, shift, parameters=None: (c**2, None, None)
    >>> ode = sf.nn.SpectralODE(sf.Space(sf.Hermite(degree=0)), blow_up, moving=False, options={"max_num_steps": 200})
    >>> try:
    ...     ode(torch.ones(1), torch.zeros(()), torch.zeros(()), torch.tensor([0.0, 2.0]))
    ... except sf.nn.StiffError as error:
    ...     print(str(error)[:14])
    dopri5 gave up
    """


def is_of_solver(error: AssertionError) -> bool:
    """Whether torchdiffeq raised it: how it says that steps are too small or too many, or numbers not finite."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_globals.get("__name__", "").split(".")[0] == "torchdiffeq"


class _RightHandSide(nn.Module):
    """What torchdiffeq integrates: a tuple state in, its derivative out.

    One object an integration, never changed afterwards: the adjoint method evaluates it again in the backward pass.
    `pace` and `origin` (B,) map the solver's time s to origin + s pace, one a trajectory.
    """

    def __init__(
        self, dynamics: Any, moving: bool, fixed: tuple[Tensor, Tensor], parameters: Tensor | None,
        on_evaluation: Callable[[], object] | None, pace: Tensor | None = None, origin: Tensor | None = None,
    ):  # fmt: skip
        super().__init__()
        self.dynamics, self.moving, self.fixed, self.parameters_of_equation = dynamics, moving, fixed, parameters
        self.pace, self.origin, self.on_evaluation = pace, origin, on_evaluation

    def handed(self) -> list[Tensor]:
        """Return the tensors that are neither state nor parameters of the module."""
        given = (*self.fixed, self.parameters_of_equation, self.pace, self.origin)
        return [part for part in given if part is not None and not isinstance(part, nn.Parameter)]

    def forward(self, t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self.on_evaluation is not None and not torch.compiler.is_compiling():
            self.on_evaluation()
        if self.pace is not None and self.origin is not None:
            t = self.origin + t * self.pace
        if self.moving:
            result = self.dynamics(t, *state, self.parameters_of_equation)
        else:
            (coef,) = state
            result = (self.dynamics(t, coef, *self.fixed, self.parameters_of_equation)[0],)
        if self.pace is None:
            return result
        return tuple(part * self.pace.to(part.dtype).reshape(-1, *(1,) * (part.dim() - 1)) for part in result)


# The first arguments of a right-hand side.
_Given = tuple[Any, bool, tuple[Tensor, Tensor], Tensor | None, Callable[[], object] | None]


class SpectralODE(nn.Module):
    r"""Integrates d(c, log beta, x0)/dt = dynamics(t, c, log beta, x0), with torchdiffeq where steps are chosen.

    Parameters
    ----------
    space : Space
        Where the coefficients live.
    dynamics : callable or nn.Module
        ``dynamics(t, coef, log_scale, shift, parameters=None) -> (dcoef, dlog_scale, dshift)``.
    moving : bool, default True
        Whether scale and shift move; if not, the last two results of `dynamics` are not used and may be None.
    method : str, default "dopri5"
        Any solver of torchdiffeq, or "etdrk4": an exponential integrator for stiff linear parts, with options={"steps": 4} equal
        steps between two times. `dynamics` then has a method ``linear_part()`` that gives the matrix (S, S) of its linear part
        or the diagonal (S,) of that, on the state (c, log beta, x0) in a row.
        euler, midpoint, heun2, heun3 and rk4 take options={"steps": n} too: n equal steps between two times, each trajectory
        with its own. Then, and with etdrk4, no decision depends on values, and torch.compile(..., fullgraph=True) holds
        the whole integration.
    adjoint : bool, default False
        Use ``odeint_adjoint``: memory independent of the number of steps, gradients by a second integration whose steps are
        chosen by the state and its adjoint alone (Kidger, Chen, Lyons, ICML 2021).
    rtol, atol : float
        Tolerances of moving solvers.
    options : dict, optional
        ``{"steps": n}`` as above; anything else is handed to torchdiffeq's solver, such as ``{"step_size": 0.01}``, or
        ``{"norm": f}`` with f((c, log beta, x0)) the size of an error.
    on_evaluation : callable, optional
        Called whenever the right-hand side is evaluated, in forward passes outside of compiled code.

    Notes
    -----
    ``forward(coef, log_scale, shift, times)``: coef (..., [C,] K), log beta and x0 (...,) or (..., D), times (T,), or (B, T) with
    one leading axis B for trajectories of their own times. Returns coef (..., T, [C,] K), log beta and x0 (..., T[, D]): the
    state as it is integrated. Times increase strictly. StiffError says that a solver gave up. Nothing of the module changes.

    References
    ----------
    Chen, Rubanova, Bettencourt, Duvenaud, NeurIPS 2018; Xia, Li, Shen, Chou, arXiv 2309.16131.

    Examples
    --------
    >>> import torch
    >>> import specfast as sf
    >>> space = sf.Space(sf.Hermite(degree=4))
    >>> decay = lambda t, c, log_scale, shift, parameters=None: (-c, None, None)
    >>> ode = sf.nn.SpectralODE(space, decay, moving=False)
    >>> c, log_scale, shift = ode(torch.ones(5), torch.zeros(()), torch.zeros(()), torch.tensor([0.0, 1.0]))
    >>> round(float(c[1, 0]), 4)
    0.3679
    """

    def __init__(
        self,
        space: Space,
        dynamics: Callable[..., Any],
        *,
        moving: bool = True,
        method: str = "dopri5",
        adjoint: bool = False,
        rtol: float = 1e-5,
        atol: float = 1e-6,
        options: dict[str, Any] | None = None,
        on_evaluation: Callable[[], object] | None = None,
    ):
        super().__init__()
        if method not in METHODS:
            raise ValueError(f"method={method!r}: one of {', '.join(METHODS)} is expected")
        if method == EXPONENTIAL and not hasattr(dynamics, "linear_part"):
            raise ValueError(f"method={method!r}: dynamics with a method linear_part() are expected")
        if method == EXPONENTIAL and adjoint:
            raise ValueError(f"method={method!r} is differentiated directly; adjoint=False is expected")
        self.stepped = method in TABLEAUS and "steps" in (options or {})
        if self.stepped and (adjoint or options != {"steps": (options or {})["steps"]}):
            raise ValueError(f"options={options}: 'steps' alone, with adjoint=False, is expected")
        if "steps" in (options or {}):
            steps = (options or {})["steps"]
            if not isinstance(steps, int) or steps < 1:
                raise ValueError(f"options['steps']={steps!r}: an integer of 1 or more is expected")
            if method not in (*TABLEAUS, EXPONENTIAL):
                raise ValueError(
                    f"method={method!r}: it chooses its steps; options['steps'] is for {', '.join(TABLEAUS)}"
                )
        if moving and not any(not f.bounded for f in space.families):
            raise ValueError("moving=True: no axis of this space has a scale or shift that could move")
        self.space, self.moving, self.method = space, moving, method
        self.adjoint, self.rtol, self.atol, self.options = adjoint, rtol, atol, options
        self.dynamics: Any = dynamics
        self.on_evaluation = on_evaluation

    def forward(
        self, coef: Tensor, log_scale: Tensor, shift: Tensor, times: Tensor, parameters: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return coefficients, log beta and x0 at the times.

        Parameters
        ----------
        coef : Tensor (..., K) or (..., C, K)
            Coefficients at the first time.
        log_scale, shift : Tensor (...,) or (..., D)
            log beta and x0 at the first time.
        times : Tensor (T,) or (B, T)
            Strictly increasing, in the unit of time of `dynamics`.
        parameters : Tensor, optional
            Handed to `dynamics` as they are.

        Returns
        -------
        coef : Tensor (..., T, K) or (..., T, C, K)
        log_scale, shift : Tensor (..., T) or (..., T, D)

        Raises
        ------
        ValueError
            If shapes do not fit, or times do not increase strictly.
        StiffError
            If the solver gives up.
        """
        if times.dim() not in (1, 2) or times.shape[-1] < 1:
            raise ValueError(f"times has shape {tuple(times.shape)}; (T,) or (B, T) with T >= 1 is expected")
        if coef.dim() < 1 or coef.shape[-1] != self.space.size:
            raise ValueError(f"coef has shape {tuple(coef.shape)}; (..., {self.space.size}) is expected")
        if can_look(times) and not (times.diff(dim=-1) > 0).all():
            raise ValueError("times do not increase strictly")
        log_scale, shift = self._checked(coef, log_scale, shift, times)
        given: _Given = (self.dynamics, self.moving, (log_scale, shift), parameters, self.on_evaluation)
        state = (coef, log_scale, shift) if self.moving else (coef,)
        # Leading axes are those of log beta without its axis for the dimensions; time goes behind them.
        lead = log_scale.dim() - (self.space.dim > 1)
        moved = [part.movedim(0, lead) for part in self._states(given, state, times, lead)]
        if self.moving:
            if can_look(moved[1]) and not (moved[1].exp().isfinite() & moved[2].isfinite()).all():
                raise StiffError(f"{self.method}: scale or shift grew without bound; {_ADVICE}")
            return moved[0], moved[1], moved[2]
        fixed = []
        for part in (log_scale.unsqueeze(lead), shift.unsqueeze(lead)):
            size = list(part.shape)
            size[lead] = times.shape[-1]
            fixed.append(part.expand(size))
        return moved[0], fixed[0], fixed[1]

    def _checked(self, coef: Tensor, log_scale: Tensor, shift: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return log beta and x0 of one shape, an axis for the dimensions where there are several."""
        dim = self.space.dim
        if dim > 1:
            log_scale, shift = (part.expand(dim) if part.dim() == 0 else part for part in (log_scale, shift))
        lead = log_scale.shape[: log_scale.dim() - (dim > 1)]
        expected = f"(..., {dim})" if dim > 1 else "(...,)"
        for name, part in (("log_scale", log_scale), ("shift", shift)):
            if part.shape != (*lead, dim) if dim > 1 else part.shape != lead:
                raise ValueError(f"{name} has shape {tuple(part.shape)}; {expected}, as the other, is expected")
        if coef.shape[: len(lead)] != lead or not 1 <= coef.dim() - len(lead) <= 2:
            raise ValueError(
                f"coef has shape {tuple(coef.shape)} and log_scale {tuple(log_scale.shape)}; the same leading axes, and"
                " at most one of channels behind them, are expected"
            )
        if times.dim() == 2 and lead != times.shape[:1]:
            raise ValueError(
                f"times has shape {tuple(times.shape)}; ({', '.join(map(str, (*lead, 'T')))}), or (T,), is expected"
            )
        return log_scale, shift

    def _states(self, given: _Given, state: tuple[Tensor, ...], times: Tensor, lead: int) -> tuple[Tensor, ...]:
        """Return the state at the times, which are its first axis."""
        if times.shape[-1] == 1:
            return tuple(part.unsqueeze(0) for part in state)
        if self.stepped:
            return runge_kutta(_RightHandSide(*given), state, times, self.method, **(self.options or {}))
        # A norm of the caller's may be shared by several batches, whose solvers then have to ask it equally often.
        alone = "norm" not in (self.options or {})
        if alone and self.method in STEP_CONTROLLED and state[0].numel() == 0:  # an empty batch has no error to go by
            return tuple(part.expand(times.shape[-1], *part.shape) for part in state)
        if times.dim() == 2 and alone and len(times) > 0 and (times == times[:1]).all():
            times = times[0]
        if times.dim() == 1:
            return self._integrate(_RightHandSide(*given), state, times, lead)
        if self.method == EXPONENTIAL:
            raise ValueError(f"method={self.method!r}: times shared by all trajectories are expected")
        return self._by_segments(given, state, times, lead)

    def _integrate(
        self, rhs: _RightHandSide, state: tuple[Tensor, ...], times: Tensor, lead: int
    ) -> tuple[Tensor, ...]:  # fmt: skip
        if self.method == EXPONENTIAL:
            return self._integrate_exponentially(rhs, state, times, lead)
        library = optional("torchdiffeq", "SpectralODE")
        solve, more = library.odeint, {}
        if self.adjoint:  # the parameters' part is an integral of the rest: the steps need not look at it
            own = {name: value for name, value in (self.options or {}).items() if name != "norm"}
            # All that the right-hand side reads and that may want a gradient, its own parameters and what it was handed.
            wanted = tuple(part for part in (*rhs.parameters(), *rhs.handed()) if part.requires_grad)
            more = {"adjoint_options": own | {"norm": "seminorm"}, "adjoint_params": wanted}
            solve = library.odeint_adjoint
        asked = {"rtol": self.rtol, "atol": self.atol, "method": self.method, "options": self.options}
        try:
            return solve(rhs, state, times, **asked, **more)
        except AssertionError as error:
            if not is_of_solver(error):
                raise
            raise StiffError(
                f"{self.method} gave up ({error}): the equation is too stiff for it, or its solution grows without bound; {_ADVICE}"
            ) from error

    def _integrate_exponentially(
        self, rhs: _RightHandSide, state: tuple[Tensor, ...], times: Tensor, lead: int
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """As above with the linear part taken exactly; the state in one row, coefficients first."""
        dim = self.space.dim
        own = 1 if dim == 1 else dim  # numbers of log beta, and of x0
        channels = state[0].dim() > lead + 1

        # Sizes of the batch stay inside: the compiler (2.13) fails for a loop that is handed some.
        def in_a_row(parts: tuple[Tensor, ...]) -> Tensor:
            return torch.cat([part.flatten(lead) if part.dim() > lead else part.unsqueeze(-1) for part in parts], -1)

        def apart(row: Tensor) -> tuple[Tensor, ...]:
            moving = [] if len(state) == 1 else [row[..., -2 * own : -own], row[..., -own:]]
            coef = row[..., : -2 * own] if moving else row
            coef = coef.unflatten(-1, (-1, self.space.size)) if channels else coef
            return (coef, *(part.squeeze(-1) if dim == 1 else part for part in moving))

        linear = self.dynamics.linear_part()

        def rest(t: Tensor, row: Tensor) -> Tensor:
            plain = row @ linear.mT if linear.dim() == 2 else row * linear
            return in_a_row(rhs(t, apart(row))) - plain

        return apart(etdrk4(linear, rest, in_a_row(state), times, **(self.options or {})))

    def _by_segments(self, given: _Given, state: tuple[Tensor, ...], times: Tensor, lead: int) -> tuple[Tensor, ...]:
        """Own times a trajectory: each interval is mapped to [0, 1] with a pace of its own."""
        unit, results = times.new_tensor([0.0, 1.0]), [state]
        for i in range(times.shape[-1] - 1):
            rhs = _RightHandSide(*given, pace=times[:, i + 1] - times[:, i], origin=times[:, i])
            state = tuple(part[-1] for part in self._integrate(rhs, state, unit, lead))
            results.append(state)
        return tuple(torch.stack(parts) for parts in zip(*results, strict=True))
