"""Images in the arrays of others: typetracers of awkward, dask-awkward, coffea, dask, torch,
dlpack.

dask-awkward and coffea are no dependencies: tests of what they do with typetracers run without
them, those that need them only where they are installed.
"""

import awkward as ak
import numpy as np
import pytest
import torch
from fakes import make_events, make_images, to_sparse

from calovision import (
    JET_RECIPES,
    EtaPhiGrid,
    InputError,
    JetGrid,
    JetImageRecipe,
    build_awkward_images,
    build_awkward_jet_images,
    build_images,
    build_jet_images,
)

GRID = EtaPhiGrid(6, 8)
CHANNELS = ("energy", "tracks")
RECIPE = JetImageRecipe(grid=JetGrid(5, 5, 2.0), channels=("et",))


@pytest.fixture(scope="module")
def events():
    towers, tracks = make_events(7)
    return ak.zip({"towers": towers, "tracks": tracks}, depth_limit=1)


def traced(array, **names):
    """Typetracer of an array, and the report of what is read of it."""
    form = ak.to_packed(array).layout.form_with_key("node-{id}")
    layout, report = ak.typetracer.typetracer_with_report(form)
    return ak.Array(layout), report, form


def read_fields(form, report):
    """Names of the fields whose numbers are read."""
    numbers = {}

    def visit(part, path):
        if part.is_record:
            for name, content in zip(part.fields, part.contents, strict=True):
                visit(content, (*path, name))
        elif part.is_numpy:
            numbers[part.form_key] = ".".join(path)
        else:
            visit(part.content, path)

    visit(form, ())
    return {numbers[key] for key in report.data_touched if key in numbers}


def test_images_are_those_of_the_builder(events):
    done = build_awkward_images(events.towers, events.tracks, GRID, CHANNELS)
    images, overflow = build_images(events.towers, events.tracks, GRID, CHANNELS)
    assert np.array_equal(ak.to_numpy(done.image), images)
    assert np.array_equal(ak.to_numpy(done.overflow), overflow)
    assert str(done.type) == "7 * {image: 2 * 6 * 8 * float32, overflow: 2 * float64}"
    jets = build_awkward_jet_images(events.tracks, RECIPE, axes=np.zeros((7, 2)))
    sparse, outside = build_jet_images(events.tracks, RECIPE, axes=np.zeros((7, 2)))
    assert np.array_equal(ak.to_numpy(jets.image), sparse.dense())
    assert np.array_equal(ak.to_numpy(jets.overflow), outside)


def test_array_without_data_gives_the_form_and_reads_what_the_channels_need(events):
    data, report, form = traced(events)
    lazy = build_awkward_images(data.towers, data.tracks, GRID, CHANNELS)
    done = build_awkward_images(events.towers, events.tracks, GRID, CHANNELS)
    assert lazy.layout.form == done.layout.form
    assert ak.backend(lazy) == "typetracer"
    assert set(events.towers.fields) > {"eta", "phi", "e"}
    fields = {"towers.eta", "towers.phi", "towers.e", "tracks.eta", "tracks.phi"}
    assert read_fields(form, report) == fields
    axes = ak.zip({"eta": np.zeros(7), "phi": np.zeros(7), "mass": np.ones(7)})
    both = ak.zip({"tracks": events.tracks, "axes": axes}, depth_limit=1)
    data, report, form = traced(both)
    lazy = build_awkward_jet_images(data.tracks, RECIPE, axes=data.axes)
    done = build_awkward_jet_images(both.tracks, RECIPE, axes=both.axes)
    assert lazy.layout.form == done.layout.form
    fields = {"tracks.pt", "tracks.eta", "tracks.phi", "axes.eta", "axes.phi"}
    assert read_fields(form, report) == fields


def test_no_events_have_the_same_form(events):
    none = build_awkward_images(events.towers[:0], events.tracks[:0], GRID, CHANNELS)
    some = build_awkward_images(events.towers, events.tracks, GRID, CHANNELS)
    assert (len(none), none.layout.form) == (0, some.layout.form)


