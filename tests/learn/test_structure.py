"""What may be known of a right-hand side, exponential integration, ensembles."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from fields import moving_gaussian
from test_learn import exact_decay

import specfast as sf
from specfast import learn
from specfast.data.observations import make
from specfast.learn.conservation import ConservationLaws
from specfast.learn.dynamics import Dynamics, DynamicsConfig
from specfast.learn.encode import encode
from specfast.learn.known_terms import KnownTerms
from specfast.learn.low_rank import LocalLowRank
from specfast.learn.model_selection import choose_encoder
from specfast.nn.exponential import etdrk4
from specfast_cli import main

D = torch.float64


def basis_of(families, index_set=None, scale=(1.3,), shift=(0.4,), moving=False):
    return learn.encoder.FieldEncoder(sf.Space(families, index_set), scale, shift, 1.0, moving, (1.0,) * len(scale))


def test_integrals_against_quadrature():
    for family, low, high in (
        (sf.Hermite(), -14, 14), (sf.Laguerre(), 0, 140), (sf.Chebyshev(), -1, 1), (sf.Legendre(), -1, 1),
    ):  # fmt: skip
        nodes, weights = np.polynomial.legendre.leggauss(400)
        z = torch.from_numpy(low + (high - low) * (nodes + 1) / 2)
        table = sf.ops.vandermonde(z, 13, family.name, 0).numpy()
        np.testing.assert_allclose(family.integrals(13), weights @ table * (high - low) / 2, atol=1e-9)


def test_known_terms_are_derivatives():
    basis, coef = basis_of(sf.Hermite(degree=30)), torch.zeros(1, 31, dtype=D)
    coef[0, :8] = torch.randn(8, generator=torch.Generator().manual_seed(0), dtype=D)
    known = KnownTerms(basis, [((1,), -1.5), ((2,), 0.25)])
    x = torch.linspace(-2, 3, 40, dtype=D)
    place = {"scale": 1.3, "shift": 0.4}
    wanted = -1.5 * basis.space.synthesize(coef, x, derivative=1, **place)
    wanted = wanted + 0.25 * basis.space.synthesize(coef, x, derivative=2, **place)
    torch.testing.assert_close(basis.space.synthesize(known(coef, torch.zeros(0, dtype=D)), x, **place), wanted)
    plane = basis_of([sf.Hermite(), sf.Legendre()], sf.TensorProduct(12), (1.3, 1.0), (0.4, 0.0))
    coef = torch.zeros(1, plane.space.size, dtype=D)
    coef[0, [0, 1, 14, 28]] = torch.tensor([1.0, -0.5, 0.3, 0.2], dtype=D)
    points = torch.rand(30, 2, generator=torch.Generator().manual_seed(1), dtype=D)
    own = {"scale": torch.tensor([1.3, 1.0], dtype=D), "shift": torch.tensor([0.4, 0.0], dtype=D)}
    rate = KnownTerms(plane, [((1, 2), 0.7)])(coef, torch.zeros(0, dtype=D))
    wanted = 0.7 * plane.space.synthesize(coef, points, derivative=(1, 2), **own)
    torch.testing.assert_close(plane.space.synthesize(rate, points, **own), wanted)


def test_known_terms_on_an_interval_and_to_the_last_degree():
    basis, x = basis_of(sf.Chebyshev(0.0, 10.0, degree=12), None, (1.0,), (0.0,)), torch.linspace(0, 10, 60, dtype=D)
    coef = basis.space.fit(x**3 / 100, x)[None]
    found = basis.space.synthesize(KnownTerms(basis, [((1,), 2.0)])(coef, torch.zeros(0, dtype=D)), x)
    torch.testing.assert_close(found[0], 6 * x**2 / 100, rtol=1e-9, atol=1e-9)
    # The projection of phi_N'' holds -(2 N + 1) / 2 of phi_N, although both ways there lead out of the space.
    last = KnownTerms(basis_of(sf.Hermite(degree=6), None, (1.0,), (0.0,)), [((2,), 1.0)]).at_reference()
    assert float(last[6, 6]) == pytest.approx(-6.5)
    cross = basis_of([sf.Hermite()] * 2, sf.HyperbolicCross(8, 0.0), (1.0, 1.0), (0.0, 0.0))
    matrix, n = KnownTerms(cross, [((1, 1), 1.0)]).at_reference(), cross.space.indices.tolist()
    # d^2/dxdy takes (0, 1) to sqrt(1/2) (-1/sqrt 2) phi_1 phi_0 and more, by (0, 0) or (1, 1), of which one is no way.
    assert float(matrix[n.index([1, 0]), n.index([0, 1])]) == pytest.approx(-0.5)


def test_compensation_leaves_the_field_as_it_is():
    basis, coef = basis_of(sf.Hermite(degree=30), moving=True), torch.zeros(1, 1, 31, dtype=D)
    coef[..., :6] = torch.randn(6, generator=torch.Generator().manual_seed(0), dtype=D)
    known = KnownTerms(basis, [((1,), 1.0)])
    scale_shift, moves = torch.tensor([[0.3, -0.2]], dtype=D), torch.tensor([[0.7, -1.1]], dtype=D)
    rate = known.compensation(coef, scale_shift, moves)
    x = torch.linspace(-3, 3, 20, dtype=D)[None]

    def field(coef, scale_shift):
        return basis.synthesize(coef[:, None], x, scale_shift[:, None])

    change = torch.func.jvp(field, (coef, scale_shift), (rate, moves))[1]
    assert change.abs().max() < 1e-12


def test_what_is_conserved_stays():
    data, *_ = moving_gaussian(6, times=4)
    for kinds in (["mass"], ["norm"], ["mass", "norm"]):
        for fixed in (True, False):
            model = learn.fit(
                data, conserved=kinds, fixed=fixed, degree=8, steps=2, progress=False, rtol=1e-7, atol=1e-9
            )
            coef, scale, shift = model.rollout_state(data.values[:, 0], data.points, data.times)
            x = torch.linspace(-30, 40, 4001, dtype=D)
            u = model.encoder.space.synthesize(coef, x, scale=scale, shift=shift)[:, :, 0]
            found = {"mass": torch.trapezoid(u, x), "norm": torch.trapezoid(u**2, x)}
            for kind in kinds:
                torch.testing.assert_close(found[kind], found[kind][:, :1].expand_as(found[kind]), rtol=2e-5, atol=1e-6)
    with pytest.raises(learn.DataError, match="orthonormal"):
        ConservationLaws(basis_of(sf.Chebyshev(degree=4)), ["norm"])
    with pytest.raises(learn.DataError, match="mass or norm"):
        ConservationLaws(basis_of(sf.Hermite(degree=4)), ["charge"])


def test_known_diffusion_leaves_little_to_learn():
    data, *_ = moving_gaussian(30)
    plain = learn.fit(data, steps=3, progress=False).evaluate(data)["relative_l2"]
    known = learn.fit(data, steps=3, progress=False, known={1: -1.0, 2: 0.25}).evaluate(data)["relative_l2"]
    assert known < 0.5 * plain and known < 0.01
    for wrong in ({(1, 1): 1.0}, {-1: 1.0}, {1: float("nan")}):
        with pytest.raises(learn.DataError, match="known="):
            learn.fit(data, known=wrong, progress=False)


def test_time_and_position_as_inputs(tmp_path):
    # c' = cos(4 t): nothing but the time tells the rate.
    t, points = torch.linspace(0, 3, 13, dtype=D), torch.linspace(-0.9, 0.9, 8, dtype=D)
    start = torch.linspace(-1, 1, 10, dtype=D)[:, None, None, None]
    values = (start + torch.sin(4 * t)[None, :, None, None] / 4).expand(-1, -1, 1, 8)
    data = make(values.numpy(), points.numpy(), t.numpy(), ("u",))
    options = {"degree": 1, "steps": 120, "learning_rate": 1e-2, "progress": False, "hidden": (32,)}
    blind = learn.fit(data, "chebyshev", **options).evaluate(data)["relative_l2"]
    model = learn.fit(data, "chebyshev", time_dependent=True, **options)
    assert model.evaluate(data)["relative_l2"] < 0.75 * blind
    model.save(tmp_path)
    assert torch.equal(learn.load(tmp_path).predict_dataset(data), model.predict_dataset(data))
    gaussian, *_ = moving_gaussian(6, times=5)
    seeing = learn.fit(gaussian, depends_on_position=True, steps=2, progress=False)
    assert seeing.dynamics.seen == seeing.dynamics.state
    # Without position the equation is the same everywhere: a field moved by 3 is predicted moved by 3.
    model = learn.fit(gaussian, steps=2, progress=False)
    u0, x, times = gaussian.values[:, 0], gaussian.points, gaussian.times
    torch.testing.assert_close(model.predict(u0, x + 3.0, times), model.predict(u0, x, times), rtol=1e-5, atol=1e-6)


def test_a_network_at_the_nodes_is_local(tmp_path):
    from specfast.learn.collocation import CollocationNetwork

    # With g = u^2 + u_xx the projection is exact: the field has half the degrees, its square the rest.
    for families, index_set, scale in (
        (sf.Chebyshev(-2.0, 3.0, degree=12), None, (1.0,)),
        (sf.Legendre(0.0, 10.0, degree=12), None, (1.0,)),
        ([sf.Chebyshev(), sf.Legendre(0.0, 2.0)], sf.TensorProduct(12), (1.0, 1.0)),
    ):
        basis = basis_of(families, index_set, scale, (0.0,) * len(scale))
        nodes, space = CollocationNetwork(basis, 1, (8,), 0, False), basis.standard
        coef = torch.zeros(1, space.size, dtype=D)
        low = (space.indices.max(1) <= 6).nonzero()[0]
        coef[0, low] = torch.randn(len(low), generator=torch.Generator().manual_seed(0), dtype=D)

        class Square(torch.nn.Module):
            def forward(self, y):
                return y[..., :1] ** 2 + y[..., -1:]

        nodes.network = Square()
        nodes.mean.zero_(), nodes.size.fill_(1), nodes.output_size.fill_(1)
        points = torch.rand(20, space.dim, generator=torch.Generator().manual_seed(1), dtype=D)
        points = points[:, 0] if space.dim == 1 else points
        last = (2,) if space.dim == 1 else (0, 2)
        wanted = space.synthesize(coef, points) ** 2
        wanted = wanted + space.synthesize(coef, points, derivative=last[0] if space.dim == 1 else last)
        torch.testing.assert_close(space.synthesize(nodes(coef, None), points), wanted, rtol=1e-9, atol=1e-9)
    data = exact_decay(12)
    model = learn.fit(
        data, "chebyshev", degree=4, local=2, time_dependent=True, depends_on_position=True, steps=20, progress=False
    )
    assert model.evaluate(data)["relative_l2"] < 0.05
    model.save(tmp_path)
    assert torch.equal(learn.load(tmp_path).predict_dataset(data), model.predict_dataset(data))
    with pytest.raises(learn.DataError, match="local=1: nodes stay"):
        learn.fit(data, local=1, fixed=False)
    with pytest.raises(learn.DataError, match="local=True"):
        learn.fit(data, local=True)
    assert DynamicsConfig.from_dict(DynamicsConfig(local=2).to_dict()) == DynamicsConfig(local=2)


def test_many_coefficients_cost_in_proportion():
    sizes = []
    for degree in (40, 80):
        basis = basis_of([sf.Hermite()] * 2, sf.TensorProduct(degree), (1.0, 1.0), (0.0, 0.0))
        dynamics = Dynamics(basis, 1, DynamicsConfig(hidden=(16,)))
        sizes.append((basis.space.size, sum(p.numel() for p in dynamics.parameters())))
    assert isinstance(dynamics.linear, LocalLowRank) and sizes[1][0] > 5000
    assert sizes[1][1] < 120 * sizes[1][0]  # a full matrix would have 6561 numbers for each
    # c_n' = c_{n + e_1} - 2 c_n is found by the couplings of neighbours.
    space = basis.space
    places = {tuple(n): i for i, n in enumerate(space.indices.tolist())}
    up = torch.tensor([places.get((n + 1, m), -1) for n, m in space.indices.tolist()])
    state = torch.randn(30, 2, space.size, generator=torch.Generator().manual_seed(0), dtype=D)
    state[:, 1] = state[:, 0]
    rate = torch.where(up >= 0, state[:, 0][:, up], 0.0) - 2 * state[:, 0]
    dynamics.mean.zero_()
    state[:, 1] += 1e-3 * rate
    times = torch.tensor([0.0, 1e-3], dtype=D).expand(30, 2)
    dynamics.initialise(state, times, torch.ones(30, 2, dtype=torch.bool))
    torch.nn.init.zeros_(dynamics.network[-1].weight)
    one = torch.ones(30, 2, dtype=D)
    found = dynamics(torch.tensor(0.0), state[:, 0][:, None], 0 * one, 0 * one)[0][:, 0]
    assert float(((found - rate).norm() / rate.norm()).detach()) < 0.1


def test_exponential_integration_has_order_four_and_no_longest_step():
    linear = torch.tensor([[-2.0, 1.0], [0.0, -3.0]], dtype=D)
    start, times = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=D), torch.tensor([0.0, 1.0, 2.0], dtype=D)

    def rest(t, u):
        return torch.sin(u.flip(-1)) + t

    from torchdiffeq import odeint

    exact = odeint(lambda t, u: u @ linear.T + rest(t, u), start, times, rtol=1e-12, atol=1e-13, method="dopri8")
    diagonal = linear.diagonal()
    for part in (linear, diagonal):

        def other(t, u, part=part):
            return rest(t, u) + (u @ (linear - diagonal.diag()).T if part.dim() == 1 else 0)

        errors = [float((etdrk4(part, other, start, times, n) - exact).abs().max()) for n in (4, 8, 16)]
        assert errors[2] < 1e-6 and all(a > 10 * b for a, b in itertools.pairwise(errors))
    stiff = torch.tensor([-1e7, -1.0, 0.0, 0.3], dtype=D)
    found = etdrk4(stiff, lambda t, u: torch.zeros_like(u), torch.ones(4, dtype=D), times, 1)
    torch.testing.assert_close(found[-1], torch.exp(2 * stiff))
    matrix = torch.diag(stiff[1:])
    torch.testing.assert_close(
        etdrk4(matrix, lambda t, u: 0 * u, torch.ones(3, dtype=D), times, 1)[-1], torch.exp(2 * stiff[1:])
    )


def test_stiff_equations_end_with_advice_or_are_solved(monkeypatch, tmp_path, capsys):
    data = exact_decay(6)
    plain = Dynamics.initialise

    def stiff(self, *args):
        plain(self, *args)
        with torch.no_grad():
            self.linear.weight.sub_(1e6 * torch.eye(len(self.linear.weight)))

    with monkeypatch.context() as patched:
        patched.setattr(Dynamics, "initialise", stiff)
        patched.setattr(learn.model, "MAX_STEPS", 30)
        from specfast.data import to_dataset, write

        write(to_dataset(data), tmp_path / "data.nc")
        arguments = [
            "learn",
            str(tmp_path / "data.nc"),
            "--basis",
            "chebyshev",
            "--steps",
            "40",
            "--out",
            str(tmp_path / "model"),
        ]
        assert main(arguments) == 2
        assert "etdrk4" in capsys.readouterr().err
        model = learn.fit(data, "chebyshev", degree=4, steps=2, progress=False, method="etdrk4")
        assert model.predict_dataset(data).isfinite().all()
    own = learn.fit(data, "chebyshev", degree=4, steps=30, progress=False, method="etdrk4")
    usual = learn.fit(data, "chebyshev", degree=4, steps=30, progress=False)
    found, wanted = (model.evaluate(data)["relative_l2"] for model in (own, usual))
    assert found == pytest.approx(wanted, rel=0.05)
    space = sf.Space(sf.Hermite(degree=3))
    own_times = replace(data, times=data.times * torch.linspace(1, 2, 6, dtype=D)[:, None])
    with pytest.raises(learn.DataError, match="shared by all"):
        learn.fit(own_times, "chebyshev", method="etdrk4", folder=tmp_path / "none", progress=False)
    assert not (tmp_path / "none").exists()
    with pytest.raises(ValueError, match="linear_part"):
        sf.nn.SpectralODE(space, lambda *a: None, moving=False, method="etdrk4")


def test_the_linear_part_is_the_derivative_at_rest():
    data, *_ = moving_gaussian(8, times=5)
    for options in ({}, {"fixed": True}, {"known": {2: 0.25}, "fixed": True}):
        basis = choose_encoder(data, "hermite", degree=5, fixed=options.get("fixed"))
        known = (((2,), 0.25),) if "known" in options else ()
        dynamics = Dynamics(basis, 1, DynamicsConfig(known=known))
        encoded = encode(basis, data)
        dynamics.initialise(basis.state(encoded), data.times, data.observed)
        for parameter in dynamics.network.parameters():
            torch.nn.init.zeros_(parameter)

        def rate(row, dynamics=dynamics, basis=basis):
            coef, scale_shift = row[:6].reshape(1, 6), row[6:]
            log_scale, shift = scale_shift if basis.moving else torch.zeros(2, dtype=D)
            parts = dynamics(torch.tensor(0.0), coef, log_scale, shift)
            return torch.cat([part.reshape(-1) for part in parts if part is not None])

        size = 8 if basis.moving else 6
        jacobian = torch.func.jacrev(rate)(torch.zeros(size, dtype=D))
        torch.testing.assert_close(dynamics.linear_part(), jacobian)


def test_an_ensemble_has_a_mean_and_a_spread(tmp_path, capsys):
    data = exact_decay()
    both = learn.fit_ensemble(data, "chebyshev", count=3, degree=4, steps=4, progress=False, folder=tmp_path / "model")
    assert len(both) == 3 and len(learn.load_ensemble(tmp_path / "model")) == 3
    again = learn.load_ensemble(tmp_path / "model")
    mean, spread = again.predict_dataset(data)
    members = torch.stack([model.predict_dataset(data) for model in both.models])
    torch.testing.assert_close(mean, members.mean(0))
    torch.testing.assert_close(spread, members.std(0))
    figures = again.evaluate(data)
    assert 0 < figures["spread"] < 1 and len(figures["members"]) == 3
    assert learn.load(tmp_path / "model").predict_dataset(data).equal(both.models[0].predict_dataset(data))
    with pytest.raises(learn.DataError, match="at least 2"):
        learn.fit_ensemble(data, count=1)
    huge = replace(data, values=data.values * 1e200)
    scaled = learn.fit_ensemble(huge, "chebyshev", count=2, degree=4, steps=4, progress=False).evaluate(huge)
    assert 0 < scaled["spread"] < 1
    import xarray as xr

    from specfast.data import to_dataset, write

    write(to_dataset(data), tmp_path / "data.nc")
    out = str(tmp_path / "second")
    arguments = [
        "learn",
        str(tmp_path / "data.nc"),
        "--basis",
        "chebyshev",
        "--degree",
        "4",
        "--steps",
        "8",
        "--out",
        out,
    ]
    assert main([*arguments, "--ensemble", "2", "--hold-out", "4"]) == 0
    assert "ensemble" in capsys.readouterr().out
    assert main(["predict", out, str(tmp_path / "data.nc"), "--out", str(tmp_path / "u.nc")]) == 0
    with xr.open_dataset(tmp_path / "u.nc", engine="h5netcdf") as dataset:
        assert dataset["u_spread"].shape == dataset["u"].shape and float(dataset["u_spread"].max()) > 0
    # What is refused leaves all as it was; a run that replaces it leaves no member behind.
    assert main([*arguments, "--overwrite", "--conserve", "norm"]) == 2
    assert len(learn.load_ensemble(out)) == 2 and (tmp_path / "second" / "training.safetensors").is_file()
    assert main([*arguments, "--overwrite"]) == 0
    assert len(learn.load_ensemble(out)) == 1


def test_what_the_equation_itself_asserts_is_not_taken_for_stiffness():
    space, one = sf.Space(sf.Hermite(degree=2)), torch.zeros((), dtype=D)

    def faulty(t, coef, log_scale, shift, parameters=None):
        raise AssertionError("mine")

    def explosive(t, coef, log_scale, shift, parameters=None):
        return coef**3, None, None

    times, start = torch.tensor([0.0, 1.0], dtype=D), torch.ones(3, dtype=D)
    for adjoint in (False, True):
        with pytest.raises(AssertionError, match="mine"):
            sf.nn.SpectralODE(space, faulty, moving=False, adjoint=adjoint)(start, one, one, times)
    with pytest.raises(sf.nn.StiffError, match="gave up"):
        sf.nn.SpectralODE(space, explosive, moving=False)(start, one, one, times)
