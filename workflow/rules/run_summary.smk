"""The list of its jobs that a run writes when it starts, and what they cost at its end."""


def note_start(log):
    """Write the list of the jobs of a run that starts."""
    from calovision.run_summary import start_run

    start_run(RESULTS, listed_jobs(workflow.dag), is_complete=is_complete(workflow.dag), logs=log)


def note_end(succeeded):
    """Note how the run ended."""
    from calovision.run_summary import end_run

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


rule write_run_summary:
    """Jobs, failures, time, memory, events/s and bytes of every stage, when all but the report is there."""
    input:
        plots=figure_files(RESULT_SECTIONS),
        tables=[path for section in RESULT_SECTIONS for path in section["tables"]],
        numbers=[RESULTS / f"metrics/{name}.json" for name in NUMBERS],
        hepdata=RESULTS / "hepdata",
    output:
        **plot_outputs("run_summary"),
        numbers=RESULTS / "metrics/run_summary.json",
        table=RESULTS / "metrics/run_summary.md",
    log:
        RESULTS / "logs/write_run_summary.log",
    benchmark:
        RESULTS / "benchmarks/write_run_summary.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        code=code_of("write_run_summary", "attempts", "run_summary"),
    script:
        "../scripts/write_run_summary.py"
