"""The model hub: asked first, given up on quickly, and never trusted beyond what it stated."""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from continual_code.errors import ModelError
from continual_code.model import hub
from continual_code.model.catalog import Unavailable

COMMIT = "c0ffee" * 6 + "beef"
WEIGHTS = b"safetensors " * 20_000
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"raise SystemExit",
    "onnx/config.json": b"{}",
    "consolidated.safetensors": b"a second copy",
}


class FakeHub(ThreadingHTTPServer):
    """As much of the hub as a download needs: repository, tree, and files with Range."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.promised = dict(FILES), dict(FILES)
        self.asked: list[tuple[str, int]] = []
        self.cut_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def entry(self, name: str) -> dict[str, object]:
        size, digest = len(self.promised[name]), hashlib.sha256(self.promised[name]).hexdigest()
        lfs = {"lfs": {"oid": digest, "sha256": digest, "size": size, "pointerSize": 100}}
        return {"oid": digest[:40], "size": size, **(lfs if name.endswith(".safetensors") else {})}


class Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/org/tiny/tree/"):
            return self.reply(
                json.dumps([{"type": "file", "path": n, **self.server.entry(n)} for n in self.server.promised]).encode()
            )
        if path.startswith("/api/models/org/tiny"):
            siblings = [{"rfilename": name, **self.server.entry(name)} for name in self.server.promised]
            return self.reply(json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": siblings}).encode())
        if path.startswith(f"/org/tiny/resolve/{COMMIT}/"):
            return self.file(path.partition(f"{COMMIT}/")[2])
        return self.reply(b"", 200 if path == "/" else 404)

    def file(self, name: str) -> None:
        body, first = self.server.files[name], 0
        if self.headers["Range"]:
            first = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0])
        cut = None
        if self.command == "GET":
            self.server.asked.append((name, first))
            cut = self.server.cut_after if name == "model.safetensors" else None
        etag = str(self.server.entry(name)["oid"])
        self.reply(body[first:], 206 if first else 200, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, cut)

    def reply(self, body: bytes, status: int = 200, headers: dict[str, str] = {}, cut: int | None = None) -> None:  # noqa: B006
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    running = FakeHub()
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", running.url)
    for name in hub.OFFLINE:
        monkeypatch.delenv(name, raising=False)
    yield running
    running.shutdown()
    running.server_close()


def quiet(stage: str, fraction: float | None) -> None:
    pass


def fetch(into: Path) -> str:
    into.mkdir(exist_ok=True)
    return hub.fetch("org/tiny", into, quiet, lambda size: None)


def test_only_weights_tokenizer_and_configuration_are_fetched(tmp_path: Path, server: FakeHub) -> None:
    assert fetch(tmp_path / "hub") == COMMIT
    wanted = {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"}
    assert {file.name for file in (tmp_path / "hub").iterdir()} == wanted
    assert {name for name, _ in server.asked} == wanted
    assert (tmp_path / "hub" / "model.safetensors").read_bytes() == WEIGHTS


def test_room_is_asked_for_before_anything_is_fetched(tmp_path: Path, server: FakeHub) -> None:
    def refuse(size: int) -> None:
        raise ModelError(f"no room for {size}")

    with pytest.raises(ModelError, match=f"no room for {len(WEIGHTS) + 18}"):
        hub.fetch("org/tiny", tmp_path, quiet, refuse)
    assert server.asked == []


def test_bytes_are_reported_and_nothing_is_painted(
    tmp_path: Path, server: FakeHub, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[float] = []
    hub.fetch("org/tiny", tmp_path, lambda stage, fraction: seen.append(fraction or 0.0), lambda size: None)
    assert max(seen) > 0.9
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_weights_other_than_stated_are_deleted(tmp_path: Path, server: FakeHub) -> None:
    server.files["model.safetensors"] = WEIGHTS.swapcase()
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file that the model hub promised"):
        fetch(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_repository_of_pickles_is_refused(tmp_path: Path, server: FakeHub) -> None:
    del server.promised["model.safetensors"], server.promised["consolidated.safetensors"]
    with pytest.raises(ModelError, match="holds no safetensors"):
        fetch(tmp_path)
    assert server.asked == []


def test_a_cut_download_goes_on_where_it_stopped(
    tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)  # 10 MB: more than the file
    server.cut_after = 100_000
    assert fetch(tmp_path) == COMMIT
    assert (tmp_path / "model.safetensors").read_bytes() == WEIGHTS
    assert [first > 0 for name, first in server.asked if name == "model.safetensors"] == [False, True, True]


def test_a_hub_that_cuts_every_time_leaves_the_turn_to_the_next_source(
    tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server.cut_after = 0
    with pytest.raises(Unavailable, match="was cut") as caught:
        fetch(tmp_path)
    assert "the next try goes on from there" in caught.value.kept


def test_a_repository_that_does_not_exist_leaves_the_turn_to_the_next_source(tmp_path: Path, server: FakeHub) -> None:
    with pytest.raises(Unavailable, match="does not hand out org/none"):
        hub.fetch("org/none", tmp_path, quiet, lambda size: None)


def test_a_hub_that_never_answers_is_given_up_on_within_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
            fetch(tmp_path)
        assert time.monotonic() - start < 5


def test_a_hub_that_refuses_is_given_up_on_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(Unavailable):
        fetch(tmp_path)
    assert time.monotonic() - start < 1


def test_offline_means_that_the_hub_is_not_even_asked(
    tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("asked"))
    with pytest.raises(Unavailable, match="switched off"):
        fetch(tmp_path)
