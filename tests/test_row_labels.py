"""Labels of rows by expressions on branches: of events, of jets, of entries that are jets."""

import re

import awkward as ak
import numpy as np
import pytest
from fakes_cli import fail_usage, stored, succeed
from fakes_ntuples import jetclass_columns, nanoaod_columns, write_file, write_nanoaod

from calovision import ImageCollection, ImageFile
from calovision.conversion import ImageRecipe, Sample, convert_ntuple, convert_ntuples
from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.jets.variables import own_variable
from calovision.ntuples.row_classes import class_formula
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis

CLASSES = ("qcd", "top", "w")
LABELS = {"qcd": "label_QCD", "top": "label_Tbqq | label_Tbl"}


def sample(cuts, name="jets"):
    options = {"cross_section_required": False, "classes": CLASSES, "class_cuts": cuts}
    return Sample(name, OF_ROWS, **options)


def recipe(**changes):
    jets = JetImageRecipe(JetGrid(4, 4, 2))
    return ImageRecipe(jets=jets, fat_jets=FatJetDefinition(pt_min=100), **changes)


@pytest.fixture(scope="module")
def jetclass(tmp_path_factory):
    """A file of 80 jets with labels of three number types, and these as booleans."""
    rng = np.random.default_rng(5)
    truths = {name: rng.random(80) < 0.4 for name in ("label_QCD", "label_Tbqq", "label_Tbl")}
    kinds = dict(zip(truths, (np.float32, np.bool_, np.int32), strict=True))
    columns = {name: values.astype(kinds[name]) for name, values in truths.items()}
    path = tmp_path_factory.mktemp("labels") / "jets.root"
    return write_file(path, tree=jetclass_columns(80) | columns), truths


@pytest.fixture(scope="module")
def nanoaod(tmp_path_factory):
    """A file with the flavour of each jet, and a number of each event."""
    rng = np.random.default_rng(6)
    columns = nanoaod_columns(40)
    counts = ak.num(columns["FatJet_pt"])
    flavour = ak.unflatten(rng.integers(4, 7, ak.sum(counts)).astype(np.int32), counts)
    kind = rng.integers(0, 2, 40).astype(np.int32)
    path = tmp_path_factory.mktemp("nanoaod") / "nano.root"
    more = {"FatJet_hadronFlavour": flavour, "genTtbarId": kind}
    return write_nanoaod(path, columns=columns, **more), columns | more


@pytest.fixture(scope="module")
def labelled(jetclass, tmp_path_factory):
    output = tmp_path_factory.mktemp("labelled") / "jets.h5"
    cuts = {"hard": "pt > 300"}
    convert_ntuple(jetclass[0], output, recipe(jet_selection=cuts), sample=sample(LABELS))
    return ImageFile(output)


def test_rows_have_the_one_class_that_they_fit(jetclass, labelled, tmp_path):
    truths = jetclass[1]
    convert_ntuple(jetclass[0], tmp_path / "all.h5", recipe(), sample=sample({"w": "1 > 0"}))
    every = ImageFile(tmp_path / "all.h5").events
    assert set(every["label"]) == {2}
    qcd, top = truths["label_QCD"], truths["label_Tbqq"] | truths["label_Tbl"]
    hard = every["entry"][every["pt"] > 300]
    kept = hard[qcd[hard] != top[hard]]
    assert np.array_equal(labelled.events["entry"], kept)
    assert np.array_equal(labelled.events["label"], np.where(top[kept], 1, 0))
    n_none, n_two = (~qcd & ~top)[hard].sum(), (qcd & top)[hard].sum()
    assert min(n_none, n_two) > 0
    counts = [len(every["pt"]), len(hard), len(hard) - n_none, len(kept)]
    steps = ("leading jets", "hard", "of a class", "of one class")
    info = labelled.metadata
    assert [(name, n) for name, n, _ in info.jet_cut_flow] == list(zip(steps, counts, strict=True))
    sentence = (
        f"{n_none} of {len(hard)} jets fit no class and {n_two} of {len(hard)} jets fit two "
        f"classes or more (qcd and top: {n_two}); they are left out"
    )
    assert ("classes", sentence, 1) in info.warnings
    assert (info.label, info.classes, info.class_cuts) == (OF_ROWS, CLASSES, LABELS)


