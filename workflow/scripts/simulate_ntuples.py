from calovision.jobs.logs import job_log
from calovision.simulation import derive_seed, write_ntuple

with job_log(snakemake.log[0]) as record:
    job = snakemake.params.job
    record.count(job["n_events"])
    write_ntuple(
        snakemake.output[0],
        job["process"],
        n_events=job["n_events"],
        first_event_number=job["first_event_number"],
        seed=derive_seed(snakemake.params.seed, snakemake.wildcards.sample),
        **job["options"],
    )
