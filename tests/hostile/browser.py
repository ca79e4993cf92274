"""A headless Chromium that opens a page and tells everything that happened there."""

import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import websocket

__all__ = ["BROWSER", "Visit", "visit"]

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip
_LOOK = """JSON.stringify({
  title: document.title,
  scripts: document.scripts.length,
  frames: window.frames.length,
  handlers: [...document.querySelectorAll('*')].filter(
    e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
  links: [...document.querySelectorAll('[href],[src],[srcset],[action],[data]')].flatMap(
    e => ['href', 'src', 'srcset', 'action', 'data'].map(n => e.getAttribute(n)))
    .filter(v => v && !v.startsWith('#') && !v.startsWith('data:image/')).sort(),
  words: document.body.innerText,
  text: document.body.textContent,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
})"""


@dataclass
class Visit:
    """What happened on a page: dialogs, messages, requests, and what stands there."""

    dialogs: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    page: dict = field(default_factory=dict)


def visit(path: Path, width: int = 1280, *, do: str = "") -> Visit:
    """Open a file, let it settle, and do there what a script says."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(BROWSER), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            [*command[:-1], f"--window-size={width},900", command[-1]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return _Talk(_address(Path(profile, "DevToolsActivePort"))).see(path.as_uri(), do)
        finally:
            process.kill()
            process.wait()


def _address(port_file: Path) -> str:
    """The address of the one open tab, once the browser has told its port."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if port_file.exists() and (words := port_file.read_text().split()):
            with urlopen(f"http://127.0.0.1:{words[0]}/json") as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return tabs[0]["webSocketDebuggerUrl"]
        time.sleep(0.05)
    raise TimeoutError("The browser did not start.")


class _Talk:
    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=60)
        self.number = 0
        self.seen = Visit()

    def see(self, address: str, do: str) -> Visit:
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        self.loaded = False
        self._ask("Page.navigate", url=address)
        until = time.monotonic() + 60
        while not self.loaded and time.monotonic() < until:
            self._hear(json.loads(self.socket.recv()))
        time.sleep(0.3)  # what a page does after it has loaded
        self._ask("Runtime.evaluate", expression=do)
        answer = self._ask("Runtime.evaluate", expression=_LOOK, returnByValue=True)
        self.seen.page = json.loads(answer["result"]["value"])
        self.seen.requests = [r for r in self.seen.requests if r != address]
        self.socket.close()
        return self.seen

    def _ask(self, method: str, **parameters: object) -> dict:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                return message.get("result", {})
            self._hear(message)

    def _hear(self, message: dict) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Page.javascriptDialogOpening":
                self.seen.dialogs.append(told["message"])
                self.number += 1
                self.socket.send(
                    json.dumps({"id": self.number, "method": "Page.handleJavaScriptDialog",
                                "params": {"accept": False}})
                )  # fmt: skip
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.seen.console.append(json.dumps(told)[:400])
            case "Network.requestWillBeSent":
                url = told["request"]["url"]
                if not url.startswith("data:"):
                    self.seen.requests.append(url)
            case "Page.loadEventFired":
                self.loaded = True
