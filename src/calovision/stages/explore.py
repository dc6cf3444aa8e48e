"""The page to explore: test rows, results and images of a run, for a browser."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from calovision.core.titles import in_words
from calovision.evaluation.explore.subject import Subject, subject_of_search, subject_of_taggers
from calovision.evaluation.results import SamplesSummary, Summary, TaggingSummary
from calovision.evaluation.signal_points import expected_events
from calovision.report.explore.page import write_page
from calovision.stages.arguments import Count, Files, not_counted
from calovision.stages.explore_content import content_of
from calovision.stages.explore_options import ExploreOptions
from calovision.storage import ImageCollection, read_file_list, read_score_table, read_table


@dataclass(frozen=True)
class ExploreFiles(Files):
    """Files that `write_explorer` reads.

    Attributes
    ----------
    images
        List of the image files.
    tested
        Table of the test events, or of the test rows of taggers.
    summary, samples
        ``summary.json`` or ``tagging.json``, and ``samples.json``.
    """

    images: Path
    tested: Path
    summary: Path
    samples: Path


def write_explorer(
    files: ExploreFiles, page: Path, options: ExploreOptions, *, count: Count = not_counted
) -> None:
    """Write the page: curves, histograms and numbers at each step of a threshold, and a gallery.

    ``page`` is the HTML file.
    """
    subject = _subject(files, options)
    count(len(subject.labels))
    collection = ImageCollection(read_file_list(files.images))
    content = content_of(subject, collection, options)
    write_page(
        page,
        content,
        title=options.title,
        report=options.report,
        foot=f"calovision {version('calovision')}",
    )


def _subject(files: ExploreFiles, options: ExploreOptions) -> Subject:
    if options.is_search:
        expected = expected_events(SamplesSummary.read(files.samples).samples)
        return subject_of_search(
            read_score_table(files.tested), Summary.read(files.summary), expected
        )
    titles = {name: in_words(title) for name, title in options.class_titles.items()}
    return subject_of_taggers(read_table(files.tested), TaggingSummary.read(files.summary), titles)
