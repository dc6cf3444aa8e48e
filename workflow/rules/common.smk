"""Configuration checks, wildcards, and the files that rules share."""

import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

from calovision import workflow as facts
from calovision.core.errors import InputError
from calovision.core.text import printable
from calovision.core.user_files import read_yaml
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

# Events that are simulated with one stream of random numbers: calovision.simulation.pythia.BATCH_SIZE.
EVENTS_PER_BATCH = 250

# Keys of a model that are not options of its training, or decide nothing of what comes out.
WORKFLOW_KEYS = ("seeds", "test_rotations", "threads", "checkpoint_minutes")

# Modules that decide what is in an image file.
IMAGE_MODULES = (
    "conversion",
    "core.kinematics",
    "images",
    "images.jet_images",
    "jets",
    "ntuples",
    "selection",
)
IMAGE_MODULES += ("selection.expressions", "stages.images", "storage")

# Keys of the images that decide how the work is shared, not what comes out.
IMAGE_JOB_KEYS = ("events_per_job", "remote_retries", "chunk_size")

# Where a luminosity cancels, another one must make nothing again.
ANY_LUMINOSITY_FB = facts.default_configuration()["luminosity_fb"]

TOWER_VARIATIONS = ("scale", "smear", "dead")


def complete_configuration():
    """The configuration with all keys, checked; WorkflowError, one sentence, for what is wrong in it."""
    try:
        found = given_configuration()
        facts.check_configuration(found)
        found = facts.expand_paths(found)
        if workflow.is_main_process:
            facts.check_names(found)
            facts.check_results_dir(Path(found["results_dir"]))
            for gap in facts.gaps_in_slices(found["samples"]):
                logger.warning(gap)
    except InputError as error:
        raise WorkflowError(printable(error, lines=True))
    return found


def given_configuration():
    """What is given: as a module, by the workflow that uses this one; else by files and the command line."""
    settings = workflow.config_settings
    # a workflow that includes this one may have read files of its own
    if workflow.modifier.skip_configfile or config != settings.overwrite_config:
        layers = [facts.from_command_line(config)]
        return facts.merge_configurations(facts.default_configuration(), layers)
    return facts.read_configuration(settings.configfiles, dict(settings.config), read=read_file)


def read_file(path):
    """A configuration file: one that asks for templates (YTE) as Snakemake reads it, others with our checks."""
    found = read_yaml(path, "configuration")
    return load_configfile(path) if "__use_yte__" in found else found


def check_module():
    """Raise WorkflowError where a module moves the paths of rules: not all paths here are those of rules."""
    modifier = workflow.modifier.path_modifier
    if modifier.prefix or modifier._prefix_replacements:
        raise WorkflowError(
            "module: give results_dir in its config instead of prefix or replace_prefix"
        )


def find_files(name, patterns):
    """ROOT files of a sample, each once -> entries if a list has them; WorkflowError if a path or glob matches none."""
    from calovision.core.errors import InputError
    from calovision.ntuples import list_files

    try:
        return list_files(patterns)
    except InputError as error:
        raise WorkflowError(f"configuration key 'samples.{name}.files': {printable(error)}")


def check_files_of_samples():
    """Raise WorkflowError if a ROOT file is in two samples, and nothing says that this is meant."""
    from calovision.core.errors import InputError
    from calovision.ntuples import SampleFiles, check_shared_files

    samples = {
        name: SampleFiles(
            NTUPLES[name],
            sample.get("tree"),
            sample.get("split_group"),
            sample.get("role", "training") == "training",
        )
        for name, sample in SAMPLES.items()
        if name not in SIMULATED
    }
    try:
        check_shared_files(samples)
    except InputError as error:
        raise WorkflowError(f"configuration key 'samples': {printable(error)}")


def local_file(path):
    """The ROOT file to wait for, without its tree (file.root:tree); none at an address (root://...)."""
    file, separator, _ = path.rpartition(".root:")
    return [] if "://" in path else f"{file}.root" if separator else path


