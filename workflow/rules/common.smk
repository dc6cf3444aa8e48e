"""Configuration checks, wildcards, and the files that rules share."""

import hashlib
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from snakemake.exceptions import WorkflowError

# Columns of the table of test events, and the classifiers that are no models.
TAKEN_NAMES = {
    *("sample", "event_number", "label", "weight", "weight_variations", "split", "overflow", "signal_region"),
    *("n_fat_jets", "leading_pt", "mj_sum", "ht", "delta_eta_12", "fat_jets"),
    *("n_jets", "jets_ht", "jet_pt", "sphericity", "aplanarity", "n_towers", "n_tracks"),
    *("leading_towers", "leading_tracks"),
}

# Events that are simulated with one stream of random numbers: calovision.simulation.pythia.BATCH_SIZE.
EVENTS_PER_BATCH = 250

# Keys of a model that are not options of its training.
WORKFLOW_KEYS = ("seeds", "test_rotations", "threads")

# Modules that decide what is in an image file.
IMAGE_MODULES = ("conversion", "grid", "images", "jet_images", "jets", "kinematics", "ntuples", "selection")
IMAGE_MODULES += ("expressions", "splits", "storage")

# Keys of the images that decide how the work is shared, not what comes out.
IMAGE_JOB_KEYS = ("events_per_job", "remote_retries")

TOWER_VARIATIONS = ("scale", "smear", "dead")


def replace_named_entries(config, overrides):
    """Let a later configuration replace samples, models and cuts as a whole: a merge would keep those of the example."""
    for section in ("samples", "models"):
        if section in overrides:
            config[section] = overrides[section]
    if "variations" in (overrides.get("robustness") or {}):
        config["robustness"]["variations"] = overrides["robustness"]["variations"]
    if "preselection" in (overrides.get("selection") or {}):
        config["selection"]["preselection"] = overrides["selection"]["preselection"]


def check_configuration(config, schema_file):
    """Raise WorkflowError with one sentence for the first key that is mistyped, missing or has a wrong value."""
    schema = yaml.safe_load(Path(schema_file).read_text())
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        key = ".".join(str(part) for part in error.absolute_path) or "(top level)"
        allowed = error.schema.get("properties")
        hint = f"; known here: {', '.join(allowed)}" if error.validator == "additionalProperties" and allowed else ""
        raise WorkflowError(f"configuration key '{key}': {error.message}{hint}")
    for name, sample in config["samples"].items():
        check_sample(name, sample)
    check_titles_of(config)
    check_model_names(list(config["models"]), config["baselines"])
    trained = [sample for sample in config["samples"].values() if sample.get("role", "training") == "training"]
    check_reach(config["samples"])
    check_robustness(config["robustness"], config["samples"], config["models"])
    warn_of_gaps(config["samples"])
    if config["event_content"] is None and "referee" in config["baselines"]:
        raise WorkflowError(
            "configuration key 'baselines': 'referee' needs small-R jets; leave it out or set event_content"
        )
    labels = {sample["label"] for sample in trained}
    if labels != {0, 1}:
        raise WorkflowError(
            f"configuration key 'samples': all have the label {labels.pop() if labels else 1}; give at least one with label 1 (signal) and one with 0"
        )


def check_sample(name, sample):
    """Raise WorkflowError unless a sample is either simulated or read from files."""
    if ("files" in sample) == ("simulate" in sample):
        raise WorkflowError(f"configuration key 'samples.{name}': give either 'files' or 'simulate'")
    for key in ("schema", "tree", "weights"):
        if key in sample and "simulate" in sample:
            raise WorkflowError(f"configuration key 'samples.{name}.{key}': it belongs to 'files', not to 'simulate'")


def check_titles_of(config):
    """Raise WorkflowError for a title or the name of a cut that no figure can show."""
    from calovision.errors import InputError
    from calovision.titles import check_titles

    samples = config["samples"].items()
    titles = {f"samples.{name}.title": sample["title"] for name, sample in samples if "title" in sample}
    cuts = {f"selection.preselection.{name}": name for name in config["selection"]["preselection"]}
    try:
        check_titles(titles | cuts)
    except InputError as error:
        raise WorkflowError(f"configuration key {error}")


