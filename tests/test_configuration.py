"""The configuration: its classes, files and schema agree; bad input stops with one sentence that
names the key."""

import os
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_origin

import jsonschema
import pydantic
import pytest
import yaml
from conftest import REPOSITORY
from dry_runs import reach_samples, samples

from calovision.core.errors import InputError
from calovision.models.networks import NETWORKS
from calovision.training.options import TrainingOptions
from calovision.workflow import Configuration, check_results_dir, package_digest, sources
from calovision.workflow.example import example_yaml
from calovision.workflow.keys import Entry, Section, members, section_in
from calovision.workflow.layers import merge_layers, parse_texts
from calovision.workflow.modules import check_class
from calovision.workflow.reference import files_of_reference, reference_page
from calovision.workflow.schema import schema_of_configuration
from calovision.workflow.sections import Channel, EventContent, FatJets, Variation
from calovision.workflow.training import Training

CONFIG = REPOSITORY / "config"


def load(name: str) -> dict:
    return yaml.safe_load((CONFIG / name).read_text())


def sections() -> list[type[Section]]:
    """All sections, from the outermost on."""
    found = [Configuration]
    for section in found:
        for field in section.model_fields.values():
            values = [get_args(one)[1] for one in members(field.annotation) if get_args(one)[1:]]
            inner = [section_in(one) for one in (field.annotation, *values)]
            found += [one for one in inner if one is not None and one not in found]
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIG.glob("*.yaml")))
def test_every_configuration_of_the_repository_is_right(name: str) -> None:
    """Alone, and beside the one that its first lines name."""
    alone = Configuration.read([CONFIG / name])
    jsonschema.Draft202012Validator(schema_of_configuration()).validate(alone.to_dict())
    beside = {"study_more.yaml", "study_hep_cnn.yaml"}
    Configuration.read([CONFIG / "study.yaml"] * (name in beside) + [CONFIG / name]).check_names()


def test_every_key_has_a_meaning_of_one_line() -> None:
    for section in sections():
        assert section.model_config["extra"] == "forbid"
        assert section.model_config["frozen"]
        for name, field in section.model_fields.items():
            assert field.description, name
            assert "\n" not in field.description


def test_example_has_every_key() -> None:
    """But those of samples and variations, which may be left out."""
    example = load("config.yaml")
    for name, field in Configuration.model_fields.items():
        section = section_in(field.annotation)
        assert name in example
        if section is not None and name != "monitoring":  # which is what makes a run monitor
            assert list(example[name]) == list(section.model_fields)


def test_keys_know_the_classifiers_and_the_variations_of_the_package() -> None:
    from calovision.conversion.variations import VARIATIONS
    from calovision.evaluation.baselines import BASELINES
    from calovision.images import CHANNELS
    from calovision.jets import EventContent as ContentOfJets
    from calovision.jets import FatJetDefinition

    schema = schema_of_configuration()
    assert schema["properties"]["baselines"]["items"]["enum"] == list(BASELINES)
    assert set(get_args(Channel)[-1].values) == set(CHANNELS)
    for section, of_jets in ((EventContent, ContentOfJets), (FatJets, FatJetDefinition)):
        defaults = {name: one.default for name, one in section.model_fields.items()}
        assert defaults == {one.name: one.default for one in fields(of_jets)}
    assert list(Variation.model_fields) == list(VARIATIONS)


def test_written_files_are_those_of_the_classes() -> None:
    """`make reference` writes them."""
    for path, text in files_of_reference(REPOSITORY).items():
        assert (REPOSITORY / path).read_text() == text, path


def test_page_explains_exactly_the_keys_there_are() -> None:
    page = reference_page().partition("\n## Event variables\n")[0]
    explained = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert explained == set(keys(Configuration))
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert rows["fat_jets.f_cut"] == (
        "| `fat_jets.f_cut` | Smallest share of the jet's pT that a subjet must have to stay. | "
        "number from 0 below 1 | `0.05` |"
    )
    assert rows["samples.<name>.mass"].endswith("| number above 0, GeV | none; as `1400` |")
    assert rows["images.events_per_job"].endswith("| whole number from 1; or `null` | `null` |")
    assert "comparisons in parentheses joined by `&`, `\\|`" in rows["selection.signal_region"]


def test_example_is_the_defaults() -> None:
    assert Configuration.from_mapping(load("config.yaml")) == Configuration()
    assert Configuration.read([CONFIG / "config.yaml"]) == Configuration()
    assert Configuration.of_layers([]) == Configuration()
    for line in example_yaml().splitlines():
        assert len(line) <= 100


