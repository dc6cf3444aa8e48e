"""The page, and all its numbers in one CSV.

input.numbers: JSON files of results; output.page, output.numbers (CSV: a row per number, its file's
name first); params: title, summary, sections, plots, placeholders, files, foot, as
`calovision.report.page` shows them.
"""

import json
from importlib.metadata import version
from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.report import read_sections, write_csv, write_report

with job_log(snakemake.log[0]):
    numbers = {
        Path(path).stem: json.loads(Path(path).read_text()) for path in snakemake.input.numbers
    }
    write_csv(Path(snakemake.output.numbers), numbers)
    params, texts = snakemake.params, Path(snakemake.input.texts[0]).parents[1]
    write_report(
        Path(snakemake.output.page),
        read_sections(
            params.sections, plots=Path(params.plots), values=params.placeholders, texts=texts
        ),
        title=params.title,
        summary=params.summary,
        files={name: Path(path) for name, path in params.files.items()},
        foot=f"calovision {version('calovision')}. {params.foot}",
    )