@cache
def chunk_sizes(n_events, events_per_job):
    """Number of events of every simulation job of a sample: whole batches, so that the cut changes no event."""
    n_batches = -(-n_events // EVENTS_PER_BATCH)
    n_chunks = -(-n_batches // max(events_per_job // EVENTS_PER_BATCH, 1))
    ends = [EVENTS_PER_BATCH * (n_batches * chunk // n_chunks) for chunk in range(n_chunks)] + [
        n_events
    ]
    return [end - start for start, end in zip(ends, ends[1:])]


def class_name(label):
    """Title of a class in plots: that of its sample, if it has only one."""
    titles = [TITLES[name] for name in TRAINING_SAMPLES if SAMPLES[name]["label"] == label]
    return titles[0] if len(titles) == 1 else ("Background", "Signal")[label]


def list_ntuples(name, sample):
    """ROOT files of a sample -> number of events, None if it is not known."""
    if "files" in sample:
        return find_files(name, sample["files"])
    sizes = chunk_sizes(sample["simulate"]["n_events"], config["simulation"]["events_per_job"])
    return {
        str(RESULTS / f"ntuples/{name}/{number:04d}.root"): size
        for number, size in enumerate(sizes)
    }


def count_entries(name, files):
    """Entries of the files of a sample; a job takes them from the main process, which looked whether they changed."""
    from calovision.core.errors import InputError
    from calovision.ntuples import count_files

    images = config["images"]
    options = {"retries": images["remote_retries"], "on_bad_file": images["on_bad_file"]}
    options |= {key: SAMPLES[name].get(key) for key in ("schema", "tree")}
    try:
        return count_files(
            files, RESULTS / "entry_counts.json", check=workflow.is_main_process, **options
        )
    except InputError as error:
        raise WorkflowError(f"configuration key 'samples.{name}.files': {printable(error)}")


def list_chunks(name, files):
    """Chunk name -> what one job converts: a file of a sample, a part of one, or some that follow each other."""
    if config["images"]["events_per_job"] is None:
        cuts, entries = [(number, number + 1, None) for number in range(len(files))], [None] * len(
            files
        )
    else:
        from calovision.ntuples import cut_into_jobs

        # a filter may keep fewer events than are generated, so that these numbers are none to rely on
        is_simulated = name in SIMULATED
        sizes = list(files.values()) if is_simulated else count_entries(name, files)
        entries = [None] * len(files) if is_simulated else sizes
        cuts = cut_into_jobs(sizes, config["images"]["events_per_job"])
    paths, counts = list(files), SAMPLES[name].get("weights") or {}
    # only numbers that stand for all files are divided among them, so that a further file changes no other job
    is_shared = any(
        isinstance(counts.get(key), (int, float)) for key in ("n_generated", "sum_of_weights")
    )
    n_files = len(NTUPLES[name]) if is_shared else None
    return {
        f"{number:04d}": {
            "files": paths[first:end],
            "first": first,
            "n_files": n_files,
            "entries": entries[first:end],
            "entry_range": entry_range,
        }
        for number, (first, end, entry_range) in enumerate(cuts)
    }


def chunk_of(wildcards):
    """What the job of an image file converts."""
    return CHUNKS[wildcards.sample][wildcards.chunk]


def local_files(chunk):
    """The ROOT files of a chunk that a job waits for."""
    return [file for file in map(local_file, chunk["files"]) if file]


def source_file(path):
    """A file of the workflow by its path below workflow/, wherever the workflow lies; Snakemake fetches it from afar."""
    file = WORKFLOW_FOLDER / path
    return str(file) if file.exists() else workflow.source_path(f"../{path}")


def container_image():
    """The image that `make container` builds, by its path from the working folder, so that it is the same in a copy."""
    folder = workflow.current_basedir.get_path_or_uri(secret_free=True)
    return os.path.relpath(f"{folder}/container/calovision.sif")


def code_of(script, *modules, files=()):
    """Parameter of a rule: hash of the code and texts that decide its results, so that editing them makes these again."""
    return facts.package_digest(*modules, files=(source_file(f"scripts/{script}.py"), *files))


def image_params(wildcards):
    """What an image file is made of: files, sample, split."""
    return {"chunk": chunk_of(wildcards), **sample_params(wildcards)}


def sample_params(wildcards):
    """What the configuration says of a sample, and its split: samples that are only looked at are all test."""
    keys = ("label", "schema", "tree", "cross_section_pb", "weights")
    sample = SAMPLES[wildcards.sample]
    is_trained = sample.get("role", "training") == "training"
    split = config["split"] if is_trained else {"fractions": [0, 0, 1]}
    group = {"group": sample["split_group"]} if "split_group" in sample else {}
    return {"sample": {key: sample.get(key) for key in keys}, "split": split | group}


def simulation_params(wildcards):
    """Process, options, number of events and first event number of one job; with pile-up that of a variation."""
    options = dict(SAMPLES[wildcards.sample]["simulate"])
    options |= {
        key: value
        for key, value in VARIATIONS.get(wildcards.get("variation"), {}).items()
        if key == "pile_up"
    }
    sizes = chunk_sizes(options.pop("n_events"), config["simulation"]["events_per_job"])
    chunk = int(wildcards.chunk)
    return {
        "process": options.pop("process"),
        "n_events": sizes[chunk],
        "first_event_number": sum(sizes[:chunk]),
        "options": options,
    }


def training_options(wildcards):
    """Options of the training of a model."""
    return {
        key: value for key, value in MODELS[wildcards.model].items() if key not in WORKFLOW_KEYS
    }


def luminosity_of_loss(weights):
    """Luminosity in the weights of a loss, 1/fb: it cancels within a class, but not in a logarithm."""
    return config["luminosity_fb"] if weights == "log1p" else ANY_LUMINOSITY_FB


def scoring_options(wildcards):
    """How the scores of the model of a job are computed."""
    return scoring_options_of(wildcards.model)


def scoring_options_of(name):
    """How the scores of a model are computed: fp16 is for gradients, the others as in its training."""
    model = MODELS[name]
    precision = "auto" if model["precision"] == "fp16" else model["precision"]
    return {
        "device": model["device"],
        "n_rotations": model["test_rotations"],
        "precision": precision,
    }


def plot_outputs(*names):
    """PDF and PNG files of plots by name."""
    pdf = {f"{name}_pdf": RESULTS / f"plots/{name}.pdf" for name in names}
    return pdf | {name: RESULTS / f"plots/{name}.png" for name in names}


def images_of(variation):
    """Image files of a variation: of the first ROOT files of every sample."""
    return [
        RESULTS / f"variations/{variation}/images/{name}/{chunk}.h5"
        for name in TRAINING_SAMPLES
        for chunk in VARIED_CHUNKS[name]
    ]


def varied_images(wildcards):
    """Image files of the variation of a job."""
    return images_of(wildcards.variation)


def varied_chunk_of(wildcards):
    """What the job of a varied image file converts: ntuples with pile-up are simulated again, the others are there."""
    chunk = VARIED_CHUNKS[wildcards.sample][wildcards.chunk]
    if "pile_up" not in VARIATIONS[wildcards.variation]:
        return chunk
    folder = RESULTS / f"variations/{wildcards.variation}/ntuples/{wildcards.sample}"
    return {**chunk, "files": [str(folder / Path(file).name) for file in chunk["files"]]}


def varied_image_params(wildcards):
    """What a varied image file is made of."""
    return {"chunk": varied_chunk_of(wildcards), **sample_params(wildcards)}


def varied_recipe(wildcards):
    """How a varied image file is made: with other fat jets, or other towers."""
    variation = VARIATIONS[wildcards.variation]
    groomed = variation.get("groomed", config["fat_jets"]["groomed"])
    towers = {key: value for key, value in variation.items() if key in TOWER_VARIATIONS}
    return {
        **IMAGE_RECIPE,
        "fat_jets": {**config["fat_jets"], "groomed": groomed},
        "variation": towers or None,
    }


def threads_of_model(wildcards):
    """Cores of a job of a model."""
    return MODELS[wildcards.model]["threads"]


def memory_of_images(mb, mb_of_a_cell):
    """MB for a job that holds batches of dense images: enough for 64x64 cells, and in proportion for many more.

    From the largest memory of such jobs in `study_224.yaml`, and a tenth to a third more.
    """
    n_eta, n_phi = config["images"]["grid"]
    return max(mb, round(mb_of_a_cell * n_eta * n_phi))


def seed_files(pattern, model):
    """A file of every network of a model."""
    return [RESULTS / pattern.format(model=model, seed=seed) for seed in SEEDS[model]]


def network_files(pattern):
    """A file of every network, by a pattern with {model} and {seed}; the models in order, the seeds ascending."""
    return [
        RESULTS / pattern.format(model=model, seed=seed)
        for model in MODELS
        for seed in SEEDS[model]
    ]


# Threads of a job that wait must not burn the core that another process needs, which would slow both down.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Jobs on other machines compare it with the package that they find there; it is no parameter, which would rerun them.
if workflow.is_main_process:
    os.environ["CALOVISION_VERSION"] = version("calovision")
else:
    os.environ.setdefault("CALOVISION_VERSION", version("calovision"))

WORKFLOW_FOLDER = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
check_module()
config = complete_configuration()

RESULTS = Path(config["results_dir"])
SAMPLES = config["samples"]
TITLES = {name: sample.get("title", name) for name, sample in SAMPLES.items()}
SIMULATED = [name for name, sample in SAMPLES.items() if "simulate" in sample]
# One parameter of the rule, since Snakemake takes its time over each one of each job.
IMAGE_RECIPE = {
    "images": {key: value for key, value in config["images"].items() if key not in IMAGE_JOB_KEYS},
    "fat_jets": config["fat_jets"],
    "event_content": config["event_content"],
    "variation": None,
    "preselection": config["selection"]["preselection"],
    "seed": config["seed"],
}
NTUPLES = {name: list_ntuples(name, sample) for name, sample in SAMPLES.items()}
if workflow.is_main_process:
    check_files_of_samples()
CHUNKS = {name: list_chunks(name, files) for name, files in NTUPLES.items()}
MODELS = {name: {**config["train"], **changes} for name, changes in config["models"].items()}
SEEDS = {
    name: [config["seed"] + number for number in range(model["seeds"])]
    for name, model in MODELS.items()
}
TRAINING_SAMPLES = [
    name for name, sample in SAMPLES.items() if sample.get("role", "training") == "training"
]
TRAINING_TITLES = {name: TITLES[name] for name in TRAINING_SAMPLES}
CLASS_NAMES = {label: class_name(label) for label in (1, 0)}
IMAGE_FILES = [
    RESULTS / f"images/{name}/{chunk}.h5" for name in TRAINING_SAMPLES for chunk in CHUNKS[name]
]
IMAGE_LIST = RESULTS / "images.tsv"
VARIATIONS = (
    {"nominal": {}, **config["robustness"]["variations"]}
    if config["robustness"]["variations"]
    else {}
)
# Jobs of their own, which have the first files and no other, whichever way the files are cut.
VARIED_CHUNKS = {
    name: list_chunks(name, dict(list(NTUPLES[name].items())[: config["robustness"]["files"]]))
    for name in TRAINING_SAMPLES
}
REACH_SAMPLES = [name for name in SAMPLES if name not in TRAINING_SAMPLES]
FIRST_MODEL = next(iter(MODELS))
ROBUSTNESS_MODELS = config["robustness"]["models"] or list(MODELS)[:1]


envvars:
    "CALOVISION_VERSION",


wildcard_constraints:
    sample="|".join(SAMPLES),
    chunk=r"\d+",
    model="|".join(MODELS),
    variation="|".join(VARIATIONS or ["none"]),
    seed=r"\d+",
