"""The filter at parton level: exact bookkeeping, the cross-section that it leaves alone, and what
it keeps."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import fastjet
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.simulation import parton_filter, pythia, write_ntuple
from calovision.simulation.parton_filter import make_jet_filter
from calovision.simulation.pythia import GeneratedBatch, generate

QCD = {"pt_hat_min": 400.0, "bias_power": 4}
# The hard process and its shower alone, which is all that the filter sees and a hundred times
# quicker.
PARTONS_ONLY = (*pythia.COMMON_SETTINGS, "PartonLevel:MPI = off", "HadronLevel:all = off")


@pytest.fixture
def partons_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythia, "COMMON_SETTINGS", PARTONS_ONLY)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, float, np.ndarray]]:
    """Of every event that the filter saw: whether it vetoed, the weight, and its partons (px, py,
    pz, E)."""
    events = []

    def make(module: Any, info: Any, n_jets: int) -> Any:
        class Recorder(type(make_jet_filter(module, info, n_jets))):
            def doVetoPT(self, position: int, event: Any) -> bool:
                vetoed = super().doVetoPT(position, event)
                final = [p for p in (event[i] for i in range(event.size())) if p.isFinal()]
                events.append(
                    (
                        vetoed,
                        info.weight(),
                        np.array([(p.px(), p.py(), p.pz(), p.e()) for p in final]),
                    )
                )
                return vetoed

        return Recorder()

    monkeypatch.setattr(pythia, "make_jet_filter", make)
    return events


def jets_of(partons: np.ndarray) -> np.ndarray:
    """Descending pT of anti-kt jets above 100 GeV from partons within |eta| < 3, by FastJet
    itself."""
    pt = np.hypot(partons[:, 0], partons[:, 1])
    inside = partons[np.abs(np.arcsinh(partons[:, 2] / pt)) < 3.0]
    inputs = [fastjet.PseudoJet(*map(float, parton)) for parton in inside]
    sequence = fastjet.ClusterSequence(inputs, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
    return np.array(sorted((jet.pt() for jet in sequence.inclusive_jets(100.0)), reverse=True))


def run(n_events: int, **options: Any) -> list[GeneratedBatch]:
    return list(
        generate("qcd", n_events=n_events, **({"seed": 5, "batch_size": 50} | QCD | options))
    )


# Without Pythia


class FakeHooks:
    """Base class of the hooks."""


class FakeSlowJet:
    """Its events are lists of jet pT."""

    def __init__(self, *arguments: float) -> None:
        self.arguments = arguments

    def analyze(self, event: list[float]) -> None:
        self.pts = event

    def sizeJet(self) -> int:
        return len(self.pts)

    def pT(self, number: int) -> float:
        return self.pts[number]


def fake_filter(weights: list[float], n_jets: int) -> Any:
    module = SimpleNamespace(UserHooks=FakeHooks, SlowJet=FakeSlowJet)
    return make_jet_filter(module, SimpleNamespace(weight=iter(weights).__next__), n_jets)


def test_what_is_vetoed_and_what_is_counted() -> None:
    events = {
        (301.0, 101.0, 101.0): False,
        (300.0, 101.0, 101.0): False,
        (299.0, 290.0, 280.0, 200.0): True,  # none is hard enough
        (500.0, 400.0): True,
        (): True,
        (900.0, 200.0, 150.0, 120.0): False,
    }
    jet_filter = fake_filter([0.25, 0.5, 4.0], n_jets=3)
    assert [jet_filter.doVetoPT(0, list(jets)) for jets in events] == list(events.values())
    assert (jet_filter.n_seen, jet_filter.n_vetoed, jet_filter.vetoed_weight) == (6, 3, 4.75)
    jet_filter.forget()
    assert (jet_filter.n_seen, jet_filter.n_vetoed, jet_filter.vetoed_weight) == (0, 0, 0.0)


def test_hook_asks_for_the_documented_jets_and_scale() -> None:
    jet_filter = fake_filter([], n_jets=3)
    assert jet_filter.jets.arguments == (
        -1,
        1.0,
        100.0,
        3.0,
        1,
    )  # anti-kt, R, pT, eta, all particles
    assert jet_filter.canVetoPT()
    assert jet_filter.scaleVetoPT() == parton_filter.SCALE == 60.0


# With the hard process and its shower


@pytest.mark.usefixtures("partons_only")
@pytest.mark.parametrize("n_jets", [3, 4])
def test_books_are_exact_and_kept_events_have_the_jets(n_jets: int, seen: list) -> None:
    batches = run(140, filter_jets=n_jets)
    kept = [event for event in seen if not event[0]]
    weights = np.concatenate([batch.weights for batch in batches])
    assert [batch.n_generated for batch in batches] == [50, 50, 40]
    assert len(seen) == 140
    assert 0 < len(weights) == len(kept) < 140
    np.testing.assert_array_equal(weights, [weight for _, weight, _ in kept])  # as Pythia gave them
    totals = [sum(weight for _, weight, _ in seen[start : start + 50]) for start in (0, 50, 100)]
    np.testing.assert_allclose([batch.sum_of_weights for batch in batches], totals, rtol=1e-12)
    assert np.ptp(weights) > 0.5
    for vetoed, _, partons in seen:
        jets = jets_of(partons)
        assert vetoed == (len(jets) < n_jets or jets[0] < 300.0)


@pytest.mark.usefixtures("partons_only")
@pytest.mark.parametrize("power", [None, 4])
def test_cross_section_and_weights_are_those_without_the_filter(power: float | None) -> None:
    without, filtered = (run(1000, bias_power=power, filter_jets=jets) for jets in (None, 3))
    assert filtered[-1].cross_section_pb == pytest.approx(without[-1].cross_section_pb, rel=0.1)
    assert filtered[-1].cross_section_pb == pytest.approx(
        2040.0, rel=0.1
    )  # code of arXiv:1711.03573
    weights = np.concatenate([batch.weights for batch in without])
    error = np.sqrt(2 * 1000) * weights.std()  # of the difference of two sums
    assert sum(b.sum_of_weights for b in filtered) == pytest.approx(
        weights.sum(), abs=max(4 * error, 1e-9)
    )
    assert sum(b.n_generated for b in filtered) == sum(b.n_generated for b in without) == 1000
    assert 0.1 < sum(len(b.weights) for b in filtered) / 1000 < 0.7


@pytest.mark.usefixtures("partons_only")
def test_batches_without_a_kept_event() -> None:
    batches = run(30, batch_size=1, filter_jets=3)
    assert [batch.n_generated for batch in batches] == [1] * 30
    assert {len(batch.weights) for batch in batches} == {0, 1}
    assert len({str(batch.particles.type.content) for batch in batches}) == 1
    assert all(len(batch.particles) == len(batch.weights) for batch in batches)


@pytest.mark.usefixtures("partons_only")
def test_a_filter_that_keeps_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="filter_jets: none of 7 events has so many jets"):
        write_ntuple(tmp_path / "a.root", "qcd", n_events=7, seed=5, filter_jets=10)
    assert list(tmp_path.iterdir()) == []


class Failing:
    """A Pythia whose every event fails before the filter sees it."""

    rndm = SimpleNamespace(init=lambda seed: None)

    def nextBatch(self, n: int, error_mode: str) -> list:
        assert error_mode == "skip"
        return []


def test_a_pythia_that_fails_on_everything_ends() -> None:
    generator = pythia._Generator(Failing(), fake_filter([], n_jets=3))
    with pytest.raises(RuntimeError, match="Pythia failed on 5 events one after the other"):
        next(pythia._batches(generator, 5, range(5), 10))


@pytest.mark.usefixtures("partons_only")
def test_events_that_fail_are_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second hook ends every fifth event that passed: those count neither as kept nor as
    vetoed."""
    module = pythia._import_pythia()

    class EveryFifthFails(module.UserHooks):
        n_calls = 0

        def canVetoPartonLevel(self) -> bool:
            return True

        def doVetoPartonLevel(self, event: object) -> bool:
            self.n_calls += 1
            return self.n_calls % 5 == 0

    hook, settings = (
        EveryFifthFails(),
        pythia.PROCESSES["qcd"].settings_of(QCD | {"filter_jets": 2}),
    )
    generator = pythia._initialize(5, settings, "qcd")
    generator.pythia.addUserHooksPtr(hook)
    assert generator.pythia.init()
    batches = list(pythia._batches(generator, 5, range(60), 25))
    assert [batch.n_generated for batch in batches] == [25, 25, 10]
    assert sum(len(batch.weights) for batch in batches) == hook.n_calls - hook.n_calls // 5


