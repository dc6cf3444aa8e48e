"""Plans against runs of other sizes: memory of trainings that were run, times of runs whose truth
is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.jobs.planning import CostModel, Job, Run, SampleYield, make_plan
from calovision.jobs.planning.memory import (
    SCORING_BATCH,
    VALIDATION_BATCH,
    images_of_training,
    memory_mb,
    network_size,
    scaled_to_cells,
)
from calovision.jobs.planning.networks import epoch_passes, network_key
from calovision.scoring import scores
from calovision.training import data
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis

# network, cells a side, batch, images of which 1/5 validate, largest resident memory in MB of a
# training of an epoch (fp32 or bf16 as the processor has it, 500 entries an image, one thread); the
# last is that of config/study_224.yaml
TRAININGS = [
    ("small", 16, 64, 600, 655),
    ("small", 64, 64, 1400, 776),
    ("small", 64, 256, 1400, 914),
    ("small", 128, 64, 1400, 1230),
    ("small", 224, 64, 400, 1476),
    ("small", 224, 64, 1400, 2145),
    ("resnet", 64, 64, 400, 835),
    ("resnet", 128, 64, 300, 1379),
    ("hep_cnn", 64, 64, 1400, 2215),
    ("resnet 16", 224, 64, 10_000, 7200),
]
NARROW = {"stem": 16, "widths": [16, 32, 64]}


def specification(network, side):
    options = NARROW if network == "resnet 16" else {}
    return {"network": network.split()[0], "image_shape": (3, side, side), "options": options}


def training(network, side, batch, n_images, memory):
    """A run of one training."""
    one = specification(network, side)
    key = network_key(one)
    images = images_of_training(batch, n_images / 5)
    job = Job("train_network", key, 1000.0, 60.0, 60.0, memory, images=images)
    return Run("earlier", [job], {}, {key: network_size(one).multiply_adds}, {key: one})


def test_batches_are_those_of_training_and_scoring():
    assert (VALIDATION_BATCH, SCORING_BATCH) == (data.VALIDATION_BATCH, scores.SCORING_BATCH)


@pytest.mark.parametrize(("network", "side", "batch", "n_images", "measured"), TRAININGS)
def test_memory_is_counted_without_a_run(network, side, batch, n_images, measured):
    counted = memory_mb(
        network_size(specification(network, side)),
        images_of_training(batch, n_images / 5),
        is_training=True,
    )
    assert counted == pytest.approx(measured, rel=0.3)


@pytest.mark.parametrize(
    "earlier", [TRAININGS[1], TRAININGS[3], TRAININGS[6]], ids=lambda one: f"{one[0]}{one[1]}"
)
@pytest.mark.parametrize(
    "planned", TRAININGS, ids=lambda one: f"{one[0]}{one[1]}b{one[2]}n{one[3]}"
)
def test_memory_from_a_run_of_another_size(earlier, planned):
    """Formerly the 776 MB of 64x64 cells were planned for 224x224, too, whose trainings took 2.1
    and 7.2 GB."""
    network, side, batch, n_images, measured = planned
    one = specification(network, side)
    images = images_of_training(batch, n_images / 5)
    found = CostModel([training(*earlier)]).network_memory(
        "train_network", one, network_key(one), images, 0.0
    )
    assert found == pytest.approx(measured, rel=0.3)


def test_the_same_training_takes_what_it_took():
    run = training(*TRAININGS[3])
    one = run.specifications[run.jobs[0].key]
    found = CostModel([run, training(*TRAININGS[1])]).network_memory(
        "train_network", one, run.jobs[0].key, run.jobs[0].images, 0.0
    )
    assert found == pytest.approx(1230)


def test_rows_in_memory_and_pictures():
    size = network_size(specification("small", 64))
    more = memory_mb(size, 1.0, is_training=False, loaded_bytes=3e9) - memory_mb(
        size, 1.0, is_training=False
    )
    assert more == pytest.approx(3000)
    assert scaled_to_cells(400.0, 4 * 300, 300) == 700.0
    assert scaled_to_cells(400.0, 300, 0) == 400.0
    assert network_size({"network": "absent:Net", "image_shape": (3, 8, 8)}) is None


# times: a truth, runs of it with noise, and plans of other workflows


NETWORKS = {"small": {}, "resnet": {}, "hep_cnn": {}}
START_S, PER_EVENT_S = {"simulate_ntuples": 6.0, "build_images": 3.0}, {"rpv": 0.03, "qcd": 0.01}
TRAINING_START_S, PER_MILLION_S = 8.0, 4e-5


def key_of(network):
    return network_key(specification(network, 64))


def true_time(rule, key, work):
    if rule == "train_network":
        network = next(name for name in NETWORKS if key_of(name) == key)
        return (
            TRAINING_START_S
            + work * PER_MILLION_S * network_size(specification(network, 64)).multiply_adds / 1e6
        )
    return START_S[rule] + work * PER_EVENT_S[key] * (1.0 if rule == "simulate_ntuples" else 0.2)


def run_of(n_events, networks, rng, per_job=1000):
    """A run of two samples of which all events pass; every time is wrong by up to a tenth, and a
    second of start-up."""
    jobs, samples = [], {}
    for name, label in (("rpv", 1), ("qcd", 0)):
        n = n_events // 2
        splits = [int(0.6 * n), int(0.2 * n), n - int(0.6 * n) - int(0.2 * n)]
        samples[name] = SampleYield(label, n, splits, 100 * n, 100 * n, n_files=1)
        for rule in START_S:
            works = [min(per_job, n - first) for first in range(0, n, per_job)]
            jobs += [
                Job(rule, name, float(work), true_time(rule, name, work), 1.0, 200.0)
                for work in works
            ]
    passes = 8 * epoch_passes(0.6 * n_events, 0.2 * n_events)
    jobs += [
        Job(
            "train_network",
            key_of(one),
            passes,
            true_time("train_network", key_of(one), passes),
            1.0,
            700.0,
        )
        for one in networks
    ]
    noisy = [
        Job(
            job.rule,
            job.key,
            job.work,
            job.cpu_s * rng.uniform(0.9, 1.1) + rng.uniform(0, 1),
            1.0,
            job.memory_mb,
        )
        for job in jobs
    ]
    adds = {key_of(one): network_size(specification(one, 64)).multiply_adds for one in networks}
    return Run(f"{n_events} events", noisy, samples, adds)


def analysis_of(n_events, network, seeds=1):
    simulate = {"rpv": {"process": "rpv_gluinos"}, "qcd": {"process": "qcd"}}
    merged = Configuration.read([]).to_dict()
    merged["samples"] = {
        name: {"label": int(name == "rpv"), "simulate": {**one, "n_events": n_events // 2}}
        for name, one in simulate.items()
    }
    merged["models"] = {"cnn": {"network": network, "seeds": seeds, "epochs": 8}}
    merged["split"] = {"fractions": [0.6, 0.2, 0.2], "folds": None}
    merged["simulation"]["events_per_job"] = 1000
    merged["robustness"]["variations"] = {}
    return Analysis(Configuration.from_mapping(merged))


def true_hours(n_events, network, seeds):
    """CPU hours of the three rules."""
    jobs = -(-(n_events // 2) // 1000)
    seconds = sum(
        jobs * START_S[rule] + true_time(rule, name, n_events // 2) - START_S[rule]
        for rule in START_S
        for name in PER_EVENT_S
    )
    passes = 8 * epoch_passes(0.6 * n_events, 0.2 * n_events)
    return (seconds + seeds * true_time("train_network", key_of(network), passes)) / 3600


CONFIGURATIONS = [
    (2_000, "small", 1),
    (20_000, "small", 3),
    (200_000, "small", 1),
    (20_000, "resnet", 1),
]
CONFIGURATIONS += [(1_000_000, "hep_cnn", 1)]


def planned_hours(analysis, runs):
    plan = make_plan(analysis, runs)
    stages = [stage for stage in plan.stages if stage.rule in (*START_S, "train_network")]
    assert not any(stage.n_unknown for stage in stages)
    return sum(stage.cpu_h for stage in stages)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize(("n_events", "network", "seeds"), CONFIGURATIONS)
def test_hours_within_30_percent(n_events, network, seeds, seed):
    """A run of 100 events beside large ones moves nothing: formerly it made 7,650 hours of a
    few."""
    rng = np.random.default_rng(seed)
    analysis, truth = (
        analysis_of(n_events, network, seeds),
        true_hours(n_events, network, seeds),
    )
    large = [run_of(n, ["small", "resnet"], rng) for n in (3_000, 20_000)]
    assert planned_hours(analysis, large) == pytest.approx(truth, rel=0.3)
    # of the network that is planned, which the large runs may not have, and of all others
    tiny = run_of(100, ["small", "resnet", "hep_cnn"], rng)
    assert planned_hours(analysis, [*large, tiny]) == pytest.approx(truth, rel=0.3)


@pytest.mark.parametrize("planned", ["small", "resnet"])
def test_a_network_of_a_tiny_run_only(planned):
    """Each network was measured once, so that nothing tells start-up and work apart: the large run
    counts."""
    rng = np.random.default_rng(2)
    runs = [run_of(100_000, ["small"], rng), run_of(100, ["resnet"], rng)]
    truth = true_hours(1_000_000, planned, 1)
    assert planned_hours(analysis_of(1_000_000, planned), runs) == pytest.approx(truth, rel=0.3)


def test_a_tiny_run_alone_is_refused():
    tiny = run_of(100, ["small"], np.random.default_rng(1))
    plan = make_plan(analysis_of(1_000_000, "small"), [tiny])
    stages = {stage.rule: stage for stage in plan.stages}
    for rule in (*START_S, "train_network"):
        assert (stages[rule].cpu_h, stages[rule].n_unknown) == (0.0, stages[rule].n_jobs)
        assert "were mostly start-up and say nothing of" in stages[rule].bases[0]
    again = make_plan(analysis_of(200, "small"), [tiny])  # nearly what was run
    assert (
        sum(stage.n_unknown for stage in again.stages if stage.rule in (*START_S, "train_network"))
        == 0
    )
