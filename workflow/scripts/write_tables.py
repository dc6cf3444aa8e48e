from pathlib import Path

import markdown

from calovision.logs import job_log

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>calovision: table of results</title>
<style>
body {{ font-family: sans-serif; margin: 1.5em; max-width: 75em; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
th, td {{ border-bottom: 1px solid #ccc; padding: 0.4em 0.8em; text-align: left; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""

with job_log(snakemake.log[0]):
    text = Path(snakemake.input.table).read_text()
    Path(snakemake.output[0]).write_text(PAGE.format(body=markdown.markdown(text, extensions=["tables"])))
