"""A local look at the site: plain files over HTTP, for this machine unless asked otherwise."""

import errno
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO

from crmkit.errors import ReportError

__all__ = ["server"]

_HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def server(site: Path, *, host: str = "127.0.0.1", port: int = 8000) -> ThreadingHTTPServer:
    """A server of a published site, bound and ready for `serve_forever`.

    Only files inside the site are given: no listings, nothing hidden, nothing that a link leads to
    outside. While it serves this machine alone, requests for other names are refused, so that no
    page of the web can read the reports through the reader's browser.

    Parameters: `site`, the folder of the index; `host`, an address of this machine; `port`, 0 for
    any that is free.
    Raises: ReportError where there is no site, or the address cannot be had.
    """
    if not (site / "index.html").is_file():
        raise ReportError(f"There is no site in {str(site)!r}. Run crmkit report first.")
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(site)))
    except OSError as error:
        raise ReportError(_refused(host, port, error)) from None


def _refused(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Give another, such as --port {port + 1}."
    if error.errno == errno.EACCES:
        return f"Port {port} is not for everybody. Give one above 1023, such as --port 8000."
    return f"{host}:{port} cannot be served: {error.strerror}. Give an address of this machine."


class _Handler(SimpleHTTPRequestHandler):
    """Gives the files of one folder."""

    server_version = "crmkit"
    sys_version = ""

    def send_head(self) -> BytesIO | BinaryIO | None:
        if not self._meant_for_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        if not self._inside():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name is given)
        """Say nothing: addresses of reports are nobody's business."""

    def _meant_for_us(self) -> bool:
        bound = str(self.connection.getsockname()[0])
        if not ip_address(bound).is_loopback:
            return True
        name = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")
        return name in ("localhost", bound, "::1")

    def _inside(self) -> bool:
        """Whether the file asked for lies in the site, the site now published."""
        root = Path(self.directory).resolve()
        try:
            asked = Path(self.translate_path(self.path)).resolve()
        except ValueError:  # a null byte
            return False
        if not asked.is_relative_to(root):
            return False
        return not any(part.startswith(".") for part in asked.relative_to(root).parts)