def keys(section: type[Section], prefix: str = "") -> Iterator[str]:
    """Dotted names of the keys that hold no others; a name of the user's is <name>."""
    for name, field in section.model_fields.items():
        of_names = [one for one in members(field.annotation) if get_origin(one) is dict]
        named = get_args(of_names[0])[1:] if of_names else ()
        inner, entry = section_in(field.annotation), section_in(named[0]) if named else None
        if inner is not None:
            yield from keys(inner, f"{prefix}{name}.")
        elif entry is not None and issubclass(entry, Entry):
            yield from keys(entry, f"{prefix}{name}.<name>.")
        else:
            yield f"{prefix}{name}" + (".<name>" if entry is not None else "")


def test_keys_of_the_training_are_the_options_of_the_package() -> None:
    """With the same defaults; the seed of a network is that of the configuration and its number."""
    options = {one.name: getattr(TrainingOptions(), one.name) for one in fields(TrainingOptions)}
    del options["seed"]
    of_the_workflow = {"seeds": 1, "test_rotations": 0, "threads": 8, "recipe": None}
    assert dict(Training()) == options | of_the_workflow
    properties = schema_of_configuration()["$defs"]["Training"]["properties"]
    *names, import_path = (
        properties["network"]["pattern"].removeprefix("^(").removesuffix(")$").split("|")
    )
    assert names == list(NETWORKS)
    assert re.fullmatch(import_path, "my_package.networks:Net")
    assert properties["weights"]["enum"] == ["balanced", "log1p", "raw", "none"]
    assert properties["batch_size"] == {
        "type": "integer",
        "minimum": 1,
        "default": 64,
        "description": "Events in a step, over all processes",
    }
    assert "batch_size\n        Events in a step, over all processes." in TrainingOptions.__doc__