def warn_of_gaps(samples):
    """Warn of a missing slice of pT-hat between two others of the same process."""
    slices = {}
    for name, sample in samples.items():
        options = sample.get("simulate", {})
        if "pt_hat_min" in options:
            edges = (options["pt_hat_min"], options.get("pt_hat_max", float("inf")), name)
            slices.setdefault((options["process"], options.get("pile_up", 0)), []).append(edges)
    for (process, _), found in slices.items():
        found.sort()
        _, end, before = found[0]
        for start, stop, after in found[1:]:
            if start > end:
                logger.warning(
                    f"samples: no slice of {process} between pT-hat {end:g} GeV ({before}) and {start:g} GeV ({after})"
                )
            elif start < end:
                logger.warning(
                    f"samples: {before} and {after} overlap in pT-hat from {start:g} GeV on: events count twice"
                )
            if stop > end:
                end, before = stop, after


def check_reach(samples):
    """Raise WorkflowError unless signals that are only looked at, and the one of the training beside them, have a mass."""
    others = {name: sample for name, sample in samples.items() if sample.get("role") == "reach"}
    for name, sample in others.items():
        if sample["label"] != 1:
            raise WorkflowError(f"configuration key 'samples.{name}.role': only signals (label 1) are of the reach")
    if others:
        for name, sample in samples.items():
            if sample["label"] == 1 and "mass" not in sample:
                raise WorkflowError(f"configuration key 'samples.{name}.mass': the reach against the mass needs it")
        check_masses({name: sample for name, sample in samples.items() if sample["label"] == 1}, others)


def check_masses(signals, others):
    """Raise WorkflowError unless one signal is of the training, and each has a mass of its own."""
    trained = [name for name in signals if name not in others]
    if len(trained) > 1:
        raise WorkflowError(
            f"configuration key 'samples': with signals of role reach one signal trains, here {', '.join(trained)}"
        )
    of_mass = {}
    for name, signal in signals.items():
        first = of_mass.setdefault(signal["mass"], name)
        if first != name:
            raise WorkflowError(f"configuration key 'samples.{name}.mass': {first} has the same mass")


def check_robustness(robustness, samples, models):
    """Raise WorkflowError for a model that is not there, or pile-up in events that are not simulated."""
    for name in robustness["models"]:
        if name not in models:
            raise WorkflowError(
                f"configuration key 'robustness.models': there is no model '{name}'; choose from {', '.join(models)}"
            )
    read = [name for name, sample in samples.items() if "files" in sample and sample.get("role") != "reach"]
    for variation, changes in robustness["variations"].items():
        if "pile_up" in changes and read:
            raise WorkflowError(
                f"configuration key 'robustness.variations.{variation}.pile_up': sample {read[0]} is read from files, "
                "and pile-up is simulated; leave it out"
            )


def check_model_names(names, baselines):
    """Raise WorkflowError for a model with the name of something else in the results."""
    for position, name in enumerate(names):
        if name in baselines:
            raise WorkflowError(
                f"configuration key 'models.{name}': in the results this name is that of a baseline; choose another"
            )
        if name in TAKEN_NAMES or (name == "cnn" and position > 0):
            owner = "that of the first model" if name == "cnn" else "an event variable or column"
            raise WorkflowError(
                f"configuration key 'models.{name}': in the results this name is {owner}; choose another"
            )


