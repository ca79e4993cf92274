"""The local look: files of the site, and nothing else."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.errors import ReportError
from crmkit.reports.serve import server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    build = out / ".builds" / "1"
    (build / "rfm").mkdir(parents=True)
    (build / "index.html").write_text("<title>报告</title>", encoding="utf-8")
    (build / "rfm" / "report.html").write_text("rfm")
    (build / ".hidden").write_text("secret")
    (out / "secret.txt").write_text("secret")
    (build / "way-out.txt").symlink_to(out / "secret.txt")
    (out / "site").symlink_to(Path(".builds", "1"))
    return out / "site"


@pytest.fixture(scope="module")
def port(site: Path) -> Iterator[int]:
    with server(site, port=0) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


def ask(port: int, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    words = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, words, answer.headers


def test_it_gives_the_files_of_the_site(port: int) -> None:
    status, words, headers = ask(port, "/")
    assert (status, words) == (200, "<title>报告</title>")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"
    assert ask(port, "/rfm/report.html")[1] == "rfm"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/rfm/../../secret.txt",
        "/way-out.txt",
        "/.hidden",
        "/rfm/",
        "/rfm",
        "/%00",
        "/nothing",
    ],
)
def test_it_gives_nothing_else(port: int, path: str) -> None:
    status, words, _ = ask(port, path)
    assert status in (301, 400, 404)
    assert "secret" not in words
    assert "root:" not in words
    assert "report.html" not in words


def test_a_page_of_the_web_cannot_read_it_under_another_name(port: int) -> None:
    assert ask(port, "/", Host="evil.example")[0] == 421
    assert ask(port, "/", Host=f"localhost:{port}")[0] == 200


def test_it_follows_a_new_publication(site: Path, port: int) -> None:
    new = site.parent / ".builds" / "2"
    new.mkdir()
    (new / "index.html").write_text("two")
    link = site.parent / ".new"
    link.symlink_to(Path(".builds", "2"))
    link.replace(site)
    assert ask(port, "/")[1] == "two"


def test_it_is_bound_to_this_machine_alone(port: int, site: Path) -> None:
    with server(site, port=0) as serving:
        assert serving.server_address[0] == "127.0.0.1"


def test_what_cannot_be_served_is_said(site: Path, port: int, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=f"Port {port} is in use. Give another"):
        server(site, port=port)
    with pytest.raises(ReportError, match="Run crmkit report first"):
        server(tmp_path)
    with pytest.raises(ReportError, match="Give an address of this machine"):
        server(site, host="192.0.2.1", port=0)
