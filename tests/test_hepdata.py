"""HEPData submissions: valid, complete, with the numbers that went in."""

import warnings

import numpy as np
import pytest
import yaml
from fakes_results import make_reach, make_selection, make_summary

from calovision.core.errors import InputError
from calovision.evaluation.results import FoundBy, Gains, Interval, LimitInterval, Performance
from calovision.metrics import Efficiency, roc
from calovision.report.hepdata import thinned, write_hepdata


def make_curve(n, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return roc(rng.normal(2.0 * labels, 1.0), labels, rng.exponential(1.0, n))


def make_efficiency(value):
    return Efficiency(value, 0.9 * value, min(1.1 * value, 1.0), 12.5)


SUMMARY = make_summary(
    {
        name: Performance(
            0.9, {"0.01": make_efficiency(v), "signal_region": make_efficiency(v / 2)}
        )
        for name, v in (("cnn", 0.8), ("cnn+jets", 0.9))
    },
    signal=make_efficiency(0.42),
    background=Efficiency(0.0, 0.0, 2e-4, 0.0),
    point=2e-4,
    is_limit=True,
)


def make_record(scale, *, gain=True):
    number = Interval(2.0 * scale, 1.8 * scale, 2.3 * scale)
    return make_selection(
        number,
        LimitInterval(0.01 / scale, 0.007 / scale, 0.014 / scale, 0.009 / scale, 0.012 / scale),
        signal=(3.0, 2.0),
        background=(50.0, 4.0),
        background_is_limit=(False, scale > 1.5),
        method=FoundBy("asymptotic", "toys" if scale > 1.5 else "asymptotic"),
        gain=Gains(number, number) if gain else None,
    )


REACH = make_reach(
    make_record(1.0, gain=False),
    {"cnn": {"best_cut": make_record(1.5), "binned": make_record(2.0)}},
)


def write(folder, **changes):
    numbers = {
        "curves": {"cnn": make_curve(400), "cnn+jets": make_curve(30)},
        "summary": SUMMARY,
        "reach": REACH,
    }
    return write_hepdata(folder, description="Images against cuts", **numbers | changes)


def column(folder, file, name):
    table = yaml.safe_load((folder / file).read_text())
    variables = {
        one["header"]["name"]: one
        for one in table["dependent_variables"] + table["independent_variables"]
    }
    return variables[name]["values"]


@pytest.mark.filterwarnings(
    "ignore:unclosed file:ResourceWarning"
)  # files that the validator leaves open
@pytest.mark.parametrize("reach", [REACH, None])
def test_submission_is_valid(tmp_path, reach):
    folder = write(tmp_path / "hepdata", reach=reach, keywords={"cmenergies": [13000.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from hepdata_validator.full_submission_validator import FullSubmissionValidator
    validator = FullSubmissionValidator()
    assert validator.validate(directory=str(folder)), validator.get_messages()
    head, *tables = yaml.safe_load_all((folder / "submission.yaml").read_text())
    assert head["comment"] == "Images against cuts"
    names = ["ROC of cnn", "ROC of cnn+jets", "Efficiencies at working points"] + [
        "Expected reach"
    ] * (reach is not None)
    assert [table["name"] for table in tables] == names
    assert {table["data_file"] for table in tables} | {"submission.yaml"} == {
        p.name for p in folder.iterdir()
    }
    assert all({"name": "cmenergies", "values": [13000.0]} in table["keywords"] for table in tables)
    assert [path.name for path in tmp_path.iterdir()] == ["hepdata"]


def test_roc_tables_hold_the_curve(tmp_path):
    curve = make_curve(30)
    folder = write(tmp_path / "h", curves={"mj/sum": curve})
    background = column(folder, "roc_of_mj_sum.yaml", "Background efficiency")
    signal = column(folder, "roc_of_mj_sum.yaml", "Signal efficiency")
    assert [one["value"] for one in signal] == pytest.approx(curve.signal_efficiency, rel=1e-4)
    assert [one["value"] for one in background] == pytest.approx(
        curve.background_efficiency, rel=1e-4
    )
    errors = [one["errors"][0]["asymerror"] for one in background[1:-1]]
    low, high = curve.background_low[1:-1], curve.background_high[1:-1]
    value = curve.background_efficiency[1:-1]
    assert [one["minus"] for one in errors] == pytest.approx(low - value, rel=1e-4, abs=1e-12)
    assert [one["plus"] for one in errors] == pytest.approx(high - value, rel=1e-4, abs=1e-12)
    assert column(folder, "roc_of_mj_sum.yaml", "Threshold")[0]["value"] == "-"  # infinite


def test_efficiencies_and_reach_are_the_numbers_given(tmp_path):
    folder = write(tmp_path / "h")
    file = "efficiencies_at_working_points.yaml"
    assert [one["value"] for one in column(folder, file, "Classifier")] == ["cnn"] * 2 + [
        "cnn+jets"
    ] * 2 + ["cuts"]
    backgrounds = [one["value"] for one in column(folder, file, "Background efficiency")]
    assert backgrounds == [0.01, 2e-4, 0.01, 2e-4, 2e-4]  # the upper end where no background passes
    values = [one["value"] for one in column(folder, file, "Signal efficiency")]
    assert values == pytest.approx([0.8, 0.4, 0.9, 0.45, 0.42])
    limits = column(folder, "expected_reach.yaml", "Upper limit on the cross-section")
    assert [one["value"] for one in limits] == pytest.approx([0.01, 0.01 / 1.5, 0.005], rel=1e-4)
    assert {error["label"]: error["asymerror"] for error in limits[0]["errors"]} == {
        "stat": {"minus": pytest.approx(-0.001), "plus": pytest.approx(0.002)},
        "expected": {"minus": pytest.approx(-0.003), "plus": pytest.approx(0.004)},
    }
    gains = column(folder, "expected_reach.yaml", "Gain in limit over the cuts")
    assert [one["value"] for one in gains] == ["-", 3.0, 4.0]
    assert [
        one["value"] for one in column(folder, "expected_reach.yaml", "Expected background events")
    ] == [54.0] * 3
    for name, values in (
        ("Background is an upper limit", ["no", "no", "yes"]),
        ("Method of the limit", ["asymptotic", "asymptotic", "toys"]),
    ):
        assert [one["value"] for one in column(folder, "expected_reach.yaml", name)] == values


def test_thinned_curve_keeps_its_ends_and_its_shape():
    curve = make_curve(20_000)
    points = thinned(curve)
    assert len(points) <= 200
    assert (np.diff(points) > 0).all()
    assert (points[0], points[-1]) == (0, len(curve.thresholds) - 1)
    grid = np.linspace(0.05, 0.95, 50)
    fine = np.interp(grid, curve.signal_efficiency, curve.background_efficiency)
    coarse = np.interp(grid, curve.signal_efficiency[points], curve.background_efficiency[points])
    assert coarse == pytest.approx(fine, rel=0.05, abs=5e-4)
    assert (
        np.sum(
            (curve.background_efficiency[points] > 0) & (curve.background_efficiency[points] < 1e-2)
        )
        > 20
    )
    assert thinned(make_curve(40)).tolist() == list(range(41))


def test_an_older_submission_is_replaced_and_anything_else_is_left(tmp_path):
    folder = write(tmp_path / "h")
    write(folder, curves={"resnet": make_curve(40)}, reach=None)
    assert sorted(path.name for path in folder.iterdir()) == [
        "efficiencies_at_working_points.yaml",
        "roc_of_resnet.yaml",
        "submission.yaml",
    ]
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(InputError, match="is no HEPData submission"):
        write(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    assert (write(tmp_path / "empty") / "submission.yaml").is_file()


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    folder = write(tmp_path / "h")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("hepdata_lib.Table.write_yaml", full)
    for target in (folder, tmp_path / "new"):
        with pytest.raises(OSError, match="no space"):
            write(target, reach=None)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_classifiers_that_need_the_same_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="'ROC of cnn' and 'ROC of CNN' need the same file name"):
        write(tmp_path / "h", curves={"cnn": make_curve(20), "CNN": make_curve(20)})
    assert not (tmp_path / "h").exists()
