"""Masks of dead cells: regions on other grids, cells emptied or filled against a loop over dense
images, files and attributes, flags to masks, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from dry_runs import samples
from fakes import make_events, make_images, to_sparse, write_image_file, write_ntuple
from fakes_cli import fail, fail_usage, succeed
from fakes_monitoring import make_flags

from calovision.conversion import ImageRecipe, convert_ntuple
from calovision.conversion.masking import ImageMask
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.images.mask_file import read_mask, write_mask
from calovision.images.masked import CellMask, apply_mask
from calovision.images.masks import DeadRegion, Mask
from calovision.monitoring.masks import mask_of_flags, mask_of_towers
from calovision.stages.images import image_recipe
from calovision.storage import ImageCollection, ImageFile, merge_image_files
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis

GRID = EtaPhiGrid(8, 8)
CHANNELS = ("em_et", "tracks")


def filled_by_hand(image, dead, widths):
    """Image of a channel whose dead cells hold the mean density of the known cells around them,
    from the rim to the middle."""
    density = image / widths[:, None]
    known = ~dead
    n_eta, n_phi = dead.shape
    while not known.all():
        found = {}
        for row, column in zip(*np.nonzero(~known), strict=True):
            near = {
                (row + up, (column + right) % n_phi)
                for up in (-1, 0, 1)
                for right in (-1, 0, 1)
                if 0 <= row + up < n_eta and (up, right) != (0, 0)
            }
            values = [density[one] for one in near if known[one]]
            if values:
                found[row, column] = np.mean(values)
        for place, value in found.items():
            density[place], known[place] = value, True
    return density * widths[:, None]


@pytest.mark.parametrize("widths", [np.ones(8), np.linspace(0.5, 1.2, 8)])
def test_cells_are_emptied_or_filled_as_by_a_loop(widths):
    dead = np.random.default_rng(1).random((2, 8, 8)) < 0.15
    dead[0, 2:6, 6:] = dead[0, 2:6, 0] = True  # a board that reaches over phi = pi
    dead[1, 0] = True
    images = make_images(5, scale=3.0)
    images[3] = 0
    emptied = np.where(dead, 0, images).astype(np.float32)
    expected = np.stack(
        [[filled_by_hand(*pair, widths) for pair in zip(one, dead, strict=True)] for one in images]
    )
    sparse = to_sparse(images)
    for fill, wanted in (("zero", emptied), ("neighbours", expected)):
        for given in (images, sparse):
            found = apply_mask(given, dead, fill=fill, eta_widths=widths)
            dense = found if given is images else found.dense()
            np.testing.assert_allclose(dense, wanted, rtol=1e-5, atol=1e-7)
            assert dense.dtype == np.float32
        masked, counts = CellMask(dead, fill, widths).apply(sparse)
        removed = np.where(dead, images, 0).sum(axis=(0, 2, 3), dtype=np.float64)
        np.testing.assert_allclose(counts.removed, removed, rtol=1e-6)
        total = masked.dense().sum(axis=(0, 2, 3), dtype=np.float64)
        before = images.sum(axis=(0, 2, 3), dtype=np.float64)
        np.testing.assert_allclose(total, before - removed + counts.filled, rtol=1e-5)
        offsets, cells, values = masked.arrays()
        assert np.all(
            np.diff(cells.astype(int))[np.diff(np.repeat(range(5), np.diff(offsets))) == 0] > 0
        )
        assert cells.dtype == np.uint16
        assert np.all(values != 0)
    np.testing.assert_array_equal(
        images, make_images(5, scale=3.0) * (np.arange(5) != 3)[:, None, None, None]
    )


def test_regions_are_cells_of_other_grids_where_they_cover_half():
    coarse = EtaPhiGrid(4, 8)
    region = mask_of_towers(coarse, np.array([[1, 7]])).regions[0]
    assert region.eta == (-1.25, 0.0)
    finer = np.zeros((16, 32), dtype=bool)
    finer[4:8, 28:] = True
    mask = Mask((region,))
    np.testing.assert_array_equal(mask.cells(EtaPhiGrid(16, 32), ("et",))[0], finer)
    np.testing.assert_array_equal(mask.cells(coarse, ("et",))[0].sum(), 1)
    assert not mask.cells(EtaPhiGrid(2, 2), ("et",)).any()  # an eighth of a cell
    # two halves of a cell make it dead, the same half twice does not
    halves = [DeadRegion((-1.25, -0.625 - x), (np.pi * 0.75, np.pi)) for x in (0.0, 1e-3)]
    other = DeadRegion((-0.625, 0.0), (np.pi * 0.75, np.pi))
    for regions, n_dead in (((halves[1],) * 2, 0), ((halves[1], other), 1), ((halves[0],), 1)):
        assert Mask(regions).cells(coarse, ("et",)).sum() == n_dead
    # a quarter of a cell counts once in all channels and in this one, and where two overlap
    quarter = DeadRegion((-1.25, -0.9375), (np.pi * 0.75, np.pi))
    again = replace(quarter, channels=("et",))
    shifted = DeadRegion((-1.2, -0.875), (np.pi * 0.75, np.pi))
    for regions in ((quarter, again), (quarter, shifted)):
        assert Mask(regions).cells(coarse, ("et",)).sum() == 0
    # over phi = pi, in one channel, in some runs
    over = DeadRegion((-2.5, 2.5), (np.pi * 0.75, -np.pi * 0.75), ("tracks",), (3, 5))
    found = Mask((over,)).cells(GRID, CHANNELS, run=4)
    assert found[0].sum() == 0
    assert np.flatnonzero(found[1].all(axis=0)).tolist() == [0, 7]
    for run in (2, 6, None):
        assert not Mask((over,)).cells(GRID, CHANNELS, run).any()


def test_a_file_gives_the_mask_again(tmp_path):
    mask = Mask(
        (
            DeadRegion((-1, 0.5), (3.0, -3.0), ("em_et",), (1, 9), "dead"),
            *mask_of_towers(GRID, np.array([[0, 7], [3, 3]])).regions,
        )
    )
    write_mask(tmp_path / "mask.json", mask)
    assert read_mask(tmp_path / "mask.json") == mask
    (tmp_path / "no.json").write_text("[")
    with pytest.raises(InputError, match=r"no.json: no mask, it is not JSON"):
        read_mask(tmp_path / "no.json")
    with pytest.raises(InputError, match=r"gone.json: the mask cannot be read"):
        read_mask(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": "x"}, "the key 'format' of one is 'calovision-mask'"),
        ({"version": 9}, "a mask of version 9: this calovision reads up to 1"),
        ({"regions": 3}, "'regions' is no list"),
        ({"regions": []}, "it has no region"),
        ({"regions": [{"eta": [0, 1]}]}, "phi is missing"),
        ({"regions": [{"eta": [1, 0], "phi": [0, 1]}]}, r"eta is \[1.0, 0.0\]: give its two ends"),
        ({"regions": [{"eta": [0, 1], "phi": [1, 1]}]}, "which is no range"),
        ({"regions": [{"eta": [0, 1], "phi": [0, 1], "chanels": []}]}, "did you mean 'channels'"),
        ({"regions": [{"eta": [0, 1], "phi": [0, 1], "runs": [3, 1]}]}, "give first and last"),
        ({"regions": [{"eta": [0, 1], "phi": [0, 1], "runs": ["a", 1]}]}, "is none"),
    ],
)
def test_files_that_are_no_masks(content, message):
    with pytest.raises(InputError, match=message):
        Mask.from_dict({"format": "calovision-mask", "version": 1} | content)


def test_masks_that_do_not_fit_the_images():
    cell = mask_of_towers(EtaPhiGrid(64, 64), np.array([[3, 3]]))
    with pytest.raises(InputError, match="cover less than half of every cell of the 8x8 images"):
        cell.check(GRID, CHANNELS)
    with pytest.raises(InputError, match="no channel 'track'; did you mean 'tracks'"):
        mask_of_towers(GRID, np.array([[3, 3]]), ["track"]).check(GRID, CHANNELS)
    everything = Mask((DeadRegion((-3, 3), (-np.pi, np.pi)),))
    with pytest.raises(InputError, match="all cells of the channel 'em_et' are dead"):
        everything.check(GRID, CHANNELS)
    for dead in (np.ones((2, 8, 8)), np.zeros((8, 8))):
        with pytest.raises(InputError, match=r"all cells of a channel|mask of shape"):
            CellMask(dead)
    with pytest.raises(InputError, match=r"images of shape .*, but the mask is of"):
        apply_mask(make_images(2), np.zeros((1, 8, 8)))
    with pytest.raises(InputError, match="mask_fill 'mean' is unknown"):
        apply_mask(make_images(2), np.zeros((2, 8, 8)), fill="mean")


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    path = tmp_path_factory.mktemp("ntuple") / "a.root"
    return write_ntuple(path, *make_events(12), parts=2)


def towers(*cells, **more):
    return Mask(
        tuple(replace(one, **more) for one in mask_of_towers(GRID, np.array(cells)).regions)
    )


def test_the_builder_masks_and_counts(tmp_path, ntuple):
    recipe = ImageRecipe(GRID, CHANNELS, cluster_jets=False)
    plain = convert_ntuple(ntuple, tmp_path / "plain.h5", recipe, sample="qcd", label=0)
    assert plain.mask is None
    assert "mask" not in plain.recipe["images"]
    mask = towers((3, 3), (3, 4), (0, 7), channels=("em_et",))
    dead = mask.cells(GRID, CHANNELS)
    images = ImageFile(tmp_path / "plain.h5").dense(np.arange(12))
    paths = []
    for fill in ("zero", "neighbours"):
        masked = replace(recipe, mask=ImageMask(mask, fill))
        paths.append(tmp_path / f"{fill}.h5")
        info = convert_ntuple(ntuple, paths[-1], masked, sample="qcd", label=0)
        file = ImageFile(paths[-1])
        expected = apply_mask(images, dead, fill=fill)
        np.testing.assert_allclose(file.dense(np.arange(12)), expected, rtol=1e-5)
        found = file.metadata.mask
        assert found == json.loads(json.dumps(info.mask))
        assert (found["fill"], found["cells"]) == (fill, [3, 0])
        sums = np.where(dead, images, 0).sum(axis=(0, 2, 3), dtype=np.float64)
        assert found["removed"] == pytest.approx(sums, rel=1e-6)
        filled = expected[:, dead].sum(dtype=np.float64)
        assert found["filled"] == pytest.approx([filled, 0], rel=1e-5)
        assert ImageRecipe.from_dict(masked.to_dict()) == masked
    for other in (paths[1], tmp_path / "plain.h5"):
        with pytest.raises(InputError, match=r"its dead cells \(mask\) differ from those of"):
            ImageCollection([paths[0], other])
    half = {"cells": [3, 0], "removed": [1.5, 0.0], "filled": [0.5, 0.0]}
    parts = [
        write_image_file(tmp_path / f"{n}.h5", mask=found | half, source_files=[(str(n), str(n))])
        for n in range(2)
    ]
    merged = merge_image_files(parts, tmp_path / "merged.h5")
    assert merged.mask == found | {"removed": [3.0, 0.0], "filled": [1.0, 0.0]}


def test_masks_of_some_runs_need_the_run(tmp_path, ntuple):
    mask = towers((3, 3), (4, 4), runs=(4, 7))
    recipe = ImageRecipe(GRID, CHANNELS, cluster_jets=False, mask=ImageMask(mask))
    with pytest.raises(
        InputError, match="regions of some runs only, but the events have no column"
    ):
        convert_ntuple(ntuple, tmp_path / "a.h5", recipe, sample="qcd", label=0)
    own = {"run": "event_number"}
    plain = replace(recipe, mask=None, variables=own)
    for one, name in ((replace(recipe, variables=own), "b"), (plain, "c")):
        convert_ntuple(ntuple, tmp_path / f"{name}.h5", one, sample="qcd", label=0)
    file, images = (ImageFile(tmp_path / f"{name}.h5") for name in "bc")
    images = images.dense(np.arange(12))
    of_run = (file.events.read("run") >= 4) & (file.events.read("run") <= 7)
    assert 0 < of_run.sum() < 12
    dead = mask.cells(GRID, CHANNELS, 5)
    expected = np.where(of_run[:, None, None, None] & dead, 0, images)
    np.testing.assert_array_equal(file.dense(np.arange(12)), expected)
    assert file.metadata.mask["cells"] == [2, 2]


@pytest.mark.parametrize("wrong", [np.nan, 4.5])
def test_runs_of_a_mask_are_whole_numbers(wrong):
    mask = ImageMask(towers((3, 3), (4, 4), runs=(4, 7)))
    with pytest.raises(InputError, match=rf"'run' is {wrong:g} in an event"):
        mask.apply(to_sparse(make_images(2)), GRID, CHANNELS, np.array([4.0, wrong]))


def test_the_command_line_masks(tmp_path, ntuple):
    write_mask(tmp_path / "mask.json", towers((3, 3)))
    options = ("--grid", "8x8", "--mask", tmp_path / "mask.json")
    output = ("-o", tmp_path / "a.h5")
    text = succeed("images", ntuple, *output, *options, "--mask-fill", "neighbours")
    assert "dead cells" in text
    assert ImageFile(tmp_path / "a.h5").metadata.mask["fill"] == "neighbours"
    output = ("-o", tmp_path / "b.h5")
    assert "needs --mask" in fail_usage("images", ntuple, *output, "--mask-fill", "neighbours")
    assert "cannot be used with --jets" in fail_usage(
        "images", ntuple, *output, "--jets", *options[2:]
    )
    assert "no channel 'tracks'" not in fail(
        "images", ntuple, *output, "--grid", "2x2", *options[2:]
    )


def test_flags_become_a_mask(tmp_path):
    flags = make_flags(
        (5, "em_et", "dead", [(1, 2), (1, 3)]),
        (9, "em_et", "dead", [(1, 2)]),
        (9, "tracks", "hot", [(7, 7)]),
    )
    dead = np.zeros((2, 8, 8), dtype=bool)
    dead[0, 1, 2:4] = dead[1, 7, 7] = True
    np.testing.assert_array_equal(mask_of_flags(flags).cells(GRID, CHANNELS), dead)
    of_run = mask_of_flags(flags, by_run=True)
    assert of_run.regions[0].runs == (5, 9)
    assert [of_run.cells(GRID, CHANNELS, run).sum() for run in (5, 7, 9)] == [2, 1, 2]
    assert mask_of_flags(flags, min_runs=2).cells(GRID, CHANNELS).sum() == 1
    assert mask_of_flags(flags, kinds=["hot"], all_channels=True).cells(GRID, CHANNELS).sum() == 2
    with pytest.raises(InputError, match="no flag is of the kind 'noisy'; there are dead, hot"):
        mask_of_flags(flags, kinds=["noisy"])
    with pytest.raises(InputError, match="no tower is flagged in 3 runs or more"):
        mask_of_flags(flags, min_runs=3)
    (tmp_path / "flags.json").write_text(json.dumps(flags.to_json()))
    output = ("-o", tmp_path / "mask.json", "--min-runs", 1)
    assert "em_et" in succeed("monitor", "mask", tmp_path / "flags.json", *output)
    assert read_mask(tmp_path / "mask.json") == mask_of_flags(flags)


def read(**changes):
    """A configuration of events; sections are changed by keys."""
    given = samples() | {"images": {"grid": [8, 8], "channels": ["em_et", "tracks"]}}
    for name, value in changes.items():
        given[name] = given.get(name, {}) | value
    return Configuration.of_layers([given])


def test_a_configuration_masks_its_images_or_a_variation(tmp_path):
    path = str(tmp_path / "mask.json")
    write_mask(tmp_path / "mask.json", towers((3, 3)))
    variations = {"masked": {"mask": path}, "filled": {"mask": path, "mask_fill": "neighbours"}}
    analysis = Analysis(read(robustness={"variations": variations}))
    analysis.configuration.check_names()
    assert (analysis.mask_files(), analysis.mask_files("filled")) == ([], [path])
    found = parameters.varied_image_recipe(analysis, "filled")
    assert (found["images"]["mask"], found["images"]["mask_fill"]) == (path, "neighbours")
    assert found["variation"] is None
    recipe = image_recipe(found, {"fractions": (0.5, 0.15, 0.35)})
    assert recipe.mask == ImageMask(towers((3, 3)), "neighbours")
    assert parameters.image_recipe(analysis)["images"]["mask"] is None
    main = Analysis(read(images={"mask": path, "mask_fill": "neighbours"}))
    main.configuration.check_names()
    assert main.mask_files() == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {"mask": "gone.json"}}, "'images.mask': gone.json: the mask cannot be read"),
        ({"images": {"mask_fill": "neighbours"}}, "'images.mask_fill': there is no mask"),
        ({"images": {"mask": "MASK", "grid": [2, 2]}}, "'images.mask': mask: its 1 regions cover"),
        (
            {"images": {"mask": "RUNS"}},
            "'images.mask': regions of some runs need the variable 'run'",
        ),
        (
            {"robustness": {"variations": {"a": {"mask_fill": "zero"}}}},
            "'robustness.variations.a.mask_fill': there is no mask",
        ),
        (
            {"robustness": {"variations": {"a": {"mask": "gone.json"}}}},
            "'robustness.variations.a.mask': gone.json",
        ),
    ],
)
def test_masks_that_a_configuration_refuses(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    write_mask(tmp_path / "MASK", towers((3, 3)))
    write_mask(tmp_path / "RUNS", towers((3, 3), runs=(1, 2)))
    with pytest.raises(InputError, match=message):
        read(**changes).check_names()
