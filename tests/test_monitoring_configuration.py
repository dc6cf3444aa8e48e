"""Section `monitoring` of a configuration: what such a run has, and what is refused."""

from pathlib import Path

import pytest
from conftest import REPOSITORY
from dry_runs import dry_run, jobs

from calovision.core.errors import InputError
from calovision.core.run_lists import RunList
from calovision.workflow import Configuration, parameters, report_content
from calovision.workflow.analysis import Analysis
from calovision.workflow.tasks import MONITORING

SIMULATE = {"process": "qcd", "n_events": 1000, "runs": 20}


def read(samples: dict | None = None, images: dict | None = None, **section: object):
    """A configuration of one simulated sample of 20 runs."""
    found = {"collisions": {"simulate": SIMULATE}} if samples is None else samples
    monitoring = {"good_runs": ["1-12", 15], **section}
    return Configuration.of_layers(
        [{"samples": found, "monitoring": monitoring, "images": images or {}}]
    )


def test_a_run_with_the_section_monitors() -> None:
    analysis = Analysis(read(images={"grid": [8, 8], "channels": ["em_et"]}))
    assert analysis.task == MONITORING
    assert not analysis.is_search
    assert analysis.trained_methods == ["autoencoder", "fault_classifier"]
    assert [path.name for path in analysis.run_map_files()] == ["0000.h5"]
    assert parameters.good_runs(analysis)["ranges"] == [[1, 12], [15, 15]]
    assert parameters.run_map_layout(analysis) == {
        "grid": [8, 8],
        "eta_range": [-2.5, 2.5],
        "eta_edges": None,
        "channels": ["em_et"],
        "thresholds": {},
    }
    names = [one["name"] for one in report_content.report_sections(analysis)]
    assert names == ["answer", "runs", "detection", "accounting", "run"]
    without = Analysis(read(study={"faults": []}, methods=["poisson"], alarm=["poisson"]))
    names = [one["name"] for one in report_content.report_sections(without)]
    assert names == ["answer", "runs", "accounting", "run"]
    assert not without.has_rule("train_monitor")
    assert not without.has_rule("build_images")


def test_runs_and_faults_of_simulated_events_are_parameters_of_their_jobs() -> None:
    fault = {"kind": "dead", "runs": ["3-4"], "eta": [0, 1], "phi": [0, 1]}
    simulate = SIMULATE | {"faults": {"board": fault}}
    analysis = Analysis(read({"collisions": {"simulate": simulate}}))
    job = parameters.simulation_job(analysis, "collisions", "0000")
    assert job["runs"]["faults"] == [fault]
    assert (job["runs"]["n_runs"], job["runs"]["n_events"]) == (20, 1000)
    assert "runs" not in job["options"]


def test_dry_run_has_the_rules_of_the_monitoring(tmp_path: Path) -> None:
    config = {
        "samples": {"collisions": {"simulate": SIMULATE}},
        "monitoring": {"good_runs": ["1-12"]},
    }
    assert jobs(dry_run(tmp_path, config)) == {
        "simulate_ntuples": 1,
        "build_run_maps": 1,
        "merge_run_maps": 1,
        "check_runs": 1,
        "make_reference": 1,
        "train_monitor": 2,
        "study_faults": 1,
        "monitor_runs": 1,
        "plot_monitoring": 1,
        "write_run_pages": 1,
        "write_run_summary": 1,
        "write_report": 1,
        "all": 1,
        "total": 14,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"alarm": ["ring_mean"], "methods": ["poisson"]}, "'ring_mean' is not among monitoring.m"),
        ({"methods": ["poison"]}, r"'poison' is not one of .*; did you mean 'poisson'\?"),
        (
            {"thresholds": {"em_": 1}},
            r"thresholds': 'em_' is not one of .*; did you mean 'em_et'\?",
        ),
        ({"good_runs": ["5-2"]}, "good_runs': the range '5-2' ends before it begins"),
        ({"good_runs": ["first"]}, "'first' is neither a run, nor a range"),
        ({"known": "none.json"}, "monitoring.known': there is no file none.json"),
        ({"good_runs": ["none.txt"]}, "the list of runs none.txt cannot be read"),
        ({"images": {"events_per_job": 5}}, "images.events_per_job': maps are made of whole files"),
        ({"samples": {"a": {"simulate": SIMULATE, "label": 1}}}, "samples.a.label': monitoring"),
        (
            {"samples": {"a": {"simulate": {"process": "qcd", "n_events": 5}}}},
            "samples.a.simulate': its events belong to no runs",
        ),
        (
            {"samples": {"a": {"simulate": SIMULATE}, "b": {"simulate": SIMULATE}}},
            "the runs of a and b have the same numbers",
        ),
        (
            {"samples": {"a": {"simulate": {**SIMULATE, "runs": None}}}},
            "samples.a.simulate.runs': it is empty",
        ),
    ],
)
def test_what_is_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(**changes).check_names()


def test_sections_that_nothing_reads_are_refused() -> None:
    layer = {
        "samples": {"collisions": {"simulate": SIMULATE}},
        "monitoring": {"good_runs": [1]},
        "selection": {"preselection": {"any": "ht > 0"}},
    }
    with pytest.raises(InputError, match="configuration key 'selection': monitoring looks at all"):
        Configuration.of_layers([layer])


def test_example_has_its_faults_in_runs_that_are_not_good() -> None:
    configuration = Configuration.read([REPOSITORY / "config/dqm.yaml"])
    good = configuration.monitoring.read_good_runs()
    (sample,) = configuration.samples.values()
    for name, fault in sample.simulate.faults.items():
        faulty = RunList.read(fault.runs, name)
        assert not [run for run in range(1, 61) if run in faulty and run in good], name
    assert [run for run in range(1, 61) if run in good] == list(range(1, 41))