def test_chunks_and_parts_change_nothing(jetclass, labelled, tmp_path):
    from calovision.conversion import Source, convert_job

    parts = []
    for first, end in ((0, 30), (30, None)):
        parts.append(tmp_path / f"{first}.h5")
        source = Source(jetclass[0], entry_range=(first, end), chunk_size=7)
        cuts = recipe(jet_selection={"hard": "pt > 300"})
        convert_job(source, parts[-1], cuts, sample=sample(LABELS))
    both = ImageCollection(parts)
    assert np.array_equal(both.column("label"), labelled.events["label"])
    assert both.samples == {"jets": OF_ROWS}
    flows = [file.metadata.jet_cut_flow for file in both.files]
    assert [a[1] + b[1] for a, b in zip(*flows, strict=True)] == [
        n for _, n, _ in labelled.metadata.jet_cut_flow
    ]


def test_flavours_of_jets_and_numbers_of_their_event(nanoaod, tmp_path):
    path, columns = nanoaod
    cuts = {"qcd": "FatJet_hadronFlavour == 4", "top": "FatJet_hadronFlavour == 5", "w": "0 > 1"}
    cuts["w"] = "(FatJet_hadronFlavour == 6) & (genTtbarId != 0)"
    jets = recipe(jets_per_event=3, split_fractions=(0.4, 0.3, 0.3))
    info = convert_ntuple(path, tmp_path / "a.h5", jets, sample=sample(cuts))
    events = ImageFile(tmp_path / "a.h5").events
    assert info.jet_cut_flow[1][1] < info.jet_cut_flow[0][1]  # of flavour 6 without the number
    order = ak.argsort(columns["FatJet_pt"], ascending=False)
    momenta, flavours = (columns[f"FatJet_{name}"][order] for name in ("pt", "hadronFlavour"))
    for entry, index, pt, label in zip(
        *(events[name] for name in ("entry", "jet_index", "pt", "label")), strict=True
    ):
        assert pt == pytest.approx(momenta[entry][index])
        assert label == {4: 0, 5: 1, 6: 2}[flavours[entry][index]]
        assert label != 2 or columns["genTtbarId"][entry]
    # jets of one event are in one split, though of several classes
    pairs = set(zip(events["event_number"].tolist(), events["split"].tolist(), strict=True))
    assert len(pairs) == len(set(events["event_number"].tolist())) < len(events["split"])
    assert set(events["label"]) == {0, 1, 2} == set(events["split"])


def test_jets_without_constituents_are_told_and_may_be_cut(tmp_path):
    columns = jetclass_columns(20)
    filled = np.arange(20) != 7
    lists = {
        name: ak.from_iter([one if keep else [] for one, keep in zip(values, filled, strict=True)])
        for name, values in columns.items()
        if name.startswith("part_")
    }
    lists = {
        name: ak.values_astype(values, ak.type(columns[name]).content.content.primitive)
        for name, values in lists.items()
    }
    path = write_file(tmp_path / "a.root", tree=columns | lists)
    rows = {}
    for name, cuts in (("all", {}), ("cut", {"filled": "n_constituents > 0"})):
        one = Sample("jets", 0, cross_section_required=False)
        output = tmp_path / f"{name}.h5"
        rows[name] = convert_ntuple(path, output, recipe(jet_selection=cuts), sample=one)
    (n_jets,) = rows["all"].source_rows
    sentence = (
        f"1 of {n_jets} images are empty, of jets without constituents in the window; leave them "
        "out by a cut on jets, as n_constituents > 0"
    )
    assert ("images", sentence, 1) in rows["all"].warnings
    assert "images" not in [what for what, _, _ in rows["cut"].warnings]
    assert 7 not in ImageFile(tmp_path / "cut.h5").events["entry"]
    assert rows["cut"].jet_cut_flow[1:] == [("filled", n_jets - 1, n_jets - 1)]


