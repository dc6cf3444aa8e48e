"""``calovision images``: from files to one image file, and what it says on the way."""

import io
import re
from dataclasses import dataclass, fields
from typing import Annotated

import awkward as ak
import numpy as np
import pytest
import typer
from fakes_cli import SMALL, fail, fail_usage, read_all, run, stored, succeed, write_small
from rich.console import Console
from typer.testing import CliRunner

from calovision.cli import progress
from calovision.cli.image_options import ImageOptions, JetOptions, SampleOptions
from calovision.cli.options import JetRecipeName, OnBadFile, Split, grouped_options
from calovision.cli.recipe import image_recipe, weight_options
from calovision.conversion.files import ON_BAD_FILE
from calovision.core.splits import SPLITS
from calovision.images import CHANNELS
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JET_RECIPES
from calovision.jets import FatJetDefinition, event_variables, find_fat_jets
from calovision.ntuples import SCHEMAS
from calovision.selection import apply_selection, cut_variables
from calovision.storage import ImageFile

TEN = (
    "delphes_ATLASfat_rpv_go1400_n850_pythia8_10ev_slim.root",
    "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root",
)
HUNDRED = "delphes_ATLASfat_rpv_go1400_n850_pythia8_100ev_slim.root"


def test_select_keeps_what_the_package_would(tmp_path, delphes_dir):
    cuts = ("n_fat_jets >= 3", "(mj_sum > 600) & (leading_pt > 440)")
    output = tmp_path / "rpv.h5"
    options = [word for cut in cuts for word in ("--select", cut)]
    text = succeed(
        "images",
        delphes_dir / HUNDRED,
        "-o",
        output,
        *SMALL,
        *options,
        "--label",
        1,
        "--cross-section",
        2,
    )
    (events,) = read_all(delphes_dir / HUNDRED)
    jets = find_fat_jets(events.towers, events.fat_jets, FatJetDefinition())
    passed, flow = apply_selection({cut: cut for cut in cuts}, event_variables(jets), events.weight)
    file = ImageFile(output)
    assert 0 < passed.sum() < 100
    assert np.array_equal(file.events["event_number"], events.event_number[passed])
    assert file.metadata.cut_flow == [("generated", 100, 100.0), *flow]
    assert (file.metadata.label, file.metadata.cross_section_pb, file.metadata.sample) == (
        1,
        2.0,
        "rpv",
    )
    for cut, n_events, _ in flow:
        assert re.search(rf"^{re.escape(cut)} +{n_events} +{n_events} *$", text, flags=re.MULTILINE)


def test_variables_of_ones_own_are_columns_and_cuts(tmp_path):
    path, _, _ = write_small(tmp_path / "a.root")
    own = ("--variable", "n=event_number", "--variable", "twice = 2 * event_number")
    succeed("images", path, "-o", tmp_path / "a.h5", *SMALL, *own, "--select", "twice > 9")
    file = ImageFile(tmp_path / "a.h5")
    assert file.events["n"].tolist() == list(range(5, 20))
    assert file.events["event_number"].tolist() == list(range(5, 20))
    for text, sentence in (
        ("ht=x", "--variable: the name 'ht' is taken"),
        ("met", "--variable: 'met' is no variable: give NAME=BRANCH"),
        ("met=nothing", "variable 'met' (nothing): the tree 'events' has no branch nothing"),
    ):
        assert sentence in fail("images", path, "-o", tmp_path / "b.h5", *SMALL, "--variable", text)
    assert not (tmp_path / "b.h5").exists()


def test_jets_are_clustered_only_for_a_selection(tmp_path):
    path, towers, _ = write_small(tmp_path / "a.root")
    succeed("images", path, "-o", tmp_path / "all.h5", *SMALL)
    assert "n_fat_jets" not in ImageFile(tmp_path / "all.h5").events
    succeed(
        "images",
        path,
        "-o",
        tmp_path / "cut.h5",
        *SMALL,
        "--select",
        "n_fat_jets >= 1",
        "--pt-min",
        30,
    )
    file = ImageFile(tmp_path / "cut.h5")
    jets = find_fat_jets(ak.values_astype(towers, np.float32), None, FatJetDefinition(pt_min=30.0))
    n_fat_jets = ak.to_numpy(ak.num(jets))
    assert 0 < np.sum(n_fat_jets > 0) < 20
    assert file.events["n_fat_jets"].tolist() == n_fat_jets[n_fat_jets > 0].tolist()


