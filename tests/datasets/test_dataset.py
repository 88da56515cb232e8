"""Where data sets are looked for, and downloads: from a server on this machine."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agnesi.cli import app as app_module
from agnesi.cli import data as command
from agnesi.datasets import (
    DATASETS,
    Dataset,
    DatasetCorrupt,
    DatasetError,
    DatasetMissing,
    Download,
    Layout,
    Package,
)
from agnesi.datasets import dataset as dataset_module
from agnesi.datasets import download as download_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 4000


class Server:
    """Serves ``files`` by path; notes what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()  # their connection ends halfway
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                content = server.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                half = self.path in server.cut
                self.wfile.write(content[: len(content) // 2] if half else content)

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def item(self, file: str, *paths: str, content: bytes = CONTENT, kind: str = "sha256"):
        urls = tuple(self.address + path for path in paths or (f"/{file}",))
        return Download(
            file, urls, f"{kind}:{hashlib.new(kind, content).hexdigest()}", len(content)
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server()
    thread = threading.Thread(target=partial(made.http.serve_forever, poll_interval=0.01))
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def example(*downloads: Download, **other: Any) -> Dataset[bytes]:
    """A data set of the files a and b."""
    layout = Layout("two files", (("a", "a.txt"), ("b",)), lambda paths, where: contents(paths))
    return Dataset(
        "example", "Example", "bytes", "free", "http://h/", (layout,), downloads, **other
    )


def contents(paths) -> bytes:
    return b"".join(path.read_bytes() for several in paths for path in several)


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


# -------------------------------------------------------------------------------- where it lies
@pytest.mark.parametrize("below", ["", "example", "other"])
@pytest.mark.parametrize("named", [True, False])
def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, named: bool):
    write(tmp_path / below, a="1", b="2")
    data = example(folders=("other",))
    if not named:
        monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    assert data.load(str(tmp_path) if named else None) == b"12"


def test_spellings_and_patterns(tmp_path: Path):
    write(tmp_path, a_txt="1", b="2")
    assert example().load(tmp_path) == b"12"
    layout = Layout("rows", (("row_[0-9].txt",),), lambda paths, where: contents(paths))
    data = Dataset("rows", "Rows", "", "", "", (layout,))
    with pytest.raises(DatasetMissing, match=r"lacks row_\[0-9\]\.txt"):
        data.load(tmp_path)
    for k in (2, 0, 1):
        (tmp_path / f"row_{k}.txt").write_text(str(k))
    assert data.load(tmp_path) == b"012"


def test_a_named_folder_is_the_only_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGNESI_DATA", str(write(tmp_path / "data", a="1", b="2")))
    with pytest.raises(DatasetMissing) as caught:
        example().load(write(tmp_path / "named", a="1"))
    message = str(caught.value)
    assert f"not found in {tmp_path / 'named'}\n" in message
    assert f"tried {tmp_path / 'named'}: lacks b (two files)\n" in message
    assert "named/example: no such folder" in message


def test_downloads_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write(tmp_path / "agnesi" / "datasets" / "example", a="1", b="2")
    assert example().load() == b"12"
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path / "nowhere"))
    assert example().load() == b"12"