def check_results_dir(folder):
    """Raise WorkflowError unless the folder of the results, or the first above it that exists, can be written to."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise WorkflowError(
            f"configuration key 'results_dir': {existing} is no folder that you may write to; choose another one"
        )


def find_files(name, patterns):
    """ROOT files of a sample, each once -> entries if a list has them; WorkflowError if a path or glob matches none."""
    from calovision.errors import InputError
    from calovision.ntuples import list_files

    try:
        return list_files(patterns)
    except InputError as error:
        raise WorkflowError(f"configuration key 'samples.{name}.files': {error}")


def local_file(path):
    """The ROOT file to wait for, without its tree (file.root:tree); none at an address (root://...)."""
    file, separator, _ = path.rpartition(".root:")
    return [] if "://" in path else f"{file}.root" if separator else path


@cache
def chunk_sizes(n_events, events_per_job):
    """Number of events of every simulation job of a sample: whole batches, so that the cut changes no event."""
    n_batches = -(-n_events // EVENTS_PER_BATCH)
    n_chunks = -(-n_batches // max(events_per_job // EVENTS_PER_BATCH, 1))
    ends = [EVENTS_PER_BATCH * (n_batches * chunk // n_chunks) for chunk in range(n_chunks)] + [n_events]
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
    return {str(RESULTS / f"ntuples/{name}/{number:04d}.root"): size for number, size in enumerate(sizes)}


def count_entries(name, files):
    """Entries of the files of a sample; a job takes them from the main process, which looked whether they changed."""
    from calovision.errors import InputError
    from calovision.ntuples import count_files

    images = config["images"]
    options = {"retries": images["remote_retries"], "on_bad_file": images["on_bad_file"]}
    options |= {key: SAMPLES[name].get(key) for key in ("schema", "tree")}
    try:
        return count_files(files, RESULTS / "entry_counts.json", check=workflow.is_main_process, **options)
    except InputError as error:
        raise WorkflowError(f"configuration key 'samples.{name}.files': {error}")


def list_chunks(name, files):
    """Chunk name -> what one job converts: a file of a sample, a part of one, or some that follow each other."""
    if config["images"]["events_per_job"] is None:
        cuts, entries = [(number, number + 1, None) for number in range(len(files))], [None] * len(files)
    else:
        from calovision.ntuples import cut_into_jobs

        # a filter may keep fewer events than are generated, so that these numbers are none to rely on
        is_simulated = name in SIMULATED
        sizes = list(files.values()) if is_simulated else count_entries(name, files)
        entries = [None] * len(files) if is_simulated else sizes
        cuts = cut_into_jobs(sizes, config["images"]["events_per_job"])
    paths, counts = list(files), SAMPLES[name].get("weights") or {}
    # only numbers that stand for all files are divided among them, so that a further file changes no other job
    is_shared = any(isinstance(counts.get(key), (int, float)) for key in ("n_generated", "sum_of_weights"))
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


def package_modules(*names):
    """Source files of package modules, so that editing one reruns what it decides."""
    package = Path(workflow.basedir).parent / "src" / "calovision"
    files = []
    for name in names:
        folder = package / name
        in_folder = sorted(path for path in folder.glob("*.*") if path.suffix in (".py", ".j2", ".css"))
        files += in_folder if folder.is_dir() else [package / f"{name}.py"]
    return [str(file) for file in files]


@cache
def package_digest(*names):
    """Hash of package modules: a parameter of rules of many jobs, each of which would keep their files as inputs in memory."""
    digest = hashlib.sha256()
    for file in package_modules(*names):
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:16]


def image_params(wildcards):
    """What an image file is made of: files, sample, split."""
    return {"chunk": chunk_of(wildcards), **sample_params(wildcards)}


def sample_params(wildcards):
    """What the configuration says of a sample, and its split: samples that are only looked at are all test."""
    keys = ("label", "schema", "tree", "cross_section_pb", "weights")
    sample = SAMPLES[wildcards.sample]
    is_trained = sample.get("role", "training") == "training"
    return {
        "sample": {key: sample.get(key) for key in keys},
        "split": config["split"] if is_trained else {"fractions": [0, 0, 1]},
    }


def simulation_params(wildcards):
    """Process, options, number of events and first event number of one job; with pile-up that of a variation."""
    options = dict(SAMPLES[wildcards.sample]["simulate"])
    options |= {key: value for key, value in VARIATIONS.get(wildcards.get("variation"), {}).items() if key == "pile_up"}
    sizes = chunk_sizes(options.pop("n_events"), config["simulation"]["events_per_job"])
    chunk = int(wildcards.chunk)
    return {
        "process": options.pop("process"),
        "n_events": sizes[chunk],
        "first_event_number": sum(sizes[:chunk]),
        "options": options,
    }


def scoring_options(wildcards):
    """How the scores of the model of a job are computed."""
    return scoring_options_of(wildcards.model)


def scoring_options_of(name):
    """How the scores of a model are computed: fp16 is for gradients, the others as in its training."""
    model = MODELS[name]
    precision = "auto" if model["precision"] == "fp16" else model["precision"]
    return {"device": model["device"], "n_rotations": model["test_rotations"], "precision": precision}


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
    return {**IMAGE_RECIPE, "fat_jets": {**config["fat_jets"], "groomed": groomed}, "variation": towers or None}


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
    return [RESULTS / pattern.format(model=model, seed=seed) for model in MODELS for seed in SEEDS[model]]


def listed_job(job, is_needed):
    """What the list of a run's jobs says of one."""
    values = [f"seed{value}" if name == "seed" else value for name, value in job.wildcards_dict.items()]
    programs = f"{Path(workflow.basedir).parent / 'src'}{os.sep}"
    inputs = [str(path) for path in job.input if not path.startswith(programs)]
    return {
        "rule": job.rule.name,
        "name": "/".join(values),
        "log": str(job.log[0]),
        "benchmark": str(job.benchmark),
        "inputs": [*inputs, *map(str, IMAGE_FILES)] if str(IMAGE_LIST) in inputs else inputs,
        "outputs": list(map(str, job.output)),
        "is_needed": is_needed,
        "epochs": MODELS[job.wildcards.model]["epochs"] if job.rule.name == "train_network" else None,
    }


def listed_jobs(dag):
    """The list of a run's jobs, in the order of their rules."""
    order = {rule.name: position for position, rule in enumerate(workflow.rules)}
    jobs = [listed_job(job, dag.needrun(job)) for job in dag.jobs if job.benchmark]
    return sorted(jobs, key=lambda job: (order[job["rule"]], job["name"]))


def is_complete(dag):
    """Whether a run is asked for everything, and no rules are left out (--allowed-rules)."""
    return {"all", "build_images"} <= {job.rule.name for job in dag.jobs}


# Threads of a job that wait must not burn the core that another process needs, which would slow both down.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Jobs on other machines compare it with the package that they find there; it is no parameter, which would rerun them.
if workflow.is_main_process:
    os.environ["CALOVISION_VERSION"] = version("calovision")
else:
    os.environ.setdefault("CALOVISION_VERSION", version("calovision"))

replace_named_entries(config, workflow.config_settings.overwrite_config)
check_configuration(config, Path(workflow.basedir) / "schemas" / "config.schema.yaml")

RESULTS = Path(config["results_dir"])
if workflow.is_main_process:
    check_results_dir(RESULTS)
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
CHUNKS = {name: list_chunks(name, files) for name, files in NTUPLES.items()}
MODELS = {name: {**config["train"], **changes} for name, changes in config["models"].items()}
SEEDS = {name: [config["seed"] + number for number in range(model["seeds"])] for name, model in MODELS.items()}
TRAINING_SAMPLES = [name for name, sample in SAMPLES.items() if sample.get("role", "training") == "training"]
CLASS_NAMES = {label: class_name(label) for label in (1, 0)}
IMAGE_FILES = [RESULTS / f"images/{name}/{chunk}.h5" for name in TRAINING_SAMPLES for chunk in CHUNKS[name]]
IMAGE_LIST = RESULTS / "images.tsv"
VARIATIONS = {"nominal": {}, **config["robustness"]["variations"]} if config["robustness"]["variations"] else {}
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
