"""The layout of the top-tagging reference data, as pandas writes it, becomes an image file."""

import os
import pickle

import awkward as ak
import h5py
import numpy as np
import pytest
from fakes_cli import fail, succeed
from fakes_particles import CONSTITUENTS, toptag_columns, write_frame

from calovision.conversion import ImageRecipe, top_tagging
from calovision.conversion.jet_blocks import JetFileOptions
from calovision.conversion.top_tagging import import_top_tagging
from calovision.core.errors import InputError
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe, build_jet_images
from calovision.storage import ImageFile
from calovision.storage.frames import opened_frame

RECIPE = JetImageRecipe(JetGrid(12, 12, 1.6), center="centroid", rotate="principal_axis")
OPTIONS = JetFileOptions(recipe=ImageRecipe(jets=RECIPE))


def constituents_by_hand(columns):
    """Records pt, eta, phi of the constituents, from a loop over jets."""
    jets = []
    for jet in range(len(columns["ttv"])):
        own = []
        for number in range(CONSTITUENTS):
            px, py, pz = (float(columns[f"{p}_{number}"][jet]) for p in ("PX", "PY", "PZ"))
            if (pt := np.hypot(px, py)) > 0:
                own.append({"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px)})
        jets.append(own)
    return ak.Array(jets)


@pytest.mark.parametrize(("layout", "n_bytes"), [("table", 2**25), ("table", 1), ("fixed", 400)])
def test_images_split_and_classes(tmp_path, monkeypatch, layout, n_bytes):
    monkeypatch.setattr(top_tagging, "BLOCK_BYTES", n_bytes)
    parts = [toptag_columns(), toptag_columns(3, seed=8)]
    paths = [write_frame(tmp_path / f"{i}.h5", one, layout=layout) for i, one in enumerate(parts)]
    import_top_tagging(paths, tmp_path / "out.h5", OPTIONS)
    file = ImageFile(tmp_path / "out.h5")
    columns = {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
    constituents = constituents_by_hand(columns)
    expected = build_jet_images(constituents, RECIPE)[0].dense()
    np.testing.assert_allclose(file.dense(np.arange(13)), expected, rtol=1e-5, atol=1e-5)
    assert file.events["label"].tolist() == columns["is_signal_new"].tolist()
    assert file.events["split"].tolist() == [(0, 2, 1)[ttv] for ttv in columns["ttv"].tolist()]
    assert file.events["event_number"].tolist() == list(range(13))
    assert file.events["entry"].tolist() == [*range(10), *range(3)]
    px, py, e = (
        sum(columns[f"{name}_{i}"].astype(float) for i in range(CONSTITUENTS))
        for name in ("PX", "PY", "E")
    )
    np.testing.assert_allclose(file.events["pt"], np.hypot(px, py), rtol=1e-6)
    pz = sum(columns[f"PZ_{i}"].astype(float) for i in range(CONSTITUENTS))
    squared = np.maximum(e**2 - px**2 - py**2 - pz**2, 0)
    np.testing.assert_allclose(file.events["mass"], np.sqrt(squared), rtol=1e-4, atol=0.1)
    info = file.metadata
    assert (info.classes, info.label, info.source_rows) == (("qcd", "top"), -1, [10, 3])
    assert file.events["weight"].tolist() == [1.0] * 13


def test_columns_in_any_order_and_type(tmp_path):
    """A frame whose columns were written one by one (``data_columns``), in float64."""
    columns = toptag_columns()
    shuffled = {name: columns[name] for name in sorted(columns)}
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_group("top").attrs["pandas_type"] = b"frame_table"
        records = np.zeros(10, dtype=[("index", int), *((name, float) for name in shuffled)])
        for name, values in shuffled.items():
            records[name] = values
        file["top/table"] = records
        for name in shuffled:
            file["top/table"].attrs[f"{name}_kind"] = np.bytes_(pickle.dumps([name], 0))
    with opened_frame(path, "top") as frame:
        names = ["PX_0", "ttv", "E_4"]
        expected = np.stack([columns[name] for name in names], axis=1)
        assert np.array_equal(frame.read(names, slice(2, 9)), expected[2:9])
    succeed("import-toptag", path, "--key", "top", "-o", tmp_path / "out.h5", "--jet-recipe", "top")
    assert len(ImageFile(tmp_path / "out.h5")) == 10
    more = ("--jet-variables", "n_constituents,ptd", "--jet-constituents", "3")
    succeed("import-toptag", path, "--key", "top", "-o", tmp_path / "out.h5", "--force", *more)
    file = ImageFile(tmp_path / "out.h5")
    counts = [len(jet) for jet in constituents_by_hand(columns)]
    assert file.events["n_constituents"].tolist() == counts
    hardest = np.hypot(columns["PX_0"].astype(float), columns["PY_0"])
    np.testing.assert_allclose(file.events["constituents"][:, 0, 0], hardest, rtol=1e-6)
    np.testing.assert_allclose(file.events["constituents"][:, 0, 3], columns["E_0"], rtol=1e-6)
    assert file.metadata.recipe["images"]["jet_constituents"] == 3
    assert "mean 'ptd'" in fail(
        "import-toptag", path, "-o", tmp_path / "b.h5", "--jet-variables", "ptD"
    )
    assert "exists already" in fail("import-toptag", path, "-o", tmp_path / "out.h5")


def _changed(**changes):
    columns = toptag_columns()
    for name, (entry, value) in changes.items():
        columns[name] = columns[name].copy()
        columns[name][entry] = value
    return columns


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (_changed(ttv=(4, 3)), r"entry 4: 'ttv' is 3: it must be one of 0 \(train\), 1 \(test\)"),
        (_changed(is_signal_new=(2, -1)), "entry 2: 'is_signal_new' is -1: it must be one of 0"),
        (_changed(PX_0=(7, np.nan)), "entry 7: px is not finite"),
        (_changed(**{f"{p}_{i}": (1, 0) for p in ("PX", "PY") for i in range(CONSTITUENTS)}),
         "entry 1: the jet has no constituents; leave it out"),
        ({"E0": np.zeros(3, np.float32), "ttv": np.zeros(3, int)},
         "the table has no column 'E_0'; did you mean 'E0'"),
        ({name: one for name, one in toptag_columns().items() if name != "PY_3"},
         "the table has no column 'PY_3'"),
        ({name: one[:0] for name, one in toptag_columns().items()}, "no jets: at least one"),
    ],
)  # fmt: skip
def test_bad_tables(tmp_path, columns, sentence):
    path = write_frame(tmp_path / "bad.h5", columns)
    with pytest.raises(InputError, match=sentence) as error:
        import_top_tagging([path], tmp_path / "out.h5", OPTIONS)
    assert "bad.h5" in str(error.value)
    assert "\n" not in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == ["bad.h5"]


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def test_another_table_and_pickles_that_call_something(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_frame(tmp_path / "a.h5", toptag_columns(), key="tops")
    assert "no table 'table' of pandas; tables in it: tops" in fail(
        "import-toptag", path, "-o", tmp_path / "out.h5"
    )
    with h5py.File(path, "r+") as file:
        file["tops/table"].attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(Evil(), 0))
    with pytest.raises(InputError, match="values_block_0_kind' is no list of names"):
        opened_frame(path, "tops").__enter__()
    assert not (tmp_path / "evil").exists()
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["table"] = np.zeros(3)
    with pytest.raises(InputError, match=r"no table 'table' of pandas; tables in it: none"):
        import_top_tagging([tmp_path / "b.h5"], tmp_path / "out.h5", OPTIONS)
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_group("table").attrs["pandas_type"] = "frame_table"
    with pytest.raises(InputError, match=r"c.h5: incomplete table of pandas \(no table/table\)"):
        import_top_tagging([tmp_path / "c.h5"], tmp_path / "out.h5", OPTIONS)
