"""The check of a GPU, tried on the CPU; and what only a GPU can show."""

import json

import fakes_cells
import numpy as np
import pytest
import torch
from benchmarks import gpu_cells, gpu_check

from calovision.models import ModelSpecification, make_model
from calovision.scoring import score_images


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    path = tmp_path_factory.mktemp("check") / "new" / "gpu.json"
    status = gpu_check.main(["--device", "cpu", "--quick", "--output", str(path)])
    return status, json.loads(path.read_text())


def test_json_of_the_check(checked):
    status, content = checked
    assert status == 0
    assert set(content) == {"device", "versions", "commit", "tests", "cells", "seconds"}
    assert content["versions"]["torch"] == torch.__version__
    assert content["tests"] == {"status": None, "summary": "there is no GPU"}
    assert [cell["mode"] for cell in content["cells"]] == ["fp32", "bf16"]
    for cell in content["cells"]:
        assert cell["images_per_s"] > 0
        assert 0 <= cell["waiting_share"] <= 1
        assert cell["agrees"] is True
        assert cell["score_difference"] <= 1e-3
        missing = {name for name in gpu_check.MEASURED if cell[name] is None}
        assert missing == set(cell["reasons"]) == {"memory_gb", "utilization_percent"}


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_check.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("measure", "limit", "reason"),
    [
        (fakes_cells.hang, 0.0, "longer than 0 s"),
        (fakes_cells.leave, 60.0, "its process ended with status 3"),
        (fakes_cells.fail, 60.0, "FileNotFoundError: "),
    ],
)
def test_cell_that_does_not_end_well(measure, limit, reason):
    cell = gpu_check.run_apart(measure, ({"network": "small"},), limit)
    assert cell["network"] == "small"
    assert set(cell["reasons"]) == set(gpu_check.MEASURED)
    assert reason in cell["reasons"]["images_per_s"]


def test_share_of_the_time_between_steps():
    clock = gpu_cells.Clock(1.0, on_gpu=False)
    clock.marks = [(0.0, 1.0), (1.5, 3.0), (4.0, 5.0)]  # 1.5 of 4 s between steps
    assert clock.numbers(batch_size=8) == {"images_per_s": 4.0, "waiting_share": 0.375}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("network", ["small", "resnet"])
def test_scores_on_the_gpu_are_those_of_the_cpu(network):
    torch.manual_seed(1)
    specification = ModelSpecification(
        network=network, image_shape=(3, 32, 32), channels=("energy", "em", "tracks"),
        units=("GeV", "GeV", ""),
    )  # fmt: skip
    model = make_model(specification)
    images = np.random.default_rng(1).random((16, 3, 32, 32), dtype=np.float32)
    on_gpu, on_cpu = (score_images(model, images, device=name) for name in ("gpu", "cpu"))
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-3)
