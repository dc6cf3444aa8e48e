"""Templates of pages, into which every text goes escaped."""

from urllib.parse import unquote

import jinja2
from markupsafe import Markup

from calovision.core.text import printable


def page_template(folder: str) -> jinja2.Template:
    """The template ``page.html.j2`` of a folder of the package, such as ``report``."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calovision", folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup | int) else printable(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unquote"] = unquote
    return environment.get_template("page.html.j2")