def test_a_truncated_file_stops_the_run_or_is_skipped(tmp_path):
    good, towers, _ = write_small(tmp_path / "good.root", n_generated=40, total=40.0)
    bad = tmp_path / "bad.root"
    bad.write_bytes(good.read_bytes()[:-500])
    output = tmp_path / "out.h5"
    result = run("images", good, bad, "-o", output, *SMALL)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"calovision: {bad} is a truncated")
    assert "Traceback" not in result.output
    assert not output.exists()
    result = run("images", good, bad, "-o", output, *SMALL, "--on-bad-file", "skip")
    assert result.exit_code == 0
    assert f"{bad}: skipped" in result.stderr
    assert re.search(rf"^{bad} +{bad} is a truncated", result.stdout, flags=re.MULTILINE)
    file = ImageFile(output)
    assert len(file) == len(towers)
    assert [path for path, _ in file.metadata.skipped_files] == [str(bad)]
    assert (file.metadata.n_generated, file.metadata.sum_of_weights) == (40, 40.0)
    result = run("images", bad, "-o", tmp_path / "b.h5", *SMALL, "--on-bad-file", "skip")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"calovision: {bad} is a truncated")


def test_list_files_and_globs(tmp_path):
    for seed in (1, 2):
        write_small(tmp_path / f"part_{seed}.root", 5, seed=seed)
    (tmp_path / "good.txt").write_text("# good files\npart_2.root\npart_1.root\n")
    succeed("images", tmp_path / "good.txt", "-o", tmp_path / "list.h5", *SMALL)
    succeed("images", tmp_path / "part_*.root", "-o", tmp_path / "glob.h5", *SMALL)
    sources = {
        name: [path for path, _ in ImageFile(tmp_path / f"{name}.h5").metadata.source_files]
        for name in ("list", "glob")
    }
    parts = [str(tmp_path / f"part_{seed}.root") for seed in (1, 2)]
    assert sources == {"list": parts[::-1], "glob": parts}
    sentence = fail("images", tmp_path / "none_*.root", "-o", tmp_path / "x.h5", *SMALL)
    assert "none_*.root" in sentence


def test_a_schema_of_ones_own(tmp_path):
    path, *_ = write_small(tmp_path / "a.root")
    (tmp_path / "my.yaml").write_text(
        "tree: events\n"
        "event_number: event_number\n"
        "towers: {eta: towers_eta, phi: towers_phi, e_em: towers_e_em * 1000, e_had: towers_e_had "
        "* 1000}\n"
        "tracks: {pt: tracks_pt, eta: tracks_eta, phi: tracks_phi}\n"
    )
    succeed("images", path, "-o", tmp_path / "a.h5", *SMALL)
    succeed("images", path, "-o", tmp_path / "my.h5", *SMALL, "--schema", tmp_path / "my.yaml")
    images, mine = ImageFile(tmp_path / "a.h5")[:], ImageFile(tmp_path / "my.h5")[:]
    assert images.any()
    assert np.allclose(mine[:, 0], 1000 * images[:, 0], rtol=1e-5)
    assert np.array_equal(mine[:, 1], images[:, 1])
    assert "entry 0, event 0" in succeed("inspect", path, "--schema", tmp_path / "my.yaml")


def test_a_skipped_file_beside_one_with_jets_of_its_own(tmp_path, delphes_dir):
    bad = tmp_path / "bad.root"
    bad.write_bytes((delphes_dir / TEN[0]).read_bytes()[:-1000])
    text = succeed(
        "images",
        bad,
        delphes_dir / TEN[0],
        "-o",
        tmp_path / "out.h5",
        *SMALL,
        "--on-bad-file",
        "skip",
    )
    assert stored(text, "events") == "10"
    assert "n_fat_jets" in ImageFile(tmp_path / "out.h5").events


def test_an_output_is_not_overwritten(tmp_path):
    path, *_ = write_small(tmp_path / "a.root")
    output = tmp_path / "out.h5"
    output.write_text("precious")
    assert fail("images", path, "-o", output, *SMALL) == (
        f"calovision: {output} exists already: give another name or --force to overwrite it\n"
    )
    assert output.read_text() == "precious"
    succeed("images", path, "-o", output, *SMALL, "--force")
    assert len(ImageFile(output)) == 20


