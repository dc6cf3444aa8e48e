from calovision.jobs.logs import job_log
from calovision.stages.figures import performance as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    classifiers = snakemake.params.classifiers
    own = {"variables": snakemake.params.variables, "count": record.count}
    stage.plot_diagnostics(snakemake.input.test_events, output, classifiers, **own)
