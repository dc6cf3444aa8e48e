"""Open an HTML page in headless Chromium, measure it at a given width, and find its dead links."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DESKTOP, PHONE = 1280, 390  # CSS pixels

# A window of Chromium is at least 500 pixels wide, a frame as narrow as one likes. The page's own
# scripts, if it had any, would run as ever; nothing is put into it.
HARNESS = """<!DOCTYPE html>
<meta charset="utf-8">
<iframe id="frame" style="border: 0; width: {width}px; height: 844px" src="{page}"></iframe>
<pre id="result"></pre>
<script>
const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
const box = (element) => {{ const r = element.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; }};
function isOnTop(document, element) {{
  element.scrollIntoView({{block: "center"}});
  const [left, top, width, height] = box(element);
  return document.elementFromPoint(left + width / 2, top + height / 2) === element;
}}
function isClipped(view, element) {{
  const [left, top, width, height] = box(element);
  for (let parent = element.parentElement; parent.parentElement.parentElement; parent = parent.parentElement) {{
    const [x, y, w, h] = box(parent);
    const isInside = left >= x - 1 && top >= y - 1 && left + width <= x + w + 1 && top + height <= y + h + 1;
    if (!isInside && view.getComputedStyle(parent).overflow !== "visible") return true;
  }}
  return false;
}}
async function measure() {{
  const view = document.getElementById("frame").contentWindow, page = view.document, root = page.documentElement;
  const fontSize = (element) => parseFloat(view.getComputedStyle(element).fontSize);
  const images = [...page.images].map((image) => ({{
    alt: image.alt, pixels: image.naturalWidth, box: box(image), clipped: isClipped(view, image),
    shown: image.checkVisibility({{opacityProperty: true, visibilityProperty: true}}), on_top: isOnTop(page, image),
  }}));
  const measured = {{
    images, text: page.body.innerText, width: view.innerWidth, content_width: root.scrollWidth,
    links: [...page.links].map((link) => [link.textContent.trim(), ...box(link)]),
    frames: [...page.querySelectorAll(".frame")].map((frame) => [...box(frame), frame.scrollWidth]),
    smallest_font: Math.min(...[...page.querySelectorAll("main *")].map(fontSize)),
  }};
  const open = page.querySelector("a.open");
  if (open) {{
    open.click(); await pause();
    measured.large = [box(open.querySelector("img")), box(page.querySelector(".view:target")),
      page.elementFromPoint(view.innerWidth / 2, 422).className];
    page.querySelector(".view:target .close").click(); await pause();
    measured.closed = [box(open.querySelector("img")), page.querySelectorAll(".view:target").length];
  }}
  document.getElementById("result").textContent = JSON.stringify(measured);
}}
document.getElementById("frame").onload = measure;
</script>
"""


def measure(page: Path, width: int, scratch: Path) -> dict:
    """What a reader with a window ``width`` pixels wide gets of a page.

    Returns
    -------
    ``console``: messages of the browser's console; ``width`` and ``content_width`` of the page;
    ``images``: alt text, pixels (0 if broken), box on the screen (left, top, width, height),
    whether shown, clipped, and on top; ``links`` with their boxes; ``frames`` of tables with their
    boxes and inner widths; ``smallest_font`` in pixels; ``large``: after a click on the first
    figure its box, that of the large view, and the class of what lies in the middle of the window;
    ``closed``: after the click that closes it its box, and the number of large views left.
    """
    harness = scratch / f"harness{width}.html"
    harness.write_text(HARNESS.format(width=width, page=page.resolve().as_uri()))
    return _run(harness, scratch)


OUTLINER = """<!DOCTYPE html>
<meta charset="utf-8">
<body><pre id="result"></pre>
<script>
const words = (element) => element.textContent.replace(/\\s+/g, " ").trim();
const names = (element) => [element.localName, ...[...element.attributes].map((one) => one.name).sort()].join(" ");
function outline(page, selectors) {
  const found = Object.fromEntries(Object.entries(selectors).map(([name, one]) => [name, page.querySelector(one)]));
  return {
    elements: [...page.querySelectorAll("*")].map(names), title: page.title,
    links: [...page.querySelectorAll("[href]")].map((element) => element.getAttribute("href")),
    texts: Object.fromEntries(Object.entries(found).map(([name, element]) => [name, element && words(element)])),
  };
}
const load = (address) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.onload = () => resolve(frame);
  frame.src = address;
  document.body.append(frame);
});
async function outlines(pages, selectors) {
  const results = [];
  for (const address of pages) {
    const frame = await load(address);
    await new Promise((resolve) => setTimeout(resolve, 50));
    results.push(outline(frame.contentDocument, selectors));
    frame.remove();
  }
  document.getElementById("result").textContent = JSON.stringify(results);
}
"""


def outlines(
    pages: list[Path], selectors: dict[str, str], scratch: Path
) -> tuple[list[dict], list[str]]:
    """What a browser makes of pages, and the messages of its console.

    Returns
    -------
    For each page ``elements``: name and names of the attributes of each element; ``title``;
    ``links``: addresses; ``texts``: words of the first element of each of the selectors, runs of
    blanks as one.
    """
    harness = scratch / "outlines.html"
    addresses = json.dumps([page.resolve().as_uri() for page in pages])
    harness.write_text(f"{OUTLINER}\noutlines({addresses}, {json.dumps(selectors)});\n</script>\n")
    found = _run(harness, scratch)
    return found["result"], found["console"]


def _run(harness: Path, scratch: Path) -> dict:
    """What the scripts of a page left in its element ``result`` as JSON, and the messages of the
    console."""
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
    ]
    command += [
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
    ]
    command += [
        f"--user-data-dir={scratch / 'profile'}",
        "--window-size=1400,1000",
        "--dump-dom",
        harness.as_uri(),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="result">(.+?)</pre>', result.stdout, re.DOTALL)
    assert found, f"Chromium measured nothing:\n{result.stderr[-2000:]}"
    console = re.findall(r'CONSOLE[^"]*"(.*)", source', result.stderr)
    result = json.loads(html.unescape(found[1]))
    return (result if isinstance(result, dict) else {"result": result}) | {"console": console}


class _Addresses(HTMLParser):
    """Collects the links and the ids of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []


def dead_links(page: Path) -> list[str]:
    """Links that lead nowhere: to no id of the page, or no file beside it; elsewhere only https is
    alive."""
    found = _Addresses()
    found.feed(page.read_text())
    assert len(set(found.ids)) == len(found.ids), "an id occurs twice"

    def is_alive(link):
        if link.startswith("#"):
            return link[1:] in found.ids
        return link.startswith(("data:", "https://")) or (page.parent / unquote(link)).exists()

    return [link[:100] for link in found.links if not is_alive(link)]
