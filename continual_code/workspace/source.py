"""A text file as the model sees it, and the way back to the bytes the person keeps.

Invariant: `encode(source.text, source)` is byte for byte what was read, for every file that can be read; the order
mark and the newline style belong to the file, never to the text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from continual_code.workspace.content import require_size, sha256
from continual_code.workspace.refusal import refusal

Newline = Literal["\n", "\r\n"]
_LONE_LF = re.compile(r"(?<!\r)\n")
_LONE_CR = re.compile(r"\r(?!\n)")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A readable file.

    `text` has LF newlines and no byte order mark. Only a file in which every line ends in CRLF counts as one;
    a file that mixes both keeps its CRs in `text`, so that lines nobody edits stay as they are.
    `mode` is the permission bits, `sha256` the digest of the raw bytes.
    """

    path: str
    text: str
    newline: Newline
    bom: bool
    mode: int
    sha256: str


def decode(path: str, data: bytes, mode: int) -> SourceFile:
    """Read the bytes of a file as UTF-8 text.

    Raises:
        WorkspaceError: it holds NUL bytes or is not UTF-8.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    raw = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in raw:
        raise refusal(path, "is a binary file")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise refusal(path, "is not UTF-8 text") from None
    newline = _newline_of(text)
    return SourceFile(path, text.replace(newline, "\n"), newline, bom, mode, sha256(data))


def encode(path: str, text: str, like: SourceFile | None) -> bytes:
    """The bytes of `text`, in the newline style and with the byte order mark of `like`; plain for a new file.

    Raises:
        WorkspaceError: the text could not be read back (NUL, half a surrogate pair, above the size limit).
    """
    if "\0" in text:
        raise refusal(path, "would become a binary file")
    if like and like.newline == "\r\n":
        text = _LONE_LF.sub("\r\n", text)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise refusal(path, "would not be valid UTF-8 text") from None
    data = codecs.BOM_UTF8 + data if like and like.bom else data
    require_size(data, path)
    return data


def _newline_of(text: str) -> Newline:
    mixed = _LONE_LF.search(text) or _LONE_CR.search(text)
    return "\r\n" if "\r\n" in text and not mixed else "\n"
