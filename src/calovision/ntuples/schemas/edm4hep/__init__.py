"""EDM4hep and EDM4eic in files of podio (FCC, ILD, CLD, EIC), TTree or RNTuple.

Names of collections differ from file to file, so that they are found by their class, and chosen by
rules of names and of what the first entries hold (`towers`, `tracks`, `particles`);
`TreeSchema.notes` says what was taken, `TreeSchema.choices` what else there is. A YAML file chooses
others::

    extends: edm4hep
    choose:
      towers: [ECALBarrel, ECALEndcap]  # hits, clusters or particles
      tracks: SiTracks_Refitted         # tracks, or particles, of which the charged ones count
      jets: RefinedVertexJets
      candidates: PandoraPFOs
"""

from typing import TYPE_CHECKING

from calovision.ntuples.schemas.edm4hep.choice import Choice
from calovision.ntuples.schemas.edm4hep.content import describe_content
from calovision.ntuples.schemas.edm4hep.podio import HEADER, TREE, PodioEvents
from calovision.ntuples.schemas.schema import Chosen, Schema, TreeSchema

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

__all__ = ["EDM4HEP", "find_versions"]


def find_versions(content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
    """Find the collections of a podio file; none in a file of another kind.

    Raises
    ------
    InputError
        If ``chosen`` names what the file does not have, or what a collection cannot be made of.
    """
    events = PodioEvents(content)
    if not events.is_podio:
        return ()
    choice = Choice(events, chosen)
    found, notes = describe_content(events, choice)
    weight, about_weight = _weight(events)
    return (
        TreeSchema(
            tree=events.tree,
            event_number=_event_number(events),
            run=_run(events),
            weight=weight,
            weight_may_miss=True,
            notes=(*notes, *about_weight),
            choices=choice.possible,
            no_counters=("runs", "metadata"),
            **found,
        ),
    )


def _event_number(events: PodioEvents) -> str | None:
    """Number of the event; None if it was not set."""
    for header in events.of_kind(HEADER):
        if not events.is_zero(header, "eventNumber", whole=True):
            return header.formula("eventNumber")
    return None


def _run(events: PodioEvents) -> str | None:
    """Number of the run; None if no header has one."""
    for header in events.of_kind(HEADER):
        if "runNumber" in header.members:
            return header.formula("runNumber")
    return None


def _weight(events: PodioEvents) -> tuple[str | None, tuple[str, ...]]:
    """Weight of the event, and what there is to say: 0 in the whole file means that it was not
    set (conversions from LCIO).
    """
    for header in events.of_kind(HEADER):
        if "weight" not in header.members:
            continue
        if not events.is_zero(header, "weight", whole=True):
            return header.formula("weight"), ()
        return None, (f"{header.branch('weight')} is 0 in all events, so that each counts 1",)
    return None, ()


EDM4HEP = Schema(
    name="edm4hep",
    title="EDM4hep (podio)",
    find_versions=find_versions,
    trees=(TREE,),
)