def test_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A whole data set serves wherever none is found, a part only where no folder is named."""

    def shipped(whole: bool, there: bool = True) -> Package[bytes]:
        layout = Layout("c", (("c",),), lambda paths, where: where.encode())
        what = "all" if whole else "some"
        return Package(what, "pip install it", lambda: tmp_path if there else None, layout, whole)

    data = example(packages=(shipped(False), shipped(True)))
    with pytest.raises(DatasetMissing, match="unset AGNESI_DATA for some: pip install it\n"):
        data.load()
    write(tmp_path, c="")
    assert data.load() == b"some"
    assert data.load(download=True) == b"all"
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    assert data.load() == b"all"
    with pytest.raises(DatasetMissing):
        data.load(tmp_path)
    with pytest.raises(DatasetMissing):
        example(packages=(shipped(False),)).load()
    monkeypatch.delenv("AGNESI_DATA")
    with pytest.raises(DatasetMissing):
        example(packages=(shipped(True, there=False),)).load()


def test_what_cannot_be_downloaded_says_how_to_get_it(tmp_path: Path):
    data = example(by_hand="Ask its makers,\n  then put a and b into a folder.")
    for download in (False, True):
        with pytest.raises(DatasetMissing, match=r"  Ask its makers,\n  then put a and b"):
            data.load(tmp_path, download=download)
    with pytest.raises(DatasetMissing, match="cannot be downloaded by a program"):
        data.fetch(tmp_path)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch):
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(dataset_module, "user_cache", homeless)
    with pytest.raises(DatasetMissing, match="were not found: no folder was named"):
        example().load()
    with pytest.raises(DatasetMissing, match="no home"):
        example(Download("a", (), "sha256:", 0)).fetch()


def test_the_catalogue_is_sound():
    assert len({data.name for data in DATASETS}) == len(DATASETS)
    for data in DATASETS:
        assert data.title and data.what and data.terms and data.home.startswith("http"), data.name
        assert data.layouts
        assert data.downloads or data.by_hand, data.name
        for item in data.downloads:
            kind, digits = item.checksum.split(":")
            assert len(digits) == {"sha256": 64, "md5": 32}[kind]
            assert int(digits, 16) and item.size >= 0
            assert all(url.startswith("http") for url in item.urls)


# ------------------------------------------------------------------------------------ downloads
@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_download(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server.files = {"/a": CONTENT, "/b": b"b"}
    data = example(server.item("a", kind=kind), server.item("b", content=b"b"))
    with pytest.raises(DatasetMissing, match=r"Download it \(1 MB\): agnesi data example"):
        data.load()
    assert server.asked == []
    assert data.load(download=True) == CONTENT + b"b"
    assert server.asked == ["/a", "/b"]
    folder = tmp_path / "agnesi" / "datasets" / "example"
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert (folder / "a").stat().st_mode & 0o444
    assert data.load(download=True) == CONTENT + b"b"
    assert len(server.asked) == 2


def test_download_into_a_folder(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server.files = {"/a": CONTENT, "/b": CONTENT}
    data = example(server.item("a"), server.item("b"))
    data.load(tmp_path / "named", download=True)
    assert (tmp_path / "named" / "example" / "a").read_bytes() == CONTENT
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path / "data"))
    data.load(download=True)
    assert (tmp_path / "data" / "example" / "b").read_bytes() == CONTENT


def test_progress_and_what_is_there_already(server: Server, tmp_path: Path):
    server.files = {"/a": CONTENT, "/b": CONTENT}
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "a").write_bytes(CONTENT)
    (tmp_path / "example" / "b").write_bytes(CONTENT[:-1] + b"?")
    told: list[tuple[str, int, int]] = []
    folder = example(server.item("a"), server.item("b")).fetch(
        tmp_path, lambda file, done, size: told.append((file, done, size))
    )
    assert folder == tmp_path / "example"
    assert server.asked == ["/b"]
    assert (folder / "b").read_bytes() == CONTENT
    assert told[0] == ("b", 0, len(CONTENT)) and told[-1] == ("b", len(CONTENT), len(CONTENT))
    done = [step[1] for step in told]
    assert done == sorted(done) and len(done) > 2


def test_the_next_place_serves(server: Server, tmp_path: Path):
    server.files = {"/cut": CONTENT, "/other": b"other", "/right": CONTENT}
    server.cut = {"/cut"}
    item = server.item("a", "/missing", "/cut", "/other", "/right")
    download_module.fetch_all("test", [item], tmp_path)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.asked == ["/missing", "/cut", "/other", "/right"]


def test_no_place_gives_it(server: Server, tmp_path: Path):
    server.files, server.cut = {"/cut": CONTENT}, {"/cut"}
    with pytest.raises(DatasetMissing) as caught:
        example(server.item("a", "/missing", "/cut")).load(tmp_path / "new", download=True)
    message = str(caught.value)
    assert "/missing: Not Found\n" in message
    assert f"/cut: it ended after {len(CONTENT) // 2:,} of {len(CONTENT):,} bytes\n" in message
    assert "Try again later" in message
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", CONTENT * 2, b""])
def test_another_file_came(server: Server, tmp_path: Path, content: bytes):
    server.files = {"/a": content}
    with pytest.raises(DatasetCorrupt, match="what came is another file"):
        download_module.fetch_all("test", [server.item("a")], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nobody_listens(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    item = Download("a", (f"http://127.0.0.1:{port}/a",), "sha256:", 1)
    with pytest.raises(DatasetMissing, match="refused"):
        download_module.fetch_all("test", [item], tmp_path)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot be written"):
        download_module.fetch_all("test", [server.item("a")], tmp_path / "file")


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server.files = {"/a": CONTENT}
    usage = type("usage", (), {"free": len(CONTENT) - 1})
    with monkeypatch.context() as patch:
        patch.setattr(download_module.shutil, "disk_usage", lambda folder: usage)
        with pytest.raises(DatasetError, match=r"1,024,000 bytes are to be .* 1,023,999 left"):
            download_module.fetch_all("test", [server.item("a")], tmp_path)
    assert server.asked == []

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download_module.os, "fsync", full)
    with pytest.raises(DatasetError, match="cannot be written: No space left on device"):
        download_module.fetch_all("test", [server.item("a")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing(server: Server, tmp_path: Path):
    server.files = {"/a": CONTENT}

    def interrupt(file: str, done: int, size: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_module.fetch_all("test", [server.item("a")], tmp_path / "new", interrupt)
    assert not (tmp_path / "new").exists()


def test_parts_that_were_left_behind_go(server: Server, tmp_path: Path):
    server.files = {"/a": CONTENT}
    old, new, other = (tmp_path / name for name in (".a.1-x.part", ".a.2-x.part", ".b.1-x.part"))
    for path in (old, new, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    download_module.fetch_all("test", [server.item("a")], tmp_path)
    assert sorted(tmp_path.iterdir()) == [new, other, tmp_path / "a"]


def test_two_processes_at_once(server: Server, tmp_path: Path):
    """Both succeed; each writes a file of its own before it takes its place."""
    server.files = {"/a": CONTENT}
    threads = [
        threading.Thread(target=download_module.fetch_all, args=("t", [server.item("a")], tmp_path))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_without_rich_there_is_no_bar(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    server.files = {"/a": CONTENT}
    monkeypatch.setattr(download_module, "find_spec", lambda name: None)
    download_module.fetch_all("test", [server.item("a")], tmp_path)
    assert capfd.readouterr().err == ""
    assert (tmp_path / "a").read_bytes() == CONTENT


# -------------------------------------------------------------------------------- agnesi data
def run(*arguments: str):
    return CliRunner().invoke(app_module.app, ["data", *arguments], env={"COLUMNS": "300"})


def test_listing(tmp_path: Path):
    write(tmp_path / "cifar10", **{"cifar-10-binary.tar.gz": ""})
    output = run("--data", str(tmp_path)).output
    lines = {line.split()[0]: line for line in output.splitlines()}
    assert {data.name for data in DATASETS} <= lines.keys()
    assert f"the binary version's archive in {tmp_path}/cifar10" in lines["cifar10"]
    assert "not here; agnesi data cifar100 downloads it (169 MB)" in lines["cifar100"]


def test_get(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server.files = {"/a": CONTENT, "/b": CONTENT}
    layout = Layout("two", (("a",), ("b",)), lambda paths, where: Read("text", where))
    data = Dataset("in_two", "Two", "", "free", "", (layout,), (server.item("a"), server.item("b")))
    monkeypatch.setattr(command, "DATASETS", (data, example(by_hand="Ask.")))
    result = run("IN-two", "--data", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "Two\n" in result.output and f"two in {tmp_path}/in_two" in result.output
    assert "text           4 characters" in result.output
    assert (tmp_path / "in_two" / "b").read_bytes() == CONTENT
    result = run("example", "--data", str(tmp_path))
    assert result.exit_code == 1 and "Ask." in result.output
    result = run("nothing")
    assert result.exit_code == 1 and "There are in_two, example." in result.output


class Read:
    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
