from calovision.jobs.logs import job_log
from calovision.stages import simulation as stage

with job_log(snakemake.log[0]) as record:
    job = stage.SimulationJob(**snakemake.params.job)
    sample, seed = snakemake.wildcards.sample, snakemake.params.seed
    stage.simulate_ntuples(snakemake.output[0], job, sample=sample, seed=seed, count=record.count)
