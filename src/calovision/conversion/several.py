"""Several ROOT files to one image file, and jobs of a farm: whichever way files are cut, the same
events come out.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from calovision.conversion.files import GENERATOR_WEIGHTS, check_on_bad_file, convert_ntuple
from calovision.conversion.processes import run_in_processes
from calovision.conversion.reading import describe_file, open_file
from calovision.conversion.recipe import ImageRecipe, WeightOptions
from calovision.core.errors import BadFileError, InputError
from calovision.jobs.atomic import scratch_folder
from calovision.ntuples import NtupleInfo
from calovision.storage import ImageMetadata, merge_image_files
from calovision.storage.versions import require_one_definition

THREADS = 8  # that open files, most of whose time goes by with waiting


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
        As `convert_ntuple`; if there is no file, a file or its copy is named twice, or every file
        was skipped; before the first file is converted, if they are not made of the same things
        (`definition_of`).
    """
    check_on_bad_file(on_bad_file)
    if not paths:
        raise InputError("no ROOT file given: name at least one")
    if len({str(path) for path in paths}) < len(paths):
        raise InputError(
            f"{next(path for path in paths if list(paths).count(path) > 1)}: given twice; give "
            "each file once"
        )
    if len(paths) == 1:  # a single bad file leaves nothing to go on with
        return convert_ntuple(
            paths[0],
            output,
            recipe,
            weights=weights,
            compression=compression,
            progress=progress,
            **options,
        )
    convert = partial(convert_ntuple, recipe=recipe, on_bad_file=on_bad_file, **options)
    of_file = [weights.of_file(number, len(paths)) for number in range(len(paths))]
    infos = open_alike(paths, of_file, recipe, on_bad_file=on_bad_file, **options)
    jobs = [
        partial(convert, path, weights=of_file[number], info=infos[number])
        for number, path in enumerate(paths)
    ]
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
    """Build the images of one job: of a part of a file, of a file, or of several ones, whichever
    way they are cut.

    Parameters
    ----------
    files
        ROOT files that follow each other in the list of a sample; one if there is an
        ``entry_range``.
    first, n_files
        Number of the first of them in that list, from 0, and the length of the list: for the shares
        of numbers that ``weights`` gives for all files together; None if it gives none.
    entries
        Entries that each of ``files`` must have, None where that is not known.
    output, recipe, entry_range, weights, compression, options
        As in `convert_ntuple`. A job all of whose files are skipped gives a file without events.

    Raises
    ------
    InputError
        As `convert_ntuple`; if the files are not made of the same things.
    """
    convert = partial(convert_ntuple, recipe=recipe, **options)
    of_file = [weights.of_file(first + number, n_files) for number in range(len(files))]
    jobs = [
        partial(convert, path, weights=of_file[n], n_entries=entries[n])
        for n, path in enumerate(files)
    ]
    if len(jobs) == 1:
        return jobs[0](output=Path(output), compression=compression, entry_range=entry_range)
    infos = open_alike(files, of_file, recipe, **options)
    jobs = [partial(job, info=info) for job, info in zip(jobs, infos, strict=True)]
    return _merge_jobs(
        jobs, output, lambda parts: [part() for part in parts], compression=compression
    )


def open_alike(
    paths: Sequence[Path | str],
    weights: Sequence[WeightOptions],
    recipe: ImageRecipe,
    *,
    on_bad_file: str = "fail",
    schema: str | Path | None = None,
    tree: str | None = None,
    retries: int = 0,
    **_: object,
) -> list[NtupleInfo | None]:
    """Open the files of a sample before work starts.

    Returns
    -------
    What each says about itself; None for a bad one, unless that is to raise.

    Raises
    ------
    InputError
        If two files are not made of the same things, or one is a copy of another.
    """
    of_file = partial(open_file, recipe=recipe, schema=schema, tree=tree, retries=retries)

    def opened(
        path: Path | str, of_weights: WeightOptions
    ) -> tuple[NtupleInfo, dict[str, str]] | None:
        try:
            info = of_file(path, weights=of_weights)
            return info, describe_file(info, recipe)
        except BadFileError:
            if on_bad_file == "fail":
                raise
            return None

    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(opened, paths, weights))
    known = [(path, *one) for path, one in zip(paths, found, strict=True) if one is not None]
    require_one_definition((path, definition) for path, _, definition in known)
    first_of: dict[tuple[str, str], Path | str] = {}
    for path, info, _ in known:
        first = first_of.setdefault((info.uuid, info.tree), path)
        if first != path:
            raise InputError(f"{first} and {path} are copies of one ROOT file; give it once")
    return [None if one is None else one[0] for one in found]


def _merge_jobs(
    jobs: Sequence[Callable[..., ImageMetadata]],
    output: Path,
    run: Callable[[list[Callable]], list[ImageMetadata]],
    *,
    compression: str | None,
    may_be_empty: bool = True,
) -> ImageMetadata:
    """One image file from jobs that write one each; InputError if every ROOT file was skipped, and
    that may not be.
    """
    output = Path(output)
    with scratch_folder(output) as folder:
        parts = [folder / f"{number:06d}.h5" for number in range(len(jobs))]
        infos = run(
            [
                partial(job, output=part, to_merge=True)
                for job, part in zip(jobs, parts, strict=True)
            ]
        )
        if not may_be_empty and all(info.skipped_files for info in infos):
            raise InputError(f"every file was skipped; the first: {infos[0].skipped_files[0][1]}")
        return merge_image_files(parts, output, compression=compression, outside=True)
