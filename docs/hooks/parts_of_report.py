"""Reference of the figures of the report, with their captions."""

from links import REPOSITORY

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
            new = [one for one in section.figures if one.path.stem not in shown]
            shown |= {one.path.stem for one in new}
            if new:
                parts.append(f"### {section.title}")
                parts += [_words(one) for one in new]
    return "\n\n".join(parts)


def _words(figure: Figure) -> str:
    return f"**{figure.title.rstrip(':')}** (`{figure.path.stem}`): {figure.caption}"
