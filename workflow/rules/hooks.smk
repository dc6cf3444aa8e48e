"""The list of its jobs that a run writes when it starts, and the note of its end."""


def original_names():
    """Names of our rules in the workflow, which may use them as a module with names of its own -> their names here."""
    return {proxy.rule.name: name for name, proxy in rules._rules.items()}


def listed_job(job, rule, is_needed):
    """What the list of a run's jobs says of one."""
    values = [
        f"seed{value}" if name == "seed" else value for name, value in job.wildcards_dict.items()
    ]
    inputs = [
        path for path in map(str, job.input) if not path.startswith(f"{WORKFLOW_FOLDER}{os.sep}")
    ]
    return {
        "rule": rule,
        "name": "/".join(values),
        "log": str(job.log[0]),
        "benchmark": str(job.benchmark),
        "inputs": [*inputs, *map(str, IMAGE_FILES)] if str(IMAGE_LIST) in inputs else inputs,
        "outputs": list(map(str, job.output)),
        "is_needed": is_needed,
        "epochs": MODELS[job.wildcards.model]["epochs"] if rule == "train_network" else None,
    }


def listed_jobs(dag):
    """The list of a run's jobs, in the order of their rules."""
    names = original_names()
    order = {rule: position for position, rule in enumerate(names.values())}
    ours = [job for job in dag.jobs if job.benchmark and job.rule.name in names]
    jobs = [listed_job(job, names[job.rule.name], dag.needrun(job)) for job in ours]
    return sorted(jobs, key=lambda job: (order[job["rule"]], job["name"]))


def is_complete(dag):
    """Whether a run is asked for everything, and no rules are left out (--allowed-rules)."""
    names = original_names()
    return {"all", "build_images"} <= {names.get(job.rule.name) for job in dag.jobs}


def note_start(log):
    """Write the list of the jobs of a run that starts."""
    from calovision.jobs.run_summary import start_run

    start_run(RESULTS, listed_jobs(workflow.dag), is_complete=is_complete(workflow.dag), logs=log)


def note_end(succeeded):
    """Note how the run ended."""
    from calovision.jobs.run_summary import end_run

    end_run(RESULTS, succeeded=succeeded)


def add_hook(name, own):
    """Run a function before the hook of the workflow that uses this one as a module: Snakemake knows only that one's."""
    theirs = [getattr(workflow, f"_{name}")]

    def both(log):
        own(log)
        theirs[-1](log)

    setattr(workflow, f"_{name}", both)
    setattr(workflow, name, theirs.append)  # a hook that follows in its file


onstart:
    note_start(log)


onsuccess:
    note_end(succeeded=True)


onerror:
    note_end(succeeded=False)


if not workflow.modifier.is_main_snakefile():
    add_hook("onstart", note_start)
    add_hook("onsuccess", lambda log: note_end(succeeded=True))
    add_hook("onerror", lambda log: note_end(succeeded=False))