def test_a_cut_on_jets_sees_the_jets_own_value(nanoaod, tmp_path):
    path, columns = nanoaod
    own = {"flavour": own_variable("flavour", "FatJet_hadronFlavour", per="fat_jet")}
    cuts = recipe(jets_per_event=3, variables=own, jet_selection={"b": "flavour == 5"})
    convert_ntuple(path, tmp_path / "a.h5", cuts, sample=sample({"top": "1 > 0"}))
    events = ImageFile(tmp_path / "a.h5").events
    order = ak.argsort(columns["FatJet_pt"], ascending=False)
    flavours = columns["FatJet_hadronFlavour"][order]
    found = list(zip(events["entry"].tolist(), events["jet_index"].tolist(), strict=True))
    assert {flavours[entry][index] for entry, index in found} == {5}
    assert {index for _, index in found} == {0, 1, 2}
    passing = columns["FatJet_pt"][order] > 100
    assert len(found) == ak.sum(passing & (flavours == 5))
    label = {"qcd": "FatJet_hadronFlavour == 4", "top": "FatJet_hadronFlavour == 5"}
    variables = {"flavour": {"branch": "FatJet_hadronFlavour", "per": "fat_jet"}}
    images = {"kind": "jet", "jets": {"selection": {"b": "flavour == 5"}}}
    given = configuration(path, label, variables=variables, images=images)
    given.check_names()
    assert list(Analysis(given).image_variables) == ["flavour"]


def test_rows_are_events_with_a_number_each(nanoaod, tmp_path):
    path, columns = nanoaod
    cuts = {"qcd": "genTtbarId", "top": "~genTtbarId"}
    images = ImageRecipe(channels=("charged_pt",), preselection={"one": "n_fat_jets >= 1"})
    info = convert_ntuple(path, tmp_path / "a.h5", images, sample=sample(cuts))
    events = ImageFile(tmp_path / "a.h5").events
    kinds = columns["genTtbarId"][events["entry"]]
    assert np.array_equal(events["label"], np.where(kinds != 0, 0, 1))
    steps = ["generated", "one", "of a class", "of one class"]
    assert [name for name, _, _ in info.cut_flow] == steps
    assert {n for _, n, _ in info.cut_flow[1:]} == {len(events["label"])}
    assert not any(what == "classes" for what, _, _ in info.warnings)


@pytest.mark.parametrize(
    ("file", "cuts", "sentence"),
    [
        (
            "jetclass",
            {"top": "label_Tbq"},
            r"class 'top' \(label_Tbq\): the tree 'tree' has no branch label_Tbq; did you mean "
            r"label_Tbqq",
        ),
        ("jetclass", {"top": "label_Tbqq |"}, "class 'top': the expression .* cannot be read"),
        ("jetclass", {"tops": "label_Tbqq"}, "there is no class 'tops'; did you mean 'top'?"),
    ],
)
def test_a_wrong_expression_is_one_sentence(file, cuts, sentence, request, tmp_path):
    path = request.getfixturevalue(file)[0]
    with pytest.raises(InputError, match=sentence) as caught:
        convert_ntuples([path], tmp_path / "a.h5", recipe(), sample=sample(cuts))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.h5"))


def test_values_of_jets_where_rows_are_events_are_refused(nanoaod, tmp_path):
    images = ImageRecipe(channels=("charged_pt",))
    cuts = sample({"top": "FatJet_hadronFlavour == 5"})
    with pytest.raises(InputError, match=r"'top' .*one value for each object .*kind: jet"):
        convert_ntuple(nanoaod[0], tmp_path / "a.h5", images, sample=cuts)


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("a | b", "where((((a > 0) or (a < 0)) | ((b > 0) or (b < 0))), 1, 0)"),
        ("(a > 1) & ~b", "where(((a > 1) & (~((b > 0) or (b < 0)))), 1, 0)"),
        ("a & 4", "where((((a & 4) > 0) or ((a & 4) < 0)), 1, 0)"),
    ],
)
def test_numbers_count_as_true_where_they_are_not_0(text, formula):
    assert class_formula(text) == formula


