"""The list of its jobs that a run writes when it starts, and the note of its end."""


def note_start(log):
    """Write the list of the jobs of a run that starts."""
    from calovision.jobs.run_summary import start_run
    from calovision.workflow.listing import PlannedJob, is_whole_run, list_jobs

    # names of our rules in the workflow, which may use them as a module with names of its own
    names = {proxy.rule.name: name for name, proxy in rules._rules.items()}
    dag = workflow.dag
    planned = [
        PlannedJob(
            names[job.rule.name],
            dict(job.wildcards_dict),
            str(job.log[0]),
            str(job.benchmark),
            list(map(str, job.input)),
            list(map(str, job.output)),
            dag.needrun(job),
        )
        for job in dag.jobs
        if job.rule.name in names and job.benchmark
    ]
    start_run(
        results.folder,
        list_jobs(analysis, planned, WORKFLOW_FOLDER),
        is_complete=is_whole_run({names.get(job.rule.name) for job in dag.jobs}),
        logs=log,
    )


def note_end(succeeded):
    """Note how the run ended."""
    from calovision.jobs.run_summary import end_run

    end_run(results.folder, succeeded=succeeded)


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
