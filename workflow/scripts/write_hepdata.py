from pathlib import Path

from calovision.evaluation.results import Reach, Summary
from calovision.jobs.logs import job_log
from calovision.metrics import roc
from calovision.report.hepdata import write_hepdata
from calovision.storage import read_score_table

with job_log(snakemake.log[0]) as record:
    test = read_score_table(snakemake.input.test_events)
    record.count(len(test["label"]))
    summary = Summary.read(snakemake.input.summary)
    reach = Reach.read(snakemake.input.reach)
    curves = {name: roc(test[name], test["label"], test["weight"]) for name in summary.classifiers}
    write_hepdata(
        Path(snakemake.output[0]),
        curves=curves,
        summary=summary,
        reach=reach,
        description=snakemake.params.description,
    )
