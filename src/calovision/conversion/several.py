"""Several ROOT files to one image file, and jobs of a farm: however files are cut into jobs, the
same events come out.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from calovision.conversion.files import FileConversion, check_options
from calovision.conversion.parallel import run_in_processes
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.sample import Sample
from calovision.conversion.source import Source, SourceFile
from calovision.core.errors import BadFileError, InputError
from calovision.jobs.atomic import scratch_folder
from calovision.storage import ImageMetadata, merge_image_files
from calovision.storage.compatibility import require_one_definition

THREADS = 8  # that open files, most of whose time goes by with waiting
# files that stay open from their check to their conversion, 5 MB of each Delphes tree
KEPT_OPEN = 8


def convert_ntuples(
    source: Path | str | Sequence[Path | str] | Source,
    output: Path,
    recipe: ImageRecipe,
    *,
    sample: str | Sample,
    label: int | None = None,
    on_bad_file: str = "fail",
    compression: str | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Build the images of several ntuples of one sample into one file.

    Parameters
    ----------
    source
        The ROOT files, in the order in which their events come; or a `Source`, which says how they
        are read.
    sample, label
        As in `convert_ntuple`; numbers of generated events and sums of weights are those of all
        files together.
    processes
        Number of processes that share the files.
    output, recipe, on_bad_file, compression, progress
        As in `convert_ntuple`; a single file that is bad leaves nothing to go on with.

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
    check_options(recipe, on_bad_file)
    source = Source.of(source)
    if len({str(path) for path in source.files}) < len(source.files):
        twice = next(path for path in source.files if source.files.count(path) > 1)
        raise InputError(f"{twice}: given twice; give each file once")
    sample = Sample.of(sample, label)
    if len(source.files) == 1:
        (convert,) = _conversions(source, recipe, sample, "fail")
        return convert(output, compression=compression, progress=progress)
    run = partial(run_in_processes, processes=processes, progress=progress)
    conversions = _conversions(source, recipe, sample, on_bad_file)
    return _convert_all(conversions, output, run, compression=compression, may_be_empty=False)


def convert_job(
    source: Path | str | Sequence[Path | str] | Source,
    output: Path,
    recipe: ImageRecipe,
    *,
    sample: str | Sample,
    label: int | None = None,
    on_bad_file: str = "fail",
    compression: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Build the images of one job: of a part of a file, of a file, or of several ones.

    Parameters
    ----------
    source
        ROOT files that follow each other in the list of a sample; with ``first_file`` and
        ``n_files`` if the weights of the sample are given for all of them together.
    output, recipe, sample, label, on_bad_file, compression, progress
        As in `convert_ntuple`. A job all of whose files are skipped gives a file without events.

    Raises
    ------
    InputError
        As `convert_ntuple`; if the files are not made of the same things.
    """
    check_options(recipe, on_bad_file)
    source = Source.of(source)
    conversions = _conversions(source, recipe, Sample.of(sample, label), on_bad_file)
    if len(conversions) == 1:
        return conversions[0](output, compression=compression, progress=progress)
    run = partial(run_in_processes, processes=1, progress=progress)
    return _convert_all(conversions, output, run, compression=compression)


def _conversions(
    source: Source, recipe: ImageRecipe, sample: Sample, on_bad_file: str
) -> list[FileConversion]:
    """Conversion of each file, with its share of the numbers that are given for all files."""
    n_files = len(source.files) if source.n_files is None else source.n_files
    samples = [
        sample.of_file(source.first_file + number, n_files) for number in range(len(source.files))
    ]
    files = source.open(recipe, [of_file.weights for of_file in samples], sample.class_cuts)
    return [
        FileConversion(file, recipe, of_file, on_bad_file)
        for file, of_file in zip(files, samples, strict=True)
    ]


def _convert_all(
    conversions: Sequence[FileConversion],
    output: Path,
    run: Callable[[list[Callable]], list[ImageMetadata]],
    *,
    compression: str | None,
    may_be_empty: bool = True,
) -> ImageMetadata:
    """Write one image file of several ROOT files, after a check that they are alike.

    Raises
    ------
    InputError
        As `check_alike`; if every ROOT file was skipped, and that may not be.
    """
    output = Path(output)
    with ExitStack() as closing:
        for conversion in conversions:
            closing.enter_context(conversion.file.ntuple)
        check_alike(conversions)
        with scratch_folder(output) as folder:
            parts = [folder / f"{number:06d}.h5" for number in range(len(conversions))]
            infos = run(
                [
                    partial(convert, part, to_merge=True)
                    for convert, part in zip(conversions, parts, strict=True)
                ]
            )
            if not may_be_empty and all(info.skipped_files for info in infos):
                reason = infos[0].skipped_files[0][1]
                raise InputError(f"every file was skipped; the first: {reason}")
            return merge_image_files(parts, output, compression=compression, outside=True)


def check_alike(conversions: Sequence[FileConversion]) -> None:
    """Ask the files of a sample for their description before work starts.

    Raises
    ------
    InputError
        If two files are not made of the same things, or one is a copy of another.
    BadFileError
        If a file is bad, unless these are skipped.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        definitions = list(threads.map(_definition, conversions, range(len(conversions))))
    known: list[tuple[SourceFile, dict[str, str]]] = [
        (conversion.file, definition)
        for conversion, definition in zip(conversions, definitions, strict=True)
        if definition is not None
    ]
    require_one_definition((file.path, definition) for file, definition in known)
    first_of: dict[tuple[str, str], Path | str] = {}
    for file, _ in known:
        first = first_of.setdefault((file.info.uuid, file.info.tree), file.path)
        if first != file.path:
            raise InputError(f"{first} and {file.path} are copies of one ROOT file; give it once")


def _definition(conversion: FileConversion, number: int) -> dict[str, str] | None:
    """Definition of the images of a file, which stays open if it is one of the first; None for a
    bad file that is skipped.
    """
    try:
        return conversion.file.definition(conversion.recipe)
    except BadFileError:
        if conversion.on_bad_file == "fail":
            raise
        return None
    finally:
        if number >= KEPT_OPEN:
            conversion.file.ntuple.close()