def test_what_is_missing_is_named_before_any_event_is_read(events):
    data, _, _ = traced(events)
    with pytest.raises(InputError, match="the channels need tracks, of which there are none"):
        build_awkward_images(data.towers, None, GRID, CHANNELS)
    with pytest.raises(InputError, match="towers lack the field 'e_em': they have eta, phi"):
        build_awkward_images(data.towers[["eta", "phi"]], None, GRID, ("em",))
    with pytest.raises(InputError, match="give axes"):
        build_awkward_jet_images(data.tracks, RECIPE)
    with pytest.raises(InputError, match=r"typetracer, an .*build_awkward_images"):
        build_images(data.towers, data.tracks, GRID, CHANNELS)


@pytest.mark.parametrize("part", [slice(None), slice(3, 9), slice(4, 4)])
def test_sparse_images_as_tensors(part):
    dense = make_images(12)[part]
    sparse = to_sparse(dense)
    before = [array.copy() for array in sparse.arrays()]
    assert torch.equal(sparse.to_torch(), torch.from_numpy(dense))
    coo = sparse.to_torch(sparse=True)
    assert coo.layout == torch.sparse_coo
    assert coo.is_coalesced()
    assert torch.equal(coo.to_dense(), torch.from_numpy(dense))
    assert torch.equal(torch.from_dlpack(sparse), torch.from_numpy(dense))
    assert np.array_equal(np.from_dlpack(sparse), dense)
    assert np.array_equal(np.asarray(sparse), dense)
    assert np.asarray(sparse, dtype=np.float64).dtype == np.float64
    assert all(map(np.array_equal, before, sparse.arrays()))
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(sparse, copy=False)


def test_values_and_dense_images_are_shared_with_torch():
    sparse = to_sparse(make_images(4))
    values = sparse.to_torch(sparse=True)._values()
    assert values.data_ptr() == sparse.values.ctypes.data
    images = sparse.dense()
    assert torch.from_dlpack(images).data_ptr() == images.ctypes.data
    part = to_sparse(make_images(4)).part(1, 3)
    assert torch.equal(part.to_torch(sparse=True).to_dense(), part.to_torch())


def test_dask_awkward(events):
    dak = pytest.importorskip("dask_awkward")
    lazy_events = dak.from_awkward(events, npartitions=3)
    lazy = dak.map_partitions(
        build_awkward_images, lazy_events.towers, lazy_events.tracks, GRID, CHANNELS
    )
    images, overflow = build_images(events.towers, events.tracks, GRID, CHANNELS)
    assert np.array_equal(ak.to_numpy(lazy.image.compute()), images)
    assert np.array_equal(dak.to_dask_array(lazy.overflow).compute(), overflow)
    (columns,) = dak.necessary_columns(lazy).values()
    assert "towers.e_em" not in columns
    recipe = JET_RECIPES["w"]
    jets = dak.map_partitions(build_awkward_jet_images, lazy_events.tracks, recipe)
    expected, _ = build_jet_images(events.tracks, recipe)
    assert np.array_equal(ak.to_numpy(jets.image.compute()), expected.dense())


def test_plain_dask(events):
    dask = pytest.importorskip("dask")
    parts = [events[:4], events[4:]]
    lazy = [dask.delayed(build_images)(one.towers, None, GRID, ("energy",)) for one in parts]
    images = np.concatenate([images for images, _ in dask.compute(*lazy)])
    assert np.array_equal(images, build_images(events.towers, None, GRID, ("energy",))[0])


def test_processor_of_coffea(events):
    processor = pytest.importorskip("coffea.processor")
    nanoevents = pytest.importorskip("coffea.nanoevents")
    vector = nanoevents.methods.vector

    class Images(processor.ProcessorABC):
        def process(self, events):
            candidates = ak.zip(
                {"pt": events.pt, "eta": events.eta, "phi": events.phi, "mass": events.pt * 0},
                with_name="PtEtaPhiMLorentzVector",
                behavior=vector.behavior,
            )
            images, _ = build_images(None, candidates, GRID, ("tracks",))
            jets, _ = build_jet_images(candidates, JET_RECIPES["w"])
            return images, jets.dense()

        def postprocess(self, accumulator):
            return accumulator

    images, jets = Images().process(events.tracks)
    assert np.array_equal(images, build_images(None, events.tracks, GRID, ("tracks",))[0])
    expected, _ = build_jet_images(events.tracks, JET_RECIPES["w"])
    assert np.allclose(jets, expected.dense(), rtol=1e-6)
