"""Takes secrets out of text before it is stored.

Invariant: every pattern is specific to one kind of secret, so that ordinary code, hashes
and identifiers pass unchanged, and each runs in time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Shapes as published by the issuers and collected in gitleaks' default rules.
_TOKENS: tuple[tuple[str, str], ...] = (
    ("AWS key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("Google key", r"\bAIza[\w-]{35}(?![\w-])"),
    ("Google token", r"\bya29\.[\w-]{30,}"),
    ("Google client secret", r"\bGOCSPX-[\w-]{28}(?![\w-])"),
    ("Azure key", r"(?<=AccountKey=)[A-Za-z0-9+/]{86}=="),
    ("DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    ("GitHub token", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    ("GitLab token", r"\bgl(?:pat|ptt|dt|rt|ft|agent|cbt|soat)-[\w-]{20,}"),
    ("Slack token", r"\bxox[abeoprs]-[\w-]{0,6}\d{6,}-[\w-]{10,}"),
    ("Slack token", r"\bxapp-\d-[A-Z0-9]{8,}-\d+-[a-f0-9]{32,}\b"),
    ("Slack webhook", r"\bhooks\.slack\.com/(?:services|workflows)/[\w/+-]{40,}"),
    ("Anthropic key", r"\bsk-ant-[a-z]+\d\d-[\w-]{24,}"),
    ("OpenAI key", r"\bsk-(?:proj|svcacct|admin)-[\w-]{32,}"),
    ("OpenAI key", r"\bsk-[A-Za-z0-9]{48}\b"),
    ("Stripe key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}\b"),
    ("webhook secret", r"\bwhsec_[A-Za-z0-9+/]{32,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{34}\b"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}"),
    ("SendGrid key", r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    ("Telegram token", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])"),
    ("JSON web token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    (
        "private key",
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"[\s\S]*?(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
)
_URL = re.compile(r"(?<=://)([^\s/:@]{0,100}):([^\s/@]{1,200})@")
_ASSIGNMENT = re.compile(
    r"(?i)((?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|account[_-]?key)"
    r"[\w-]{0,24}[\"']?\s{0,3}(?::=|=>|[:=])\s{0,3}[\"']?)"
    r"([^\s\"'`,;(){}\[\]<>]{10,200})(?![(\[{\w.])"
)
_PLACEHOLDER = re.compile(r"(?i)[$<{%*\[].*|x+|\.+|pass(?:word|wd)?|pw|secret|token|changeme|your[_-].*")
_CHUNKS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")

# Words and identifiers average four and more letters between two changes of character class, random text under two.
_RANDOM_CHUNK = 2.5


def redact(text: str) -> str:
    """Replace every secret of a known shape by `[redacted: kind]`."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def secrets(text: str) -> list[tuple[int, int]]:
    """Where `redact` would take something out: start and end of each place, in order, none overlapping."""
    places: list[tuple[int, int]] = []
    for start, end in sorted(_places(text)):
        if places and start <= places[-1][1]:
            start, end = places[-1][0], max(end, places.pop()[1])
        places.append((start, end))
    return places


def _places(text: str) -> Iterator[tuple[int, int]]:
    for pattern, replacement in _RULES:
        for match in pattern.finditer(text):
            shown = replacement if isinstance(replacement, str) else replacement(match)
            if shown != match[0]:
                yield match.start() + _shared(shown, match[0]), match.end()


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _url_credentials(match: re.Match[str]) -> str:
    harmless = _PLACEHOLDER.fullmatch(match[2])
    return match[0] if harmless else "[redacted: credentials]@"


def _assigned_secret(match: re.Match[str]) -> str:
    return f"{match[1]}[redacted: secret]" if _looks_random(match[2]) else match[0]


def _looks_random(value: str) -> bool:
    chunks = _CHUNKS.findall(value)
    classes = {"digit" if chunk.isdigit() else "upper" if chunk.isupper() else "lower" for chunk in chunks}
    return len(classes) >= 2 and sum(map(len, chunks)) / len(chunks) <= _RANDOM_CHUNK


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    *((re.compile(pattern), f"[redacted: {kind}]") for kind, pattern in _TOKENS),
    (_URL, _url_credentials),
    (_ASSIGNMENT, _assigned_secret),
)
