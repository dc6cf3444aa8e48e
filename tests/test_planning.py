"""The plan of a workflow: its arithmetic by hand, and rates from the files of a run."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes import write_image_file
from fakes_cli import fail, succeed

from calovision.core.errors import InputError
from calovision.jobs.planning import (
    CostModel,
    Job,
    Run,
    SampleYield,
    make_plan,
    measure_run,
    read_rates,
)
from calovision.jobs.planning.costs import fit_times
from calovision.jobs.planning.measured import cpu_seconds, read_times
from calovision.jobs.planning.memory import network_size
from calovision.jobs.planning.networks import network_key
from calovision.jobs.planning.plan import network_specification
from calovision.jobs.planning.workload import plan_models, plan_samples
from calovision.storage import write_table
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis

SMALL = network_key({"network": "small", "options": {}, "image_shape": (3, 64, 64)})
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def job(rule="simulate_ntuples", key="qcd", work=1000.0, cpu_s=10.0, **changes):
    return Job(rule, key, work, cpu_s, **({"wall_s": 2 * cpu_s, "memory_mb": 100.0} | changes))


def make_run(*jobs, source="earlier", networks=None):
    samples = {"rpv": SampleYield(1, 1000, [500, 100, 400], 50_000, 8_000)}
    samples |= {"qcd": SampleYield(0, 4000, [100, 50, 250], 20_000, 800, n_files=2)}
    return Run(source, list(jobs), samples, networks or {SMALL: 10_000_000})


@pytest.fixture
def configuration(tmp_path):
    """Two simulated samples, one of a mass that is only scored, two models."""
    changes = {
        "results_dir": str(tmp_path / "results"),
        "samples": {
            "rpv": {
                "label": 1,
                "mass": 1,
                "simulate": {"process": "rpv_gluinos", "n_events": 2000},
            },
            "qcd": {"label": 0, "simulate": {"process": "qcd", "n_events": 8000}},
            "heavy": {
                "label": 1,
                "role": "reach",
                "mass": 2,
                "simulate": {"process": "rpv_gluinos", "n_events": 500},
            },
        },
        "simulation": {"events_per_job": 1000},
        "split": {"fractions": [0.5, 0.2, 0.3]},
        "models": {
            "cnn": {"seeds": 3, "epochs": 10},
            "other": {"network": "resnet", "test_rotations": 2},
        },
        "robustness": {
            "variations": {"scale_up": {"scale": 1.1}, "crowded": {"pile_up": 20}},
            "files": 2,
        },
    }
    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump(changes, sort_keys=False))
    return file


def analysis_of(merged):
    return Analysis(Configuration.from_mapping(merged))


def stages_of(plan):
    return {stage.rule: stage for stage in plan.stages}


def test_start_and_work_are_told_apart():
    jobs = [job(work=n, cpu_s=2 + 0.01 * n) for n in (100, 1000, 5000)]
    jobs += [job(key="rpv", work=n, cpu_s=2 + 0.03 * n) for n in (500, 500)]
    start, slopes, is_separable = fit_times(jobs)
    assert is_separable
    assert start == pytest.approx(2)
    assert slopes == pytest.approx({"qcd": 0.01, "rpv": 0.03})


def test_one_size_is_all_work():
    assert fit_times([job(cpu_s=10), job(cpu_s=10, work=1200)]) == (
        0,
        {"qcd": pytest.approx(0.00909, rel=0.01)},
        False,
    )
    rate = CostModel([make_run(job())]).sample_rate("simulate_ntuples", "qcd", 0)
    assert rate.seconds(4, 8000) == pytest.approx(80)
    assert rate.seconds(4, 40) == pytest.approx(40)  # each as long as the one that was measured
    assert fit_times([]) == (0, {}, False)


def test_work_is_never_negative():
    start, slopes, _ = fit_times([job(work=100, cpu_s=9), job(work=1000, cpu_s=8)])
    assert slopes["qcd"] == 0
    assert start == pytest.approx(8.441, abs=0.001)  # the least relative deviation


def test_rates_of_other_samples():
    jobs = [
        job(key=name, work=n, cpu_s=1 + slope * n)
        for name, slope in (("qcd", 0.01), ("rpv", 0.03))
        for n in (1, 99)
    ]
    model = CostModel([make_run(*jobs)])
    assert model.sample_rate("simulate_ntuples", "qcd", 1).per_work_s == pytest.approx(0.01)
    assert model.sample_rate("simulate_ntuples", "unknown", 1).per_work_s == pytest.approx(0.03)
    assert model.sample_rate("simulate_ntuples", "unknown", 2).per_work_s == pytest.approx(0.02)
    assert model.sample_rate("build_images", "qcd", 0) is None


def test_networks_by_multiply_adds():
    networks = {SMALL: 10_000_000, "resnet 3x64x64": 100_000_000}
    jobs = [job("train_network", SMALL, n, 5 + 0.001 * n) for n in (1000, 9000)]
    jobs += [job("train_network", "resnet 3x64x64", 1000.0, 5 + 5.5)]
    model = CostModel([make_run(*jobs, networks=networks)])

    def per_image(key, adds):
        return model.network_rate("train_network", key, "cpu", lambda: adds).per_work_s

    assert per_image(SMALL, 1) == pytest.approx(0.001)
    assert per_image("hep_cnn 3x64x64", 55_000_000) == pytest.approx(
        0.00325
    )  # 0.5 ms and 0.05 ms for a million
    assert per_image("mine:Net 3x64x64", None) == pytest.approx(0.0055)  # the slowest
    assert model.network_rate("train_network", SMALL, "gpu", lambda: 1) is None
    one = CostModel([make_run(*jobs[:2])])
    rate = one.network_rate("train_network", "hep_cnn 3x64x64", "cpu", lambda: 50_000_000)
    assert rate.per_work_s == pytest.approx(0.005)
    assert rate.start_s == pytest.approx(5)


def test_multiply_adds_of_a_planned_network(configuration):
    merged = Configuration.read([configuration]).to_dict()
    merged["models"] = {
        "sets": {"network": "deep_sets", "variables": ["leading_towers", "leading_tracks"]}
    }
    merged["event_content"] |= {"leading_towers": 100, "leading_tracks": 50}
    analysis = analysis_of(merged)
    model = plan_models(analysis, [])[0]
    assert model.n_variables == 550
    assert network_size(network_specification(model, analysis)).multiply_adds == 1_292_096
    merged["models"] = {"absent": {"network": "absent:Net"}}
    analysis = analysis_of(merged)
    assert network_size(network_specification(plan_models(analysis, [])[0], analysis)) is None


def test_plan_by_hand(configuration):
    merged = Configuration.read([configuration]).to_dict()
    rates = [
        *(job(key=key, work=n, cpu_s=2 + n / 100) for key in ("rpv", "qcd") for n in (100, 1000)),
        *(
            job("build_images", key, n, 3 + n / 1000, memory_mb=500)
            for key in ("rpv", "qcd")
            for n in (100, 1000)
        ),
        *(job("train_network", SMALL, n, 10 + n / 500) for n in (500, 5000)),
        *(job("score_events", SMALL, n, 5 + n / 1000) for n in (500, 5000)),
        job("plot_images", "", 1400, 7),
        job("evaluate", "", 1000, 3),
        job("evaluate", "", 3000, 5),
    ]
    run = make_run(*rates, networks={SMALL: 11_239_488})
    plan = make_plan(analysis_of(merged), [run])
    stages = stages_of(plan)
    rpv, qcd, heavy = plan.samples
    assert [rpv.images, qcd.images, heavy.images] == pytest.approx(
        [2000, 800, 500]
    )  # all pass, a tenth, as rpv
    assert [*rpv.splits, *heavy.splits] == pytest.approx([1000, 400, 600, 0, 0, 500])
    assert {name: stage.n_jobs for name, stage in stages.items()} == {
        **{
            "simulate_ntuples": 11,
            "simulate_pile_up": 4,
            "build_images": 11,
            "build_varied_images": 12,
        },
        **{"train_network": 4, "score_events": 4, "score_reach_sample": 1, "score_variation": 3},
        **{"evaluate": 1, "plot_images": 1},
    }

    def seconds(rule):
        return 3600 * stages[rule].cpu_h

    assert seconds("simulate_ntuples") == pytest.approx(11 * 2 + 10_500 / 100)
    assert seconds("build_images") == pytest.approx(11 * 3 + 10_500 / 1000)
    assert seconds("build_varied_images") == pytest.approx(
        3 * (4 * 3 + (2000 + 2000) / 1000)
    )  # 2 files of each
    assert seconds("simulate_pile_up") == pytest.approx(4 * 2 + (2000 + 2000) / 100)
    epoch = 0.5 * 2800 + 0.2 * 2800 / 3
    analysis = analysis_of(merged)
    second = network_specification(plan_models(analysis, plan.samples)[1], analysis)
    ratio = network_size(second).multiply_adds / 11_239_488
    assert seconds("train_network") == pytest.approx(
        4 * 10 + 3 * 10 * epoch / 500 + 8 * epoch * ratio / 500
    )
    assert seconds("score_events") == pytest.approx(4 * 5 + (3 + 8 * ratio) * 0.5 * 2800 / 1000)
    assert seconds("score_reach_sample") == pytest.approx(5 + 3 * 500 / 1000)
    assert seconds("score_variation") == pytest.approx(3 * (5 + 3 * (600 + 240 / 4) / 1000))
    assert seconds("evaluate") == pytest.approx(2 + 3300 / 1000)
    assert seconds("plot_images") == pytest.approx(7)
    assert stages["plot_images"].is_bound
    assert not stages["evaluate"].is_bound
    assert plan.cpu_h == pytest.approx(sum(map(seconds, stages)) / 3600)
    assert plan.gpu_h == 0
    assert stages["build_images"].memory_mb == 500
    assert stages["simulate_ntuples"].disk_bytes == pytest.approx(2500 * 50 + 8000 * 5)
    assert stages["build_images"].disk_bytes == pytest.approx(2500 * 8 + 800 * 2)
    merged["samples"]["heavy"] = {  # a file that only gets scores: its images, and three scores
        **{"role": "application", "simulate": merged["samples"]["heavy"]["simulate"]},
    }
    applied = stages_of(make_plan(analysis_of(merged), [run]))
    assert applied["build_images"].n_jobs == 10
    assert applied["score_application"].n_jobs == 1
    images = applied["score_application"].disk_bytes / 9
    assert images == 500
    passing = 3 * 500 * 2800 / 10_000 / 1000
    assert 3600 * applied["score_application"].cpu_h == pytest.approx(3 + 0.5 + passing)
    assert "score_reach_sample" not in applied


def test_number_of_events_scales_every_sample(configuration):
    merged = Configuration.read([configuration]).to_dict()
    run = make_run(job(work=100, cpu_s=3), job(work=1000, cpu_s=12))
    plan = make_plan(analysis_of(merged), [run], n_events=105_000)
    assert plan.events == pytest.approx(105_000)
    assert [sample.events for sample in plan.samples] == pytest.approx([20_000, 80_000, 5_000])
    assert stages_of(plan)["simulate_ntuples"].n_jobs == 105
    assert 3600 * stages_of(plan)["simulate_ntuples"].cpu_h == pytest.approx(105 * 2 + 1050)


def test_gpu_hours_are_those_of_the_job(configuration):
    merged = Configuration.read([configuration]).to_dict()
    del merged["models"]["other"]
    jobs = [
        job("train_network", SMALL, n, 1.0, wall_s=10 + n / 1000, device="gpu")
        for n in (1000, 9000)
    ]
    run = make_run(*jobs)
    train = stages_of(make_plan(analysis_of(merged), [run]))["train_network"]
    passes = 3 * 10 * (0.5 * 2800 + 0.2 * 2800 / 3)
    assert train.gpu_h * 3600 == pytest.approx(3 * 10 + passes / 1000)
    merged["models"]["cnn"]["device"] = "cpu"
    train = stages_of(make_plan(analysis_of(merged), [run]))["train_network"]
    assert (train.gpu_h, train.cpu_h, train.n_unknown) == (0, 0, 3)


def test_files_are_counted_and_scaled(configuration):
    merged = Configuration.read([configuration]).to_dict()
    merged["samples"] = {
        "data": {"label": 0, "files": ["x"]},
        "qcd": {"label": 1, "files": ["y"]},
    }
    merged["robustness"]["variations"] = {}
    yields = make_run().samples
    with pytest.raises(InputError, match=r"sample 'data': how many events .* give --events"):
        plan_samples(analysis_of(merged), yields, {"data": 4, "qcd": 2})
    data, qcd = plan_samples(analysis_of(merged), yields, {"data": 4, "qcd": 2}, n_events=1e6)
    assert (data.n_jobs, qcd.n_jobs, data.ntuple_bytes) == (4, 2, 0)
    assert [data.events, qcd.events] == pytest.approx(
        [2e6 / 3, 1e6 / 3]
    )  # 2000 a file, as in the earlier run
    yields["data"] = SampleYield(0, 30, [10, 10, 10], n_files=3)
    both = plan_samples(analysis_of(merged), yields, {"data": 4, "qcd": 3})
    assert [sample.events for sample in both] == [40, 6000]


def write_benchmark(path, seconds, cpu, memory=200.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}\n{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0.00\t0.00\t90.0\t{cpu}\n")


@pytest.fixture
def results(tmp_path):
    """Results of a run of two samples and one network, with their benchmark files."""
    folder = tmp_path / "earlier"
    for sample, label, chunks in (("rpv", 1, 1), ("qcd", 0, 2)):
        for chunk in range(chunks):
            path = folder / "images" / sample / f"{chunk:04d}.h5"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image_file(path, 40, sample=sample, label=label, n_generated=100 * (chunk + 1))
            ntuple = folder / "ntuples" / sample / f"{chunk:04d}.root"
            ntuple.parent.mkdir(parents=True, exist_ok=True)
            ntuple.write_bytes(bytes(1000))
            for rule in ("simulate_ntuples", "build_images", "build_varied_images/nominal"):
                write_benchmark(
                    folder / f"benchmarks/{rule}/{sample}/{chunk:04d}.tsv", 5.0, 3.0 + chunk
                )
    model = folder / "models" / "cnn" / "seed1" / "model.json"
    model.parent.mkdir(parents=True)
    specification = {"network": "small", "options": {}, "image_shape": [3, 64, 64]}
    training = {"epochs": 4, "n_training": 60, "n_validation": 30}
    model.write_text(
        json.dumps({"specification": specification, "multiply_adds": 11, "training": training})
    )
    for rule in ("train_network", "score_events"):
        write_benchmark(folder / f"benchmarks/{rule}/cnn/seed1.tsv", 15.9, 15.0)
    write_benchmark(folder / "benchmarks/evaluate.tsv", 2.0, 1.5)
    write_benchmark(folder / "benchmarks/old_rule.tsv", 2.0, 1.5)
    (folder / "benchmarks/plot_reach.tsv").write_text(
        f"{HEADER}\n0.1\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n"
    )
    return folder


def test_rates_of_a_run(results):
    run = measure_run(results)
    found = {(one.rule, one.key, one.work, one.cpu_s) for one in run.jobs}
    files = {("rpv", 100.0, 3.0), ("qcd", 100.0, 3.0), ("qcd", 200.0, 4.0)}
    rules = ("simulate_ntuples", "build_images", "build_varied_images")
    assert found == {(rule, *file) for rule in rules for file in files} | {
        ("train_network", SMALL, 4 * 70.0, 15.0),
        ("score_events", SMALL, 48.0, 15.0),  # of five events one validates and one tests
        ("evaluate", "", 120.0, 1.5),
    }
    assert (run.samples["qcd"].generated, run.samples["qcd"].splits) == (300, [48, 16, 16])
    assert (run.samples["qcd"].ntuple_bytes, run.samples["rpv"].ntuple_bytes) == (2000, 1000)
    assert run.networks == {SMALL: 11}
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_image_files_of_one_root_file_count_as_one(results):
    """So that events of a file, times the number of files, are those of the sample."""
    for chunk, source in enumerate("aab"):
        path = results / "images" / "qcd" / f"{chunk:04d}.h5"
        path.unlink(missing_ok=True)
        more = {"n_generated": 100, "source_files": [(f"{source}.root", "")]}
        write_image_file(path, 40, sample="qcd", label=0, **more)
    found = measure_run(results).samples["qcd"]
    assert (found.n_files, found.generated) == (2, 300)


def test_device_and_rotations_of_a_run(results):
    log = results / "logs/train_network/cnn/seed1.log"
    log.parent.mkdir(parents=True)
    log.write_text("2026 INFO training small on 60 events, device cuda:0\n")
    scores = results / "scores/cnn/seed1.h5"
    write_table(scores, {"logit": np.zeros(2)}, attributes={"n_rotations": 2})
    jobs = {one.rule: one for one in measure_run(results).jobs}
    assert (jobs["train_network"].device, jobs["score_events"].work) == ("gpu", 8 * 48)


@pytest.mark.parametrize(
    ("seconds", "sampled", "expected"),
    [
        (3.0, 2.5, 2.5),
        (15.9, 15, 15),
        (31.0, 15.5, 31.0),
        (45.4, 10, 10 * 45.4 / 15.5),
        (91.0, 45.5, 91 * 45.5 / 75.5),
    ],
)
def test_cpu_time_after_the_last_sample(seconds, sampled, expected):
    """What the benchmark files of Snakemake lack: see
    calovision.jobs.planning.measured.SAMPLING."""
    assert cpu_seconds(seconds, sampled) == pytest.approx(expected)


def test_times_of_a_job(tmp_path):
    """CPU time from the record of the job, which has all of it; without one from the benchmark
    file."""
    name = Path("build_images/qcd/0000")
    benchmark, record = (
        tmp_path / "benchmarks" / f"{name}.tsv",
        tmp_path / "logs" / f"{name}.attempts",
    )
    for path in (benchmark, record):
        path.parent.mkdir(parents=True)
    assert read_times(tmp_path, name) is None
    benchmark.write_text(f"{HEADER}\n0.1\t0\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    assert read_times(tmp_path, name) is None
    benchmark.write_text(f"{HEADER}\n31\t0\t100\t1\t1\t1\t0\t0\t0\t15.5\n")
    assert read_times(tmp_path, name) == (pytest.approx(31), 31, pytest.approx(104.8576))
    start, end = (
        {"started": 1, "host": "a", "pid": 2},
        {"ended": 9, "cpu_s": 40.5, "max_memory_mb": 210.0},
    )
    record.write_text(f"{json.dumps(start)}\n{json.dumps(end | {'succeeded': False})}\n")
    assert read_times(tmp_path, name)[0] == pytest.approx(31)
    record.write_text(f"{json.dumps(start)}\n{json.dumps(end | {'succeeded': True})}\n")
    assert read_times(tmp_path, name) == (40.5, 31, 210.0)


def test_bad_rates(tmp_path, results):
    with pytest.raises(InputError, match="no benchmark files of a run"):
        read_rates(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        read_rates(tmp_path / "absent.json")
    bench = tmp_path / "bench.json"
    bench.write_text("{}")
    with pytest.raises(InputError, match="it holds no measured stages"):
        read_rates(bench)
    bench.write_text(json.dumps({"stages": measure_run(results).to_json()}))
    assert read_rates(bench) == measure_run(results)


def test_command(configuration, results):
    output = succeed("plan", configuration, "--rates", results, "--compare", results, "--cores", 4)
    rows = {line.split()[0]: line.split() for line in reversed(output.splitlines()) if line.strip()}
    assert rows["build_images"][1] == "11"
    assert float(rows["evaluate"][2].lstrip("~")) == pytest.approx(1.5 / 3600, rel=0.01)
    assert float(rows["build_images"][-2]) == pytest.approx(10 / 3600, rel=0.01)
    assert float(rows["build_images"][2]) == pytest.approx((11 * 2 + 10_500 / 100) / 3600, rel=0.01)
    assert "on 4 cores" in output
    assert "qcd: 2 jobs of" in output
    assert "Not in the hours" not in output


def test_command_without_rates(configuration, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "no measured rates" in fail("plan", configuration)
    assert "no such configuration file" in fail("plan", tmp_path / "absent.yaml")


def test_command_checks_the_configuration_in_any_folder(
    configuration, results, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert "simulate_ntuples" in succeed("plan", configuration, "--rates", results)
    bad = tmp_path / "bad.yaml"
    for text, sentence in (
        ("sede: 1\n", "'sede' was unexpected); did you mean 'seed'?"),
        (
            "selection: {signal_region: met > 200}\n",
            "configuration key 'selection.signal_region': cut",
        ),
        ("seed: 1\nseed: 2\n", "bad.yaml, line 2: the key 'seed' is given twice, first in line 1"),
        ("results_dir: $NOWHERE/x\n", "configuration key 'results_dir': the variable NOWHERE"),
    ):
        bad.write_text(text)
        assert sentence in fail("plan", configuration, bad, "--rates", results)