def test_messages_of_bad_input(tmp_path):
    path, *_ = write_small(tmp_path / "a.root")
    out = ("-o", tmp_path / "out.h5")
    assert "unknown image channel 'emm'" in fail("images", path, *out, "--channels", "emm")
    assert "grid 0x64" in fail("images", path, *out, "--grid", "0x64")
    assert "ascending" in fail("images", path, *out, "--eta-range", 2.5, -2.5)
    assert "n_jets" in fail("images", path, *out, "--select", "n_jets > 3", *SMALL)
    assert "lep" in fail("images", path, *out, "--schema", "lep", *SMALL)
    assert "none.root" in fail("images", tmp_path / "none.root", *out, *SMALL)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--select", "ht > 1", "--no-selection"), "--select: cannot be used with --no-selection"),
        (
            ("--eta-range", "-1", "1", "--eta-edges", "-1,0,1"),
            "--eta-range: cannot be used with --eta-edges",
        ),
        (("--jets", "--eta-range", "-1", "1"), "--eta-range: cannot be used with --jets"),
        (("--jet-recipe", "top"), "--jet-recipe: needs --jets"),
        (("--jets-per-event", "2"), "--jets-per-event: needs --jets"),
        (("--grid", "64"), "--grid: '64' must look like 64x64"),
        (("--grid", "8x8x8"), "--grid: '8x8x8' must look like 64x64"),
        (("--eta-edges", "a,b"), "--eta-edges: 'a,b' must look like"),
        (("--split-fractions", "0.5,0.1,0.1"), "shares that sum to 1"),
        (("--label", "2"), "--label"),
        (("--on-bad-file", "ignore"), "--on-bad-file"),
        (("--eta-range", "1"), "--eta-range"),
    ],
)
def test_usage_errors(tmp_path, options, message):
    path, *_ = write_small(tmp_path / "a.root", 2)
    assert message in fail_usage("images", path, "-o", tmp_path / "out.h5", *options)
    assert not (tmp_path / "out.h5").exists()


def recipe_of(**changes):
    """Recipe of the options of the command, all defaults but the changes."""
    groups = (ImageOptions, JetOptions, SampleOptions)
    names = [{field.name for field in fields(group)} for group in groups]
    assert set(changes) <= set.union(*names)
    return image_recipe(
        *(
            group(**{name: value for name, value in changes.items() if name in of_group})
            for group, of_group in zip(groups, names, strict=True)
        )
    )


def test_recipe_of_event_images():
    recipe = recipe_of()
    assert recipe.grid == EtaPhiGrid()
    assert recipe.channels == ("em_et", "had_et", "tracks")
    assert recipe.fat_jets == FatJetDefinition()
    assert (recipe.cluster_jets, recipe.preselection, recipe.jets) == (False, {}, None)
    recipe = recipe_of(
        grid="32x16", eta_range=(-1.0, 2.0), channels="et, towers", select=["ht > 1"]
    )
    assert recipe.grid == EtaPhiGrid(32, 16, (-1.0, 2.0))
    assert recipe.channels == ("et", "towers")
    assert (recipe.cluster_jets, recipe.preselection) == (True, {"ht > 1": "ht > 1"})
    recipe = recipe_of(eta_edges="-3,-1,0,2", split_fractions="1,0,0", split_seed=7, trimmed=True)
    assert recipe.grid == EtaPhiGrid(3, 64, eta_edges=(-3.0, -1.0, 0.0, 2.0))
    assert (recipe.split_fractions, recipe.split_seed) == ((1.0, 0.0, 0.0), 7)
    assert recipe.fat_jets.groomed


def test_recipe_of_jet_images():
    recipe = recipe_of(jets=True, radius=0.8)
    assert recipe.jets.grid == JetGrid(64, 64, 1.6)
    assert (recipe.jets.center, recipe.jets.rotate, recipe.jets.normalize) == ("axis", None, None)
    assert (recipe.jets_per_event, recipe.cluster_jets, recipe.fat_jets.radius) == (1, True, 0.8)
    assert recipe_of(jets=True, jet_recipe="top").jets == JET_RECIPES["top"]
    changed = recipe_of(
        jets=True,
        jet_recipe="w",
        grid="9x7",
        jet_width=2.0,
        channels="et,towers",
        jets_per_event=3,
    )
    assert changed.jets.grid == JetGrid(9, 7, 2.0)
    assert changed.jets.channels == ("et", "towers")
    assert (changed.jets.trim, changed.jets_per_event) == (JET_RECIPES["w"].trim, 3)


def test_weight_options():
    options = weight_options(
        SampleOptions(n_generated="1000", sum_of_weights="12.5", weight_index=2)
    )
    assert (options.n_generated, options.sum_of_weights, options.index) == (1000, 12.5, 2)
    options = weight_options(
        SampleOptions(n_generated="counters/h", weights_include_cross_section=True)
    )
    assert (options.n_generated, options.sum_of_weights, options.include_cross_section) == (
        "counters/h",
        None,
        True,
    )


def test_choices_are_those_of_the_package():
    assert sorted(JetRecipeName) == sorted(JET_RECIPES)
    assert tuple(Split) == SPLITS
    assert tuple(OnBadFile) == ON_BAD_FILE
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", succeed("images", "--help")).split())
    assert f"Of {', '.join(CHANNELS)}; by layer" in text
    assert f"ntuples: {', '.join(SCHEMAS)} or a file" in text
    assert f"Cut on {', '.join(cut_variables())}, as" in text


