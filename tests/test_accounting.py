"""Event accounting from ROOT files to image files: honest files balance, and each way to lose or
double an event is found with its numbers."""

import re
import shutil

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes import make_events, write_image_file, write_ntuple
from fakes_accounts import rewrite
from fakes_cli import fail as cli_fail
from fakes_cli import succeed
from fakes_ntuples import jetclass_columns, nanoaod_columns, write_file, write_nanoaod

from calovision.accounting import Accounts, SampleSources, account_images
from calovision.conversion import (
    ImageRecipe,
    Sample,
    Source,
    convert_ntuple,
    convert_ntuples,
)
from calovision.conversion.several import convert_job
from calovision.core.account import Account, Count
from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.storage import ImageFile

CUTS = {"two jets": "n_fat_jets >= 2", "hard": "leading_pt > 60"}
RECIPE = ImageRecipe(
    grid=EtaPhiGrid(8, 8), fat_jets=FatJetDefinition(pt_min=10), preselection=CUTS, split_seed=5
)
SIZES = {"a": 60, "b": 25, "c": 0}
RANGES = ((0, 20), (20, 40), (40, None))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """ROOT files with weights of both signs and event numbers that repeat, and image files: of
    three chunks of the first one, of the other two."""
    folder = tmp_path_factory.mktemp("accounts")
    roots = {
        name: write_ntuple(
            folder / f"{name}.root",
            *make_events(n, seed=n + 1),
            weight=np.where(np.arange(n) % 3 == 0, -0.25, 1.5),
            n_generated=2 * n,
            total=2.0 * n + 1,
        )
        for name, n in SIZES.items()
    }
    for number, entries in enumerate(RANGES):
        source = Source(roots["a"], entry_range=entries)
        convert_job(source, folder / f"{number}.h5", RECIPE, sample="qcd", label=0)
    rest = Source([roots["b"], roots["c"]])
    convert_job(rest, folder / "3.h5", RECIPE, sample="qcd", label=0)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """The image files again; the ROOT files stay where they are."""
    for path in made.glob("*.h5"):
        shutil.copy(path, tmp_path)
    return tmp_path


def images(folder):
    return sorted(folder.glob("*.h5"))


def fail(paths, *words, **sources):
    """The sentence of the difference, which has the words and ends with what to do."""
    with pytest.raises(InputError) as caught:
        account_images(paths, sources)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence, sentence
    assert re.search("; (remove|build|give)", sentence), sentence
    return sentence


def test_honest_files_balance(made) -> None:
    by_images, by_split = account_images(images(made))
    with uproot.open(made / "a.root") as a, uproot.open(made / "b.root") as b:
        weights = np.concatenate([file["events"]["weight"].array(library="np") for file in (a, b)])
    assert by_images.read.n == 85
    assert by_images.read.weight == pytest.approx(weights.sum(), rel=1e-12)
    assert by_images.read.absolute == pytest.approx(abs(weights).sum(), rel=1e-12)
    assert list(by_images.dropped) == ["two jets", "hard"]
    assert all(0 < count.n < 60 for count in by_images.dropped.values())
    rows = by_images.wrote["rows"]
    assert rows.n == 85 - sum(count.n for count in by_images.dropped.values())
    assert (by_split.read, sum(one.n for one in by_split.wrote.values())) == (rows, rows.n)
    assert list(by_split.wrote) == list(SPLITS)


def test_one_file_or_many_give_the_same(made, tmp_path) -> None:
    roots = [made / f"{name}.root" for name in SIZES]
    convert_ntuples(roots, tmp_path / "all.h5", RECIPE, sample="qcd", label=0)
    whole, cut = account_images([tmp_path / "all.h5"]), account_images(images(made))
    assert [one.read.n for one in whole] == [one.read.n for one in cut]
    assert [[n.n for n in one.wrote.values()] for one in whole] == [
        [n.n for n in one.wrote.values()] for one in cut
    ]


def test_lost_chunk(made, folder) -> None:
    (folder / "1.h5").unlink()
    fail(images(folder), "no image file has the 20 entries 20 to 39 of the 60", "a.root")
    (folder / "2.h5").unlink()
    fail(images(folder), "the 40 entries 20 to 59 of the 60")


def test_lost_file(made, folder) -> None:
    (folder / "3.h5").unlink()
    given = SampleSources([str(made / f"{name}.root") for name in SIZES])
    account_images(images(folder))  # which alone cannot tell
    fail(images(folder), "no image file has the 25 entries of", "b.root", qcd=given)


