"""What the drills on both farms begin with; a plugin of pytest that their files name.

Each file has a fixture ``farm`` of its own, which starts the farm.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from farm import SUMMARY, Analysis, Farm, write_samples


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Two samples of two small files each, and one network that is trained in moments."""
    return {
        "samples": write_samples(tmp_path_factory.mktemp("ntuples")),
        "event_content": None,
        "selection": {"preselection": {"any": "n_fat_jets >= 0"}},
        "images": {"grid": [16, 16], "chunk_size": 10},
        "train": {
            "network": "drill_network:SlowNetwork",
            "epochs": 4,
            "patience": 9,
            "checkpoint_minutes": 1e-9,
        },
        "baselines": ["logistic_regression"],
        "robustness": {"variations": {}},
    }


@pytest.fixture(scope="module")
def undisturbed(configuration: dict, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """The results without a farm."""
    analysis = Analysis(
        tmp_path_factory.mktemp("undisturbed") / "analysis", configuration=configuration
    )
    analysis.run_locally(SUMMARY)
    return analysis


@pytest.fixture
def analysis(configuration: dict, farm: Farm, tmp_path: Path) -> Iterator[Analysis]:
    analysis = Analysis(tmp_path / "my analysis", farm, configuration)
    yield analysis
    analysis.stop()
