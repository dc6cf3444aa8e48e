"""``calovision init``: configurations of files of every kind, that Snakemake runs from their
folder."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from conftest import REPOSITORY
from dry_runs import jobs, snakemake
from fakes_cli import fail, run, succeed, write_small
from fakes_ntuples import jetclass_columns, write_file

from calovision.cli.init_samples import repeated_options
from calovision.core.user_files import read_yaml
from calovision.workflow import Configuration, location, workflow_folder
from calovision.workflow.new_analysis import MOST_NAMED, OF_EXAMPLE, seen_from
from calovision.workflow.tasks import SEARCH, TAGGING


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A working folder with files of three processes in a folder with a space."""
    (tmp_path / "my files").mkdir()
    for number, name in enumerate(("sig", "qcd_1", "qcd_2", "top")):
        write_small(tmp_path / "my files" / f"{name}.root", 4, seed=number)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configuration(folder: Path) -> Configuration:
    """The configuration of a folder, read and checked as Snakemake's jobs have it."""
    return Configuration.of_module(read_yaml(folder / "config.yaml", "configuration"))


def planned(folder: Path) -> dict[str, int]:
    """Jobs of plain ``snakemake -n`` in a folder."""
    result = snakemake(folder, "-n")
    assert result.returncode == 0, result.stdout
    assert "Using workflow specific profile profiles/default" in result.stdout
    return jobs(result)


def test_the_example(here):
    printed = succeed("init", "new/ana lysis")
    folder = here / "new" / "ana lysis"
    assert "cd 'new/ana lysis'\nsnakemake\n" in printed
    found = configuration(folder)
    assert {n: s.simulate.n_events for n, s in found.samples.items()} == OF_EXAMPLE
    assert found.task == SEARCH
    text = (folder / "config.yaml").read_text()
    meaning = Configuration.model_fields["seed"].description
    assert f"seed: 1                         # s{meaning[1:]}" in text
    assert "NLO+NLL" in text
    assert max(map(len, text.splitlines())) <= 100
    counts = planned(folder)
    once = ("evaluate", "evaluate_reach", "plot_performance", "write_hepdata", "write_report")
    assert [counts[rule] for rule in once] == [1] * 5
    assert (counts["simulate_ntuples"], counts["train_network"]) == (2, 1)
    assert "build_varied_images" not in counts
    assert (folder / ".gitignore").read_text() == "/results/\n/.snakemake/\n"


def test_signal_and_background(here):
    """Paths keep their meaning in the new folder, whose files the jobs read; data get scores."""
    succeed(
        *("init", "deep/er", "--signal", "my files/sig.root", "--data", "my files/top.root"),
        *("--background", "qcd=my files/qcd_*.root", "--cross-section", "qcd=2.5"),
    )
    found = configuration(here / "deep/er")
    assert found.samples["signal"].given() == {
        "label": 1,
        "files": ["../../my files/sig.root"],
        "schema": "calovision",
    }
    assert found.samples["qcd"].cross_section_pb == 2.5
    assert found.samples["qcd"].files == ("../../my files/qcd_*.root",)
    assert found.samples["data"].role == "application"
    counts = planned(here / "deep/er")
    assert (counts["build_images"], counts["score_application"]) == (3, 1)


def test_three_classes_and_jets(here):
    """The words behind an option are its paths, as of a wildcard that the shell wrote out."""
    files = sorted(str(path) for path in Path("my files").glob("qcd_*"))
    of_classes = ["--class", "b=my files/sig.root", "--class", "a=" + files[0], files[1]]
    more = ["--class=t=my files/top.root"]
    assert "selection" in succeed("init", "events", *of_classes, *more)
    printed = succeed("init", "jets", *of_classes, *more, "--jets")
    assert "Before the first run" not in printed
    for folder, kind in (("events", "event"), ("jets", "jet")):
        found = configuration(here / folder)
        assert (found.task, found.images.kind) == (TAGGING, kind)
        assert list(found.classes) == ["b", "a", "t"]
        assert found.samples["a"].files == tuple(f"../{one}" for one in files)
        counts = planned(here / folder)
        assert (counts["build_images"], counts["evaluate_taggers"]) == (4, 1)
    assert found.models["cnn"].network == "jet_cnn"
    assert (found.train.circular, found.train.augmentation) == (False, False)


def test_classes_of_rows(here):
    """Branches of the files tell the classes; the radius is that of the files' jets."""
    columns = jetclass_columns(12)
    columns |= {"label_top": np.arange(12) % 2, "label_qcd": 1 - np.arange(12) % 2}
    write_file(here / "jets.root", tree=columns)
    labels = ("--label", "top=label_top", "--label", "qcd=label_qcd > 0")
    succeed("init", "rows", "jets.root", *labels, "--jets")
    found = configuration(here / "rows")
    assert found.samples["rows"].label == {"top": "label_top", "qcd": "label_qcd > 0"}
    assert (found.fat_jets.radius, found.samples["rows"].schema) == (0.8, "jetclass")
    assert planned(here / "rows")["build_images"] == 1