REFUSED = [
    ({"models": {}}, "should be non-empty"),
    ({"models": {"a b": {}}}, "'a b' does not match"),
    ({"models": {"a": {"weights": "physical"}}}, "'physical' is not one of"),
    ({"train": {"seeds": 0}}, "less than the minimum of 1"),
    ({"train": {"network": "net"}}, "'net' does not match"),
    ({"train": {"gradient_clip": 0}}, "less than or equal to the minimum of 0"),
    ({"baselines": ["svm"]}, "'svm' is not one of"),
    ({"baselines": ["mlp", "mlp"]}, "non-unique"),
    ({"robustness": {"variations": {"a": {}}}}, "should be non-empty"),
    ({"robustness": {"variations": {"a": {"scale": 0}}}}, "less than or equal to the minimum of 0"),
    (
        {"robustness": {"variations": {"a": {"dead": 1}}}},
        "greater than or equal to the maximum of 1",
    ),
    ({"reach": {"background_uncertainty": -0.1}}, "less than the minimum of 0"),
    ({"images": {"grid": [64]}}, "too short"),
    ({"images": {"grid": [64, 64, 3]}}, "too long"),
    ({"split": {"fractions": [0.5, 0, 0.5]}}, "less than or equal to the minimum of 0"),
    ({"fat_jets": {"groomed": 1}}, "not of type 'boolean'"),
    ({"fat_jets": {"radius": True}}, "not of type 'number'"),
    ({"seed": True}, "not of type 'integer'"),
    ({"seed": 1.5}, "not of type 'integer'"),
    ({"baselines": "mlp"}, "not of type 'array'"),
    ({"train": 3}, "not of type 'object'"),
    ({"results_dir": ""}, "should be non-empty"),
    ({"train": {"precision": 16}}, r"'train\.precision': 16 is not one of \['auto', 'fp32'"),
    ({"train": {"precision": None}}, r"'train\.precision': it is empty; give it a value"),
    (
        {"samples": {"a": {"label": 1, "title": None}, "b": {"label": 0}}},
        r"'samples\.a\.title': it is empty; give it a value, or leave the key out",
    ),
    (
        {"samples": {"a": {"label": 1, "simulate": None}, "b": {"label": 0}}},
        r"'samples\.a\.simulate': it is empty; give keys below it",
    ),
    (samples(label=True), r"'samples\.background\.label': True is not of type 'integer'"),
    (samples(label=2), r"'samples\.background\.label': 2 is not one of \[0, 1\]"),
    (
        samples(simulate=None, files=["a.root"], weights={"n_generated": 1.5}),
        "1.5 is neither a whole number above 0 nor the path of a histogram",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_wrong_values_are_refused(changes: dict, message: str) -> None:
    """By the classes and by the JSON schema that is made of them."""
    with pytest.raises(InputError, match=message):
        complete(changes)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of_configuration()).validate(merged(changes))


def test_plain_values_are_those_that_were_given() -> None:
    """Integers stay integers, and what is left out of samples and models stays away."""
    mine = samples(weights=None) | {"models": {"a": {"epochs": 3}, "b": {}}, "seed": 2.0}
    found = complete(mine)
    plain = found.to_dict()
    assert plain == merged(mine)
    assert [type(one) for one in (plain["seed"], plain["fat_jets"]["pt_min"])] == [int, int]
    assert Configuration.from_mapping(plain) == found


def test_models_are_complete() -> None:
    """With the keys of train, of which theirs take the place; options as a whole."""
    train = {"epochs": 5, "options": {"width": 8, "dropout": 0.1}}
    models = {"plain": {}, "wide": {"options": {"width": 64}, "batch_size": 32}}
    found = complete({"train": train, "models": models}).models
    assert list(found) == ["plain", "wide"]
    assert [found[name].epochs for name in found] == [5, 5]
    assert [found[name].options for name in found] == [train["options"], {"width": 64}]
    assert [found[name].batch_size for name in found] == [64, 32]
    assert found["wide"].model_fields_set == {"options", "batch_size"}
    assert Configuration.from_mapping({"train": {"epochs": 3}}).models["cnn"].epochs == 3


def test_values_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Configuration().seed = 3


def test_paper_trains_as_the_paper_does() -> None:
    """Physics facts of arXiv:1711.03573: Adam 1e-3, batches of 256, up to 50 epochs, patience 20,
    log(w + 1)."""
    train = Configuration.read([CONFIG / "paper.yaml"]).train
    assert (train.learning_rate, train.schedule) == (1e-3, "constant")
    assert (train.batch_size, train.epochs, train.patience) == (256, 50, 20)
    assert (train.network, train.weights, train.scaling) == ("hep_cnn", "log1p", "maximum")
    assert not train.augmentation
    assert not train.circular


def merged(*layers: dict) -> dict:
    """Plain values of the defaults with changes, as the command line gives them."""
    defaults = Configuration().to_dict()
    parsed = [parse_texts(layer, Configuration) for layer in layers]
    return merge_layers(defaults, parsed, [defaults])


def complete(*layers: dict) -> Configuration:
    """The defaults with changes, as the command line gives them."""
    return Configuration.from_mapping(merged(*layers))


def slices(*edges: tuple) -> dict:
    """A signal, and background in slices of pT-hat by (lowest, highest or None)."""
    found = {"signal": samples()["samples"]["signal"]}
    for low, high in edges:
        options = {"process": "qcd", "pt_hat_min": low, "n_events": 5} | (
            {"pt_hat_max": high} if high else {}
        )
        found[f"qcd_{low}"] = {"label": 0, "simulate": options}
    return {"samples": found}


GAPS = {
    "complete": ([(400, 800), (800, 1300), (1300, None)], []),
    "any order": ([(1300, None), (400, 800), (800, 1300)], []),
    "one is missing": (
        [(1300, None), (400, 800)],
        ["samples: no slice of qcd between pT-hat 800 GeV (qcd_400) and 1300 GeV (qcd_1300)"],
    ),
    "overlap": (
        [(400, 900), (800, 1300)],
        ["samples: qcd_400 and qcd_800 overlap in pT-hat from 800 GeV on: events count twice"],
    ),
    "inside another": (
        [(400, 2500), (500, 600), (700, 800), (2500, None)],
        [
            "samples: qcd_400 and qcd_500 overlap in pT-hat from 500 GeV on: events count twice",
            "samples: qcd_400 and qcd_700 overlap in pT-hat from 700 GeV on: events count twice",
        ],
    ),
    "no upper end": (
        [(400, None), (800, 1300)],
        ["samples: qcd_400 and qcd_800 overlap in pT-hat from 800 GeV on: events count twice"],
    ),
}


@pytest.mark.parametrize("case", GAPS)
def test_gap_and_overlap_of_slices_are_named(case: str) -> None:
    edges, expected = GAPS[case]
    assert complete(slices(*edges)).gaps_in_slices() == expected


BAD = {
    "mistyped key": ({"luminosity": 3}, "'luminosity' was unexpected", "luminosity_fb"),
    "mistyped key below": (
        {"train": {"epoch": 3}},
        "configuration key 'train'",
        "'epoch' was unexpected",
    ),
    "mistyped key of a sample": (
        samples(lable=0),
        "configuration key 'samples.background'",
        "'lable' was unexpected",
    ),
    "wrong type": ({"seed": "one"}, "configuration key 'seed'", "is not of type 'integer'"),
    "unknown channel": (
        {"images": {"channels": ["em_et", "ecal"]}},
        "images.channels.1",
        "'ecal' is not one of",
    ),
    "cross-section": (
        samples(cross_section_pb=0),
        "samples.background.cross_section_pb",
        "minimum of 0",
    ),
    "schema": (
        samples(schema="root"),
        "samples.background.schema",
        "delphes|calovision|nanoaod|jetclass",
    ),
    "one class": (
        samples(label=1),
        "configuration key 'samples'",
        "label 1 (signal) and one with 0",
    ),
    "files and simulate": (
        samples(files=["x.root"], schema="delphes"),
        "samples.background",
        "either",
    ),
    "schema of a simulated sample": (
        samples(schema="delphes"),
        "configuration key 'samples.background.schema': it belongs to 'files', not to 'simulate'",
    ),
    "group of a simulated sample": (
        samples(split_group="x"),
        "configuration key 'samples.background.split_group': it belongs to 'files', not to "
        "'simulate'",
    ),
    "mistyped key of a model": (
        {"models": {"a": {"epoch": 3}}},
        "key 'models.a'",
        "'epoch' was unexpected",
        "network",
    ),
    "model named as a variable": (
        {"models": {"cnn": {}, "ht": {}}},
        "'models.ht'",
        "an event variable or column",
    ),
    "second model named cnn": (
        {"models": {"a": {}, "cnn": {}}},
        "'models.cnn'",
        "that of the first model",
    ),
    "model named as a baseline": (
        {"models": {"cnn": {}, "mlp": {}}},
        "'models.mlp'",
        "that of a baseline",
    ),
    "unknown key of a variation": (
        {"robustness": {"variations": {"a": {"scale_up": 1.1}}}},
        "configuration key 'robustness.variations.a'",
        "'scale_up' was unexpected",
        "scale, smear, dead, groomed, pile_up",
    ),
    "variation named nominal": (
        {"robustness": {"variations": {"nominal": {"scale": 1.1}}}},
        "configuration key 'robustness.variations'",
        "'nominal' should not be valid",
    ),
    "the referee's classifier without its variables": (
        {"event_content": None},
        "configuration key 'baselines': 'referee' needs small-R jets; leave it out or set "
        "event_content",
    ),
    "unknown model of the robustness": (
        {"robustness": {"models": ["cnn", "wide"]}},
        "configuration key 'robustness.models': there is no model 'wide'; choose from cnn",
    ),
    "pile-up for events from files": (
        samples(files=[str(CONFIG / "config.yaml")], simulate=None)
        | {"robustness": {"variations": {"pu": {"pile_up": 9}}}},
        "configuration key 'robustness.variations.pu.pile_up': sample background is read from "
        "files",
    ),
    "background of the reach": (
        reach_samples(label=0),
        "configuration key 'samples.other.role': only signals (label 1) are of the reach",
    ),
    "a sample without a label": (
        samples(label=None),
        "configuration key 'samples.background': 'label' is a required property",
    ),
    "a file that gets scores twice": (
        samples() | {"samples": samples()["samples"] | {"data": {"role": "application"}}},
        "configuration key 'samples.data': give either 'files' or 'simulate'",
    ),
    "only data beside the signal": (
        samples(role="application"),
        "configuration key 'samples': all have the label 1",
    ),
    "reach without a mass": (reach_samples(mass=None), "configuration key 'samples.other.mass'"),
    "training without a mass": (
        {"samples": reach_samples()["samples"] | {"signal": samples()["samples"]["signal"]}},
        "configuration key 'samples.signal.mass': the reach against the mass needs it",
    ),
    "two signals of one mass": (
        reach_samples(mass=1400),
        "'samples.other.mass': signal has the same mass",
    ),
    "two signals of the training": (
        {
            "samples": reach_samples()["samples"]
            | {"more": reach_samples()["samples"]["other"] | {"role": "training"}}
        },
        "configuration key 'samples': with signals of role reach one signal trains, here signal, "
        "more",
    ),
    "unknown role": (
        reach_samples(role="test"),
        "configuration key 'samples.other.role'",
        "'test' is not one of",
    ),
    "unknown network": (
        {"models": {"a": {"network": "resnt"}}},
        "models.a.network",
        "nersc|resnet|resnet3d|jet_cnn",
    ),
    "weights": (
        samples(weights={"n_generated": 0}),
        "configuration key 'samples.background.weights.n_generated'",
    ),
    "nearest key": ({"luminosty_fb": 3}, "did you mean 'luminosity_fb'?"),
    "nearest key below": ({"train": {"bachsize": 3}}, "did you mean 'batch_size'?"),
    "nearest choice": ({"images": {"channels": ["em_te"]}}, "did you mean 'em_et'?"),
    "nearest network": (
        {"train": {"network": "resnt"}},
        "configuration key 'train.network'",
        "did you mean 'resnet'?",
    ),
    "nearest baseline": (
        {"baselines": ["logistic-regression"]},
        "did you mean 'logistic_regression'?",
    ),
    "nearest variable of a network": (
        {"train": {"variables": ["mjsum"]}},
        "did you mean 'mj_sum'?",
    ),
    "empty section": (
        {"train": None},
        "key 'train': it is empty; give keys below it, write {}, or leave it out",
    ),
    "empty model": (
        {"models": {"wide": None}},
        "key 'models.wide': it is empty; give keys below it, write {}",
    ),
    "empty value": ({"seed": None}, "key 'seed': it is empty; give it a value"),
    "key that is no text": (
        {"samples": {2016: {}}},
        "key 'samples.2016': 2016 is no text; write it in quotes, '2016'",
    ),
    "truth value as a key": ({"models": {False: {}}}, "key 'models.False': False is no text"),
    "not a number": (
        {"luminosity_fb": float("nan")},
        "key 'luminosity_fb': nan is no finite number",
    ),
    "endless": (
        {"fat_jets": {"pt_min": float("inf")}},
        "key 'fat_jets.pt_min': inf is no finite number",
    ),
    "number as a title": (
        samples(title=2016),
        "key 'samples.background.title': 2016 is no text; write it in quotes",
    ),
    "truth value as a title": (
        samples(title=False),
        "'samples.background.title': False is no text; write it in quotes",
    ),
    "octal": ({"seed": "010"}, "configuration key 'seed'", "'010' is not of type 'integer'"),
    "cut with an unknown variable": (
        {"selection": {"signal_region": "n_fatjets >= 4"}},
        "configuration key 'selection.signal_region': cut 'signal_region' (n_fatjets >= 4) uses "
        "the unknown variable",
        "did you mean n_fat_jets?",
    ),
    "cut with a variable like none": (
        {"selection": {"preselection": {"no 1.5 here": "met > 200"}}},
        "key 'selection.preselection.no 1.5 here': cut 'no 1.5 here' (met > 200) uses the unknown "
        "variable 'met'",
    ),
    "cut that needs event_content": (
        {"event_content": None, "baselines": [], "selection": {"signal_region": "n_jets > 3"}},
        "'n_jets', which needs event_content",
    ),
    "preselection with a column of the images": (
        {"selection": {"preselection": {"a": "label == 1"}}},
        "'label'",
    ),
    "cut that cannot be read": (
        {"selection": {"signal_region": "mj_sum >"}},
        "key 'selection.signal_region'",
    ),
    "cut that is no comparison": (
        {"selection": {"signal_region": "mj_sum + ht"}},
        "key 'selection.signal_region'",
    ),
    "cut on several numbers an event": ({"selection": {"signal_region": "jet_pt > 3"}}, "'jet_pt'"),
    "channel of a model": (
        {"models": {"a": {"channels": ["trackz"]}}},
        "configuration key 'models.a.channels': the images have no channel 'trackz'; did you mean "
        "'tracks'?",
    ),
    "variable of a network without event_content": (
        {"event_content": None, "baselines": [], "train": {"variables": ["n_jets"]}},
        "configuration key 'models.cnn.variables': 'n_jets' needs event_content, which is null",
    ),
    "hardest towers that are not kept": (
        {"models": {"a": {"network": "deep_sets", "variables": ["leading_towers"]}}},
        "key 'models.a.variables': 'leading_towers' needs event_content.leading_towers, which is 0",
    ),
    "other numbers of hardest towers": (
        {
            "event_content": {"leading_towers": 20, "leading_tracks": 20},
            "models": {
                "a": {"network": "deep_sets", "variables": ["leading_towers", "leading_tracks"]}
            },
        },
        "key 'models.a.variables': network 'deep_sets' takes 100 towers and 50 tracks",
    ),
    "option of a network": (
        {"models": {"a": {"options": {"widht": 3}}}},
        "configuration key 'models.a.options': network 'small' has no option 'widht'; did you mean "
        "'width'?",
    ),
    "value of an option": (
        {"models": {"a": {"network": "jet_cnn", "options": {"widths": [8, 8]}}}},
        "configuration key 'models.a.options': network 'jet_cnn': 2 widths: give 4, one for each "
        "convolution",
    ),
    "option of a part of a network": (
        {
            "event_content": {"leading_towers": 100, "leading_tracks": 50},
            "models": {
                "a": {
                    "network": "image_and_points",
                    "variables": ["leading_towers", "leading_tracks"],
                    "options": {"point_options": {"heads": 5}},
                }
            },
        },
        "key 'models.a.options': network 'particle_transformer': option width is 64, but must be a "
        "multiple of the 5 heads",
    ),
    "unknown part of a network": (
        {"models": {"a": {"network": "image_and_points", "options": {"image": "jet_cnm"}}}},
        "key 'models.a.options': network 'image_and_points': option image is 'jet_cnm'; did you "
        "mean 'jet_cnn'?; choose from small, ",
    ),
    "part of a network that is a list": (
        {"models": {"a": {"network": "image_and_points", "options": {"image": ["jet_cnn"]}}}},
        "option image is ['jet_cnn']",
    ),
    "long name": (
        {"models": {"a" * 101: {}}},
        "key 'models': 'a",
    ),
    "small images": (
        {"images": {"grid": [64, 6]}},
        "'models.cnn.network': 'small' needs images of at least 8x8 cells",
    ),
    "rotations": (
        {"train": {"test_rotations": 65}},
        "'models.cnn.test_rotations': 65 rotations of images with 64 col",
    ),
    "radius": (
        {"event_content": {"radius": 400}},
        "key 'event_content.radius': 400 is greater than the maximum of 100",
    ),
    "batch for several processes": (
        {"train": {"n_devices": 3}},
        "key 'models.cnn.batch_size': 64 cannot be divided",
    ),
    "module that is not there": (
        {"train": {"network": "my_nets:Net"}},
        "'models.cnn.network': there is no module my_nets",
    ),
    "submodule that is not there": (
        {"train": {"network": "calovision.nets:Net"}},
        "there is no module calovision.nets",
    ),
    "class that is not there": (
        {"train": {"network": "calovision.models.small:SmallCN"}},
        "small.py has no class 'SmallCN'; did you mean 'SmallCNN'?",
    ),
    "title": (
        samples(title="$\\ttbar$"),
        "configuration key 'samples.background.title': ",
        "cannot set",
    ),
    "grid": ({"images": {"eta_range": [2.5, -2.5]}}, "configuration key 'images.grid'"),
    "edges": (
        {"images": {"grid": [2, 4], "eta_edges": [0, 1]}},
        "configuration key 'images.eta_edges'",
    ),
    "schema that is not there": (
        samples(files=["x.root"], simulate=None, schema="nowhere.yaml")
        | {"robustness": {"variations": {}}},
        "configuration key 'samples.background.schema': nowhere.yaml: no such schema file",
    ),
    "brace in the folder of results": (
        {"results_dir": "a/{b}"},
        "key 'results_dir': the '{' in 'a/{b}' belongs to no",
    ),
    "unknown variable in a path": (
        samples(files=["$NOWHERE/x.root"], simulate=None) | {"robustness": {"variations": {}}},
        "configuration key 'samples.background.files': the variable NOWHERE in '$NOWHERE/x.root' "
        "is not set",
    ),
    "address as the folder of results": (
        {"results_dir": "s3://a/b"},
        "key 'results_dir': 's3://a/b' is an address",
    ),
    "blank folder of results": (
        {"results_dir": "  "},
        "key 'results_dir': '  ' is no name of a folder",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_configuration_is_named_in_one_sentence(case: str) -> None:
    config, *expected = BAD[case]
    with pytest.raises(InputError, match=r"^configuration key '") as caught:
        complete(config).with_paths().check_names()
    for text in expected:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


# -- several files, the command line, a module -----------------------------------------------------


def test_nothing_of_the_example_stays_beside_what_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, behind config.yaml, behind a copy of it with another seed, on the command line."""
    monkeypatch.chdir(tmp_path)
    mine = samples() | {
        "models": {"wide": {}},
        "robustness": {"variations": {"worse": {"smear": 0.3}}},
    }
    mine["selection"] = {"preselection": {"any": "n_fat_jets >= 0"}}
    write(tmp_path / "my.yaml", mine)
    write(tmp_path / "copy.yaml", load("config.yaml") | {"seed": 7})
    for files, values in (
        ([Path("my.yaml")], {}),
        ([CONFIG / "config.yaml", Path("my.yaml")], {}),
        ([Path("copy.yaml"), Path("my.yaml")], {}),
        ([], mine),
    ):
        found = Configuration.read(files, values)
        assert list(found.samples) == ["signal", "background"]
        assert (list(found.models), list(found.robustness.variations)) == (["wide"], ["worse"])
        assert list(found.selection.preselection) == ["any"]
        assert found.selection.signal_region == Configuration().selection.signal_region


def write(path: Path, configuration: dict) -> None:
    path.write_text(yaml.safe_dump(configuration, sort_keys=False))


def test_files_of_ones_own_add_to_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As study_more.yaml does to study.yaml; a file in config/ of the working folder is an example,
    too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    write(
        tmp_path / "config/config.yaml", {"seed": 5, "models": {"site": {}}, "train": {"epochs": 3}}
    )
    write(
        tmp_path / "a.yaml",
        {"models": {"one": {"epochs": 2, "seeds": 4}}, "train": {"patience": 2}},
    )
    write(tmp_path / "b.yaml", {"models": {"one": {"epochs": 9}, "two": {}}})
    found = Configuration.read([Path("a.yaml"), Path("b.yaml")])
    assert found.to_dict()["models"] == {"one": {"epochs": 9, "seeds": 4}, "two": {}}
    assert (found.seed, found.train.epochs, found.train.patience) == (5, 3, 2)
    assert list(Configuration.read().models) == ["site"]
    study = Configuration.read([CONFIG / "study.yaml", CONFIG / "study_more.yaml"])
    assert list(study.models) == [
        *load("study.yaml")["models"],
        *load("study_more.yaml")["models"],
    ]


def test_an_empty_mapping_empties_what_has_names() -> None:
    mine = {"robustness": {"variations": {"worse": {"smear": 0.3}}}}
    assert complete(mine, {"robustness": {"variations": {}}}).robustness.variations == {}
    kept = complete(mine, {"robustness": {}}).to_dict()["robustness"]["variations"]
    assert kept == mine["robustness"]["variations"]
    assert merged({"models": {}})["models"] == {}


def test_text_of_the_command_line_has_the_type_of_its_key() -> None:
    """Snakemake leaves text inside braces, and says None for nothing."""
    found = complete(
        {
            "train": {
                "epochs": "7",
                "learning_rate": "1e-3",
                "circular": "false",
                "options": {"width": "8"},
            },
            "event_content": "null",
            "samples": {
                "a": {
                    "label": "1",
                    "title": "2016",
                    "files": ["1.root"],
                    "weights": {"n_generated": "1e6"},
                },
                "b": {
                    "label": "0",
                    "files": ["x.root"],
                    "weights": {"n_generated": "cutflow/total[1]"},
                },
            },
            "baselines": ["mlp"],
            "split": {"fractions": ["0.5", "0.2", "0.3"]},
            "robustness": {"variations": {}},
        }
    )
    train = found.train
    assert (train.epochs, train.learning_rate, train.circular) == (7, 1e-3, False)
    assert train.options == {"width": 8}
    assert found.to_dict()["samples"]["a"] == {
        "label": 1,
        "title": "2016",
        "files": ["1.root"],
        "weights": {"n_generated": 10**6},
    }
    assert type(found.samples["a"].weights.n_generated) is int
    assert found.samples["b"].weights.n_generated == "cutflow/total[1]"
    assert (found.event_content, found.split.fractions) == (None, (0.5, 0.2, 0.3))
    assert train.batch_size == load("config.yaml")["train"]["batch_size"]


def test_whole_numbers_of_files_are_integers(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(
        "seed: 2.0\nsimulation: {events_per_job: 1e4}\ntrain: {epochs: '7'}\n"
    )
    with pytest.raises(
        InputError, match=r"'train\.epochs': '7' is not of type 'integer'"
    ):  # in quotes it is text
        Configuration.read([tmp_path / "my.yaml"])
    found = Configuration.read([tmp_path / "my.yaml"], {"train": {"epochs": "7"}})
    numbers = (found.seed, found.simulation.events_per_job, found.train.epochs)
    assert [(type(one), one) for one in numbers] == [(int, 2), (int, 10**4), (int, 7)]


def test_paths_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    monkeypatch.setenv("HOME", "/home/me")
    changes = samples(
        files=["~/a.root", "$SCRATCH/*.root", "root://h//b.root"],
        simulate=None,
        schema="${SCRATCH}/s.yaml",
    )
    changes |= {"robustness": {"variations": {}}}
    configuration = complete(changes | {"results_dir": "~/../calo x/"})
    found = configuration.with_paths()
    background = found.samples["background"]
    assert found.results_dir == "/home/me/../calo x/"
    assert background.files == ("/home/me/a.root", "/scratch/me/*.root", "root://h//b.root")
    assert background.schema == "/scratch/me/s.yaml"
    assert configuration.results_dir == "~/../calo x/"


def test_folder_of_results_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_results_dir(tmp_path / "new/results")
    with pytest.raises(
        InputError, match=r"'results_dir': .*/file is no folder that you may write to"
    ):
        check_results_dir(tmp_path / "file/results")
    (tmp_path / "link").symlink_to(tmp_path / "new")
    with pytest.raises(InputError, match=r"'results_dir': .*/link is a link to what is not there"):
        check_results_dir(tmp_path / "link/results")
    (tmp_path / "new").mkdir()
    check_results_dir(tmp_path / "link/results")


def test_configuration_of_another_workflow_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    write(tmp_path / "config/config.yaml", {"genome": "hg38"})
    with pytest.raises(
        InputError,
        match=r"key 'genome' of config/config\.yaml, which is read since it is in the working",
    ):
        Configuration.read()


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Net: ...\n", None),
        ("from somewhere import Net\n", None),
        ("Net = make()\n", None),
        ("from somewhere import *\n", None),
        ("if True:\n    class Net: ...\n", None),
        ("class Nets: ...\n", r"my_nets\.py has no class 'Net'; did you mean 'Nets'\?"),
        ("class Net(:\n", r"my_nets\.py cannot be read \(invalid syntax"),
        (
            None,
            "there is no module my_nets; give package.module:Class, and its folder in PYTHONPATH",
        ),
    ],
)
def test_class_of_the_users_own(tmp_path: Path, source: str | None, sentence: str | None) -> None:
    """It is looked for, and not run."""
    if source is not None:
        (tmp_path / "my_nets.py").write_text(f"{source}\nraise_an_error_if_this_runs\n")
    if sentence is None:
        check_class("train.network", "my_nets:Net", [str(tmp_path)])
        return
    with pytest.raises(InputError, match=f"configuration key 'train.network': .*{sentence}"):
        check_class("train.network", "my_nets:Net", [str(tmp_path)])


def test_hash_of_code_moves_with_it(tmp_path: Path) -> None:
    """It is that of the content: not of the folder, nor of the time at which the files were
    written."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.py").write_text("1")
    os.utime(tmp_path / "b/run.py", (1, 1))
    first, copy = (
        package_digest("images.grid", files=(str(tmp_path / name / "run.py"),)) for name in "ab"
    )
    assert first == copy
    (tmp_path / "b/run.py").write_text("2")
    package_digest.cache_clear()
    assert package_digest("images.grid", files=(str(tmp_path / "b/run.py"),)) != first
    assert (
        package_digest("images") != package_digest("images.grid") == package_digest("images.grid")
    )
    with pytest.raises(FileNotFoundError):
        package_digest("no_such_module")


def test_hash_of_a_room_moves_with_the_rooms_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "ntuples/schemas/delphes.py"
    inner.parent.mkdir(parents=True)
    inner.write_text("1")
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    package_digest.cache_clear()
    first = package_digest("ntuples")
    inner.write_text("2")
    package_digest.cache_clear()
    assert package_digest("ntuples") != first
    package_digest.cache_clear()


@pytest.mark.parametrize(
    ("layers", "folds"),
    [
        ([{}, {"models": {}}], 2),
        ([{"samples": {"mine": {}}}], None),
        ([{"split": {"fractions": [0.2, 0.2, 0.6]}}], None),
        ([{"split": {"folds": 2}}, {"samples": {"mine": {}}}], 2),
        ([{"samples": {"mine": {}}, "split": {"folds": 5}}, {"split": {"fractions": [1]}}], 5),
        ([{"samples": {"example": {}}, "split": {"folds": 2}}, {"samples": {"mine": {}}}], None),
        ([{"samples": {"example": {}}, "split": {"folds": 2}}, {"seed": 3}], 2),
    ],
)
def test_folds_of_the_example_go_with_its_samples(layers: list[dict], folds: int | None) -> None:
    """Configurations of before, with samples or shares of their own, have one split as before."""
    base = {"samples": {"example": {}}, "split": {"fractions": [0.5, 0.2, 0.3], "folds": 2}}
    assert merge_layers(base, layers, [base])["split"]["folds"] == folds


@pytest.mark.parametrize("section", ["split", "samples"])
@pytest.mark.parametrize("value", [5, "folds", [1]])
def test_sections_that_decide_on_folds_may_be_anything(section: str, value: object) -> None:
    """A layer is looked at before it is checked."""
    with pytest.raises(InputError, match=rf"'{section}': .* is not of type 'object'"):
        Configuration.of_layers([{section: value}])
