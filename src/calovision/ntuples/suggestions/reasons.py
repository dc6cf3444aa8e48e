"""Reasons why no schema can be suggested, and what a file that fits none holds instead."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from calovision.ntuples.content import FileContent
from calovision.ntuples.paths import locate
from calovision.ntuples.root_file import opened
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.suggestions.trees import OF_DETECTOR, ScannedTree, best_tree

SHOWN_LABELS = 12


def without_trees(content: FileContent) -> str:
    """Sentence for a file without a tree."""
    kinds = Counter(content.file.classnames(cycle=False).values())
    held = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return f"the file has no tree: {f'it holds {held}' if held else 'it is empty'}"


def overview(path: Path | str, *, tree: str | None = None) -> list[str]:
    """Sentences on what looks like content of images, or why nothing does.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such tree.
    """
    place, tree = locate(path, tree)
    with opened(place) as file:
        content = FileContent(file, place)
        best = best_tree(content, tree)
        if best is None:
            return [without_trees(content)]
        found = [
            f"{role.value} ({listed(labels)})"
            for role in (*OF_DETECTOR, Role.LEPTON)
            if (labels := [one.label for one in best.groups if one.role is role])
        ]
        if not any(one.role in OF_DETECTOR for one in best.groups):
            return why_nothing(best, ())
        return [f"the tree {best.name} has what looks like {'; '.join(found)}"]


def why_nothing(tree: ScannedTree, broken: Sequence[str]) -> list[str]:
    """Sentences on why a tree gives no schema."""
    reasons = list(broken)
    has_lists = any(shape.lists for shape in tree.shapes.values())
    generated = [one.label for one in tree.groups if one.role is Role.GENERATOR]
    others = [
        one.label for one in tree.groups if one.role in (Role.LEPTON, Role.OTHER, Role.UNKNOWN)
    ]
    where = f"the tree {tree.name}"
    if not tree.n_entries:
        return [f"{where} has no entries, on which a schema could be tried"]
    if not has_lists and not tree.groups:
        reasons.append(
            f"{where} has no branch with a list of objects, and no numbered ones (jet1_pt, jet2_pt)"
        )
    elif not [one for one in tree.groups if one.role in OF_DETECTOR]:
        reasons.append(
            f"{where} has no lists of towers, tracks, candidates or jets with eta and phi, or px, "
            "py and pz, or x, y and z"
        )
    elif not broken:
        reasons.append(f"{where} has directions, but no energies or momenta beside them")
    if generated:
        reasons.append(f"{listed(generated)}: generated, hence not what the detector saw")
    if others:
        reasons.append(f"{listed(others)}: neither calorimeter, tracks, candidates nor jets")
    return reasons


def listed(labels: Sequence[str]) -> str:
    """Names, each once, the first few."""
    each = list(dict.fromkeys(labels))
    rest = len(each) - SHOWN_LABELS
    return ", ".join(each[:SHOWN_LABELS]) + (f" and {rest} more" if rest > 0 else "")
