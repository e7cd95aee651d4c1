"""How an operator is registered so that every mode of automatic differentiation is right.

Each operator gets a kernel on the Autograd dispatch key with its own backward and forward-mode rule. PyTorch's public
ways give silent zeros somewhere: torch.library.register_autograd under torch.func.jvp and jacfwd, a plain
autograd.Function under torch.compile (pytorch issues 168393, 170834, 179652). The private names used here are looked up
when this module is imported, so that a PyTorch release that lacks one says so at once.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

TESTED_TORCH = "2.10 to 2.13"

try:
    from torch._functorch.utils import enable_single_level_autograd_function as _single_level
    from torch.autograd import forward_ad as _forward_ad
    from torch.utils._python_dispatch import _disable_current_modes

    _SingleLevelFunction: Any = torch.autograd.function._SingleLevelFunction
    _AutoDispatchBelowAutograd = torch._C._AutoDispatchBelowAutograd
    _after_autograd = torch._C._after_autograd_keyset
    _transforms_active = torch._C._are_functorch_transforms_active
    _forward_level = lambda: _forward_ad._current_level  # noqa: E731
    _forward_level()
    _forward_ad._set_fwd_grad_enabled(True)
    _include_set = torch._C._dispatch_tls_local_include_set
    _is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
    _profiled = torch.autograd._profiler_enabled
    _function_modes = torch._C._len_torch_function_stack
    # The dispatch keys that a thread includes when no mode, transform or tracer is at work.
    with _disable_current_modes(), torch._C._DisableFuncTorch(), torch.inference_mode(False):
        _usual_keys = _include_set().raw_repr()
except (ImportError, AttributeError) as error:  # pragma: no cover - depends on the installed PyTorch
    raise ImportError(
        f"specfast: PyTorch {torch.__version__} lacks a private name that the operators need ({error});"
        f" tested versions are {TESTED_TORCH}"
    ) from error

_library = torch.library.Library("specfast", "DEF")
CoreAxes = Sequence[int] | Callable[[Sequence[Any]], Sequence[int]]


@dataclass(frozen=True)
class Operator:
    """What defines an operator besides its name.

    Attributes
    ----------
    schema : str
        Arguments and result, in PyTorch's schema language.
    kernel, fake : callable
        The computation, and the same on shapes alone.
    backward : callable
        (ctx, needed, gradient) -> one gradient (or None) for each argument; ctx.saved_tensors, ctx.rest, and ctx.direct,
        which says that kernels may be called past the dispatcher.
    tangent : callable
        (ctx, *tangents) -> tangent of the result; tangents of plain arguments and of constants are None.
    core_axes : sequence of int, callable or None
        For each tensor argument, how many trailing axes are its own; those before broadcast; or a function of all arguments that
        says so. None: the result is like the only tensor argument, number by number.
    """

    schema: str
    kernel: Callable[..., Tensor]
    fake: Callable[..., Tensor]
    backward: Callable[..., Sequence[Tensor | None]]
    tangent: Callable[..., Tensor]
    core_axes: CoreAxes | None
    tensors: int = 2  # how many of the first arguments are tensors, where it is also used past the dispatcher
    # What a node keeps alive for its backward pass: by the argument at a place, such as the key of a space that may be gone by then.
    key: int | None = None
    behind: Callable[[str], object] = lambda key: None


class _Saved(NamedTuple):
    """What rules read of a node."""

    saved_tensors: Sequence[Tensor]
    rest: Sequence[Any]
    direct: bool = False


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _without_autocast(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel within which PyTorch's own operators keep the dtype they are given."""

    @functools.wraps(kernel)
    def wrapped(*args: Any) -> Any:
        active = [device for device in ("cpu", "cuda") if torch.is_autocast_enabled(device)]
        if not active:
            return kernel(*args)
        with contextlib.ExitStack() as stack:
            for device in active:
                stack.enter_context(torch.autocast(device, enabled=False))
            return kernel(*args)

    return wrapped


def _implement(name: str, kernel: Callable[..., Any]) -> None:
    for key in ("CPU", "CUDA"):
        _library.impl(name, _without_autocast(kernel), key)


def _autograd_kernel(operator: Any, rules: Operator) -> Callable[..., Tensor]:
    class Node(_SingleLevelFunction):
        @staticmethod
        def forward(ctx: Any, keyset: Any, *args: Any) -> Tensor:
            # Where transforms are nested the next one records what this one redispatches; this function turned that off.
            with torch.enable_grad(), _forward_ad._set_fwd_grad_enabled(True), _AutoDispatchBelowAutograd():
                result = operator.redispatch(keyset & _after_autograd, *args)
            tensors = [arg for arg in args if _is_tensor(arg)]
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)
            ctx.rest = [arg for arg in args if not _is_tensor(arg)]
            ctx.direct, ctx.behind = False, None if rules.key is None else rules.behind(args[rules.key])
            ctx.set_materialize_grads(True)
            return result

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            # Slot 0 is the dispatch keys; the rules count from the operator's own first argument.
            needed = ctx.needs_input_grad[1:]
            return (None, *rules.backward(ctx, needed, gradient))

        @staticmethod
        def jvp(ctx: Any, _: Any, *tangents: Any) -> Tensor:
            # The same: tangents of tangents. What was saved must not carry the tangents of this level itself.
            primals = [_forward_ad.unpack_dual(tensor).primal for tensor in ctx.saved_tensors]
            with _forward_ad._set_fwd_grad_enabled(True):
                return rules.tangent(_Saved(primals, ctx.rest), *tangents)

    def kernel(keyset: Any, *args: Any) -> Tensor:
        differentiable = torch.is_grad_enabled() and any(_is_tensor(arg) and arg.requires_grad for arg in args)
        if differentiable or _forward_level() >= 0 or _transforms_active():
            with _single_level():
                return Node.apply(keyset, *args)
        with _AutoDispatchBelowAutograd():
            return operator.redispatch(keyset & _after_autograd, *args)

    return kernel


