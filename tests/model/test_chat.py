"""Chat: prompts that share what they can, and text that comes out the same in pieces as in one."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import END, make_tiny_model
from transformers import AutoTokenizer

from continual_code.errors import ModelError
from continual_code.events import Message
from continual_code.learning import teacher
from continual_code.model.chat import Chat

TALK = (Message("system", "You edit code."), Message("user", "Make total() return the sum.\n\n```py\nx = 1\n```"))
MULTIBYTE = "naïve 你好 🙂👩‍👩‍👧 Ω = 3\u0301; // ще раз"


@pytest.fixture(scope="module")
def chat(tiny_model: Path) -> Chat:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    return Chat(tokenizer, frozenset({tokenizer.convert_tokens_to_ids(END)}))


def shared(left: list[int], right: list[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


@pytest.mark.parametrize(
    ("comment", "example"), [("Use sum().", None), ("Use sum().", "def total(v): ..."), ("", "def total(v): ...")]
)
def test_the_teacher_sees_what_the_student_saw_token_for_token_up_to_the_end_of_the_message(
    chat: Chat, comment: str, example: str | None
) -> None:
    student, told = chat.render(TALK), chat.render(teacher.told(TALK, comment, example))
    closing = chat.encode(f"{END}\n<|im_start|>assistant\n")
    assert student[-len(closing) :] == closing
    assert shared(student, told) == len(student) - len(closing)
    assert told[-len(closing) :] == closing, "both are asked to answer in the same way"
    assert told != student


def test_the_teacher_is_shown_the_persons_words_and_the_student_is_not(chat: Chat) -> None:
    told = chat.decode(chat.render(teacher.told(TALK, "Use sum().", "SOLUTION")))
    assert "Use sum()." in told
    assert "SOLUTION" in told
    assert "Use sum()." not in chat.decode(chat.render(TALK))


def test_a_request_for_a_correction_keeps_the_whole_conversation_before_it(chat: Chat) -> None:
    asked = chat.render(teacher.revision_request(TALK, "my answer", "Use sum()."))
    student = chat.render(TALK)
    assert asked[: len(student)] == student
    assert "my answer" in chat.decode(asked)


def test_words_with_dollar_signs_and_braces_reach_the_teacher_unchanged() -> None:
    comment = "use ${HOME} and $prompt, {{ braces }} and {% raw %}"
    told = teacher.told(TALK, comment, "$comment")[-1].content
    assert comment in told
    assert told.startswith(TALK[-1].content)


def test_a_prompt_ends_where_the_answer_begins(chat: Chat) -> None:
    ids = chat.render(TALK)
    assert "".join(chat.pieces(ids)).endswith("<|im_start|>assistant\n")
    assert chat.count("x = 1") == len(chat.encode("x = 1"))


def streamed(chat: Chat, ids: list[int], size: int = 1) -> list[str]:
    stream = chat.stream()
    return [stream.feed(ids[start : start + size]) for start in range(0, len(ids), size)]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_text_that_streams_is_the_text_that_decodes(chat: Chat, size: int) -> None:
    ids = [*chat.encode(f"  def f(x):\n\treturn x  # {MULTIBYTE}\n"), *chat.stop_ids]
    assert "".join(streamed(chat, ids, size)) == chat.decode(ids) == f"  def f(x):\n\treturn x  # {MULTIBYTE}\n"


def test_half_a_character_is_held_back_until_it_is_whole(chat: Chat) -> None:
    ids = chat.encode("🙂你")
    assert len(ids) > 2, "the vocabulary knows these characters: the test needs others"
    pieces = streamed(chat, ids)
    assert [piece for piece in pieces if piece] == ["🙂", "你"]
    assert "�" not in "".join(pieces)


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_encoding_and_streaming(chat: Chat, text: str) -> None:
    ids = chat.encode(text)
    composed = unicodedata.normalize("NFC", text)  # what this tokenizer does to its input
    assert "".join(streamed(chat, ids)) == chat.decode(ids) == composed


def test_special_tokens_do_not_show_in_an_answer(chat: Chat) -> None:
    ids = [*chat.encode("ab"), *chat.stop_ids]
    assert chat.decode(ids) == "ab"
    assert "".join(streamed(chat, ids)) == "ab"
    assert END in "".join(chat.pieces(ids))


def test_a_model_without_a_chat_template_is_refused_in_a_sentence(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_model(tmp_path))
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        Chat(tokenizer, frozenset())
