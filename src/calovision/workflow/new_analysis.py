"""A new analysis in a folder of its own: configuration, Snakefile and profiles.

The configuration is made of the typed keys, whose meanings are its comments.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.evaluation.baselines import BASELINES
from calovision.workflow.configuration import Configuration
from calovision.workflow.example import NOTES, ToFill, commented_yaml
from calovision.workflow.location import workflow_folder
from calovision.workflow.samples import EXAMPLE_SAMPLES
from calovision.workflow.tasks import SEARCH

CONFIGURATION = "config.yaml"
PROFILE = "profiles/{}/config.yaml"
"""Files of a new folder."""

MOST_NAMED = 20
"""Files of a sample that stand in the configuration; more are in a list beside it."""

OF_EXAMPLE = {"rpv_1400_850": 600, "qcd": 6000}
"""Events of the samples of the example, which is made in minutes."""

PRESELECTION = {"a fat jet": "n_fat_jets >= 1"}
SIGNAL_REGION = "leading_pt > 500"
"""Cuts that stand for those of the user's search."""

JET_IMAGES = {"recipe": {"center": "centroid", "rotate": "principal_axis", "flip": "quadrant"}}
JET_TRAINING = {"network": "jet_cnn", "circular": False, "augmentation": False}
"""Images of jets are windows, turned and mirrored already."""

TO_FILL = "pb; the files hold none: give it, and take away the # before it"

OF_ALL = (
    *("results_dir", "seed", "samples", "fat_jets.radius", "fat_jets.pt_min", "fat_jets.eta_max"),
    *("images.kind", "split", "train.network", "train.epochs", "train.batch_size"),
    *("train.learning_rate", "train.circular", "train.augmentation", "train.seeds"),
    *("train.device", "models"),
)
OF_SEARCH = (
    *("luminosity_fb", "selection.signal_region", "baselines", "evaluate"),
    *("reach.background_uncertainty", "robustness.variations"),
)
OF_EVENTS = ("selection.preselection", "images.grid", "images.eta_range", "images.channels")
OF_JETS = tuple(
    f"images.jets.{name}" for name in ("recipe", "grid", "channels", "per_event", "variables")
)
"""Keys that are written: those of each analysis, of a search, of images of either kind."""

HEAD = """\
# {what}; `snakemake` in this folder runs it, up to
# {results}/report.html. Paths are relative to this folder.
# {others}
"""
OTHERS = {
    False: "Other keys have their defaults: `calovision init --all-keys` writes all of them.",
    True: "These are all keys.",
}

SNAKEFILE = """\
# The workflow of the installed calovision, with the configuration of this folder. Rules of your own
# go below; `use rule train_network from calovision with:` changes one of those above.
from calovision.workflow import workflow_snakefile


configfile: "config.yaml"


module calovision:
    snakefile:
        workflow_snakefile()
    config:
        config


use rule * from calovision
"""


@dataclass(frozen=True)
class NewSample:
    """Sample of a new analysis.

    Attributes
    ----------
    label
        Number or name of its class, or expressions by class; None for data.
    files
        Paths, globs, addresses and lists, relative to the working folder.
    schema
        Name of the schema of its files, or its YAML file.
    tree
        Tree of the events; None for that of the schema.
    cross_section_pb
        In place of that of the files; None for theirs.
    lacks_cross_section
        Neither is there one in the files.
    """

    label: int | str | Mapping[str, str] | None
    files: Sequence[str]
    schema: str | None = None
    tree: str | None = None
    cross_section_pb: float | None = None
    lacks_cross_section: bool = False

    def values(self) -> dict[str, Any]:
        """Plain values of its keys, in the order in which they are written."""
        found = {
            "label": self.label,
            "role": "application" if self.label is None else None,
            "cross_section_pb": self.cross_section_pb,
            "files": list(self.files),
            "schema": self.schema,
            "tree": self.tree,
        }
        return {name: value for name, value in found.items() if value is not None}

    def seen_from(self, folder: Path, files: Sequence[str] | None = None) -> "NewSample":
        """The same sample with relative paths as they are in a folder.

        Parameters
        ----------
        folder
            An existing folder.
        files
            In place of its own, relative to the folder already.
        """
        if files is None:
            files = [seen_from(folder, one) for one in self.files]
        is_file = self.schema is not None and Path(self.schema).suffix != ""
        schema = seen_from(folder, self.schema) if is_file else self.schema
        return replace(self, files=files, schema=schema)


