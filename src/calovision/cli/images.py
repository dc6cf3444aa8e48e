"""``calovision images``: ROOT files to one image file."""

import time
from types import SimpleNamespace

from calovision.cli import image_options as option
from calovision.cli.options import ImageCompression, OnBadFile, check_combinations
from calovision.cli.output import require_new
from calovision.core.errors import InputError


def images_command(
    files: option.Files,
    output: option.Output,
    schema: option.Schema = None,
    tree: option.Tree = None,
    grid: option.Grid = None,
    eta_range: option.EtaRange = None,
    eta_edges: option.EtaEdges = None,
    channels: option.Channels = None,
    select: option.Select = None,
    no_selection: option.NoSelection = False,
    label: option.Label = 0,
    sample: option.Sample = None,
    cross_section: option.CrossSection = None,
    weight_index: option.WeightIndex = 0,
    weights_include_cross_section: option.WeightsIncludeCrossSection = False,
    n_generated: option.NGenerated = None,
    sum_of_weights: option.SumOfWeights = None,
    jets: option.Jets = False,
    jets_per_event: option.JetsPerEvent = None,
    jet_recipe: option.JetRecipe = None,
    jet_width: option.JetWidth = None,
    radius: option.Radius = 1.0,
    pt_min: option.PtMin = 200.0,
    eta_max: option.EtaMax = 2.0,
    trimmed: option.Trimmed = False,
    split_seed: option.SplitSeed = 1,
    split_fractions: option.SplitFractions = "0.6,0.2,0.2",
    split_group: option.SplitGroup = None,
    on_bad_file: option.BadFile = OnBadFile.FAIL,
    compression: option.Compression = ImageCompression.NONE,
    processes: option.Processes = 1,
    force: option.Force = False,
) -> None:
    """Build images of the events of ROOT files, or of their leading fat jets, and write one image
    file.
    """
    arguments = SimpleNamespace(**locals())
    check_combinations(arguments)
    run(arguments)


def run(arguments: SimpleNamespace) -> None:
    """Convert with the arguments of `images_command`, and print a summary."""
    from calovision.cli.progress import event_progress
    from calovision.cli.recipe import image_recipe, weight_options
    from calovision.cli.summary import print_summary
    from calovision.conversion import convert_ntuples
    from calovision.jobs.compilation import skip_numba_extensions
    from calovision.ntuples import expand_paths

    skip_numba_extensions()
    recipe, weights = image_recipe(arguments), weight_options(arguments)
    require_new(arguments.output, force=arguments.force)
    paths = expand_paths(arguments.files)
    start = time.perf_counter()
    with event_progress(count_entries(paths, arguments.schema, arguments.tree)) as progress:
        convert_ntuples(
            paths,
            arguments.output,
            recipe,
            sample=arguments.sample or arguments.output.stem,
            label=arguments.label,
            schema=arguments.schema,
            tree=arguments.tree,
            cross_section_pb=arguments.cross_section,
            cross_section_required=False,
            weights=weights,
            on_bad_file=str(arguments.on_bad_file),
            compression=None
            if arguments.compression == ImageCompression.NONE
            else str(arguments.compression),
            processes=arguments.processes,
            progress=progress,
        )
    print_summary(arguments.output, seconds=time.perf_counter() - start, n_read=progress.done)


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