# The file


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("filter") / "0.root"
    return path, write_ntuple(path, "qcd", n_events=40, seed=3, batch_size=7, filter_jets=3, **QCD)


def columns_of(path: Path) -> dict[str, ak.Array]:
    with uproot.open(path) as file:
        arrays = file["events"].arrays()
    return {name: arrays[name] for name in arrays.fields}


def test_file_counts_the_events_before_the_filter(written: tuple[Path, Any]) -> None:
    path, summary = written
    events = columns_of(path)
    with uproot.open(path) as file:
        (n_generated,), (total,) = (
            file[f"generation/{name}"].array() for name in ("n_generated", "sum_of_weights")
        )
    assert n_generated == summary.n_generated == 40
    assert total == summary.sum_of_weights > ak.sum(events["weight"])
    n = len(events["weight"])
    assert 3 < n < 30
    number = ak.to_numpy(events["event_number"])
    assert np.all(np.diff(number) > 0)
    assert np.array_equal(
        number % 7, np.concatenate([np.arange(k) for k in np.bincount(number // 7)])
    )  # 0, 1... of a batch
    assert ak.all(ak.num(events["towers_eta"]) > 50)


def test_same_seed_same_file(written: tuple[Path, Any], tmp_path: Path) -> None:
    summary = write_ntuple(
        tmp_path / "a.root", "qcd", n_events=40, seed=3, batch_size=7, filter_jets=3, **QCD
    )
    assert summary == written[1]
    again = columns_of(tmp_path / "a.root")
    for name, column in columns_of(written[0]).items():
        assert ak.array_equal(column, again[name]), name
