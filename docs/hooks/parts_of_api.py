"""Pages of the public names, room by room, from their docstrings; nothing is imported."""

import ast
import inspect
from functools import cache

from links import REPOSITORY

from calovision.core.markdown import rendered_table

ROOMS = {
    "calovision": "",
    "calovision.images": "images",
    "calovision.images.jet_images": "jet_images",
    "calovision.jets": "jets",
    "calovision.ntuples": "ntuples",
    "calovision.conversion": "conversion",
    "calovision.storage": "storage",
    "calovision.datasets": "datasets",
    "calovision.models": "models",
    "calovision.training": "training",
    "calovision.scoring": "scoring",
    "calovision.metrics": "metrics",
    "calovision.evaluation": "evaluation",
    "calovision.monitoring": "monitoring",
    "calovision.accounting": "accounting",
}
"""Room -> its page in ``api/``; the names at the top of the package are on the pages of rooms."""


@cache
def public_names() -> dict[str, dict[str, str]]:
    """Room -> its public names -> where each is defined, ``package.module.name``."""
    return {
        room: {name: _definition(module, name) for name, module in _shown(room).items()}
        for room in ROOMS
    }


def api_pages() -> dict[str, str]:
    """Page of each room that has one, as Markdown with the directives of mkdocstrings."""
    return {f"api/{page}.md": _page(room) for room, page in ROOMS.items() if page}


def table_of_names() -> str:
    """Table of the names at the top of the package, and of the rooms."""
    names = [
        (f"[`{name}`][{where}]", first_sentence(where))
        for name, where in sorted(public_names()["calovision"].items())
    ]
    rooms = [
        (f"[`{room}`](api/{page}.md)", _sentence(ast.get_docstring(_tree(room))))
        for room, page in ROOMS.items()
        if page
    ]
    tables = (rendered_table(("name", "what it is"), names), rendered_table(("room", ""), rooms))
    return "\n\n".join(tables)


def _page(room: str) -> str:
    parts = [f"# {room}", inspect.cleandoc(ast.get_docstring(_tree(room)) or "")]
    names = dict(public_names()[room])
    before = [one for one, page in ROOMS.items() if page]
    before = before[: before.index(room)]
    elsewhere = set().union(*(public_names()[other].values() for other in before))
    of_top = [where for where in public_names()["calovision"].values() if _room_of(where) == room]
    names |= {where.rpartition(".")[2]: where for where in of_top}
    for name, where in sorted(names.items()):
        if where in elsewhere:
            parts.append(f"`{name}`: see [`{where}`][{where}].")
        else:
            options = f"    options:\n      heading: {name}\n      toc_label: {name}"
            parts.append(f"::: {where}\n{options}")
    return "\n\n".join(parts) + "\n"


def _room_of(where: str) -> str:
    """Room on whose page a name of the top stands."""
    fitting = [room for room, page in ROOMS.items() if page and where.startswith(f"{room}.")]
    return max(fitting, key=len, default="calovision.storage")


@cache
def _tree(module: str) -> ast.Module:
    path = REPOSITORY / "src" / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text())


def _shown(room: str) -> dict[str, str]:
    """Public names of a room -> modules that it takes them from, by its ``__init__.py``."""
    tables = [
        ast.literal_eval(node)
        for node in ast.walk(_tree(room))
        if isinstance(node, ast.Dict) and all(isinstance(one, ast.Tuple) for one in node.values)
    ]
    pairs = [(module, names) for table in tables for module, names in table.items()]
    lazy = {name: f"{room}.{module}" for module, names in pairs for name in names}
    return lazy or _imported(room)


def _imported(module: str) -> dict[str, str]:
    """Names that a module imports from others of the package -> these modules."""
    return {
        alias.asname or alias.name: str(node.module)
        for node in _tree(module).body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("calovision")
        for alias in node.names
    }


def _definition(module: str, name: str) -> str:
    """Where a name is defined, that a module has; imports are followed."""
    if _node(module, name) is not None:
        return f"{module}.{name}"
    for names in (_imported(module), _shown(module)):
        if name in names:
            return _definition(names[name], name)
    raise LookupError(f"{module}.{name}: no module of the package defines it")


def _node(module: str, name: str) -> ast.stmt | None:
    """Statement that defines a name at the top of a module."""
    for node in _tree(module).body:
        if getattr(node, "name", None) == name:
            return node
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(getattr(target, "id", None) == name for target in targets):
            return node
    return None


def first_sentence(where: str) -> str:
    """First sentence on a public name: of its docstring, or of the text below a value."""
    module, _, name = where.rpartition(".")
    node = _node(module, name)
    is_documented = isinstance(node, ast.FunctionDef | ast.ClassDef)
    if is_documented:
        return _sentence(ast.get_docstring(node))
    body = _tree(module).body
    text = body[body.index(node) + 1] if body.index(node) + 1 < len(body) else None
    value = getattr(getattr(text, "value", None), "value", None)
    return _sentence(value if isinstance(value, str) else "")


def _sentence(text: str | None) -> str:
    paragraph = inspect.cleandoc(text or "").split("\n\n")[0]
    return " ".join(paragraph.replace("``", "`").split())