def test_chunk_twice(folder) -> None:
    shutil.copy(folder / "1.h5", folder / "9.h5")
    fail(images(folder), "1.h5 and", "9.h5 both have 20 of the 60 entries", "from entry 20")


def test_file_twice(folder) -> None:
    shutil.copy(folder / "3.h5", folder / "9.h5")
    fail(images(folder), "3.h5 and", "9.h5 both have 25 of the 25 entries")


def test_lost_rows(folder) -> None:
    n_rows = len(ImageFile(folder / "0.h5"))
    assert n_rows > 5
    rewrite(folder / "0.h5", keep=range(n_rows - 3))
    fail(images(folder), f"it has {n_rows - 3} rows, but {n_rows} were made of its source files")
    rewrite(folder / "0.h5", source_rows=None)
    words = f"{20 - n_rows} were dropped and {n_rows - 3} written, which makes 17: 3 are lost"
    fail(images(folder), f"of 20 rows that were read {words}")


def test_row_twice(folder) -> None:
    n_rows = len(ImageFile(folder / "0.h5"))
    rewrite(folder / "0.h5", keep=[0, *range(n_rows)], source_rows=None)
    fail(images(folder), f"{n_rows + 1} written, which makes 21: 1 is there twice")


@pytest.mark.parametrize("change", [1e-6, -2.0])
def test_weight_that_changed(folder, change) -> None:
    weight = ImageFile(folder / "0.h5").events["weight"].copy()
    weight[2] += change
    rewrite(folder / "0.h5", columns={"weight": weight})
    fail(images(folder), "the sum of weights is", "of what was read, but", "0.h5")


def test_weights_in_another_order_are_the_same(folder) -> None:
    file = ImageFile(folder / "0.h5")
    rewrite(folder / "0.h5", keep=np.arange(len(file))[::-1])
    account_images(images(folder))


def test_split_that_moved(folder) -> None:
    events = dict(ImageFile(folder / "0.h5").events)
    split = events["split"].copy()
    split[3] = (split[3] + 1) % 3
    rewrite(folder / "0.h5", columns={"split": split})
    first = f"the first one, of the event {events['event_number'][3]}"
    names = f"in '{SPLITS[split[3]]}' instead of '{SPLITS[events['split'][3]]}'"
    fail(images(folder), f"1 of {len(split)} rows are in another split", f"{first}, {names}")


def test_reading_that_stopped(folder) -> None:
    ((n, weight, size),) = ImageFile(folder / "0.h5").metadata.source_events
    rewrite(folder / "0.h5", source_events=[(n - 2, weight, size)])
    fail(images(folder), "0.h5 was made of 18 entries of", "which has 20 there")


def test_cut_flow_that_grows(folder) -> None:
    generated, (name, _, weight), last = ImageFile(folder / "0.h5").metadata.cut_flow
    flow = [generated, (name, last[1] - 1, weight), last]
    rewrite(folder / "0.h5", cut_flow=flow)
    fail(images(folder), "the step 'hard' has 1 rows more than the one before it")


def test_root_file_that_was_replaced(folder, tmp_path) -> None:
    """By one with other entries, and by one with as many; its name in the image file stays."""
    recipe = ImageRecipe(grid=EtaPhiGrid(4, 4), cluster_jets=False)
    root = write_ntuple(tmp_path / "x.root", *make_events(6))
    convert_ntuple(root, tmp_path / "x.h5", recipe, sample="x", label=0)
    account_images([tmp_path / "x.h5"])
    write_ntuple(root, *make_events(4))
    fail([tmp_path / "x.h5"], "x.h5 was made of 6 entries", "which has 4 there")
    rewrite(tmp_path / "x.h5", source_events=None)
    sentence = fail([tmp_path / "x.h5"], "x.root was replaced after", "and 4 entries")
    assert "x.h5 was made of it" in sentence


def test_root_file_that_moved(made, tmp_path) -> None:
    """It is known by its UUID; another file is none of the sample's."""
    root = shutil.copy(made / "b.root", tmp_path / "moved.root")
    files = [made / "3.h5"]
    given = SampleSources([str(root), str(made / "c.root")])
    assert account_images(files, {"qcd": given})[0].read.n == 25
    fail(files, "events of", "none of the 1 ROOT files", qcd=SampleSources([str(root)]))


