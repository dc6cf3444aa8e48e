"""What a file that fits no schema holds, by the names of its branches, without reading values."""

from pathlib import Path

from calovision.ntuples.content import FileContent
from calovision.ntuples.paths import locate
from calovision.ntuples.root_file import opened
from calovision.ntuples.suggestions.reasons import listed, why_nothing, without_trees
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.suggestions.trees import OF_DETECTOR, scan_trees


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
        trees = scan_trees(content, tree)
        if not trees:
            return [without_trees(content)]
        best = max(trees, key=lambda one: one.score)
        found = [
            f"{role.value} ({listed(labels)})"
            for role in (*OF_DETECTOR, Role.LEPTON)
            if (labels := [one.label for one in best.groups if one.role is role])
        ]
        if not any(one.role in OF_DETECTOR for one in best.groups):
            return why_nothing(best, ())
        return [f"the tree {best.name} has what looks like {'; '.join(found)}"]
