"""Several ROOT files to one image file, and jobs of a farm: whichever way files are cut, the same events come out."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from calovision.atomic import refused_by_disk
from calovision.conversion.files import GENERATOR_WEIGHTS, check_on_bad_file, convert_ntuple
from calovision.conversion.processes import run_in_processes
from calovision.conversion.recipe import ImageRecipe, WeightOptions
from calovision.errors import InputError
from calovision.storage import ImageMetadata, merge_image_files


def convert_ntuples(
    paths: Sequence[Path | str],
    output: Path,
    recipe: ImageRecipe,
    *,
    weights: WeightOptions = GENERATOR_WEIGHTS,
    on_bad_file: str = "fail",
    compression: str | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
    **options: object,
) -> ImageMetadata:
    """Build the images of several ntuples of one sample into one file.

    Parameters
    ----------
    paths
        The ROOT files, in the order in which their events come.
    weights
        Numbers of generated events and sums of weights are those of all files together.
    processes
        Number of processes that share the files.
    output, recipe, on_bad_file, compression, progress, options
        As in `convert_ntuple`.

    Returns
    -------
    What was stored, with everything summed over the files.

    Raises
    ------
    InputError
        As `convert_ntuple`; if there is no file, a file is named twice, or every file was skipped.
    """
    check_on_bad_file(on_bad_file)
    if not paths:
        raise InputError("no ROOT file given: name at least one")
    if len({str(path) for path in paths}) < len(paths):
        raise InputError(
            f"{next(path for path in paths if list(paths).count(path) > 1)}: given twice; give each file once"
        )
    if len(paths) == 1:  # a single bad file leaves nothing to go on with
        return convert_ntuple(
            paths[0], output, recipe, weights=weights, compression=compression, progress=progress, **options
        )
    convert = partial(convert_ntuple, recipe=recipe, on_bad_file=on_bad_file, **options)
    jobs = [partial(convert, path, weights=weights.of_file(number, len(paths))) for number, path in enumerate(paths)]
    run = partial(run_in_processes, processes=processes, progress=progress)
    return _merge_jobs(jobs, output, run, compression=compression, may_be_empty=False)


def convert_job(
    files: Sequence[Path | str],
    output: Path,
    recipe: ImageRecipe,
    *,
    first: int,
    n_files: int | None,
    entries: Sequence[int | None],
    entry_range: tuple[int, int | None] | None = None,
    weights: WeightOptions = GENERATOR_WEIGHTS,
    compression: str | None = None,
    **options: object,
) -> ImageMetadata:
    """Build the images of one job: of a part of a file, of a file, or of several ones, whichever way they are cut.

    Parameters
    ----------
    files
        ROOT files that follow each other in the list of a sample; one if there is an ``entry_range``.
    first, n_files
        Number of the first of them in that list, from 0, and the length of the list: for the shares of numbers that
        ``weights`` gives for all files together; None if it gives none.
    entries
        Entries that each of ``files`` must have, None where that is not known.
    output, recipe, entry_range, weights, compression, options
        As in `convert_ntuple`. A job all of whose files are skipped gives a file without events.

    Raises
    ------
    InputError
        As `convert_ntuple`.
    """
    convert = partial(convert_ntuple, recipe=recipe, **options)
    jobs = [
        partial(convert, path, weights=weights.of_file(first + number, n_files), n_entries=entries[number])
        for number, path in enumerate(files)
    ]
    if len(jobs) == 1:
        return jobs[0](output=Path(output), compression=compression, entry_range=entry_range)
    return _merge_jobs(jobs, output, lambda parts: [part() for part in parts], compression=compression)


def _merge_jobs(
    jobs: Sequence[Callable[..., ImageMetadata]],
    output: Path,
    run: Callable[[list[Callable]], list[ImageMetadata]],
    *,
    compression: str | None,
    may_be_empty: bool = True,
) -> ImageMetadata:
    """One image file from jobs that write one each; InputError if every ROOT file was skipped, and that may not be."""
    output = Path(output)
    with refused_by_disk(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
            parts = [Path(folder) / f"{number:06d}.h5" for number in range(len(jobs))]
            infos = run([partial(job, output=part, to_merge=True) for job, part in zip(jobs, parts, strict=True)])
            if not may_be_empty and all(info.skipped_files for info in infos):
                raise InputError(f"every file was skipped; the first: {infos[0].skipped_files[0][1]}")
            return merge_image_files(parts, output, compression=compression)