def test_skipped_files_are_dropped(tmp_path) -> None:
    """One that cannot be read, whose entries nobody knows, and one with a weight that is none."""
    weights = np.ones(7)
    weights[3] = np.nan
    good, odd = (
        write_ntuple(
            tmp_path / f"{name}.root",
            *make_events(len(weight)),
            weight=weight,
            n_generated=len(weight),
            total=float(len(weight)),
        )
        for name, weight in (("good", np.ones(5)), ("odd", weights))
    )
    bad = tmp_path / "bad.root"
    bad.write_bytes(good.read_bytes()[:-200])
    recipe = ImageRecipe(grid=EtaPhiGrid(4, 4), cluster_jets=False)
    options = {"sample": "x", "label": 0, "on_bad_file": "skip"}
    convert_ntuples([good, odd, bad], tmp_path / "x.h5", recipe, **options)
    given = SampleSources([str(path) for path in (good, odd, bad)])
    account, _ = account_images([tmp_path / "x.h5"], {"x": given})
    assert account.dropped == {"files skipped": Count(7, 0.0, 0.0)}
    assert (account.read, account.wrote["rows"]) == (Count(12, 5.0, 5.0), Count(5, 5.0, 5.0))


def test_no_event_passes(tmp_path) -> None:
    root = write_ntuple(
        tmp_path / "x.root", *make_events(5), weight=[1, -1, 1, -1, 0], n_generated=5, total=9.0
    )
    recipe = ImageRecipe(grid=EtaPhiGrid(4, 4), preselection={"none": "n_fat_jets > 99"})
    convert_ntuple(root, tmp_path / "x.h5", recipe, sample="x", label=0)
    account, split = account_images([tmp_path / "x.h5"])
    assert account.read == Count(5, 0.0, 4.0)
    assert (account.dropped["none"].n, split.read.n) == (5, 0)


def test_older_files_do_not_tell_what_they_read(folder) -> None:
    rewrite(folder / "3.h5", source_events=None, source_rows=None)
    account, _ = account_images([folder / "3.h5"])
    assert (account.read.n, list(account.dropped)) == (
        ImageFile(folder / "3.h5").metadata.cut_flow[1][1],
        ["hard"],
    )


def test_images_of_jets(tmp_path) -> None:
    """Up to two jets of each event, cuts on events and jets, classes of jets of which some fit
    none."""
    columns = nanoaod_columns(40)
    root = write_nanoaod(tmp_path / "nano.root", columns=columns)
    recipe = ImageRecipe(
        jets=JetImageRecipe(JetGrid(4, 4, 2)),
        jets_per_event=2,
        fat_jets=FatJetDefinition(pt_min=50),
        preselection={"jet": "n_fat_jets >= 1"},
        jet_selection={"hard": "pt > 200"},
    )
    cuts = {"one": "FatJet_pt > 300", "two": "FatJet_pt < 250"}
    options = {"classes": ("one", "two"), "class_cuts": cuts, "cross_section_required": False}
    convert_ntuple(root, tmp_path / "x.h5", recipe, sample=Sample("x", OF_ROWS, **options))
    events, jets, split = account_images([tmp_path / "x.h5"])
    assert (events.read.n, list(events.dropped), list(events.wrote)) == (
        40,
        ["jet"],
        ["events that pass"],
    )
    assert list(jets.dropped) == ["hard", "of a class", "of one class"]
    assert jets.dropped["of a class"].n > 0
    assert jets.wrote["rows"] == split.read
    assert split.read.n + sum(one.n for one in jets.dropped.values()) == jets.read.n
    metadata = ImageFile(tmp_path / "x.h5").metadata
    n_events = events.output.n
    _, *steps = metadata.jet_cut_flow
    rewrite(tmp_path / "x.h5", jet_cut_flow=[("leading jets", 2 * n_events + 1, 0.0), *steps])
    words = f"{2 * n_events + 1} leading jets of {n_events} events, which have at most 2 each"
    fail([tmp_path / "x.h5"], words)


