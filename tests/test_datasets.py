"""Batches of sparse images, dense ones on the device, and the order in which events come."""

import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import make_images, to_sparse, write_image_file, write_two_samples
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.datasets import (
    ImageBatch,
    ImageLoader,
    Process,
    Reading,
    apply_symmetry,
    memory,
)
from calovision.storage import ImageCollection, ImageFileWriter


@pytest.fixture
def collection(tmp_path):
    return ImageCollection(write_two_samples(tmp_path, n_events=20))


def make_batch(images, elements=None, **changes):
    """Batch of dense images, all labels 0 and weights 1."""
    sparse, n = to_sparse(images), len(images)
    values = {
        "indices": torch.arange(100, 100 + n),
        "offsets": torch.from_numpy(sparse.offsets),
        "cells": torch.from_numpy(sparse.cells.view(f"int{8 * sparse.cells.itemsize}")),
        "values": torch.from_numpy(sparse.values),
        "labels": torch.zeros(n),
        "weights": torch.ones(n),
        "variables": torch.zeros(n, 0),
        "elements": None if elements is None else torch.as_tensor(elements, dtype=torch.int64),
        "image_shape": images.shape[1:],
    }
    return ImageBatch(**(values | changes))


LAST = torch.channels_last


def scattered(batch, order=torch.contiguous_format):
    """Dense images by the operations that other devices use, here on the CPU."""
    out = torch.full((len(batch), *batch.image_shape), 7.0).to(memory_format=order)
    in_order = out.permute(0, 2, 3, 1) if order == LAST else out
    batch._scatter(
        in_order.view(len(batch), int(np.prod(batch.image_shape))), channels_last=order == LAST
    )
    return out


def brute_force(image, element):
    """Mirrored and shifted with numpy alone."""
    shift, flip_eta, flip_phi = element // 4, element // 2 % 2, element % 2
    image = image[:, ::-1] if flip_eta else image
    image = np.roll(image[:, :, ::-1], 1, axis=2) if flip_phi else image
    return np.roll(image, shift, axis=2)


@settings(max_examples=100)
@given(st.integers(0, 6), st.integers(1, 3), st.integers(1, 7), st.integers(1, 9), st.data())
def test_dense_images_are_turned_as_with_numpy(n, n_channels, n_eta, n_phi, data):
    """The kernel, the operations of other devices and the dense version, against numpy."""
    elements = data.draw(st.lists(st.integers(0, 4 * n_phi - 1), min_size=n, max_size=n))
    images = make_images(n, (n_channels, n_eta, n_phi), scale=3.0)
    expected = np.array(
        [brute_force(image, element) for image, element in zip(images, elements, strict=True)]
    )
    batch = make_batch(images, elements)
    for found in (
        batch.dense(),
        scattered(batch),
        apply_symmetry(torch.from_numpy(images), batch.elements),
    ):
        assert found.dtype == torch.float32
        assert np.array_equal(found.numpy(), expected.reshape(images.shape))
    plain = replace(batch, elements=None)
    assert np.array_equal(plain.dense().numpy(), images)
    assert np.array_equal(scattered(plain).numpy(), images)
    for turned, wanted in ((batch, expected.reshape(images.shape)), (plain, images)):
        for found in (turned.dense(memory_format=LAST), scattered(turned, LAST)):
            assert found.is_contiguous(memory_format=LAST)
            assert np.array_equal(found.numpy(), wanted)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 256, 256), (2, 224, 224), (1, 3, 70001)])
