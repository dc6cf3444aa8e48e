"""How long a page to explore takes to open in headless Chromium.

``python tests/page_opening.py results/explore.html`` prints the seconds until it can be used, three
times in a new browser and again in the same one.
"""

import sys
import time
from pathlib import Path

from browser_tab import Tab

READY = "document.documentElement.dataset.ready"


def seconds(tab: Tab, page: Path) -> float:
    """From the address to the drawn page."""
    start = time.perf_counter()
    tab.open(page, ready=READY)
    return time.perf_counter() - start


if __name__ == "__main__":
    for _ in range(3):
        with Tab() as tab:
            first, again = (seconds(tab, Path(sys.argv[1]).resolve()) for _ in range(2))
        print(f"opened in {first:.2f} s, again in {again:.2f} s")
