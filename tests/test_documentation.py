"""README and documentation: what they show works as it stands, and every link leads somewhere."""

import ast
import inspect
import re
import shlex
import subprocess
import sys
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
import yaml
from browser import CHROMIUM
from pages import REPOSITORY, blocks, split_at

from calovision.images.grid import EtaPhiGrid
from calovision.images.mask_file import write_mask
from calovision.monitoring.masks import mask_of_towers
from calovision.workflow import Configuration

sys.path.append(str(REPOSITORY / "docs/hooks"))
links, parts_of_api = map(import_module, ("links", "parts_of_api"))

README = (REPOSITORY / "README.md").read_text()
PAGES = ["README.md", *links.pages()]
# pages whose blocks run one after the other: docs/library.md in test_library_page.py, and
# docs/schemas.md in test_schema_reference.py
RUN_ELSEWHERE = {"docs/library.md", "docs/schemas.md"}
OTHER_PROGRAMS = {"cd", "git", "jupyter", "mkdir", "rsync", "squeue", "tensorboard"}


# -- README and links -----------------------------------------------------------------------------


def test_readme_is_short():
    lines = README.splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 120
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert 0 < sum((REPOSITORY / path).stat().st_size for path in pictures) < 1e6


@cache
def anchors(path):
    """Anchors of the headings of a page, as forges and MkDocs make them."""
    text = links.FENCE.sub("", (REPOSITORY / path).read_text())
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    words = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", one).strip().lower()) for one in words}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, anchor in links.links(page):
        assert (REPOSITORY / target).exists(), f"{page} links {target}"
        if anchor:
            assert anchor[1:] in anchors(target), f"{page} links {target}{anchor}"


def test_each_page_is_in_the_navigation_once():
    text = re.sub(r"!ENV.*", "", (REPOSITORY / "mkdocs.yml").read_text())
    listed = re.findall(r"[\w/]+\.md", str(yaml.safe_load(text)["nav"]))
    expected = [path.removeprefix("docs/") for path in links.pages() if path.startswith("docs/")]
    assert sorted(listed) == sorted([*expected, *links.OUTSIDE.values()])


def test_three_questions_within_two_clicks():
    """Own files, another network, what n_eff means, from the README and from the first page."""
    for start in ("README.md", "docs/index.md"):
        first = {target for target, _ in links.links(start)}
        assert {"docs/own_files.md", "docs/networks.md", "docs/n_eff.md"} <= first


