"""Secrets of known shapes go, look-alikes stay, and no text makes it slow."""

import random
import string
import time

import pytest

from continual_code.feedback.redaction import redact, secrets

RANDOM = random.Random(7)


def chars(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(RANDOM.choices(alphabet, k=count))


HEX, UPPER = string.hexdigits[:16], string.ascii_uppercase + "234567"
B64URL = string.ascii_letters + string.digits + "_"

# Assembled here, so that no scanner takes this file for a leak.
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "\n".join(chars(64) for _ in range(4))
SECRETS = {
    "aws": "AK" + "IA" + chars(16, UPPER),
    "aws session": "AS" + "IA" + chars(16, UPPER),
    "google": "AI" + "za" + chars(35, B64URL),
    "google oauth": "ya" + "29." + chars(60, B64URL),
    "google client": "GOC" + "SPX-" + chars(28, B64URL),
    "azure": chars(86) + "==",
    "digitalocean": "dop" + "_v1_" + chars(64, HEX),
    "github classic": "gh" + "p_" + chars(36),
    "github server": "gh" + "s_" + chars(36),
    "github fine": "github" + "_pat_" + chars(22) + "_" + chars(59),
    "gitlab": "gl" + "pat-" + chars(20, B64URL),
    "slack bot": "xo" + "xb-" + chars(12, string.digits) + "-" + chars(13, string.digits) + "-" + chars(24),
    "slack app": "xa" + "pp-1-A" + chars(10, UPPER) + "-" + chars(13, string.digits) + "-" + chars(64, HEX),
    "slack webhook": f"T{chars(8, UPPER)}/B{chars(8, UPPER)}/{chars(24)}",
    "anthropic": "sk-" + "ant-api03-" + chars(93, B64URL) + "AA",
    "openai project": "sk-" + "proj-" + chars(80, B64URL),
    "openai": "sk-" + chars(20) + "T3BlbkFJ" + chars(20),
    "stripe": "sk_" + "live_" + chars(24),
    "stripe restricted": "rk_" + "test_" + chars(24),
    "hugging face": "hf" + "_" + chars(34),
    "npm": "npm" + "_" + chars(36),
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + chars(100, B64URL),
    "sendgrid": "S" + "G." + chars(22) + "." + chars(43),
    "telegram": chars(9, "123456789") + ":AA" + chars(33),
    "jwt": "ey" + "J" + chars(20) + ".ey" + "J" + chars(40) + "." + chars(43),
    "pem": PEM + "\n-----END RSA PRIVATE KEY-----",
    "pem cut off": PEM,
    "url": "s3cr3tPass9",
    "assignment": "aK8x!2mQz7Lp9Tw",
    "json": "q9Xv3Lm0Zr7Yt2Wb",
    "aws secret": "wJalr" + "XUtnF3MI/K7MD" + "bPxRf1CYkEx9A4LE+Key0",
}
SENTENCES = {
    "azure": "DefaultEndpointsProtocol=https;AccountKey={}",
    "slack webhook": "post to https://hooks.slack.com/services/{} please",
    "url": "postgres://admin:{}@db.internal:5432/app",
    "assignment": "DB_PASSWORD={}",
    "json": '"api_key": "{}",',
    "aws secret": "aws_secret_access_key = {}",
}

LOOKALIKES = [
    "the sk- prefix, or sk-learn, or scikit-learn",
    "AKIA is how such keys begin",
    "git show 3f2504e04f8911d39a0c0305e82c3301c0ffee00",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG\n-----END CERTIFICATE-----",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
    "password: str | None = None",
    "password = getpass.getpass('Password: ')",
    "token = tokenizer.encode(text)",
    "api_key = os.environ['API_KEY']",
    'api_key = settings.openai_api_key_2024',
    "secret = config.get('secret', default)",
    "access_token=access_token",
    "token=next_token_after_whitespace",
    "password=changeme",
    "password = 'correct-horse-battery-staple'",
    "password_hash = pbkdf2_hmac_sha256",
    "SECRET_KEY = '<your secret key goes here>'",
    "DB_PASSWORD=${DB_PASSWORD_FROM_VAULT_2}",
    "DB_PASSWORD={{ vault_db_password_1 }}",
    "https://user@example.com/path",
    "https://user:password@example.com/",
    "postgres://user:$PGPASSWORD@localhost/app",
    "http://localhost:8080/@scope/package",
    "ssh://git@github.com:22/org/repo.git",
    "npm_config_registry=https://registry.npmjs.org",
    "hf_hub_download(repo_id='org/model')",
    "ghp_ is the prefix",
    "use xoxb- tokens for bots",
    "SG.short.value",
    "eyJ is base64 for an opening brace",
    "glpat-short",
    "from pypi-server import AgE",
    "sk_live_ keys are for production",
    "def test_token_count_is_4096(): ...",
    "max_tokens: int = 4096_000_000",
    "token: TokenKind.Identifier2",
    "12:30:45:AAbbcc",
    "passwd: /etc/passwd.backup.2024",
    "AIzaTooShort",
    "secrets.token_urlsafe(32)",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_replaced_and_the_sentence_around_it_stays(name: str):
    sentence = "before " + SENTENCES.get(name, "use {}") + ("" if name == "pem cut off" else "\nafter")
    clean = redact(sentence.format(SECRETS[name]))
    assert SECRETS[name] not in clean
    assert SECRETS[name][-12:] not in clean
    assert "[redacted: " in clean
    assert clean.startswith("before ")
    assert name == "pem cut off" or clean.endswith("\nafter")


@pytest.mark.parametrize("name", SECRETS)
def test_the_places_of_a_secret_cover_it_and_little_else(name: str):
    sentence = "before " + SENTENCES.get(name, "use {}") + ("" if name == "pem cut off" else "\nafter")
    text = sentence.format(SECRETS[name])
    rest = "".join(text[end:start] for (_, end), start in zip([(0, 0), *secrets(text)], _starts(text), strict=True))
    assert not set(_pieces(SECRETS[name], 12)) & set(_pieces(rest, 12))
    assert rest.startswith("before ")
    assert name == "pem cut off" or rest.endswith("\nafter")


def _starts(text: str) -> list[int]:
    return [*(start for start, _ in secrets(text)), len(text)]


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(len(text) - size + 1)]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_look_alike_has_no_place(text: str):
    assert secrets(text) == []


def test_places_do_not_overlap_and_stand_in_order():
    places = secrets("\n".join(SENTENCES.get(name, "{}").format(secret) for name, secret in SECRETS.items()))
    edges = [edge for place in places for edge in place]
    assert len(places) > 20
    assert edges == sorted(edges)


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_look_alike_is_left_alone(text: str):
    assert redact(text) == text


def test_the_lists_are_as_long_as_promised():
    assert len(SECRETS) >= 25
    assert len(LOOKALIKES) >= 40


def test_redacting_twice_changes_nothing_more():
    once = redact("\n".join(SENTENCES.get(name, "{}").format(secret) for name, secret in SECRETS.items()))
    assert redact(once) == once


@pytest.mark.parametrize(
    "piece", ["a", "password", "://a:", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaaa.", "token= ", "sk-"]
)
def test_no_text_of_the_largest_size_is_slow(piece: str):
    text = (piece * 20_000)[:20_000]
    started = time.perf_counter()
    redact(text)
    assert time.perf_counter() - started < 3
