"""Samples of a configuration: what each must say, and how those of one process fit together.

GeV, pb.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from calovision.core.errors import InputError
from calovision.core.text import shown
from calovision.core.user_files import expand_path
from calovision.ntuples.schemas import SCHEMAS, YAML_SUFFIXES
from calovision.workflow.classes import Class, Label, check_label, label_number, labels_of
from calovision.workflow.guns import PARTICLE_NAMES, SHOWER, check_gun
from calovision.workflow.keys import (
    Choices,
    Entry,
    Name,
    Number,
    Text,
    Truth,
    Whole,
    key,
    meaning_of,
)
from calovision.workflow.runs import Runs


def _number_or_path(least: float) -> BeforeValidator:
    """Check of a number from ``least`` on (0: above it), in place of which a path may stand."""

    def check(value: Any) -> Any:
        if isinstance(value, float) and least >= 1 and value.is_integer():
            value = int(value)
        is_number = isinstance(value, int if least >= 1 else int | float)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, bool) or not is_number or value < least or value == 0:
            wanted = "a whole number above 0" if least >= 1 else "a number above 0"
            raise ValueError(
                f"{shown(value)} is neither {wanted} nor the path of a histogram in the files"
            )
        return value

    return BeforeValidator(check)


SchemaName = Annotated[
    str,
    Field(strict=True, pattern=rf"^({'|'.join(SCHEMAS)}|.+\.ya?ml)$"),
]


class Weights(Entry):
    """Meaning of the generator weights of the files."""

    index: Whole | None = key(
        None,
        "Number of the generator weight that counts",
        details="0 is the nominal one.",
        example=0,
        ge=0,
    )
    include_cross_section: Truth | None = key(
        None,
        "The weights contain the cross-section",
        details="Their mean over the generated events is the cross-section in pb, and "
        "`cross_section_pb` is left out.",
        example=True,
    )
    n_generated: Annotated[int | str, _number_or_path(1)] | None = key(
        None,
        "Generated events before any filter, or the path of a histogram",
        details="A number is that of all files together; the histogram, of each file, counts them.",
        example=1000000,
    )
    sum_of_weights: Annotated[float | str, _number_or_path(0)] | None = key(
        None,
        "Sum of the weights of these events, or the path of a histogram",
        details="Without it they are taken to weigh 1.",
        example=1.2e6,
    )


PROCESS_NAMES = ("rpv_gluinos", "qcd", "z_quark", "z_gluon", "wz", "top_pairs", SHOWER)


class SimulatedFault(Entry):
    """Fault of a window of the simulated calorimeter."""

    kind: Annotated[str, Field(strict=True), Choices("dead", "hot", "fading", "scaled")] = key(
        ...,
        "What the window does wrong",
        details="`dead`: it has no towers; `hot`: noise; `fading`: it loses more towers from run "
        "to run; `scaled`: energies times a factor. Towers are changed after the readout.",
        example="dead",
    )
    runs: Runs = key(..., "Runs that have it: numbers, ranges, files of them", example=["20-24"])
    eta: tuple[Number, Number] = key(..., "Ends of the window", example=[0.5, 0.6])
    phi: tuple[Number, Number] = key(..., "Ends of the window", unit="rad", example=[1.0, 1.2])
    layer: Annotated[str, Field(strict=True), Choices("em", "had", "both")] | None = key(
        None, "Calorimeter; both if absent", example="em"
    )
    strength: Number | None = key(
        None,
        "How much: 1 if absent",
        details="Of `hot` the mean number of noise towers an event, of `fading` the share "
        "of the towers lost in the last run, of `scaled` the factor.",
        example=0.5,
        gt=0,
    )


class Simulate(Entry):
    """Events of Pythia 8, or showers, in a parametrized detector, instead of files."""

    process: Annotated[str, Field(strict=True), Choices(*PROCESS_NAMES)] = key(
        ...,
        "Hard process",
        details="`rpv_gluinos`: gluino -> q qbar neutralino, neutralino -> q q q; `qcd`: 2 -> 2. "
        "One kind of fat jets: `z_quark` and `z_gluon` beside a Z -> nu nu, `wz` a hadronic W "
        "beside it, `top_pairs` two hadronic tops. `shower`: a particle gun in front of a "
        "calorimeter of seven layers, without Pythia.",
        example="qcd",
    )
    mass_gluino: Number | None = key(
        None, "Gluino mass (rpv_gluinos)", unit="GeV", example=1400, gt=0
    )
    mass_neutralino: Number | None = key(
        None, "Neutralino mass (rpv_gluinos)", unit="GeV", example=850, gt=0
    )
    pt_hat_min: Number | None = key(
        None, "Lowest pT of the hard process (all but rpv_gluinos)", unit="GeV", example=400, gt=0
    )
    pt_hat_max: Number | None = key(
        None,
        "Highest pT of the hard process (all but rpv_gluinos)",
        unit="GeV",
        details="Open if absent.",
        example=2500,
        gt=0,
    )
    bias_power: Number | None = key(
        None,
        "Generate more hard events: (pT-hat / pt_hat_min) to this power",
        details="For qcd; the event weights undo it.",
        example=2,
        ge=0,
    )
    filter_jets: Whole | None = key(
        None,
        "Keep events with so many hard jets at parton level (qcd)",
        details="It is three times as fast; the others count as generated.",
        example=3,
        ge=1,
        le=10,
    )
    pile_up: Number | None = key(
        None, "Mean number of minimum-bias collisions overlaid", example=20, ge=0
    )
    fat_jet_radius: Number | None = key(
        None,
        "Radius of fat jets of particle-flow candidates in the ntuples",
        unit="rad",
        details="Their constituents have charge, electromagnetic and hadronic energy; the branch "
        "`fat_jets_flavor` tells 6 for a top, 24 for a W, 21 for a gluon, the PDG number of a "
        "quark, else 0. Without it the images are made of towers.",
        example=0.8,
        gt=0,
    )
    runs: Whole | None = key(
        None,
        "Number of runs that the events are shared among, in their order",
        details="The branch `run` of the ntuples has their numbers, from 1 on.",
        example=60,
        ge=1,
        le=10_000_000,
    )
    faults: dict[Name, SimulatedFault] | None = key(
        None, "Faults of the calorimeter by name, during some of the runs"
    )
    particle: Annotated[str, Field(strict=True), Choices(*PARTICLE_NAMES)] | None = key(
        None, "Particle of the gun (shower)", example="electron"
    )
    energy_min: Number | None = key(
        None,
        "Lowest energy of the particles (shower)",
        unit="GeV",
        details="The logarithm of the energy is even up to `energy_max`.",
        example=20,
        ge=1,
    )
    energy_max: Number | None = key(
        None, "Highest energy of the particles (shower)", unit="GeV", example=60, le=1000
    )
    eta_max: Number | None = key(
        None,
        "Largest absolute pseudorapidity of the particles (shower); 0.8 if absent",
        example=0.6,
        ge=0,
        le=0.8,
    )
    n_events: Whole = key(..., "Number of events to generate", example=20000, ge=1)


KEYS_OF_FILES = ("schema", "tree", "weights", "split_group")
"""Keys of a sample that say how its ROOT files are read."""


class Sample(Entry):
    """Events of one process, either simulated or read from files."""

    label: Label | None = key(
        None,
        "1 for signal, 0 for background; with `classes`, the name of one",
        details="Or an expression on branches for each class, where it is that of the row: "
        "`{top: label_Tbqq | label_Tbl, qcd: label_QCD}`. Needed unless the role is `application`.",
        example=1,
    )
    title: Text | None = key(
        None, "Name in plots; the sample's name if absent", example="RPV gluinos"
    )
    role: Annotated[str, Field(strict=True), Choices("training", "reach", "application")] | None = (
        key(
            None,
            "Part that the sample has in the analysis",
            details="`training` if absent; `reach` for a signal that is only scored, for the "
            "limits against the mass; `application` for data and others that only get scores: a "
            "friend tree for each file.",
            example="reach",
        )
    )
    mass: Number | None = key(
        None,
        "Mass of the signal, for the reach",
        unit="GeV",
        details="All signals need it if one has the role `reach`.",
        example=1400,
        gt=0,
    )
    cross_section_pb: Number | None = key(
        None,
        "Cross-section; that of the file if absent",
        unit="pb",
        details="Delphes files from Pythia 8 hold none.",
        example=0.0252977,
        gt=0,
    )
    files: tuple[Text, ...] | None = key(
        None,
        "ROOT files: paths, globs, addresses, lists of them (.txt)",
        details="Each with `:tree` behind it if it names a tree; a list (`.txt`) has one of them "
        "per line. Addresses begin with root:// or https://. Relative to the folder where "
        "snakemake runs.",
        example=["data/qcd_*.root"],
        min_length=1,
    )
    images: tuple[Text, ...] | None = key(
        None,
        "Image files, in place of ROOT files",
        details="Paths and globs; as `calovision import-toptag` and `import-particles` write them, "
        "for taggers. Labels, split and columns are those of the files, whose sample has this "
        "name; cells, channels and classes must be those of the configuration.",
        example=["data/toptag.h5"],
        min_length=1,
    )
    schema: SchemaName | None = key(
        None,
        "Schema of the files: a name or a YAML file; found if absent",
        details="A YAML file describes the branches, or has `extends: nanoaod` with changes such "
        "as `candidate_weight: none`; `calovision` is what the simulation writes.",
        example="delphes",
    )
    tree: Text | None = key(
        None,
        "Tree of the events, if it is not that of the schema",
        details="A TTree or an RNTuple.",
        example="analysis/events",
    )
    split_group: Text | None = key(
        None,
        "Name that the split is drawn from, in place of the sample's",
        details="Only samples of one group may share ROOT files, whose events then have one split "
        "in all of them.",
        example="ttbar",
    )
    weights: Weights | None = key(None, meaning_of(Weights))
    simulate: Simulate | None = key(None, meaning_of(Simulate))

    @property
    def is_simulated(self) -> bool:
        """The workflow generates its events."""
        return self.simulate is not None

    @property
    def is_imported(self) -> bool:
        """Its image files are there already."""
        return self.images is not None

    @property
    def is_trained(self) -> bool:
        """Its events are split and train; those of other roles are only scored."""
        return self.role in (None, "training")

    @property
    def is_of_reach(self) -> bool:
        """It is a signal of another mass."""
        return self.role == "reach"

    @property
    def is_applied(self) -> bool:
        """Its files get scores, and nothing else looks at it."""
        return self.role == "application"

    def with_paths(self, name: str) -> "Sample":
        """The sample of a name with home folders and variables in its paths replaced.

        Raises
        ------
        InputError
            As `calovision.core.user_files.expand_path`, with the key.
        """
        where = f"configuration key 'samples.{name}"
        changes: dict[str, Any] = {}
        if self.files is not None:
            changes["files"] = tuple(expand_path(file, f"{where}.files'") for file in self.files)
        if self.images is not None:
            changes["images"] = tuple(expand_path(file, f"{where}.images'") for file in self.images)
        if self.schema_file is not None:
            changes["schema"] = expand_path(self.schema_file, f"{where}.schema'")
        return self.model_copy(update=changes)

    @property
    def class_cuts(self) -> dict[str, str]:
        """Expressions on branches by which its rows get their class; none where all have one."""
        return dict(self.label) if isinstance(self.label, Mapping) else {}

    @property
    def schema_file(self) -> str | None:
        """The YAML file that describes its files, if there is one."""
        is_file = self.schema is not None and self.schema.endswith(YAML_SUFFIXES)
        return self.schema if is_file else None

    def check_schema(self, name: str) -> None:
        """Raise InputError unless the file of the schema, if there is one, can be read."""
        if self.schema_file is None:
            return
        from calovision.ntuples.schemas import find_schema

        try:
            find_schema(self.schema_file)
        except InputError as error:
            raise InputError(f"configuration key 'samples.{name}.schema': {error}") from error

    def check(self, name: str, *, needs_label: bool = True) -> None:
        """Raise InputError unless the sample is simulated, or read from files, or has images, and
        has a label where it needs one.
        """
        sources = [one for one in (self.files, self.simulate, self.images) if one is not None]
        if len(sources) != 1:
            raise InputError(
                f"configuration key 'samples.{name}': give either 'files' or 'simulate', or the "
                "'images' that there are"
            )
        if self.is_imported:
            self._check_imported(name)
        elif needs_label and self.label is None and not self.is_applied:
            raise InputError(f"configuration key 'samples.{name}': 'label' is a required property")
        simulate = self.simulate
        if simulate is not None and simulate.runs is not None and simulate.process == "shower":
            raise InputError(
                f"configuration key 'samples.{name}.simulate.runs': a particle gun has no runs; "
                "leave it out"
            )
        if simulate is not None and simulate.faults and simulate.runs is None:
            raise InputError(
                f"configuration key 'samples.{name}.simulate.faults': faults are those of runs; "
                "give 'runs'"
            )
        if simulate is not None:
            check_gun(name, simulate)
        for key_of_files in KEYS_OF_FILES:
            if self.is_simulated and getattr(self, key_of_files) is not None:
                raise InputError(
                    f"configuration key 'samples.{name}.{key_of_files}': it belongs to 'files', "
                    "not to 'simulate'"
                )

    def _check_imported(self, name: str) -> None:
        """Raise InputError for keys that say what image files tell themselves."""
        for one in ("label", "role", "cross_section_pb", *KEYS_OF_FILES):
            if getattr(self, one) is not None:
                raise InputError(
                    f"configuration key 'samples.{name}.{one}': it does not belong to 'images', "
                    "which train, and tell themselves what they are"
                )


EXAMPLE_SAMPLES = {
    "rpv_1400_850": Sample(
        label=1,
        title="RPV gluinos",
        cross_section_pb=0.0252977,  # NLO+NLL (physics case: arXiv:1711.03573)
        simulate=Simulate(
            process="rpv_gluinos", mass_gluino=1400, mass_neutralino=850, n_events=3000
        ),
    ),
    "qcd": Sample(
        label=0,
        title="QCD multijets",
        cross_section_pb=2040.1,  # Pythia 8 leading order: the sum of the slices JZ4 to JZ7
        simulate=Simulate(
            process="qcd",
            pt_hat_min=400,
            pt_hat_max=2500,
            bias_power=3,
            filter_jets=3,
            n_events=60000,
        ),
    ),
}


def check_samples(
    samples: Mapping[str, Sample], classes: Mapping[str, Class], *, are_labelled: bool = True
) -> None:
    """Raise InputError unless each sample has one source, all classes train, and masses are given.

    Where the samples need not be labelled, since no classes are learned, their labels may be those
    of one class.
    """
    for name, sample in samples.items():
        sample.check(name, needs_label=are_labelled or bool(classes))
        if sample.label is not None:
            check_label(name, sample.label, classes)
    of_signal = {
        name: sample
        for name, sample in samples.items()
        if not sample.is_applied and label_number(sample.label, classes) == 1
    }
    for name, sample in samples.items():
        if sample.is_of_reach and name not in of_signal:
            signal = (
                f"samples of the class '{list(classes)[1]}'" if classes else "signals (label 1)"
            )
            raise InputError(
                f"configuration key 'samples.{name}.role': only {signal} are of the reach"
            )
    if classes:
        _check_classes(samples, classes)
    _check_masses(of_signal)
    if classes:
        return
    for name, sample in samples.items():
        if sample.is_imported:
            raise InputError(
                f"configuration key 'samples.{name}.images': image files need 'classes', those "
                "that they have"
            )
    if not are_labelled:
        return
    labels = {sample.label for sample in samples.values() if sample.is_trained}
    if labels != {0, 1}:
        found = labels.pop() if labels else 1
        raise InputError(
            f"configuration key 'samples': all have the label {found}; give at least one with "
            "label 1 (signal) and one with 0"
        )


def _check_classes(samples: Mapping[str, Sample], classes: Mapping[str, Class]) -> None:
    """Raise InputError for a class that no sample trains."""
    trained: set[int] = set()
    for sample in samples.values():
        trained |= labels_of(sample.label, classes) if sample.is_trained else set()
    for number, name in enumerate(classes):
        if number not in trained:
            raise InputError(
                f"configuration key 'classes.{name}': no sample of the training has this class; "
                "give one, or leave the class out"
            )


def _check_masses(signals: Mapping[str, Sample]) -> None:
    """Raise InputError unless signals of the reach, and the one that trains beside them, have
    masses of their own.
    """
    trained = [name for name, sample in signals.items() if sample.is_trained]
    if len(trained) == len(signals):
        return
    for name, sample in signals.items():
        if sample.mass is None:
            raise InputError(
                f"configuration key 'samples.{name}.mass': the reach against the mass needs it"
            )
    if len(trained) > 1:
        raise InputError(
            "configuration key 'samples': with signals of role reach one signal trains, here "
            f"{', '.join(trained)}"
        )
    of_mass: dict[float | None, str] = {}
    for name, signal in signals.items():
        first = of_mass.setdefault(signal.mass, name)
        if first != name:
            raise InputError(f"configuration key 'samples.{name}.mass': {first} has the same mass")