def test_files_that_no_schema_fits(here):
    """One schema is suggested for both samples, and named in both; images need what it has."""
    rng = np.random.default_rng(1)
    for name in ("s", "b"):
        ranges = {"eta": (-2, 2), "phi": (-3, 3), "energy": (5, 90)}
        columns = {
            f"cells_{field}": ak.Array(rng.uniform(*ends, (30, 3)).tolist())
            for field, ends in ranges.items()
        }
        write_file(here / f"{name}.root", mine=columns)
    printed = succeed("init", "own", "--signal", "s.root", "--background", "b.root")
    assert "schema.yaml is a guess" in printed
    keys = ("samples.signal.cross_section_pb", "samples.background.cross_section_pb")
    assert all(f"- {key} in config.yaml must be given" in printed for key in keys)
    found = configuration(here / "own")
    assert {one.schema for one in found.samples.values()} == {"schema.yaml"}
    assert (found.images.channels, found.event_content) == (("et",), None)
    assert "referee" not in found.baselines
    assert (
        "    # cross_section_pb: 1.0     # pb; the files hold none"
        in (here / "own/config.yaml").read_text()
    )
    assert planned(here / "own")["build_images"] == 2


def test_all_keys(here):
    """Every key is written, and says the same as without."""
    succeed("init", "all", "--all-keys")
    succeed("init", "some")
    written = read_yaml(here / "all/config.yaml", "configuration")
    assert list(written) == list(Configuration.model_fields)
    assert configuration(here / "all") == configuration(here / "some")


def test_many_files_are_in_a_list(here):
    names = [f"my files/c{number}.root" for number in range(MOST_NAMED + 1)]
    for name in names:
        os.link("my files/sig.root", name)
    succeed("init", "many", "--signal", *names, "--background", "my files/top.root")
    assert configuration(here / "many").samples["signal"].files == ("files/signal.txt",)
    assert (here / "many/files/signal.txt").read_text().startswith("../../my files/c0.root\n")


def test_profiles_of_farms(here):
    succeed("init", "farms", "--farm", "slurm", "--farm", "htcondor")
    for name in ("slurm", "htcondor"):
        text = (here / f"farms/profiles/{name}/config.yaml").read_text()
        original = (REPOSITORY / f"workflow/profiles/{name}/config.yaml").read_text()
        assert f"--workflow-profile profiles/{name}\n" in text
        assert text == original.replace("workflow/profiles/", "profiles/")


def test_nothing_is_overwritten(here):
    succeed("init", ".")
    before = (here / "config.yaml").read_text()
    assert "config.yaml exists already, and is left as it is: give another folder" in fail(
        "init", ".", "--signal", "my files/sig.root", "--background", "my files/top.root"
    )
    assert (here / "config.yaml").read_text() == before
    (here / "other/profiles/default").mkdir(parents=True)
    (here / "other/profiles/default/config.yaml").write_text("cores: 1")
    assert "profiles/default/config.yaml exists already" in fail("init", "other")
    assert [path.name for path in (here / "other").iterdir()] == ["profiles"]
    (here / "file").write_text("")
    assert "file is a file: give a folder" in fail("init", "file/new")