def test_links_of_the_site():
    """In the repository links lead to files, on the site to its pages and to copies of files."""
    text = "[a](../config/README.md) [b](own_files.md#cuts) [c](../config/test.yaml) `[d](e.md)`"
    assert links.with_site_links(text, "index.md").startswith(
        "[a](configuring.md) [b](own_files.md#cuts) [c](files/config/test.yaml)"
    )
    back = "[keys](../docs/configuration.md#split) [web](https://arxiv.org/abs/1711.03573)"
    assert links.with_site_links(back, "configuring.md") == (
        "[keys](configuration.md#split) [web](https://arxiv.org/abs/1711.03573)"
    )


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="the extra docs is not installed")
def test_site_is_built_without_warnings(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build_images" in (tmp_path / "api/images.html").read_text()
    assert "calovision export" in (tmp_path / "command_line.html").read_text()
    assert "Cut flow" in (tmp_path / "report_figures.html").read_text()
    for page in tmp_path.rglob("*.html"):
        assert not re.search(r'<(?:script|link)[^>]*(?:src|href)="https?://', page.read_text())
    if CHROMIUM:
        assert "n_eff.html" in found_by_search(tmp_path, "n_eff").split()[0]
        assert "configuration.html" in found_by_search(tmp_path, "least_n_eff")


def found_by_search(site, words):
    """Addresses that the search of the site finds, opened from the disk, best first."""
    script = f"""<pre id="found"></pre><script>
    const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
    (async () => {{
      await pause(3000);
      const box = document.querySelector(".md-search__input");
      box.focus();
      box.value = "{words}";
      box.dispatchEvent(new Event("input", {{bubbles: true}}));
      box.dispatchEvent(new KeyboardEvent("keyup", {{bubbles: true}}));
      await pause(5000);
      const links = [...document.querySelectorAll(".md-search-result__link")];
      document.getElementById("found").textContent = links.map((link) => link.href).join(" ");
    }})();</script></body>"""
    page = site / "search_of_test.html"
    page.write_text((site / "index.html").read_text().replace("</body>", script))
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=15000")
    command = [CHROMIUM, *flags, "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return re.search(r'<pre id="found">(.*?)</pre>', shown)[1]


# -- public names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("room", parts_of_api.ROOMS)
def test_public_names_are_those_of_the_package(room):
    assert sorted(parts_of_api.public_names()[room]) == sorted(import_module(room).__all__)


def test_public_names_are_documented():
    """Each has a docstring, that names all parameters of a function and all fields of a class."""
    for names in parts_of_api.public_names().values():
        for where in names.values():
            module, _, name = where.rpartition(".")
            value = getattr(import_module(module), name)
            if not inspect.isfunction(value) and not inspect.isclass(value):
                assert parts_of_api.first_sentence(where), where
                continue
            parts = list(inspect.signature(value).parameters) if inspect.isfunction(value) else []
            parts += [one.name for one in fields(value)] if is_dataclass(value) else []
            shown = set(re.findall(r"\w+", value.__doc__))
            assert {one for one in parts if one[0] != "_"} <= shown, where


# -- blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_name_what_there_is(page):
    for text, note in blocks("python", page):
        if note.startswith("not"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("calovision"):
                for alias in node.names:
                    assert hasattr(import_module(node.module), alias.name), alias.name


@pytest.mark.parametrize("page", [page for page in PAGES if page not in RUN_ELSEWHERE])
def test_yaml_blocks_are_configurations(page, tmp_path, monkeypatch):
    """Keys and values of the blocks, on top of the configuration that a comment names, if any."""
    monkeypatch.chdir(tmp_path)
    write_what_blocks_name(tmp_path, monkeypatch)
    sections = set(Configuration().to_dict())
    for text, note in blocks("yaml", page):
        given = yaml.safe_load(text)
        if "tree" in given:  # a schema
            continue
        assert set(given) <= sections, f"{page}: {set(given) - sections}"
        layers = re.findall(r"beside: (\S+)", note)
        below = [yaml.safe_load((REPOSITORY / path).read_text()) for path in layers]
        Configuration.of_layers([*below, given]).check_names()


def write_what_blocks_name(folder, monkeypatch):
    """Files that configurations of the pages name."""
    (folder / "my_package").mkdir()
    (folder / "my_package/networks.py").write_text("class Net:\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    mask = mask_of_towers(EtaPhiGrid(8, 8), np.array([(3, 3)]))
    write_mask(folder / "mask.json", mask)
    (folder / "known.json").write_text("{}")
    (folder / "good.txt").write_text("362200\n")


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    for text, _ in blocks("bash", page):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for command in split_at(words, {"&&", "|"}):
                check_command(command, page)


def check_command(words, page):
    program, *rest = words
    if program == "calovision":
        check_options(rest)
    elif program == "snakemake":
        known = {option for action in snakemake_options() for option in action.option_strings}
        assert {word for word in rest if word.startswith("-")} <= known, words
        for word in rest:
            if re.fullmatch(r"(config|workflow)/\S+", word):
                assert (REPOSITORY / word).exists(), word
    elif program == "make":
        targets = re.findall(r"^([\w-]+(?: [\w-]+)*):", (REPOSITORY / "Makefile").read_text(), re.M)
        assert {word for word in rest if "=" not in word} <= set(" ".join(targets).split()), words
    elif program == "pip":
        project = (REPOSITORY / "pyproject.toml").read_text()
        for extra in re.findall(r"\[(\w+)\]", " ".join(rest)):
            assert re.search(rf"^{extra} = \[", project, re.M), extra
    elif program.startswith("tests/"):
        assert (REPOSITORY / program).exists()
    elif "=" not in program:
        assert program in OTHER_PROGRAMS | {"awk", "xargs", "python", "conda"}, f"{page}: {words}"


@cache
def snakemake_options():
    from snakemake.cli import get_argument_parser

    return get_argument_parser()._actions


def check_options(words):
    import typer

    from calovision.cli import app

    command = typer.main.get_command(app)
    while hasattr(command, "commands") and words:
        if words[0].startswith("-"):
            break
        assert words[0] in command.commands, f"calovision {words}"
        command, words = command.commands[words[0]], words[1:]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= options | {"--help"}, f"{given - options} of calovision {words}"


# -- tables of runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_runs(page):
    from calovision.evaluation.study_tables import with_tables

    text = (REPOSITORY / page).read_text()
    assert with_tables(text, REPOSITORY / "docs/runs") == text, "make study-tables"
