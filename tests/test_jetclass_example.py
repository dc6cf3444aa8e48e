"""config/jetclass.yaml on small files of that layout: the images of its ten classes."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes_ntuples import jetclass_columns, write_file

from calovision import ImageCollection
from calovision.stages.images import (
    ImageFileOptions,
    ImageJob,
    build_images,
    image_recipe,
    list_images,
)
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis

EXAMPLE = Path(__file__).parents[1] / "config" / "jetclass.yaml"
# of doi:10.5281/zenodo.6619768; a file has jets of one process
LABELS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
PROCESSES = {"ZJetsToNuNu": (0,), "HToBB": (1,), "TTBar": (8,), "All": range(10)}
N_JETS = 30


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Folder with files of several processes, and the labels of their jets by file."""
    folder = tmp_path_factory.mktemp("jetclass")
    found = {}
    for seed, (process, of_process) in enumerate(PROCESSES.items()):
        numbers = np.random.default_rng(seed).choice(list(of_process), N_JETS)
        columns = {
            f"label_{name}": (numbers == number).astype(np.float32)
            for number, name in enumerate(LABELS)
        }
        part = folder / "data/JetClass" / ("val_5M" if seed % 2 else "train_100M/part0")
        part.mkdir(parents=True, exist_ok=True)
        file = part / f"{process}_000.root"
        write_file(file, tree=jetclass_columns(N_JETS, seed=seed) | columns)
        found[str(file.relative_to(folder))] = numbers
    return folder, found


def test_images_of_ten_classes(labels, monkeypatch):
    folder, of_files = labels
    monkeypatch.chdir(folder)
    plain = yaml.safe_load(EXAMPLE.read_text())
    plain["fat_jets"]["pt_min"] = 50  # of the fake jets
    Path("my.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))
    configuration = Configuration.read([Path("my.yaml")])
    configuration.check_names()
    analysis = Analysis(configuration)
    analysis.look_for_files()
    assert set(analysis.chunks["jetclass"]) == {"0000", "0001", "0002", "0003"}
    recipe = parameters.image_recipe(analysis)
    for chunk, output in zip(
        analysis.chunks["jetclass"], analysis.image_files("jetclass"), strict=True
    ):
        job = parameters.image_job(analysis, "jetclass", chunk)
        options = ImageFileOptions.of(configuration.images.to_dict())
        build_images(
            output, ImageJob.of("jetclass", job), image_recipe(recipe, job["split"]), options
        )
    list_images(analysis.image_files("jetclass"), Path("images.tsv"))
    collection = ImageCollection(analysis.image_files("jetclass"))
    assert collection.classes == tuple(configuration.classes)
    assert len(collection.classes) == len(LABELS)
    expected, entries = [], []
    for file in collection.files:
        ((source, _),) = file.metadata.source_files
        entry = file.events["entry"]
        expected += of_files[source][entry].tolist()
        entries += entry.tolist()
    assert collection.column("label").tolist() == expected
    assert len(entries) > 0.8 * N_JETS * len(of_files)  # the others have |eta| above 2
    assert collection.metadata.image_shape == (4, 64, 64)
    for name in (*plain["images"]["jets"]["variables"], "constituents"):
        assert len(collection.column(name)) == len(expected)