SIGNAL = ("--signal", "my files/sig.root")
BACKGROUND = ("--background", "my files/top.root")
MISTAKES = {
    "no kind": (["my files/sig.root"], "say what the files are, with --signal and --background"),
    "one kind": (SIGNAL, "--background: it is missing"),
    "one class": (["--class", "a=my files/sig.root"], "give files of two classes"),
    "both": ([*SIGNAL, "--class", "a=my files/top.root"], "or classes by --class and --label"),
    "no name": (["--class", "my files/sig.root"], "give NAME=PATH, the class and its files"),
    "twice": ([*SIGNAL, "--background", "signal=my files/top.root"], "given twice, as two kinds"),
    "no file": ([*SIGNAL, "--background", "none.root"], "none.root: no such file"),
    "no files": (["--label", "a=x"], "behind DIRECTORY; give them"),
    "no expression": (["my files/sig.root", "--label", "a"], "--label 'a': give NAME=EXPR"),
    "bad expression": (
        ["my files/sig.root", "--label", "a=x &", "--label", "b=x"],
        "configuration key 'samples.rows.label'",
    ),
    "no sample": ([*SIGNAL, *BACKGROUND, "--cross-section", "signl=1"], "did you mean 'signal'"),
    "no number": (
        [*SIGNAL, *BACKGROUND, "--cross-section", "signal=-1"],
        "a number above 0, in pb",
    ),
    "no schema": ([*SIGNAL, *BACKGROUND, "--schema", "delphes"], "Delphes"),
    "jets of nothing": (["--jets"], "--jets: it is for files"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(here, name):
    """And nothing is written."""
    words, sentence = MISTAKES[name]
    assert sentence in fail("init", "new", *words)
    assert not (here / "new").exists()


def test_options_with_many_paths():
    line = "new --class a=1.root 2.root --jets --signal=b=3.root 4.root --data 5.root 6.root"
    assert " ".join(repeated_options(line.split())) == (
        "new --class a=1.root --class a=2.root --jets --signal b=3.root --signal b=4.root "
        "--data 5.root --data 6.root"
    )
    assert run("init", "new", "--signal").exit_code == 2


def test_paths_from_another_folder(here):
    """Of links the true folder counts; addresses and what stands for a folder stay."""
    (here / "true/a").mkdir(parents=True)
    (here / "link").symlink_to("true/a")
    assert seen_from(Path("link"), "my files/a.root") == "../../my files/a.root"
    for path in ("root://host//a.root", "/data/a.root", "~/a.root", "$DATA/a.root"):
        assert seen_from(Path("link"), path) == path


# -- the workflow in the package ----------------------------------------------------------------


def test_workflow_is_found_in_package_and_checkout(tmp_path, monkeypatch):
    assert workflow_folder() == REPOSITORY / "workflow"
    monkeypatch.setattr(location, "IN_PACKAGE", tmp_path)
    (tmp_path / "Snakefile").touch()
    assert workflow_folder() == tmp_path
    monkeypatch.setattr(location, "IN_PACKAGE", tmp_path / "none")
    monkeypatch.setattr(location, "IN_CHECKOUT", tmp_path / "none")
    with pytest.raises(Exception, match="the workflow is not beside the package"):
        workflow_folder()


def test_wheel_carries_the_workflow():
    """All of it but the pictures of the README and containers, where the package looks for it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert carried.pop("docs/glossary.md") == "calovision/_docs/glossary.md"
    there = {path.name for path in (REPOSITORY / "workflow").iterdir()} - {"report", "container"}
    assert {Path(source).name for source in carried} == there | {"calovision.def"}
    for source, target in carried.items():
        assert (REPOSITORY / source).exists()
        below = Path(source).relative_to("workflow")
        assert Path(target) == Path("calovision") / location.IN_PACKAGE.name / below


def test_scripts_do_not_name_the_checkout():
    """What is relative there would be so to the working folder, which is any."""
    for script in sorted((REPOSITORY / "workflow").rglob("*.py")):
        assert not re.search(r"""["'](workflow|config|src|docs|tests)/""", script.read_text()), (
            script
        )


# -- docs/new_analysis.md -----------------------------------------------------------------------

PAGE = (REPOSITORY / "docs/new_analysis.md").read_text()


def expanded(word: str) -> list[str]:
    """Paths that a word with wildcards stands for in the shell; else the word."""
    return sorted(map(str, Path().glob(word))) or [word] if "*" in word else [word]


def commands(start: str) -> list[list[str]]:
    """Words of the command lines of the page, with wildcards written out as by a shell."""
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", "")
    split = [shlex.split(line) for line in lines.splitlines() if line.startswith(start)]
    return [[w for word in words for w in expanded(word)] for words in split]


def test_commands_of_the_page(here):
    """Each makes a folder whose configuration is right and finds its files."""
    (here / "data/jetclass").mkdir(parents=True)
    for name in ("sig_1", "qcd_1", "tt_1", "qcd", "w", "top"):
        os.link("my files/sig.root", f"data/{name}.root")
    columns = jetclass_columns(6)
    columns |= {"label_Tbqq": np.arange(6) % 2, "label_QCD": 1 - np.arange(6) % 2}
    write_file(here / "data/jetclass/1.root", tree=columns)
    made = commands("calovision init")
    for words in made:
        succeed(*words[1:])
    assert [words[2] for words in made] == [
        *("my_analysis", "two_classes", "processes", "three_classes", "jets")
    ]
    tasks = [configuration(here / words[2]).task for words in made]
    assert tasks == [SEARCH, SEARCH, SEARCH, TAGGING, TAGGING]
    assert configuration(here / "processes").samples["ttbar"].cross_section_pb == 0.83
    (rule,) = re.findall(r"```smk\n(.*?)```", PAGE, re.DOTALL)
    with (here / "my_analysis/Snakefile").open("a") as file:
        file.write(f"\n{rule}")
    output = snakemake(here / "my_analysis", "-n", "--cores", "4").stdout
    assert re.search(r"rule train_network:\n(?:    .*\n)*    threads: 4\n", output), output