def test_options_of_a_command_are_the_fields_of_its_dataclasses():
    @dataclass(frozen=True, kw_only=True)
    class Cells:
        n_eta: Annotated[int, typer.Option(min=2)] = 8
        name: Annotated[str, typer.Option("--cells")]

    given = []

    @grouped_options
    def command(file: str, cells: Cells, force: bool = False) -> None:
        given.append((file, cells, force))

    app = typer.Typer()
    app.command()(command)
    runner = CliRunner()
    assert runner.invoke(app, ["a", "--cells", "b"]).exit_code == 0
    assert runner.invoke(app, ["a", "--cells", "b", "--n-eta", "3", "--force"]).exit_code == 0
    assert given == [("a", Cells(name="b"), False), ("a", Cells(name="b", n_eta=3), True)]
    assert runner.invoke(app, ["a"]).exit_code == 2  # without a required option
    assert runner.invoke(app, ["a", "--cells", "b", "--n-eta", "1"]).exit_code == 2
    with pytest.raises(ValueError, match="duplicate parameter name: 'name'"):

        @grouped_options
        def twice(name: str, cells: Cells) -> None: ...


def test_jet_images(tmp_path, delphes_dir):
    output = tmp_path / "jets.h5"
    text = succeed(
        *(
            "images",
            delphes_dir / TEN[0],
            "-o",
            output,
            "--jets",
            "--jets-per-event",
            2,
            "--grid",
            "16x16",
        ),
        *("--select", "n_fat_jets >= 2"),
    )
    file = ImageFile(output)
    (events,) = read_all(delphes_dir / TEN[0])
    jets = find_fat_jets(events.towers, events.fat_jets, FatJetDefinition())
    jets = jets[ak.num(jets) >= 2][:, :2]
    assert file.metadata.kind == "jet"
    assert file.metadata.grid == JetGrid(16, 16, 2.0)
    assert stored(text, "jets") == str(2 * len(jets))
    assert file.events["jet_index"].tolist() == [0, 1] * len(jets)
    assert np.allclose(file.events["pt"], ak.to_numpy(ak.flatten(jets.pt)), rtol=0.01)
    # the scalar sum of the constituents' pT is at least the jet's, and not much more
    total = file[:].sum(axis=(1, 2, 3)) + file.events["overflow"].sum(axis=1)
    assert np.all((total > 0.99 * file.events["pt"]) & (total < 1.4 * file.events["pt"]))


def test_compression_and_weights_reach_the_file(tmp_path):
    path, *_ = write_small(tmp_path / "a.root", 50)
    output = tmp_path / "out.h5"
    succeed(
        *("images", path, "-o", output, *SMALL, "--compression", "blosc2", "--n-generated", 500),
        *(
            "--sum-of-weights",
            "250.5",
            "--cross-section",
            "3.5",
            "--split-fractions",
            "0,0,1",
            "--sample",
            "ttbar",
        ),
    )
    file = ImageFile(output)
    info = file.metadata
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (500, 250.5, 3.5)
    assert info.sample == "ttbar"
    assert set(file.events["split"].tolist()) == {2}
    import h5py

    with h5py.File(output) as raw:
        assert raw["images/values"].chunks is not None


def test_no_event_passes(tmp_path):
    path, *_ = write_small(tmp_path / "a.root")
    text = succeed("images", path, "-o", tmp_path / "out.h5", *SMALL, "--select", "ht > 1e9")
    assert stored(text, "events") == "0"
    assert re.search(r"^ht > 1e9 +0 +0 *$", text, flags=re.MULTILINE)
    assert len(ImageFile(tmp_path / "out.h5")) == 0


def test_progress_on_a_terminal_and_elsewhere(monkeypatch):
    monkeypatch.setattr(progress.time, "perf_counter", iter([0.0, 1.0, 2.0, 4.0]).__next__)
    console = Console(file=io.StringIO())
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with progress.event_progress(1000) as count:
        for n_events in (60, 60, 10, 500, 370):
            count(n_events)
    assert count.done == 1000
    lines = [
        "120 of 1000 events, 120 events/s",
        "630 of 1000 events, 315 events/s",
        "1000 of 1000 events, 250 events/s",
    ]
    assert console.file.getvalue().splitlines() == lines
    monkeypatch.undo()
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with progress.event_progress(300) as count:
        count(300)
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", console.file.getvalue())
    assert "300/300 events" in text
    assert count.done == 300