def test_every_cell_of_large_images_is_turned_exactly(shape):
    """Whole images, cells of 2 and of 4 bytes: arithmetic in floating point must not be off by one
    cell."""
    images = np.arange(1, np.prod(shape) + 1, dtype=np.float64).reshape(1, *shape) % 65521 + 1
    images = np.repeat(images, 4, axis=0).astype(np.float32)
    elements = [4 * 5, 4 * (shape[2] - 1) + 1, 2, 4 * (shape[2] // 2) + 3]
    batch = make_batch(images, elements)
    expected = np.array(
        [brute_force(image, element) for image, element in zip(images, elements, strict=True)]
    )
    assert batch.cells.dtype == (torch.int16 if np.prod(shape) <= 2**16 else torch.int32)
    for order in (torch.contiguous_format, LAST):
        assert np.array_equal(batch.dense(memory_format=order).numpy(), expected)
        assert np.array_equal(scattered(batch, order).numpy(), expected)


def test_cells_of_huge_images():
    """Beyond 2^22 cells float32 would take the last cell of a row for the first of the next."""
    n = 3001
    image = np.zeros((1, 1, n, n), dtype=np.float32)
    image[0, 0, :, [0, n - 1]] = np.arange(1, n + 1), -np.arange(1, n + 1)
    batch = make_batch(image, [4 * 2 + 2])
    expected = np.zeros((n, n), dtype=np.float32)
    expected[:, 2], expected[:, 1] = np.arange(n, 0, -1), -np.arange(n, 0, -1)
    assert np.array_equal(batch.dense()[0, 0].numpy(), expected)
    assert np.array_equal(scattered(batch)[0, 0].numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_cells_of_any_integer_type(dtype):
    images = make_images(5, (3, 8, 16))
    batch = make_batch(images, [0, 1, 2, 3, 17])
    expected = batch.dense()
    batch = replace(batch, cells=batch.cells.to(dtype))
    assert torch.equal(batch.dense(), expected)
    assert torch.equal(scattered(batch), expected)


def test_cells_beyond_the_signed_half():
    """Cells above 2^15 are negative as int16."""
    images = np.zeros((2, 1, 256, 256), dtype=np.float32)
    images[0, 0, 255, 254], images[1, 0, 200, 3] = 1.5, 2.5
    batch = make_batch(images, [0, 0])
    assert batch.cells.tolist()[0] < 0
    for found in (batch.dense(), scattered(batch), replace(batch, elements=None).dense()):
        assert np.array_equal(found.numpy(), images)


def test_output_is_reused_and_cleared():
    out = torch.full((4, 2, 8, 8), 7.0)
    for seed in (1, 2):
        batch = make_batch(make_images(4, seed=seed), [5, 0, 3, 30])
        assert batch.dense(out) is out
        assert torch.equal(out, batch.dense())
    last = torch.full((4, 2, 8, 8), 7.0).to(memory_format=LAST)
    assert batch.dense(last, memory_format=LAST) is last
    assert torch.equal(last, out)
    with pytest.raises(InputError, match="out has to be a contiguous float32 tensor"):
        batch.dense(last)


@pytest.mark.parametrize(
    "out",
    [
        torch.zeros(2, 2, 8, 8),
        torch.zeros(3, 2, 8, 8, dtype=torch.float64),
        torch.zeros(3, 2, 8, 16)[..., ::2],
        torch.zeros(3, 2, 8, 8, device="meta"),
    ],
)
def test_output_that_does_not_fit(out):
    with pytest.raises(
        InputError,
        match=r"out has to be a contiguous float32 tensor of shape \(3, 2, 8, 8\) on cpu",
    ):
        make_batch(make_images(3)).dense(out)


@pytest.mark.parametrize("elements", [None, [0, 0, 0], [0, 1, 2]])
@pytest.mark.parametrize(
    ("name", "position", "value"), [("cells", 30, 128), ("offsets", 2, -1), ("offsets", 2, 10**6)]
)
def test_damaged_batch_ends_in_a_sentence(elements, name, position, value):
    batch = make_batch(make_images(3), elements)
    damaged = getattr(batch, name).clone()
    damaged[position] = value
    with pytest.raises(
        InputError, match=r"image 10[12]: its cells are not inside images \(2, 8, 8\)"
    ):
        replace(batch, **{name: damaged}).dense()


def test_batch_on_another_device():
    batch = make_batch(make_images(3), [0, 1, 2], variables=torch.ones(3, 2)).to(
        "meta", non_blocking=True
    )
    assert len(batch) == 3
    names = ("indices", "offsets", "cells", "values", "labels", "weights", "variables", "elements")
    assert {getattr(batch, name).device.type for name in names} == {"meta"}
    images = batch.dense()
    assert images.shape == (3, 2, 8, 8)
    assert images.device.type == "meta"
    assert batch.dense(images) is images
    assert make_batch(make_images(2)).to("meta").elements is None


def test_pinned_batch(monkeypatch):
    """Without a GPU memory cannot be pinned; each tensor is asked."""
    asked = []
    monkeypatch.setattr(
        torch.Tensor, "pin_memory", lambda tensor: asked.append(tensor) or tensor.clone()
    )
    batch = make_batch(make_images(3), [0, 1, 2])
    pinned = batch.pin_memory()
    assert len(asked) == 8
    assert torch.equal(pinned.dense(), batch.dense())


def test_batches_in_order(collection):
    indices, weights = np.arange(5, 31), np.arange(26) / 2
    loader = ImageLoader(
        collection, indices, weights=weights, variables=("ht", "fat_jets"), batch_size=10
    )
    batches = list(loader)
    assert [len(batch) for batch in batches] == [10, 10, 6]
    assert len(loader) == 3
    assert loader.n_events == 26
    images = torch.cat([batch.dense() for batch in batches])
    assert np.array_equal(images.numpy(), collection.dense(indices))
    joined = {
        name: torch.cat([getattr(batch, name) for batch in batches])
        for name in ("indices", "labels", "weights", "variables")
    }
    assert joined["indices"].tolist() == indices.tolist()
    assert joined["labels"].tolist() == [1.0] * 15 + [0.0] * 11
    assert joined["weights"].tolist() == weights.tolist()
    expected = np.column_stack(
        [collection.column("ht"), collection.column("fat_jets").reshape(40, 20)]
    )
    assert np.array_equal(joined["variables"].numpy(), expected[indices].astype(np.float32))
    assert {joined[name].dtype for name in ("labels", "weights", "variables")} == {torch.float32}
    assert {batch.elements for batch in batches} == {None}


def test_weights_default_to_one(collection):
    (batch,) = ImageLoader(collection, [3, 1], batch_size=8)
    assert batch.weights.tolist() == [1.0, 1.0]
    assert batch.variables.shape == (2, 0)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("in_memory", [False, True, "auto"])
def test_no_events(collection, shuffle, in_memory):
    loader = ImageLoader(
        collection,
        [],
        batch_size=8,
        shuffle=shuffle,
        augmentation=True,
        process=Process(0, 2),
        reading=Reading(in_memory=in_memory, prefetch=1),
    )
    assert list(loader) == []
    assert (len(loader), loader.n_events) == (0, 0)


def read_indices(loader, epoch=0):
    loader.set_epoch(epoch)
    return [index for batch in loader for index in batch.indices.tolist()]


def order_of_two_epochs(collection, **options):
    loader = ImageLoader(collection, np.arange(40), batch_size=8, **options)
    return [read_indices(loader, epoch) for epoch in (0, 1)]


def test_shuffled_order_is_that_of_the_seed_and_the_epoch(collection):
    first, second = order_of_two_epochs(collection, shuffle=True, seed=1)
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second != list(range(40))
    (
        torch.rand(7),
        np.random.default_rng().random(7),
    )  # the state of other generators does not matter
    assert order_of_two_epochs(collection, shuffle=True, seed=1) == [first, second]
    assert order_of_two_epochs(collection, shuffle=True, seed=2)[0] != first
    assert order_of_two_epochs(collection) == [list(range(40))] * 2
    loader = ImageLoader(collection, np.arange(40), batch_size=8, shuffle=True, seed=1)
    assert read_indices(loader, 1) == second  # whatever was read before


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64 + 5])
def test_any_integer_is_a_seed(collection, seed):
    loader = ImageLoader(collection, np.arange(40), shuffle=True, augmentation=True, seed=seed)
    assert sorted(read_indices(loader)) == list(range(40))


@pytest.mark.parametrize(("n_events", "sizes"), [(40, [16, 16]), (16, [16]), (17, [16]), (9, [9])])
def test_training_drops_a_short_last_batch_but_never_all(collection, n_events, sizes):
    loader = ImageLoader(collection, np.arange(n_events), batch_size=16, shuffle=True)
    assert [len(batch) for batch in loader] == sizes
    assert (len(loader), loader.n_events) == (len(sizes), sum(sizes))


@settings(max_examples=100)
@given(
    st.integers(0, 40),
    st.integers(1, 12),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_processes_share_the_batches(
    large, n_events, batch_size, world_size, shuffle, augmentation, seed
):
    """Together the processes see the batches of one process with as many times the batch size."""
    indices = np.random.default_rng(1).permutation(60)[:n_events]
    options = {"shuffle": shuffle, "augmentation": augmentation, "seed": seed}

    def load(**more):
        loader = ImageLoader(large, indices, **options, **more)
        loader.set_epoch(3)
        return loader

    ranks = [
        load(batch_size=batch_size, process=Process(rank, world_size)) for rank in range(world_size)
    ]
    batches = [list(rank) for rank in ranks]
    assert {(len(rank), rank.n_events) for rank in ranks} == {(len(batches[0]), ranks[0].n_events)}
    sizes = [[len(batch) for batch in of_rank] for of_rank in batches]
    assert all(of_rank == sizes[0] and min(of_rank, default=1) >= 1 for of_rank in sizes)
    assert sum(map(sum, sizes)) == ranks[0].n_events

    whole = load(batch_size=batch_size * world_size)
    seen, turned = [], {}
    for number, together in enumerate(zip(*batches, strict=True)):
        # column by column: process r has every world_size-th event from the r-th on
        order = torch.stack([batch.indices for batch in together], dim=1).flatten().tolist()
        alone = next(
            iter(batch for batch_number, batch in enumerate(whole) if batch_number == number)
        )
        n_shared = min(len(order), len(alone))
        assert order[:n_shared] == alone.indices.tolist()[:n_shared]
        seen += order
        if augmentation:
            for batch in (alone, *together):
                for index, element in zip(
                    batch.indices.tolist(), batch.elements.tolist(), strict=True
                ):
                    assert turned.setdefault(index, element) == element
    if shuffle:
        enough = n_events >= batch_size * world_size
        assert len(seen) == (
            n_events // (batch_size * world_size) * batch_size * world_size if enough else len(seen)
        )
        assert len(set(seen)) == min(len(seen), n_events)
        assert len(seen) > n_events - batch_size * world_size
        assert n_events == 0 or seen
    else:
        n_twice = -n_events % world_size
        assert seen == np.resize(indices, n_events + n_twice).tolist()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return ImageCollection(
        write_two_samples(tmp_path_factory.mktemp("large"), n_events=30, shape=(1, 2, 3))
    )


def test_starts_inside_an_epoch(collection):
    loader = ImageLoader(
        collection,
        np.arange(40),
        batch_size=8,
        shuffle=True,
        augmentation=True,
        reading=Reading(prefetch=1),
    )
    loader.set_epoch(2)
    whole = list(loader)
    loader.start_batch = 3
    rest = list(loader)
    assert len(loader) == 5
    assert len(rest) == 2
    for found, expected in zip(rest, whole[3:], strict=True):
        assert torch.equal(found.indices, expected.indices)
        assert torch.equal(found.dense(), expected.dense())
    assert len(list(loader)) == 5  # the next epoch is whole
    loader.start_batch = 5
    assert list(loader) == []


def test_an_epoch_that_was_begun_stays_as_it_is(collection):
    loader = ImageLoader(collection, np.arange(40), batch_size=8, shuffle=True, augmentation=True)
    expected = read_indices(loader, 0)
    loader.set_epoch(0)
    batches = iter(loader)
    first = next(batches)
    loader.set_epoch(1)
    assert [index for batch in (first, *batches) for index in batch.indices.tolist()] == expected


def test_turned_images_differ_from_epoch_to_epoch_and_seed_to_seed(collection):
    def elements(epoch, **options):
        loader = ImageLoader(collection, np.arange(40), batch_size=40, augmentation=True, **options)
        loader.set_epoch(epoch)
        (batch,) = loader
        return batch.elements.tolist()

    assert elements(0) == elements(0)
    drawn = [elements(0), elements(1), elements(0, seed=1), elements(1, seed=1)]
    assert len({tuple(some) for some in drawn}) == 4
    assert min(map(len, map(set, drawn))) > 15  # of 32


def test_turned_images_of_the_loader(collection):
    loader = ImageLoader(
        collection, np.arange(40), batch_size=16, shuffle=True, augmentation=True, seed=3
    )
    for batch in loader:
        originals = collection.dense(batch.indices.numpy())
        pairs = zip(originals, batch.elements.tolist(), strict=True)
        assert np.array_equal(
            batch.dense().numpy(), np.array([brute_force(*pair) for pair in pairs])
        )


def write_compressed(path, n_events):
    images = make_images(n_events, seed=9)
    plain = write_image_file(path.with_name(f"plain_{path.name}"), images=images)
    with ImageFileWriter(path, images.shape[1:], compression="blosc2") as writer:
        source = ImageCollection([plain]).files[0]
        writer.append_file(source)
        writer.close(source.metadata)
    return path


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("in_memory", [True, False, "auto"])
def test_memory_files_and_threads_give_the_same(tmp_path, in_memory, prefetch):
    paths = [*write_two_samples(tmp_path, n_events=20), write_compressed(tmp_path / "c.h5", 9)]
    collection = ImageCollection(paths)
    chosen = np.random.default_rng(1).permutation(49)[:40]
    expected = collection.dense(chosen)
    loader = ImageLoader(
        ImageCollection(paths), chosen, batch_size=7, reading=Reading(in_memory, prefetch)
    )
    for _ in range(2):
        batches = list(loader)
        assert np.array_equal(torch.cat([batch.dense() for batch in batches]).numpy(), expected)
        assert torch.cat([batch.indices for batch in batches]).tolist() == chosen.tolist()
    assert (loader._images is not None) == bool(in_memory)  # compressed files are loaded


def test_auto_loads_many_or_compressed_files_where_they_fit(tmp_path, monkeypatch):
    plain = write_image_file(tmp_path / "a.h5", 20)
    packed = write_compressed(tmp_path / "c.h5", 9)
    one, many, other = (
        ImageCollection([plain]),
        ImageCollection([plain] * 9),
        ImageCollection([plain, packed]),
    )
    assert not memory.loading_pays(one, 20, 200)
    assert memory.loading_pays(many, 180, 1800)
    assert memory.loading_pays(other, 29, 290)
    needed = 290 * 8 + 29 * 8
    for available, processes, fits in [
        (4 * needed, 1, True),
        (4 * needed - 1, 1, False),
        (4 * needed, 2, False),
    ]:
        monkeypatch.setattr(memory, "available_memory", lambda available=available: available)
        assert memory.loading_pays(other, 29, 290, n_processes=processes) == fits
    loader = ImageLoader(other, np.arange(29), batch_size=8)
    monkeypatch.setattr(memory, "available_memory", lambda: 100)
    assert len(list(loader)) == 4
    assert loader._images is None


def test_available_memory_heeds_the_limit_of_the_job(tmp_path):
    table = tmp_path / "meminfo"
    table.write_text("MemTotal: 2000 kB\nMemAvailable:   1500 kB\n")
    assert memory._free_memory(table) == 1500 * 1024
    assert memory._free_memory(tmp_path / "absent") > 0
    (tmp_path / "slurm" / "job").mkdir(parents=True)
    (tmp_path / "slurm" / "memory.max").write_text("1000\n")
    (tmp_path / "slurm" / "job" / "memory.max").write_text("max\n")
    (tmp_path / "self").write_text("1:cpu:/x\n0::/slurm/job\n")
    assert memory._job_limits(tmp_path, tmp_path / "self") == [1000]
    assert memory._job_limits(tmp_path, tmp_path / "absent") == []
    (tmp_path / "self").write_text("0::/\n")
    assert memory._job_limits(tmp_path, tmp_path / "self") == []
    assert 0 < memory.available_memory() <= memory._free_memory() * 2


@pytest.mark.parametrize("in_memory", [True, False])
def test_loader_pickles_without_its_images(tmp_path, in_memory):
    paths = [write_image_file(tmp_path / "a.h5", images=make_images(400, (2, 16, 16)))]
    indices = np.arange(40)
    loader = ImageLoader(
        ImageCollection(paths),
        indices,
        batch_size=8,
        shuffle=True,
        augmentation=True,
        reading=Reading(in_memory=in_memory),
    )
    expected = [batch.dense() for batch in loader]
    pickled = pickle.dumps(loader)
    assert len(pickled) < 6000
    for found, images in zip(pickle.loads(pickled), expected, strict=True):
        assert torch.equal(found.dense(), images)


def reader_threads():
    return [
        thread for thread in threading.enumerate() if thread.name.startswith("calovision-reader")
    ]


def test_thread_reads_ahead_and_ends(collection):
    loader = ImageLoader(
        collection, np.arange(40), batch_size=4, reading=Reading(False, prefetch=3)
    )
    read, batch_of, third = [], loader._batch, threading.Event()

    def note(order, elements, number):
        read.append((number, threading.current_thread().name))
        if number == 3:
            third.set()
        return batch_of(order, elements, number)

    loader._batch = note
    batches = iter(loader)
    assert next(batches).indices.tolist() == [0, 1, 2, 3]
    assert third.wait(60)  # three more are read though nobody asked for them
    assert next(batches).indices.tolist() == [4, 5, 6, 7]
    assert len(reader_threads()) == 1
    batches.close()  # the caller stops
    assert reader_threads() == []
    # two were taken and at most three lie ready
    assert [number for number, _ in read] == list(range(len(read)))
    assert 2 <= len(read) <= 5
    assert all(name.startswith("calovision-reader") for _, name in read)
    assert len(list(loader)) == 10
    assert reader_threads() == []


def test_errors_of_the_thread_reach_the_caller(collection, monkeypatch):
    loader = ImageLoader(
        collection, np.arange(40), batch_size=4, reading=Reading(False, prefetch=2)
    )
    sparse = collection.sparse

    def fail(indices):
        if 9 in indices:
            raise InputError("b.h5: damaged")
        return sparse(indices)

    monkeypatch.setattr(collection, "sparse", fail)
    read = []
    with pytest.raises(InputError, match=r"b\.h5: damaged"):
        read.extend(batch.indices.tolist() for batch in loader)
    assert read == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert reader_threads() == []


def test_pinned_by_the_loader(collection, monkeypatch):
    pinned = []
    monkeypatch.setattr(ImageBatch, "pin_memory", lambda batch: pinned.append(batch) or batch)
    assert (
        list(
            ImageLoader(collection, np.arange(40), batch_size=20, reading=Reading(pin_memory=True))
        )
        == pinned
    )
    assert len(pinned) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size 0: a batch needs at least one image"),
        ({"weights": np.ones(3)}, r"weights of shape \(3,\) do not fit 4 events"),
        ({"weights": [1.0, np.nan, np.inf, 1e300]}, "3 of 4 training weights are not finite"),
        ({"variables": ("mass",)}, "no column 'mass'"),
    ],
)
def test_options_that_are_not_possible(collection, options, message):
    with pytest.raises(InputError, match=message):
        ImageLoader(collection, np.arange(4), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Process(2, 2), "process 2 of 2: processes are counted from 0"),
        (lambda: Process(-1), "process -1 of 1"),
        (lambda: Reading("always"), "in_memory 'always' is unknown: choose from auto, True, False"),
        (lambda: Reading(prefetch=-1), "prefetch -1"),
    ],
)
def test_shares_and_readings_that_are_not_possible(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("indices", [[40], [-1], [0.5], [[1]]])
def test_events_that_do_not_exist(collection, indices):
    with pytest.raises(IndexError):
        ImageLoader(collection, indices)