@dataclass(frozen=True)
class NewAnalysis:
    """Samples and images of a new analysis; without samples, the simulated example.

    Attributes
    ----------
    samples
        By name.
    classes
        Names in the order of the labels; none for background and signal.
    is_of_jets
        The images are of jets.
    channels
        Channels of images of events; none for the defaults.
    has_content
        The files have what the small-R jets and event shapes need.
    radius
        Of the fat jets of the files; None if it is not known.
    """

    samples: Mapping[str, NewSample] = field(default_factory=dict)
    classes: Sequence[str] = ()
    is_of_jets: bool = False
    channels: Sequence[str] = ()
    has_content: bool = True
    radius: float | None = None

    def values(self) -> dict[str, Any]:
        """Values that differ from the defaults, as YAML has them."""
        if not self.samples:
            return {"samples": _example_samples(), "robustness": {"variations": {}}}
        found: dict[str, Any] = {
            "samples": {name: one.values() for name, one in self.samples.items()},
            "classes": {name: {} for name in self.classes},
        }
        if self.radius is not None:
            found["fat_jets"] = {"radius": self.radius}
        if self.is_of_jets:
            return found | {"images": {"kind": "jet", "jets": JET_IMAGES}, "train": JET_TRAINING}
        found["selection"] = {"preselection": dict(PRESELECTION), "signal_region": SIGNAL_REGION}
        found["robustness"] = {"variations": {}}
        if self.channels:
            found["images"] = {"channels": list(self.channels)}
        if not self.has_content:
            found["event_content"] = None
            found["baselines"] = [
                name for name, one in BASELINES.own.items() if not one.needs_content
            ]
        return found

    def configuration(self) -> Configuration:
        """The checked configuration.

        Raises
        ------
        InputError
            If a value is wrong, as an expression of a class.
        """
        return Configuration.of_module(self.values())

    def text(self, *, all_keys: bool = False) -> str:
        """Text of the configuration, with a comment on each key."""
        configuration = self.configuration()
        values = configuration.to_dict() | {"samples": self._samples_to_fill(configuration)}
        if not all_keys:
            values = _picked(values, _shown(configuration))
        head = HEAD.format(
            what="Analysis of your files" if self.samples else "The simulated example",
            results=configuration.results_dir,
            others=OTHERS[all_keys],
        )
        return commented_yaml(values, head, {} if self.samples else NOTES)

    def _samples_to_fill(self, configuration: Configuration) -> dict[str, Any]:
        """Values of the samples, and of a search the cross-sections that are to be given."""
        samples = self.values()["samples"]
        for name, one in self.samples.items():
            if one.lacks_cross_section and configuration.task == SEARCH:
                first = {"label": one.label, "cross_section_pb": ToFill(1.0, TO_FILL)}
                samples[name] = first | samples[name]
        return samples

    @property
    def has_own_cuts(self) -> bool:
        """Cuts stand for those of the user."""
        return bool(self.samples) and not self.is_of_jets

    def to_fill(self) -> list[str]:
        """Keys that the user has to give before the first run."""
        found = self._samples_to_fill(self.configuration())
        return [
            f"samples.{name}.{key}"
            for name, sample in found.items()
            for key, value in sample.items()
            if isinstance(value, ToFill)
        ]


def files_of_analysis(
    analysis: NewAnalysis, folder: Path, farms: Iterable[str] = (), *, all_keys: bool = False
) -> dict[str, str]:
    """Texts of the files of a new analysis, by their paths in its folder.

    Parameters
    ----------
    analysis
        Its samples, with paths relative to the working folder.
    folder
        The folder.
    farms
        Batch farms whose profiles are among them.
    all_keys
        Write every key of the configuration.
    """
    lists, samples = {}, {}
    for name, sample in analysis.samples.items():
        files = None
        if len(sample.files) > MOST_NAMED:
            beside = folder / "files"
            lists[f"files/{name}.txt"] = "".join(
                f"{seen_from(beside, one)}\n" for one in sample.files
            )
            files = [f"files/{name}.txt"]
        samples[name] = sample.seen_from(folder, files)
    there = replace(analysis, samples=samples)
    profiles = {PROFILE.format(name): _profile(name) for name in ("default", *farms)}
    text = there.text(all_keys=all_keys)
    ignored = f"/{there.configuration().results_dir}/\n/.snakemake/\n"
    return {CONFIGURATION: text, "Snakefile": SNAKEFILE, ".gitignore": ignored, **profiles, **lists}


def require_new_files(folder: Path, names: Iterable[str] = (CONFIGURATION, "Snakefile")) -> None:
    """Raise InputError if the folder cannot be one of a new analysis, or has one of its files."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{existing} is a file: give a folder for the new analysis")
    for name in names:
        if os.path.lexists(folder / name):
            raise InputError(
                f"{folder / name} exists already, and is left as it is: give another folder"
            )


def seen_from(folder: Path, path: str) -> str:
    """Path of a file as it is in a folder; addresses, absolute paths and those that begin with a
    home folder or a variable stay.
    """
    if "://" in path or path.startswith(("/", "~", "$")):
        return path
    return os.path.relpath(Path.cwd() / path, folder.resolve())


def _profile(name: str) -> str:
    """Text of a profile, which names its place in the new folder."""
    text = (workflow_folder() / PROFILE.format(name)).read_text()
    return text.replace("workflow/profiles/", "profiles/")


def _example_samples() -> dict[str, Any]:
    samples = {name: one.given() for name, one in EXAMPLE_SAMPLES.items()}
    for name, number in OF_EXAMPLE.items():
        samples[name]["simulate"]["n_events"] = number
    return samples


def _shown(configuration: Configuration) -> list[str]:
    """Keys that are written of a configuration: those that a user looks at first."""
    of_jets = configuration.images.is_of_jets
    shown = [*OF_ALL, *(OF_JETS if of_jets else OF_EVENTS)]
    if configuration.task == SEARCH:
        shown += OF_SEARCH
    if configuration.classes:
        shown.append("classes")
    if configuration.event_content is None and not of_jets:
        shown.append("event_content")
    return shown


def _picked(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Keys of sections, ``section.key``, in the order of the values."""
    found = {}
    for key, value in values.items():
        below = [one.removeprefix(f"{key}.") for one in names if one.startswith(f"{key}.")]
        if key in names:
            found[key] = value
        elif below:
            found[key] = _picked(value, below)
    return found
