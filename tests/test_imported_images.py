"""Image files as samples of a tagger: config/toptag.yaml, and what does not fit it."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes_cli import succeed
from fakes_particles import toptag_columns, write_frame

from calovision.core.errors import InputError
from calovision.jobs.planning import Run, make_plan
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis

TOPTAG = Path(__file__).parents[1] / "config" / "toptag.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of the reference data, made to images by the command that config/toptag.yaml names."""
    folder = tmp_path_factory.mktemp("toptag")
    (folder / "data").mkdir()
    for name in ("train", "val", "test"):
        write_frame(folder / f"data/{name}.h5", toptag_columns(4))
    text = TOPTAG.read_text().replace("\n#", "\n").replace("\\\n", " ")
    (command,) = re.findall(r"calovision (import-toptag .*)", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        succeed(*shlex.split(command))
    return folder


@pytest.fixture
def read(folder, tmp_path, monkeypatch):
    """Function that gives the analysis of config/toptag.yaml with changes; None removes a
    section."""
    monkeypatch.chdir(folder)

    def read(**changes):
        plain = yaml.safe_load(TOPTAG.read_text())
        plain = {key: value for key, value in plain.items() if changes.get(key, value) is not None}
        gone = [key for key, value in changes.items() if value is None]
        (tmp_path / "my.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))
        changes = {key: value for key, value in changes.items() if key not in gone}
        configuration = Configuration.read([tmp_path / "my.yaml"], changes)
        configuration.check_names()
        return Analysis(configuration)

    return read


def test_the_command_and_the_configuration_fit(read):
    analysis = read()
    analysis.look_for_files()
    assert analysis.image_files("toptag") == [Path("data/toptag.h5")]
    assert analysis.is_tagging
    assert analysis.chunks == {}
    assert analysis.ntuples == {"toptag": {}}
    assert list(analysis.classes) == ["qcd", "top"]
    globbed = read(samples={"toptag": {"images": ["data/top*.h5", "data/toptag.h5"]}})
    assert globbed.image_files("toptag") == [Path("data/toptag.h5")]


def test_the_plan_takes_the_images_that_there_are(read):
    (sample,) = make_plan(read(), [Run("earlier", [], {}, {})], n_events=1e6).samples
    ttv = np.tile(toptag_columns(4)["ttv"], 3)
    assert sample.splits == tuple(np.sum(ttv == part) for part in (0, 2, 1))
    assert (sample.events, sample.n_jobs) == (12, 0)
    assert sample.image_bytes == Path("data/toptag.h5").stat().st_size


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"samples": {"toptag": {"images": ["x/*.h5"]}}}, r"'samples.toptag.images': x/\*.h5: no "),
        ({"samples": {"toptag": {"images": ["data/val.h5"]}}}, r"val.h5: not a calovision-images"),
        (
            {"samples": {"tops": {"images": ["data/toptag.h5"]}}},
            "toptag.h5 has the sample toptag, the configuration tops: change 'samples.tops'",
        ),
        (
            {"classes": {"qcd": {}, "top": {}, "w": {}}},
            r"has the classes \['qcd', 'top'\], the conf",
        ),
        ({"images": {"jets": {"grid": [20, 20]}}}, r"has the cells \[37, 37\], the configuration "),
        ({"images": {"jets": {"width": 1.0}}}, r"has the step 'grid' .*'width': 1.6}, the"),
        ({"images": {"jets": {"recipe": {"flip": "parity"}}}}, r"has the cells \[37, 37\], the "),
        (
            {"images": {"jets": {"selection": {"hard": "pt > 500"}}}},
            r"has the cuts on jets \[\]",
        ),
        ({"images": {"jets": {"variables": ["tau43"]}}}, "lacks the column 'tau43' of 'images.jet"),
        ({"images": {"jets": {"constituents": 5}}}, "has the 0 hardest constituents, the config"),
        (
            {"images": {"jets": {"alternatives": {"none": {"center": "axis"}}}}},
            "'images.jets.alternatives.none': image files .* have one recipe",
        ),
        ({"variables": {"met": {"branch": "met"}}}, "'variables.met': it is read from branches"),
        ({"samples": {"toptag": {"label": "top"}}}, "'samples.toptag.label': it does not belong"),
        ({"samples": {"toptag": {"files": ["a.root"]}}}, "give either 'files' or 'simulate', or"),
        ({"images": None}, "image files are for taggers: give"),
        ({"classes": None}, "image files need 'classes', those that they have"),
    ],
)
def test_what_does_not_fit_is_one_sentence_in_the_dry_run(read, changes, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        read(**changes).look_for_files()
    assert "\n" not in str(error.value)
