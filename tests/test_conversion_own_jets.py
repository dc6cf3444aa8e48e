"""Images of the file's own fat jets: of their own constituents, or of towers clustered with their
radius, never of others without a word."""

import logging

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import write_file

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition, cluster_fat_jets
from calovision.storage import ImageFile

N = 12
SAMPLE = Sample("qcd", 0, cross_section_pb=1.0)
FIELDS = ("PT", "Eta", "Phi", "Mass")


def towers():
    """Two clumps an event, and towers around them that are jets of R = 1.0, but not of 0.8."""
    rng = np.random.default_rng(7)
    eta = np.concatenate([rng.normal(0, 0.1, (N, 20)), np.full((N, 2), 0.9)], axis=1)
    phi = np.concatenate([rng.normal(3.1, 0.1, (N, 20)), np.full((N, 2), 3.1)], axis=1)
    e = np.concatenate([rng.uniform(10, 30, (N, 20)), np.full((N, 2), 20.0)], axis=1)
    columns = {"eta": eta, "phi": (phi + np.pi) % (2 * np.pi) - np.pi, "e": e}
    lists = {name: ak.from_regular(values.astype(np.float32)) for name, values in columns.items()}
    return ak.zip(lists)


def write(path, radius, scale=1.0):
    """Write a file whose fat jets are those of the towers with a radius, calibrated by a factor."""
    cells = towers()
    jets = cluster_fat_jets(cells, radius=radius, pt_min=200.0)
    columns = {f"FatJet.{leaf}": jets[leaf.lower()] for leaf in FIELDS}
    columns["FatJet.PT"] = scale * columns["FatJet.PT"]
    columns |= {f"Tower.{leaf}": cells[leaf.lower()] for leaf in ("Eta", "Phi")}
    e = cells["e"]
    columns |= {"Tower.E": e, "Tower.Eem": 0.4 * e, "Tower.Ehad": 0.6 * e}
    columns = {name: ak.values_astype(values, np.float32) for name, values in columns.items()}
    write_file(path, Delphes={"Event.Number": ak.Array([[i] for i in range(N)]), **columns})
    return jets


def convert(source, output, radius=1.0, **options):
    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(radius=radius, **options),
        jets=JetImageRecipe(JetGrid(16, 16, 3.0), channels=("et",)),
    )
    return convert_ntuple(source, output, recipe, sample=SAMPLE)


def sums(path):
    file = ImageFile(path)
    return file.dense(np.arange(len(file))).sum(axis=(1, 2, 3)), file.events["pt"]


def extended(path, radius):
    path.write_text(f"extends: delphes\nfat_jet_radius: {radius}\n")
    return path


def test_jets_of_another_radius_are_refused(tmp_path):
    """A jet of R = 0.8 would have the energy of one of 1.0 in its image."""
    jets = write(tmp_path / "a.root", 0.8)
    ratio = np.median(ak.flatten(cluster_fat_jets(towers(), radius=1.0).pt / jets.pt))
    assert ratio > 1.05
    with pytest.raises(InputError) as raised:
        convert(tmp_path / "a.root", tmp_path / "a.h5")
    text = " ".join(str(raised.value).split())
    assert "towers clustered with R = 1, since there are no constituents, have" in text
    assert f"have {ratio:.3g} of the pT of the fat jets of the file (median of 12), the" in text
    assert "the same within 1% for 0%: these are other jets; give the radius of the file's" in text
    assert "own (fat_jets.radius of the configuration, --radius, or fat_jet_radius of a" in text
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("way", ["recipe", "schema"])
def test_jets_are_imaged_with_their_radius(tmp_path, caplog, way):
    jets = write(tmp_path / "a.root", 0.8)
    source = tmp_path / "a.root"
    if way == "schema":
        source = Source(source, schema=extended(tmp_path / "s.yaml", 0.8))
    with caplog.at_level(logging.INFO):
        convert(source, tmp_path / "a.h5", radius=0.8 if way == "recipe" else 1.0)
    assert "R = 0.8, since there are no constituents, have 1 of the pT" in caplog.text
    total, pt = sums(tmp_path / "a.h5")
    np.testing.assert_allclose(pt, ak.flatten(jets.pt), rtol=1e-6)
    narrow = towers()[towers().eta < 0.5]
    np.testing.assert_allclose(total, ak.sum(narrow.e / np.cosh(narrow.eta), axis=1), rtol=1e-5)


def test_calibrated_jets_need_their_radius_from_the_schema(tmp_path, caplog):
    write(tmp_path / "a.root", 0.8, scale=1.05)
    with pytest.raises(InputError, match=r"R = 0.8.* have 0.952 of the pT .* these are other jets"):
        convert(tmp_path / "a.root", tmp_path / "a.h5", radius=0.8)
    schema = extended(tmp_path / "s.yaml", 0.8)
    convert(Source(tmp_path / "a.root", schema=schema), tmp_path / "a.h5")
    assert "of the pT" not in caplog.text
    total, pt = sums(tmp_path / "a.h5")
    assert np.all((total / pt > 0.94) & (total / pt < 1.0))
    write(tmp_path / "b.root", 0.8, scale=2.0)
    convert(Source(tmp_path / "b.root", schema=schema), tmp_path / "b.h5")
    assert "have 0.5 of the pT of the fat jets of the file" in caplog.text


def test_jets_without_towers_near_them_are_other_jets(tmp_path):
    write(tmp_path / "a.root", 0.8)
    with pytest.raises(InputError, match="have 0 of the pT"):
        convert(tmp_path / "a.root", tmp_path / "a.h5", radius=0.01)


def test_event_images_do_not_ask_for_the_radius(tmp_path):
    write(tmp_path / "a.root", 0.8)
    recipe = ImageRecipe(channels=("et",))
    metadata = convert_ntuple(tmp_path / "a.root", tmp_path / "a.h5", recipe, sample=SAMPLE)
    assert metadata.fat_jet_radius is None
