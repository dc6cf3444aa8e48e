"""Checksums of RNTuples, which uproot reads past: a changed bit is an error, not a number."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes import make_events, write_ntuple
from fakes_cli import succeed
from faults.changed_bytes import Change
from packaging.version import Version

from calovision.core.errors import InputError
from calovision.ntuples import Ntuple, iterate_events
from calovision.ntuples.schemas.schema import Collection, Schema, TreeSchema

TOWERS = Collection({name: f"towers.{name}" for name in ("eta", "phi", "e")})
SCHEMA = Schema("mine", "mine", (TreeSchema(tree="events", towers=(TOWERS,)),))


@pytest.fixture
def path(tmp_path):
    """An RNTuple of plain pages."""
    if Version(uproot.__version__) < Version("5.7.7"):
        pytest.skip("this uproot writes no lists of records into RNTuples")
    towers = ak.zip({name: np.arange(12.0, dtype="f4") + 1 for name in ("eta", "phi", "e")})
    with uproot.recreate(tmp_path / "a.root", compression=None) as file:
        file.mkrntuple("events", {"towers": ak.unflatten(towers, 3)})
    return tmp_path / "a.root"


def energies(path):
    return [ak.to_list(events.towers["e"]) for events in iterate_events(path, schema=SCHEMA)]


def test_page_at_another_place_is_refused(path):
    """The place of a page, four bytes later: each number would be that of the next tower."""
    (before,) = energies(path)
    assert before[0] == [1.0, 2.0, 3.0]
    with uproot.open(path) as file:
        ntuple = file["events"].ntuple
        (group,) = ntuple.footer.cluster_group_records
        place = group.page_list_link.locator
        page = ntuple.page_link_list[0][-1].pages[0].locator.offset
    content = path.read_bytes()
    stored = content.index(page.to_bytes(8, "little"), place.offset, place.offset + place.num_bytes)
    path.write_bytes(Change(((stored, 4),)).of(content))
    with pytest.raises(InputError, match=r"a\.root: the tree 'events' is damaged"):
        energies(path)


def test_page_with_a_checksum_is_verified(real_dir, tmp_path):
    """Every page of the published file has one; this bit is in the mantissa of a momentum."""
    path = Change(((279693, 0x40),)).write(real_dir / "pfnano_rntuple.root", tmp_path)
    with pytest.raises(InputError, match=r"PFCands_pt in the tree 'Events' cannot be read"):
        list(iterate_events(path, entry_range=(0, 2)))


@pytest.mark.parametrize("compression", [None, uproot.ZSTD(3)])
def test_branches_without_checksums_are_named(tmp_path, compression):
    """Baskets that are not compressed, or by Zstandard."""
    for path, how in ((tmp_path / "a.root", uproot.ZLIB(1)), (tmp_path / "b.root", compression)):
        write_ntuple(path, *make_events(400), compression=how)
    assert Ntuple(tmp_path / "a.root").info.without_checksums == ()
    info = Ntuple(tmp_path / "b.root").info
    assert info.n_branches == len(info.without_checksums) == 9
    assert info.without_checksums[:2] == ("event_number", "towers_e_em")
    assert "checksums" not in succeed("inspect", tmp_path / "a.root")
    assert (
        "Note: 9 of 9 branches that are read have no checksums (stored plain, or by Zstandard), "
        "event_number, towers_e_em, "
    ) in succeed("inspect", tmp_path / "b.root")


def test_pages_without_checksums_are_named(path, real_dir):
    assert Ntuple(path, schema=SCHEMA).info.without_checksums == (
        "towers.e",
        "towers.eta",
        "towers.phi",
    )
    assert Ntuple(real_dir / "pfnano_rntuple.root").info.without_checksums == ()
