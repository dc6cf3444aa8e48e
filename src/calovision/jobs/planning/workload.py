"""Work of the rules of a workflow: numbers of jobs, events and image passes, by the
configuration alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.jobs.planning.measured import SampleYield
from calovision.jobs.planning.networks import epoch_passes
from calovision.workflow.analysis import Analysis


@dataclass(frozen=True)
class PlannedSample:
    """Events and files of a sample, and what is expected to come of them.

    Attributes
    ----------
    events, n_jobs
        Generated events, or events in its files; image files, one a job, none where they are there
        already.
    splits
        Images that train, validate and test.
    ntuple_bytes, image_bytes
        Of its ntuples (0 if they are there already) and of its image files.
    """

    name: str
    label: int | None
    is_simulated: bool
    is_trained: bool
    is_applied: bool
    events: float
    n_jobs: int
    splits: tuple[float, ...]
    ntuple_bytes: float
    image_bytes: float

    @property
    def images(self) -> float:
        """Images of all splits."""
        return sum(self.splits)


def plan_samples(
    analysis: Analysis,
    yields: Mapping[str, SampleYield],
    files: Mapping[str, int],
    n_events: float | None = None,
) -> list[PlannedSample]:
    """Events, jobs and expected images of every sample.

    Parameters
    ----------
    analysis
        The workflow.
    yields
        Yields of samples in earlier runs. A sample that was not in them takes the mean of
        those of its label.
    files
        Number of files of the samples that are read from files.
    n_events
        Events of all samples together; every sample gets its share. None: as configured, or as many
        in each file as in earlier runs.

    Raises
    ------
    InputError
        If the number of events in files is not known.
    """
    events = {
        name: _configured_events(analysis, name, yields, files, n_events)
        for name, sample in analysis.samples.items()
        if not sample.is_imported
    }
    factor = n_events / sum(events.values()) if n_events is not None and events else 1.0
    return [
        _plan_sample(analysis, name, factor * events[name], yields, files)
        if name in events
        else _imported_sample(analysis, name)
        for name in analysis.samples
    ]


def _imported_sample(analysis: Analysis, name: str) -> PlannedSample:
    """A sample whose image files are there: their rows, whatever number of events is planned."""
    import numpy as np

    from calovision.storage import ImageFile

    paths = analysis.imported_files[name]
    columns = [ImageFile(path).events.read("split") for path in paths]
    splits = sum(np.bincount(column, minlength=len(SPLITS)) for column in columns).tolist()
    return PlannedSample(
        name=name,
        label=analysis.labels[name],
        is_simulated=False,
        is_trained=True,
        is_applied=False,
        events=float(sum(splits)),
        n_jobs=0,
        splits=tuple(map(float, splits)),
        ntuple_bytes=0.0,
        image_bytes=float(sum(path.stat().st_size for path in paths)),
    )


def _configured_events(
    analysis: Analysis,
    name: str,
    yields: Mapping[str, SampleYield],
    files: Mapping[str, int],
    n_events: float | None,
) -> float:
    if analysis.samples[name].is_simulated:
        return float(analysis.samples[name].simulate.n_events)
    known = {other: one.generated / one.n_files for other, one in yields.items() if one.n_files}
    if name in known:
        return files[name] * known[name]
    if n_events is None:
        raise InputError(
            f"sample '{name}': how many events its files hold is not known before they are read; "
            "give --events"
        )
    return files[name] * (sum(known.values()) / len(known) if known else 1.0)


def _plan_sample(
    analysis: Analysis,
    name: str,
    events: float,
    yields: Mapping[str, SampleYield],
    files: Mapping[str, int],
) -> PlannedSample:
    sample = analysis.samples[name]
    expected = expected_yield(name, analysis.labels[name], yields)
    images = events * expected.images / expected.generated
    fractions = analysis.network_fractions(name)
    ntuple_bytes = expected.ntuple_bytes if sample.is_simulated else 0.0
    return PlannedSample(
        name=name,
        label=analysis.labels[name],
        is_simulated=sample.is_simulated,
        is_trained=sample.is_trained,
        is_applied=sample.is_applied,
        events=events,
        n_jobs=analysis.expected_jobs(name, events, files.get(name, 0)),
        splits=tuple(images * share / sum(fractions) for share in fractions),
        ntuple_bytes=events * ntuple_bytes / expected.generated,
        image_bytes=0.0
        if sample.is_applied
        else images * expected.image_bytes / max(expected.images, 1),
    )


def expected_yield(name: str, label: int | None, yields: Mapping[str, SampleYield]) -> SampleYield:
    """Yield of a sample: as it was in earlier runs, else the sum of those with its label, else
    of all.

    Raises
    ------
    InputError
        If no run has any events.
    """
    known = {other: one for other, one in yields.items() if one.generated}
    if name in known:
        return known[name]
    alike = [one for one in known.values() if one.label == label] or list(known.values())
    if not alike:
        raise InputError(
            "the runs that the rates are from have no image files: give the results folder of a "
            "whole run"
        )
    total = SampleYield(label)
    for one in alike:
        total = total + one
    return total


@dataclass(frozen=True)
class Model:
    """A model: its networks and the images that they see.

    ``passes`` are the image passes of one training, ``rotations`` those of one image when it is
    scored.
    """

    name: str
    network: str
    options: Mapping
    variables: tuple[str, ...]
    n_variables: int
    n_channels: int
    n_seeds: int
    n_networks: int
    passes: float
    rotations: int
    device: str
    n_devices: int
    batch_size: int
    validation_share: float


def plan_models(analysis: Analysis, samples: list[PlannedSample]) -> list[Model]:
    """The models of a workflow."""
    n_training, n_validation = (sum(sample.splits[split] for sample in samples) for split in (0, 1))
    configuration = analysis.configuration
    kept = configuration.numbers_kept
    models = []
    known = analysis.variables | configuration.jet_inputs
    for name, options in analysis.models.items():
        epoch = epoch_passes(
            n_training * options.training_share, n_validation * options.validation_share
        )
        models.append(
            Model(
                name=name,
                network=options.network,
                options=options.options,
                variables=options.variables,
                n_variables=sum(known[one].n_numbers(kept) for one in options.variables),
                n_channels=len(analysis.cells_and_channels_of(name)[1]),
                n_seeds=len(analysis.seeds[name]),
                n_networks=len(analysis.networks[name]),
                passes=options.epochs * epoch,
                rotations=max(4 * options.test_rotations, 1),
                device=options.device,
                n_devices=options.n_devices * options.n_nodes,
                batch_size=options.batch_size,
                validation_share=options.validation_share,
            )
        )
    return models
