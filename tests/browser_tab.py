"""A tab of headless Chromium that a test clicks and types in: DevTools protocol, over a pipe."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

from browser import CHROMIUM

KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9, "Enter": 13}
KEYS |= {"Home": 36, "End": 35, " ": 32}


class Tab:
    """A tab, as a context.

    Attributes
    ----------
    console
        Messages and errors of the console, and of the browser about the page.
    """

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        self.size = width, height
        self.console: list[str] = []
        self._number = 0
        self._rest = b""

    def __enter__(self) -> "Tab":
        self._profile = tempfile.mkdtemp()
        from_test, to_browser = os.pipe()
        from_browser, to_test = os.pipe()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        options += ["--remote-debugging-pipe", f"--user-data-dir={self._profile}", "about:blank"]
        command = f'exec "$@" 3<&{from_test} 4>&{to_test}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "sh", CHROMIUM, *options],
            pass_fds=(from_test, to_test),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_test)
        os.close(to_test)
        self._out, self._in = to_browser, from_browser
        self._session: str | None = None
        (target,) = (
            one for one in self._call("Target.getTargets")["targetInfos"] if one["type"] == "page"
        )
        attached = {"targetId": target["targetId"], "flatten": True}
        self._session = self._call("Target.attachToTarget", **attached)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self.resize(*self.size)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._profile, ignore_errors=True)

    def resize(self, width: int, height: int) -> None:
        """Give the page a window of another size, CSS pixels."""
        self.size = width, height
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)

    def open(self, page: Path, address: str = "", ready: str = "true") -> None:
        """Open a page at an address in it, and wait until it is there and an expression is true."""
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=page.resolve().as_uri() + address)
        self.wait(
            "location.protocol === 'file:' && document.readyState === 'complete' && "
            f"Boolean({ready})"
        )

    def wait(self, expression: str, seconds: float = 120.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}\n{self.console}"
            time.sleep(0.02)

    def evaluate(self, expression: str) -> Any:
        """Value of an expression of JavaScript, as JSON has it."""
        options = {"returnByValue": True, "awaitPromise": True}
        found = self._call("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def text(self, selector: str) -> str:
        """Words of the first element of a selector, runs of blanks as one."""
        return self.evaluate(
            f"document.querySelector({json.dumps(selector)}).innerText.replace(/\\s+/g, ' ').trim()"
        )

    def settle(self) -> None:
        """Wait for two pictures of the screen: what was asked for is drawn."""
        self.evaluate(
            "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))"
        )

    def click(self, selector: str) -> None:
        """Click into the middle of the first element of a selector with the mouse."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.left + r.width / 2, r.top + r.height / 2]; })()"
        )
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)
        self.settle()

    def mouse(self, kind: str, x: float, y: float, buttons: int = 0) -> None:
        """Move, press or release the left button of the mouse."""
        pressed = kind != "mouseMoved"
        self._call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left" if pressed or buttons else "none",
            buttons=int(kind == "mousePressed") or buttons,
            clickCount=int(pressed),
        )

    def key(self, name: str, times: int = 1) -> None:
        """Press a key, so many times."""
        for _ in range(times):
            for kind in ("rawKeyDown", "keyUp"):
                self._call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=name,
                    code="Space" if name == " " else name,
                    windowsVirtualKeyCode=KEYS[name],
                )
        self.settle()

    def choose(self, selector: str, value: object) -> None:
        """Choose an option of a list, or the value of a field, as a reader does."""
        self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            f"e.value = {json.dumps(str(value))};"
            "for (const n of ['input', 'change']) e.dispatchEvent(new Event(n, {bubbles: true}));"
            "})()"
        )
        self.settle()

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page, or of its window."""
        found = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(b64decode(found["data"]))

    def _call(self, method: str, **parameters: Any) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _read(self) -> dict:
        while b"\0" not in self._rest:
            found = os.read(self._in, 1 << 20)
            assert found, "Chromium ended"
            self._rest += found
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, message: dict) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.consoleAPICalled":
            self.console += [str(one.get("value", one)) for one in parameters["args"]]
        elif message.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.console.append(details.get("exception", details).get("description", str(details)))
        elif message.get("method") == "Log.entryAdded":
            self.console.append(parameters["entry"]["text"])