_PLAIN_TYPES = (Tensor, torch.nn.Parameter)
_COMPUTED = (torch.float64, torch.float32)


def plain(*tensors: Tensor) -> bool:
    """Whether a call may go past PyTorch's dispatcher, which costs more than a small problem.

    So it is for real CPU tensors, while no mode, transform, tracer, compiler, autocast or profiler would want to see it. Kernels look
    at dtype and layout themselves.
    """
    if (
        torch.compiler.is_compiling()
        or tensors[0].dtype not in _COMPUTED
        or _include_set().raw_repr() != _usual_keys
        or _forward_ad._current_level >= 0
        or _function_modes()
        or _profiled()
        or torch.is_autocast_enabled("cpu")
    ):
        return False
    for tensor in tensors:
        if (
            type(tensor) not in _PLAIN_TYPES
            or not tensor.is_cpu
            or tensor.is_neg()
            or _is_wrapped(tensor)  # by a transform that may be over: of vjp, say
        ):
            return False
    return True


def direct_node(rules: Operator) -> Callable[..., Tensor]:
    """Return an operator as a differentiable function of tensors that are `plain`."""

    class Node(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Tensor:
            count = rules.tensors
            ctx.save_for_backward(*args[:count])
            ctx.rest, ctx.behind = args[count:], None if rules.key is None else rules.behind(args[rules.key])
            return rules.kernel(*args)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Sequence[Tensor | None]:
            # What was saved was plain; where the gradient is too, and nobody differentiates again, so is the backward pass.
            ctx.direct = not torch.is_grad_enabled() and plain(gradient)
            return rules.backward(ctx, ctx.needs_input_grad, gradient)

    return Node.apply


def _vmap_rule(operator: Any, core_axes: CoreAxes | None) -> Callable[..., tuple[Any, Any]]:
    """Batch axes go first; leading axes broadcast, so ranks only have to be made equal."""
    if core_axes is None:
        return lambda info, in_dims, *args: (operator(*args), in_dims[0])

    def rule(info: Any, in_dims: Sequence[int | None], *args: Any) -> tuple[Any, Any]:
        positions = [i for i, arg in enumerate(args) if _is_tensor(arg)]
        core = dict(zip(positions, core_axes(args) if callable(core_axes) else core_axes, strict=True))
        batched = [i for i in positions if in_dims[i] is not None]
        own = {i: args[i].dim() - (in_dims[i] is not None) for i in positions}
        rank = max((own[i] - core[i] for i in positions if core[i] is not None), default=0)
        moved = list(args)
        for i in batched:
            if core[i] is None:
                raise ValueError("specfast operators cannot be mapped over an index set")
            tensor = args[i].movedim(in_dims[i], 0)
            missing = max(core[i] - own[i], 0)  # a number for all axes
            padding = rank - max(own[i] - core[i], 0)
            moved[i] = tensor.reshape(tensor.shape[:1] + (1,) * padding + tensor.shape[1:] + (1,) * missing)
        result = operator(*moved)
        return result, (0,) * len(result) if isinstance(result, tuple) else 0

    return rule


def register_composite(
    name: str, schema: str, kernel: Callable[..., Any], fake: Callable[..., Any], in_steps: Callable[..., Any],
    core_axes: CoreAxes,
) -> Any:  # fmt: skip
    """Define an operator that is faster than its steps, which take its place wherever it is to be differentiated."""
    _library.define(name + schema)
    _implement(name, kernel)
    operator = getattr(torch.ops.specfast, name).default

    def dispatch(keyset: Any, *args: Any) -> Any:
        differentiable = torch.is_grad_enabled() and any(_is_tensor(arg) and arg.requires_grad for arg in args)
        if differentiable or _forward_level() >= 0 or _transforms_active():
            return in_steps(*args)
        with _AutoDispatchBelowAutograd():
            return operator.redispatch(keyset & _after_autograd, *args)

    torch.library.register_fake(f"specfast::{name}", fake, lib=_library)
    torch.library.register_vmap(f"specfast::{name}", _vmap_rule(operator, core_axes), lib=_library)
    _library.impl(name, dispatch, "Autograd", with_keyset=True)
    return operator


def register(name: str, rules: Operator) -> Any:
    """Define torch.ops.specfast.<name> and return it."""
    _library.define(name + rules.schema)
    _implement(name, rules.kernel)
    operator = getattr(torch.ops.specfast, name).default
    torch.library.register_fake(f"specfast::{name}", rules.fake, lib=_library)
    torch.library.register_vmap(f"specfast::{name}", _vmap_rule(operator, rules.core_axes), lib=_library)
    _library.impl(name, _autograd_kernel(operator, rules), "Autograd", with_keyset=True)
    return operator


def register_constant(name: str, schema: str, kernel: Callable[..., Tensor], fake: Callable[..., Tensor]) -> Any:
    """Define torch.ops.specfast.<name>, whose result depends on its first tensor's dtype and device alone."""
    _library.define(name + schema)
    _implement(name, kernel)
    operator = getattr(torch.ops.specfast, name).default
    torch.library.register_fake(f"specfast::{name}", fake, lib=_library)

    def rule(info: Any, in_dims: Sequence[int | None], like: Tensor, *rest: Any) -> tuple[Tensor, None]:
        return operator(like, *rest), None

    torch.library.register_vmap(f"specfast::{name}", rule, lib=_library)
    return operator
