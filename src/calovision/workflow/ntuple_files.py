"""ROOT files of the samples that the user gives: found, told apart, their entries counted.

Messages begin with the key of the configuration. What opens files is imported when it is needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.core.text import printable
from calovision.core.user_files import read_yaml
from calovision.jets.variables import Variable, branches_of_events, branches_of_jets
from calovision.workflow.samples import Sample
from calovision.workflow.sections import Images

NtupleFiles = dict[str, int | None]
"""ROOT files of a sample -> number of events, None where it is not known."""


@contextmanager
def _named(key: str) -> Iterator[None]:
    """Begin the sentences of errors with a key of the configuration."""
    try:
        yield
    except InputError as error:
        raise InputError(f"configuration key '{key}': {printable(error)}") from error


def find_files(name: str, sample: Sample) -> NtupleFiles:
    """Files of a sample that is read from files, each once, with the entries that a list gives.

    Raises
    ------
    InputError
        If a path or wildcard stands for no file.
    """
    from calovision.ntuples import list_files

    with _named(f"samples.{name}.files"):
        return list_files(sample.files or ())


def names_of_outputs(name: str, files: Sequence[str]) -> list[str]:
    """Name of the output of each file of a sample, without suffix, as
    `calovision.ntuples.output_names` gives them.

    Raises
    ------
    InputError
        If a file is given twice.
    """
    from calovision.ntuples.output_names import output_names

    with _named(f"samples.{name}.files"):
        return [path.as_posix() for path in output_names(files, "")]


def read_friends(sample: Sample) -> list[str]:
    """Friends that the schema of a sample joins to the tree of its files; none without a YAML
    file.
    """
    if sample.schema_file is None:
        return []
    friends = read_yaml(Path(sample.schema_file), "schema").get("friends", [])
    return friends if isinstance(friends, list) else [friends]


def files_beside(paths: Sequence[str], sample: Sample, friends: Sequence[str]) -> list[str]:
    """Files that images are made of beside the ROOT files ``paths``: the YAML file of the schema,
    and those of friends; addresses are none.
    """
    if sample.schema_file is None:
        return []
    from calovision.ntuples.friends import find_friend

    found = [find_friend(text, Path(path)).file for path in paths for text in friends]
    others = [str(file) for file in found if isinstance(file, Path)]
    return [sample.schema_file, *dict.fromkeys(others)]


def check_shared_files(samples: Mapping[str, Sample], files: Mapping[str, NtupleFiles]) -> None:
    """Raise InputError if a ROOT file is in two samples, and nothing says that this is meant.

    Parameters
    ----------
    samples, files
        Samples by name, and their files; simulated ones are passed over.
    """
    given = {name: sample for name, sample in samples.items() if not sample.is_simulated}
    if not given:
        return
    from calovision.ntuples import SampleFiles, check_shared_files

    owners = {
        name: SampleFiles(files[name], one.tree, one.split_group, one.is_trained, one.is_applied)
        for name, one in given.items()
    }
    with _named("samples"):
        check_shared_files(owners)


def check_branches(
    samples: Mapping[str, Sample],
    files: Mapping[str, NtupleFiles],
    variables: Mapping[str, Variable],
    *,
    trimmed: bool = False,
) -> None:
    """Look for the branches of variables in the first file of each sample, if it is here.

    Files that cannot be read are left to the jobs, which say why.

    Parameters
    ----------
    samples, files
        Samples by name, and their files.
    variables
        Those that are read from their files.
    trimmed
        Whether the fat jets are the trimmed ones.

    Raises
    ------
    InputError
        If a file lacks a branch, or has no fat jets that a variable could be one of.
    """
    if not any(one.branch is not None for one in variables.values()):
        return
    for name, sample in samples.items():
        path = next(iter(files[name]), None)
        if path is not None and not sample.is_simulated and Path(path).is_file():
            options = {"schema": sample.schema, "tree": sample.tree, "trimmed": trimmed}
            _check_branches(path, variables, **options)


def _check_branches(path: str, variables: Mapping[str, Variable], **options: Any) -> None:
    from calovision.conversion.fields import no_own_jets
    from calovision.ntuples import Ntuple

    try:
        with Ntuple(path, **options) as plain:
            plain.check()
            info = plain.info
    except InputError:
        return
    of_events, of_jets = branches_of_events(variables), branches_of_jets(variables)
    with _named("variables"):
        if of_jets and "fat_jets" not in {*info.collections, *info.undecided}:
            raise InputError(f"{path}: {no_own_jets(next(iter(of_jets)))}")
        with Ntuple(path, **options, variables=of_events, jet_variables=of_jets) as ntuple:
            ntuple.check()


def check_class_cuts(
    samples: Mapping[str, Sample],
    files: Mapping[str, NtupleFiles],
    *,
    of_jets: bool,
    trimmed: bool = False,
) -> None:
    """Look for the branches of the classes of rows in the first file of each sample, if it is here.

    Parameters
    ----------
    samples, files
        Samples by name, and their files; those that cannot be read are left to the jobs.
    of_jets
        Whether the rows are jets.
    trimmed
        Whether the fat jets are the trimmed ones.

    Raises
    ------
    InputError
        If a file lacks a branch, or an expression has other values than one for each row.
    """
    for name, sample in samples.items():
        path = next(iter(files[name]), None)
        is_here = path is not None and not sample.is_simulated and Path(path).is_file()
        if sample.class_cuts and is_here:
            options = {"schema": sample.schema, "tree": sample.tree, "trimmed": trimmed}
            with _named(f"samples.{name}.label"):
                _check_class_cuts(path, sample.class_cuts, of_jets=of_jets, **options)


def _check_class_cuts(
    path: str, class_cuts: Mapping[str, str], *, of_jets: bool, **options: Any
) -> None:
    from calovision.conversion.row_labels import check_kinds
    from calovision.ntuples import Ntuple

    try:
        with Ntuple(path, **options) as plain:
            plain.check()
            _ = plain.info
    except InputError:
        return
    with Ntuple(path, **options, class_cuts=class_cuts) as ntuple:
        ntuple.check()
        check_kinds(ntuple.info, class_cuts, of_jets=of_jets)


def count_entries(
    name: str, sample: Sample, files: NtupleFiles, images: Images, *, cache: Path, check: bool
) -> list[int]:
    """Entries of files of a sample, as `calovision.ntuples.count_files` counts them.

    Parameters
    ----------
    name, sample, files
        The sample, and some of its files.
    images
        Section of the configuration: how often an address is tried, and what to do with bad files.
    cache
        File of the counts.
    check
        True looks at files for changes since they were counted.

    Raises
    ------
    InputError
        If a file cannot be read, or the cache cannot be written.
    """
    from calovision.ntuples import count_files

    with _named(f"samples.{name}.files"):
        return count_files(
            files,
            cache,
            schema=sample.schema,
            tree=sample.tree,
            retries=images.remote_retries,
            on_bad_file=images.on_bad_file,
            check=check,
        )
