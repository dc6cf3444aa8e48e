import json
from pathlib import Path

from calovision.evaluation import split_indices, summarize, summary_table, tabulate_test_events
from calovision.logs import job_log
from calovision.storage import ImageCollection, read_scores, write_table

with job_log(snakemake.log[0]):
    collection = ImageCollection(snakemake.input.images)
    indices = split_indices(collection, "validation", "test")
    test = tabulate_test_events(
        collection,
        indices,
        read_scores(snakemake.input.scores, collection, indices),
        luminosity_fb=snakemake.params.luminosity_fb,
        signal_region=snakemake.params.signal_region,
        seed=snakemake.params.seed,
    )
    summary = summarize(collection, test, snakemake.params.background_efficiencies)
    write_table(snakemake.output.test_events, test)
    Path(snakemake.output.table).write_text(summary_table(summary))
    Path(snakemake.output.summary).write_text(json.dumps(summary, indent=2) + "\n")