def test_several_trees_of_one_file(tmp_path) -> None:
    """Two trees of different lengths are two sources."""
    trees = {name: jetclass_columns(n, seed=n) for name, n in (("one", 8), ("two", 5))}
    root = write_file(tmp_path / "x.root", **trees)
    recipe = ImageRecipe(jets=JetImageRecipe(JetGrid(4, 4, 2)))
    options = {"cross_section_required": False}
    for name in trees:
        source = Source(f"{root}:{name}", schema="jetclass")
        convert_job(source, tmp_path / f"{name}.h5", recipe, sample=Sample("x", 0, **options))
    sources = {"x": SampleSources(schema="jetclass")}
    assert account_images(images(tmp_path), sources)[0].read.n == 13
    both = SampleSources([f"{root}:{name}" for name in trees], schema="jetclass")
    fail([tmp_path / "one.h5"], "no image file has the 5 entries of", "x.root:two", x=both)


def test_files_that_were_not_made_of_root_files(tmp_path) -> None:
    """They are compared with themselves alone: their ROOT files are not looked for."""
    flow = [("in the file", 20, 20.0)]
    changes = {"source_files": [("a.npz", "")], "cut_flow": flow, "selection": {}}
    path = write_image_file(tmp_path / "x.h5", 20, **changes)
    assert account_images([path])[0].wrote == {"rows": Count(20, 20.0, 20.0)}
    rewrite(path, keep=range(19))
    fail([path], "of 20 rows that were read", "19 written", "1 is lost")


def test_balance_of_weights_of_both_signs() -> None:
    """A billion and its negative cancel; what is lost beside them is found by the scale of both."""
    read = Count(3, 1.0, 2e9 + 1)
    near = Account("split", "x", read, wrote={"a": Count(3, 1.0 + 1e-3, 2e9 + 1)})
    near.require_balance("x.h5", "build again")
    far = Account("split", "x", read, wrote={"a": Count(3, 4.0, 2e9 + 4)})
    with pytest.raises(InputError, match="is 1 of what was read, but 4 of what was dropped"):
        far.require_balance("x.h5", "build again")


def test_table() -> None:
    counts = Count(1200, 60.0, 60.0), Count(1000, 50.0, 50.0), Count(200, 10.0, 10.0)
    parts = {"train": counts[1], "test": counts[2]}
    accounts = (
        Account("images", "qcd", counts[0], {"hard": counts[2]}, {"rows": counts[1]}),
        Account("images", "rpv", counts[2], {}, {"rows": counts[2]}),
        Account("split", "qcd", counts[0], wrote=parts),
        *(
            Account("scores", "qcd", counts[1], {}, {"test": counts[2]}, f"cnn/{part}")
            for part in ("seed1/fold0", "seed1/fold1", "seed2/fold0")
        ),
    )
    found = Accounts(accounts, {"qcd": 2.0})
    assert Accounts.from_json(found.to_json()) == found
    assert found.to_markdown().splitlines()[2:] == [
        "| qcd | images | 1,200 | hard: 200 | 1,000 | 100 |",
        "| qcd | split | 1,200 | 0 | train 1,000, test 200 | 120 |",
        "| qcd | scores cnn | 2,000 | 0 | 400 | 40 |",
        "| rpv | images | 200 | 0 | 200 |  |",
    ]


def test_command_line(made, folder) -> None:
    """A table of honest files, one sentence on others; a file that none read needs the list."""
    lines = succeed("account", *images(folder)).splitlines()
    assert re.match(r"qcd +images +85 +two jets: \d+; hard: \d+ ", lines[3])
    assert re.match(r"qcd +split ", lines[4])
    (folder / "3.h5").unlink()
    succeed("account", *images(folder))
    sentence = cli_fail("account", *images(folder), "--ntuples", made / "[ab].root")
    assert "no image file has the 25 entries of" in sentence


def test_schema_is_that_of_the_image_files(tmp_path) -> None:
    """A YAML file that is gone since: its content is stored."""
    schema = tmp_path / "own.yaml"
    schema.write_text("tree: t\ntowers: {eta: e, phi: p, e: t}\n")
    columns = {name: ak.Array([[1.0], [], [2.0]]) for name in ("e", "p", "t")}
    root = write_file(tmp_path / "x.root", t=columns, events={"n": np.arange(5)})
    recipe = ImageRecipe(grid=EtaPhiGrid(4, 4), channels=("et",), cluster_jets=False)
    sample = Sample("x", 0, cross_section_required=False)
    convert_ntuple(Source(root, schema=schema), tmp_path / "x.h5", recipe, sample=sample)
    schema.unlink()
    assert account_images([tmp_path / "x.h5"])[0].read.n == 3
