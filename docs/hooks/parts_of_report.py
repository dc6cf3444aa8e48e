"""Reference of the figures of the report, with their captions."""

import re

from links import REPOSITORY

from calovision.report.figures import FIGURES
from calovision.report.parts import Figure, read_sections
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis
from calovision.workflow.report_content import report_sections, text_values

RUNS = {
    "A search": ["config.yaml"],
    "Taggers of jets": ["jets.yaml"],
    "A number in place of a class": ["shower_energy.yaml"],
    "Monitoring": ["dqm.yaml"],
}
"""Kind of run -> configurations whose report is described: each figure stands at the first one."""


def figure_reference() -> str:
    """Figures of the reports, kind of run by kind of run, as Markdown."""
    parts, shown = [], set()
    for title, names in RUNS.items():
        configuration = Configuration.read([REPOSITORY / "config" / name for name in names])
        analysis = Analysis(configuration)
        entries = [
            {key: entry[key] for key in ("name", "title", "figures")}
            for entry in report_sections(analysis)
        ]
        values = text_values(analysis)
        parts += [f"## {title}", f"As of `config/{names[-1]}`."]
        for section in read_sections(entries, plots=REPOSITORY, values=values):
            new = {_name(one): one for one in section.figures if _name(one) not in shown}
            shown |= set(new)
            if new:
                parts.append(f"### {section.title}")
                parts += [_words(name, one) for name, one in new.items()]
    return "\n\n".join(parts)


def _name(figure: Figure) -> str:
    """Name of the entry: files of numbered figures have a number behind it."""
    stem = figure.path.stem
    return stem if stem in FIGURES else re.sub(r"_\d+$", "", stem)


def _words(name: str, figure: Figure) -> str:
    title = FIGURES[name].title.rstrip(":")
    files = f"`{name}_1`, ..." if FIGURES[name].is_numbered else f"`{name}`"
    return f"**{title}** ({files}): {figure.caption}"
