"""Samples one by one: cut flow, effective events and warnings, against numpy and numbers by
hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import make_columns, write_image_file

from calovision.core.errors import InputError
from calovision.evaluation import summarize_samples
from calovision.evaluation.results import (
    CutStep,
    PreselectedEvents,
    SampleNumbers,
    SamplesSummary,
)
from calovision.metrics import Efficiency
from calovision.storage import ImageCollection

REGION = "mj_sum > 500"
FLOW = [("generated", 200, 50.0), ("three fat jets", 80, 30.0), ("hard", 20, 12.0)]


def write(path, weights, *, inside, sample="qcd", label=0, flow=None, cross_section_pb=2.0):
    """An image file whose first ``inside`` events pass the region; the generated weights sum up to
    that of the flow."""
    n = len(weights)
    columns = make_columns(n, label=label, weights=weights)
    columns["mj_sum"] = np.where(np.arange(n) < inside, 600.0, 400.0)
    flow = flow or [("generated", 10 * n, 100.0), ("three fat jets", n, float(np.sum(weights)))]
    return write_image_file(
        path,
        n,
        columns=columns,
        sample=sample,
        label=label,
        cut_flow=flow,
        n_generated=flow[0][1],
        sum_of_weights=flow[0][2],
        cross_section_pb=cross_section_pb,
    )


def signal(tmp_path):
    return write(
        tmp_path / "rpv.h5", np.ones(30), inside=20, sample="rpv", label=1, cross_section_pb=0.5
    )


def summarize(paths, region=REGION, luminosity_fb=10.0):
    return summarize_samples(
        ImageCollection(paths), luminosity_fb=luminosity_fb, signal_region=region
    )


def test_cut_flow_of_generated_and_of_the_cut_before(tmp_path):
    """Two files of one sample are added up."""
    weights = np.full(20, 0.6)
    more = [
        ("generated", 50, 14.0),
        ("three fat jets", 20, 2.0),
        ("hard", 20, 4.0),
    ]  # a cut may take negative weights
    paths = [
        signal(tmp_path),
        write(tmp_path / "a.h5", weights, inside=5, flow=FLOW),
        write(tmp_path / "b.h5", weights, inside=5, flow=more),
    ]
    found = summarize(paths).samples["qcd"]
    assert (found.label, found.cross_section_pb, found.n_generated) == (0, 2.0, 250)
    assert found.cut_flow == (
        CutStep("generated", 250, 64.0, 1.0, 1.0),
        CutStep("three fat jets", 100, 32.0, 0.5, 0.5),
        CutStep("hard", 40, 16.0, 0.25, 0.5),
    )


def test_effective_and_expected_events_by_numpy(tmp_path):
    weights = np.random.default_rng(1).uniform(0.2, 2.0, 40)
    found = summarize([signal(tmp_path), write(tmp_path / "qcd.h5", weights, inside=10)])
    qcd = found.samples["qcd"]
    assert qcd.preselected.n == 40
    assert qcd.preselected.n_eff == pytest.approx(weights.sum() ** 2 / np.sum(weights**2))
    # 2 pb at 10 /fb are 20,000 events, which the generated sum of weights of 100 stands for
    assert qcd.preselected.expected == pytest.approx(20_000 * weights.sum() / 100)
    region = qcd.signal_region
    assert region.value == pytest.approx(weights[:10].sum() / weights.sum())
    assert region.n_eff == pytest.approx(weights[:10].sum() ** 2 / np.sum(weights[:10] ** 2))
    assert 0 < region.low < region.value < region.high < 1
    assert found.samples["rpv"].signal_region.value == found.signal.value == pytest.approx(2 / 3)
    assert found.background == region
    assert found.warnings == ()
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert SamplesSummary.from_json(content) == found


def test_samples_of_a_label_add_up_by_their_expected_events(tmp_path):
    paths = [
        signal(tmp_path),
        write(tmp_path / "low.h5", np.ones(10), inside=1, sample="low", cross_section_pb=90.0),
        write(tmp_path / "high.h5", np.ones(10), inside=9, sample="high", cross_section_pb=10.0),
    ]
    found = summarize(paths)
    assert found.background.value == pytest.approx(0.9 * 0.1 + 0.1 * 0.9)
    # one event of weight 9 and nine of weight 1
    assert found.background.n_eff == pytest.approx(18**2 / (81 + 9))


def test_a_sample_that_makes_much_of_the_background_from_few_events_is_named(tmp_path):
    """Ten of eleven parts of the background are one event; the other sample makes the rest, of
    nine."""
    paths = [
        signal(tmp_path),
        write(tmp_path / "low.h5", np.ones(10), inside=1, sample="low", cross_section_pb=90.0),
        write(tmp_path / "high.h5", np.ones(10), inside=9, sample="high", cross_section_pb=1.0),
    ]
    (warning,) = summarize(paths).warnings
    # 90 of 90 + 9
    assert warning.startswith(
        "sample low makes 91% of the background in the signal region from 1.0 effective events"
    )
    assert summarize(paths[:1] + paths[2:]).warnings == ()  # nine events are enough


def test_few_events_that_make_little_are_not_warned_of(tmp_path):
    paths = [
        signal(tmp_path),
        write(tmp_path / "low.h5", np.ones(10), inside=1, sample="low", cross_section_pb=1.0),
        write(tmp_path / "high.h5", np.ones(10), inside=9, sample="high", cross_section_pb=1.0),
    ]
    assert summarize(paths).warnings == ()  # a tenth of the background


def test_no_background_in_the_region(tmp_path):
    found = summarize([signal(tmp_path), write(tmp_path / "qcd.h5", np.ones(12), inside=0)])
    assert found.background.value == 0.0
    assert found.background.high == pytest.approx(1 / 13)  # Wilson with z = 1 and none of twelve
    (warning,) = found.warnings
    assert warning.startswith("no background event passes the signal region")


def test_negative_weights_give_no_nan(tmp_path):
    """Of the six events in the region three have the weight -1: nothing is left of the background
    there."""
    weights = np.ones(12)
    weights[[1, 3, 5]] = -1.0
    found = summarize([signal(tmp_path), write(tmp_path / "qcd.h5", weights, inside=6)])
    assert found.background.value == 0.0
    assert found.samples["qcd"].preselected.n_eff == pytest.approx(6**2 / 12)
    (warning,) = found.warnings
    assert "negative weights" in warning
    weights[5] = 1.0
    found = summarize([signal(tmp_path), write(tmp_path / "qcd.h5", weights, inside=6)])
    assert found.background.value == pytest.approx(2 / 8)
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert SamplesSummary.from_json(content) == found


def test_weights_that_cancel_have_no_efficiency(tmp_path):
    weights = np.tile([1.0, -1.0], 5)
    paths = [signal(tmp_path), write(tmp_path / "qcd.h5", weights, inside=1)]
    found = summarize(paths)
    assert found.background is None
    assert found.samples["qcd"].signal_region is None
    assert "| no event |" in found.to_markdown()
    assert "all background" not in found.to_markdown()


def test_region_that_cannot_be_evaluated(tmp_path):
    paths = [signal(tmp_path), write(tmp_path / "qcd.h5", np.ones(10), inside=1)]
    with pytest.raises(InputError, match=r"cut 'signal_region' .* unknown variable 'missing_et'"):
        summarize(paths, "missing_et > 3")


def make_numbers(**changes):
    region = Efficiency(0.25, 0.2012, 0.3, 12.34)
    sample = SampleNumbers(
        label=0,
        cross_section_pb=2040.1,
        n_generated=20000,
        cut_flow=(
            CutStep("generated", 20000, 123456.7, 1.0, 1.0),
            CutStep("hard", 1500, 1234.567, 0.01, 0.02345),
        ),
        preselected=PreselectedEvents(1500, 1234.6, 45678.9),
        signal_region=region,
    )
    return replace(SamplesSummary({"qcd": sample}, None, region, ()), **changes)


def test_table_text():
    assert make_numbers().to_markdown().splitlines() == [
        "| sample | cross-section [pb] | generated | preselected | efficiency | effective events | "
        "expected events "
        "| signal region, of the preselected |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| qcd | 2,040 | 20,000 | 1,500 | 0.01 | 1,235 | 45,679 | 0.250 (0.201 to 0.300) |",
        "",
        "Signal region, all background together: 0.250 (0.201 to 0.300), 12.3 effective events.",
    ]
    warned = make_numbers(warnings=("one", "two")).to_markdown()
    assert warned.endswith("effective events.\n\n**Warning**: one.\n\n**Warning**: two.\n")


def test_cut_flow_text():
    assert make_numbers().cut_flow_to_markdown().splitlines() == [
        "| sample | cut | events | sum of weights | of generated | of the cut before |",
        "| --- | --- | --- | --- | --- | --- |",
        "| qcd | generated | 20,000 | 123,460 | 1 | 1 |",
        "| qcd | hard | 1,500 | 1,235 | 0.01 | 0.0234 |",
    ]
