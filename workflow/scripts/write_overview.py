import base64
from pathlib import Path
from textwrap import indent

import markdown

from calovision.logs import job_log

# Snakemake's report centers its first page, so that the top of a page higher than the window could not be reached.
STYLE = "<style>.items-center.h-screen { align-items: safe center; }</style>\n"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>calovision: table of results</title></head>
<body style="font-family: sans-serif">
{body}
</body>
</html>
"""

with job_log(snakemake.log[0]):
    table = markdown.markdown(Path(snakemake.input.table).read_text(), extensions=["tables"])
    table = table.replace("<th>", '<th style="text-align: left; padding: 0.3em 0.6em">')
    table = table.replace("<td>", '<td style="padding: 0.3em 0.6em; border-top: 1px solid #ccc">')
    Path(snakemake.output.page).write_text(PAGE.format(body=table))
    # in short lines: docutils refuses long ones, and browsers skip the line ends
    image = base64.encodebytes(Path(snakemake.input.roc).read_bytes()).decode()
    figure = f'<img alt="ROC curves" style="width: 100%; max-width: 40em" src="data:image/png;base64,{image}">'
    text = Path(snakemake.input.text).read_text()
    Path(snakemake.output.text).write_text(f"{text}\n.. raw:: html\n\n{indent(STYLE + figure + table, '    ')}\n")
