"""Pool of memory maps: which are let go of, and when pages are given back."""

import numpy as np

from calovision.storage.hdf5 import maps
from calovision.storage.hdf5.maps import PAGES_OF_A_ROW, MapPool


class Owner:
    """Who has a map, as an image file."""

    def __init__(self, mapped):
        self.mapped_bytes = mapped

    def unmap(self):
        self.mapped_bytes = None


def test_oldest_map_is_let_go(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(100))
    pool, owners = MapPool(most_maps=2), [Owner(np.memmap(file, mode="r")) for _ in range(4)]
    for owner in owners[:3]:
        pool.add(owner)
    assert [owner.mapped_bytes is None for owner in owners] == [True, False, False, False]
    del owner, owners[1]  # an owner that is gone counts no more
    pool.add(owners[2])
    assert len(pool) == 2
    assert [owner.mapped_bytes is None for owner in owners] == [True, False, False]


def test_pages_are_given_back_whenever_they_may_be_many_again(tmp_path, monkeypatch):
    given_back = []
    monkeypatch.setattr(maps, "_give_pages_back", given_back.append)
    file = tmp_path / "a.bin"
    with file.open("wb") as output:
        output.truncate(4 * PAGES_OF_A_ROW)
    owner, pool = Owner(np.memmap(file, mode="r")), MapPool(most_resident=3 * PAGES_OF_A_ROW)
    pool.add(owner)
    counts = []
    for n_rows in (2, 1, 2, 2, 1, 1):
        pool.touch(n_rows)
        counts.append(len(given_back))
    assert counts == [0, 0, 1, 2, 2, 3]