def test_images_and_inspect_of_classes_at_the_command_line(jetclass, labelled, tmp_path):
    output = tmp_path / "jets.h5"
    jets = ("--jets", "--grid", "4x4", "--jet-width", 2, "--pt-min", 100)
    cuts = [word for name, text in LABELS.items() for word in ("--label", f"{name}={text}")]
    cuts += ["--classes", "qcd,top,w", "--select-jets", "pt > 300"]
    more = ("--jet-variables", "width,ptd", "--jet-constituents", 5)
    succeed("images", jetclass[0], "-o", output, *jets, *more, *cuts)
    file = ImageFile(output)
    assert np.array_equal(file.events["label"], labelled.events["label"])
    assert file.metadata.class_cuts == LABELS
    assert file.events["constituents"].shape == (len(file), 5, 6)
    assert {"width", "ptd"} <= set(file.events)
    text = succeed("inspect", output)
    counts = np.bincount(file.events["label"], minlength=3)
    for number, name in enumerate(CLASSES):
        assert re.search(rf"^{name} +{number} +{counts[number]} *$", text, flags=re.MULTILINE)
    n_jets = labelled.metadata.jet_cut_flow[-1][1]
    assert re.search(rf"^of one class +{n_jets} +{n_jets} *$", text, flags=re.MULTILINE)
    assert stored(text, "sample").startswith("jets, labels of the rows (qcd: label_QCD; top: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label", "top"), "--label: 'top' is no class; give 0 or 1, or name --classes"),
        (
            ("--classes", "qcd,top", "--label", "tpo"),
            "--label: 'tpo' is no class; did you mean 'top'?; give one of qcd, top",
        ),
        (
            ("--classes", "qcd,top", "--label", "top=label_Tbqq", "--label", "qcd"),
            "--label: top=label_Tbqq, qcd: give one label of all rows, or CLASS=EXPR once",
        ),
        (("--select-jets", "pt > 1"), "--select-jets: needs --jets"),
        (("--jet-constituents", "3"), "--jet-constituents: needs --jets"),
    ],
)
def test_usage_of_labels(jetclass, options, message, tmp_path):
    assert message in fail_usage("images", jetclass[0], "-o", tmp_path / "a.h5", *options)


def configuration(path, label, **changes):
    return Configuration.of_layers(
        [
            {
                "samples": {"jets": {"label": label, "files": [str(path)]}},
                "classes": {name: {} for name in CLASSES[:2]},
                "images": {"kind": "jet"},
                **changes,
            }
        ]
    )


def test_dry_run_looks_for_the_branches_of_classes(jetclass):
    path = jetclass[0]
    analysis = Analysis(configuration(path, LABELS))
    analysis.look_for_files()
    job = parameters.image_job(analysis, "jets", "0000")["sample"]
    assert (job["label"], job["class_cuts"]) == (OF_ROWS, LABELS)
    wrong = Analysis(configuration(path, {**LABELS, "top": "label_Top"}))
    with pytest.raises(InputError, match=r"'samples.jets.label': .*class 'top' .*no branch"):
        wrong.look_for_files()


def test_events_of_which_jets_have_the_class_are_refused_in_the_dry_run(nanoaod):
    label = {"qcd": "FatJet_hadronFlavour == 4", "top": "FatJet_hadronFlavour == 5"}
    given = configuration(nanoaod[0], label, images={"kind": "event"}, event_content=None)
    assert given.is_tagging
    with pytest.raises(InputError, match=r"'samples.jets.label': .*the rows are events"):
        Analysis(given).look_for_files()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reach": {"correlated": False}}, "'reach': limits of a search, but .*leave it out"),
        (
            {"robustness": {"variations": {"up": {"scale": 1.1}}}},
            "'robustness': variations of the detector, but .*leave it out",
        ),
        ({"robustness": {"variations": {}}}, None),
        ({"classes": {"qcd": {}, "top": {}, "w": {}}}, "'classes.w': no sample of the training"),
    ],
)
def test_sections_of_a_search_beside_a_tagger(jetclass, changes, sentence):
    if sentence is None:
        assert configuration(jetclass[0], LABELS, **changes).is_tagging
        return
    with pytest.raises(InputError, match=sentence):
        configuration(jetclass[0], LABELS, **changes)


def test_two_named_classes_of_events_are_signal_and_background():
    from dry_runs import reach_samples

    named = reach_samples()["samples"]
    for one in named.values():
        one["label"] = ("qcd", "rpv")[one["label"]]
    classes = {"qcd": {"title": "Multijets"}, "rpv": {}}
    with_names, without = (
        Analysis(Configuration.of_layers([one]))
        for one in ({"samples": named, "classes": classes}, reach_samples())
    )
    assert not with_names.is_tagging
    assert with_names.labels == without.labels
    assert with_names.titles_of_label(1) == without.titles_of_label(1) == ["signal"]
    assert with_names.class_names == {0: "Multijets", 1: "rpv"}
    assert parameters.signal_masses(with_names) == parameters.signal_masses(without) != {}
    named["background"]["role"] = "reach"
    with pytest.raises(InputError, match="only samples of the class 'rpv' are of the reach"):
        Configuration.of_layers([{"samples": named, "classes": classes}])
