"""Every public name says what it computes, of what, and shows it; examples are run by `test_documents`."""

import importlib
import inspect
import re

import pytest

PACKAGES = ["", "adapt", "data", "distributed", "families", "index_sets", "learn", "nn", "quadrature", "space"]
# Classes whose methods have examples too; those of the learner take a training.
WITH_EXAMPLES = ["", "adapt", "distributed", "families", "index_sets", "nn", "quadrature", "space"]
ELSEWHERE = ("specfast.kernels", "specfast.ops")
# PyTorch calls these, and says what they are; classes show what `forward` does.
OF_PYTORCH = {"extra_repr", "get_extra_state", "set_extra_state", "reset_parameters"}


def sections(text):
    """Return the titles of a docstring's sections."""
    return set(re.findall(r"^ *(\w+)\n *-{4,}$", inspect.cleandoc(text or ""), re.M))


def described(text):
    """Return the names that a docstring's list of parameters, or of attributes, describes."""
    parts = re.split(r"^(\w+)\n-{4,}\n", inspect.cleandoc(text), flags=re.M)
    lists = [
        body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title in ("Parameters", "Attributes")
    ]
    lines = [line.partition(" : ")[0] for body in lists for line in body.splitlines() if line and line[0] != " "]
    return {name.strip(" *") for line in lines for name in line.split(",")}


def parameters(function):
    """Return the names of parameters that a caller may give."""
    names = inspect.signature(function).parameters
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def lacking(value, examples=True):
    """Return what the docstring of a function or class lacks."""
    if not value.__doc__:
        return ["a docstring"]
    found, missing = sections(value.__doc__), []
    is_class = inspect.isclass(value)
    if is_class and issubclass(value, Exception):
        return []
    if parameters(value) and not (found & ({"Parameters", "Attributes"} if is_class else {"Parameters"})):
        missing.append("Parameters")
    missing += [
        name
        for name in parameters(value)
        if found & {"Parameters", "Attributes"} and name not in described(value.__doc__)
    ]
    returned = None if is_class else inspect.signature(value).return_annotation
    if not is_class and returned not in ("None", None, inspect.Signature.empty) and "Returns" not in found:
        missing.append("Returns")
    if examples and "Examples" not in found:
        missing.append("Examples")
    return missing


def public_names():
    """Yield every public function and class with its name, once."""
    seen = set()
    for package in PACKAGES:
        module = importlib.import_module(f"specfast.{package}".rstrip("."))
        for name in module.__all__:
            value = getattr(module, name)
            own = getattr(value, "__module__", "").startswith("specfast") and not value.__module__.startswith(ELSEWHERE)
            if callable(value) and own and id(value) not in seen:
                seen.add(id(value))
                yield package, f"{module.__name__}.{name}", value


def methods(cls):
    """Yield the public methods that a class defines, and whether a base says in full what they are."""
    for name, own in vars(cls).items():
        if name.startswith("_") or isinstance(own, type):
            continue
        own = own.fget if isinstance(own, property) else getattr(own, "__func__", own)
        if not inspect.isfunction(own):
            continue
        bases = [base for base in cls.__mro__[1:] if name in vars(base) and base.__module__.startswith("specfast")]
        yield name, own, bool(bases), isinstance(vars(cls)[name], property)


NAMES = {name: (package, value) for package, name, value in public_names()}


def all_of(package, name, value):
    """Yield a public name and the methods that its class or bases define, each with what its docstring lacks."""
    yield name, lacking(value)
    if inspect.isclass(value):
        for own in [value, *(base for base in value.__mro__[1:] if base.__module__.startswith("specfast"))]:
            for method, function, overrides, is_property in methods(own):
                short = overrides or is_property or method in OF_PYTORCH
                full = lacking(function, method != "forward" and package in WITH_EXAMPLES)
                yield f"{own.__qualname__}.{method}", [] if short and function.__doc__ else full


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    missing = {own: what for own, what in all_of(NAMES[name][0], name, NAMES[name][1]) if what}
    assert not missing, missing


@pytest.mark.parametrize("package", PACKAGES)
def test_package_has_a_docstring(package):
    assert importlib.import_module(f"specfast.{package}".rstrip(".")).__doc__


def test_many_are_checked():
    checked = {own for name, (package, value) in NAMES.items() for own, _ in all_of(package, name, value)}
    assert len(NAMES) > 50 and len(checked) > 200
