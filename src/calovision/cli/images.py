"""``calovision images``: ROOT files to one image file."""

import time

from calovision.cli.image_options import (
    Files,
    ImageOptions,
    JetOptions,
    NtupleOptions,
    RunOptions,
    SampleOptions,
    check_combinations,
)
from calovision.cli.options import ImageCompression, grouped_options, require_new
from calovision.core.errors import InputError


@grouped_options
def images_command(
    files: Files,
    run: RunOptions,
    ntuples: NtupleOptions,
    images: ImageOptions,
    sample: SampleOptions,
    jets: JetOptions,
) -> None:
    """Build images of the events of ROOT files, or of their leading fat jets, and write one image
    file.
    """
    check_combinations(images, jets)
    from calovision.cli.progress import event_progress
    from calovision.cli.recipe import image_recipe, sample_of
    from calovision.cli.summary import print_summary
    from calovision.conversion import Source, convert_ntuples
    from calovision.jobs.compilation import skip_numba_extensions
    from calovision.ntuples import expand_paths

    skip_numba_extensions()
    recipe = image_recipe(images, jets, sample)
    of_rows = sample_of(sample, sample.sample or run.output.stem)
    require_new(run.output, force=run.force)
    paths = expand_paths(files)
    is_compressed = images.compression != ImageCompression.NONE
    start = time.perf_counter()
    with event_progress(count_entries(paths, ntuples.schema, ntuples.tree)) as progress:
        convert_ntuples(
            Source(paths, schema=ntuples.schema, tree=ntuples.tree),
            run.output,
            recipe,
            sample=of_rows,
            on_bad_file=str(ntuples.on_bad_file),
            compression=str(images.compression) if is_compressed else None,
            processes=run.processes,
            progress=progress,
        )
    print_summary(run.output, seconds=time.perf_counter() - start, n_read=progress.done)


def count_entries(paths: list[str], schema: str | None, tree: str | None) -> int | None:
    """Entries of all files that can be read; None where that would mean asking another machine."""
    from calovision.ntuples import count_entries as entries_of

    if any("://" in path for path in paths):
        return None
    total = 0
    for path in paths:
        try:
            total += entries_of(path, schema=schema, tree=tree)
        except InputError:
            continue  # the conversion says so, or skips it
    return total
