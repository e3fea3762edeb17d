"""The page shows what was taught, needs nothing from outside, and no text in it can do anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from taught import AFTER, BETTER, GAPS, HINTS, TOKENS, Outline, Taught, step

from continual_code.errors import UsageError
from continual_code.events import Verdict
from continual_code.feedback.chronicle import read_chronicle
from continual_code.report.command import data_of, write_report
from continual_code.report.facts import facts_of
from continual_code.report.page import page
from continual_code.ui.clean import clean

HOSTILE = (
    "<script>alert(1)</script></style></pre><img src=x onerror=alert(1)>\"'><b onclick=x>&lt;{{ 7*7 }}{% raw %}"
    "\u202egnp\u2066\x1b[31m\x00\x9b\u200b\ud800"
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "span", "dl", "div", "dt", "dd", "p",
    "main", "section", "figure", "figcaption", "strong", "svg", "line", "text", "circle", "path", "rect", "nav", "ol",
    "ul", "li", "a", "article", "blockquote", "code", "pre", "details", "summary", "footer",
}  # fmt: skip


@pytest.fixture
def several(taught: Taught) -> Taught:
    """A lesson that was learned and asked again, one in the prompt, one refused, one edited, one waiting."""
    rejected = taught.propose()
    taught.learn(taught.reject(proposal=rejected))
    again = taught.propose(BETTER, revision=1, retry_of=rejected.id)
    taught.journal.record_verdict(Verdict(again.id, "accept"))
    taught.end(taught.reject("Use a variable called result."), "memory", "The model left it as it is.")
    taught.end(taught.reject("Be brief."), "refused", "It ran on without an end.")
    taught.journal.record_verdict(Verdict(taught.propose().id, "edit", "", BETTER))
    return taught


def test_each_lesson_says_what_became_of_it_and_why(several: Taught):
    text = Outline(page(several.facts())).text
    for said in (
        HINTS, "● learned", "◐ kept in the prompt", "The model left it as it is.", "⊘ refused",
        "It ran on without an end.", "◌ waiting", "(your own edit)", "revision 1", "0.400 → 0.100", "2.5 s", "tool.py",
    ):  # fmt: skip
        assert said in text, said


def test_a_lesson_that_a_later_one_took_the_place_of_names_it(taught: Taught):
    earlier, later = taught.reject("Make it async."), taught.reject("Make nothing async.")
    taught.end(earlier, "memory", "")
    assert "took its place" not in Outline(page(taught.facts())).text
    taught.journal.finish(later.id, replace(step(later, "memory"), supersedes=(earlier.id,)))
    assert f"A later lesson says otherwise and took its place: {later.id}." in Outline(page(taught.facts())).text


def test_before_and_after_stand_side_by_side(several: Taught):
    outline = Outline(page(several.facts()))
    assert "The answer you rejected" in outline.text
    assert "Asked again p2, revision 1, without the comment" in outline.text
    assert "You accepted it." in outline.text
    assert "Your own version" in outline.text
    assert {"-", "+"} <= set(outline.classes["sign"])


def test_a_retry_that_is_the_same_answer_is_said_to_be(taught: Taught):
    rejected = taught.propose()
    taught.learn(taught.reject(proposal=rejected))
    taught.propose(AFTER, revision=1, retry_of=rejected.id)
    text = Outline(page(taught.facts())).text
    assert "The same answer, character for character." in text
    assert "You have not judged it." in text


@pytest.mark.parametrize(("held", "said"), [(True, "It follows your comment."), (False, "It does not follow")])
def test_an_answer_that_was_asked_for_again_is_said_to_follow_the_comment_or_not(
    several: Taught, held: bool, said: str
) -> None:
    assert "your comment." not in Outline(page(several.facts())).text.partition("How to read this")[0]
    several.journal.checks.retried("l1", 1, held)
    assert said in Outline(page(several.facts())).text


def test_what_was_found_whenever_a_lesson_was_looked_at_stays_and_is_drawn_by_revision(several: Taught) -> None:
    several.journal.checks.retried("l1", 1, True)
    several.journal.checks.add("l1", 2, 0.1)
    several.journal.checks.add("l1", 3, 0.9)
    outline = Outline(page(several.facts()))
    assert "● r1 held (asked again)" in outline.text
    assert "● r2 held" in outline.text
    assert "◒ r3 did not hold" in outline.text
    assert "Lessons that held" in outline.text
    assert "r3: held 0 share of those looked at" in outline.text


def test_tokens_are_marked_by_what_the_comment_said_about_them(several: Taught):
    marked = Outline(page(several.facts())).classes
    assert marked["mark strong"][0] == "(x"
    assert marked["mark moderate"][0] == "):"
    assert marked["mark slight"][0] == "⏎\n"
    assert marked["mark welcome"][0] == "    return"
    legend = [marked[f"mark {name}"][-1] for name in ("strong", "moderate", "slight", "welcome")]
    assert legend == ["token"] * 4


def test_every_mark_is_told_apart_without_colour(several: Taught):
    style = page(several.facts()).split("<style>")[1].split("</style>")[0]
    decorations = {
        name: style.split(f".mark.{name} {{")[1].split("text-decoration:")[1].split(" var(")[0].split(";")[0].strip()
        for name in ("strong", "moderate", "slight", "welcome")
    }
    assert len(set(decorations.values())) == 4


def test_the_plot_has_axes_and_a_mark_for_each_figure(several: Taught):
    outline = Outline(page(several.facts()))
    assert outline.tags.count("svg") == 4
    assert "drift 0.0042 nats per token" in outline.text
    assert "canary 0.97 probability" in outline.text
    assert outline.tags.count("rect") == 3  # the seconds of three finished steps
    assert "lesson" in outline.text
    assert "nats per token" in outline.text


def test_the_page_needs_nothing_from_outside(several: Taught):
    html = page(several.facts())
    outline = Outline(html)
    assert set(outline.tags) <= TAGS
    assert not [name for name, _ in outline.attributes if name in ("src", "srcset", "style") or name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in outline.attributes if name == "href")
    assert "default-src 'none'" in html
    for outside in ("http:", "https:", "url(", "@import"):
        assert outside not in html


def test_every_link_leads_somewhere(several: Taught):
    outline = Outline(page(several.facts()))
    ids = {value for name, value in outline.attributes if name == "id"}
    assert {f"#{id}" for id in ids} == {value for name, value in outline.attributes if name == "href"}


def test_an_empty_journal_is_a_page_too(taught: Taught):
    assert "No lessons yet" in Outline(page(taught.facts())).text


# --- Hostile text -----------------------------------------------------------------------


def hostile_page(taught: Taught) -> str:
    """The same text everywhere, put in behind the journal's back, which would have cleaned some of it."""
    rejected = taught.propose("a = 1\n" + HOSTILE, before=HOSTILE, task=HOSTILE, path="x.py")
    taught.learn(taught.reject(proposal=rejected), tokens=[HOSTILE] * len(TOKENS), gaps=GAPS)
    again = taught.propose(BETTER + HOSTILE, revision=1, retry_of=rejected.id)
    taught.journal.record_verdict(Verdict(again.id, "reject", "No."))
    chronicle = read_chronicle(taught.path, "tiny@012345678901")
    lessons = tuple(
        (replace(lesson, comment=HOSTILE, path=HOSTILE, reason=HOSTILE, created=HOSTILE), report)
        for lesson, report in chronicle.lessons
    )
    answers = {id: replace(answer, proposal=replace(answer.proposal, path=HOSTILE)) for id, answer in
               chronicle.answers.items()}  # fmt: skip
    hostile = replace(chronicle, lessons=lessons, answers=answers)
    return page(facts_of(hostile, model=HOSTILE, weights=HOSTILE, made=HOSTILE))


def test_hostile_text_is_shown_and_does_nothing(taught: Taught):
    outline = Outline(hostile_page(taught))
    assert set(outline.tags) <= TAGS
    assert outline.tags.count("style") == outline.tags.count("pre") == 1
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert "<script>alert(1)</script></style></pre><img src=x onerror=alert(1)>" in outline.text
    assert "{{ 7*7 }}{% raw %}" in outline.text


def test_no_character_that_steers_the_reader_is_in_the_page(taught: Taught):
    html = hostile_page(taught)
    assert clean(html) == html
    html.encode("utf-8")
    assert "␛[31m" in html


def test_the_same_text_unescaped_would_have_done_something():
    outline = Outline(f"<p>{HOSTILE}</p>")
    assert not set(outline.tags) <= TAGS
    assert "onerror" in dict(outline.attributes)
    assert clean(HOSTILE) != HOSTILE


# --- Files and data ---------------------------------------------------------------------


def test_a_report_replaces_an_earlier_one_but_nothing_else(several: Taught, tmp_path: Path):
    out = tmp_path / "out.html"
    assert write_report(several.facts(), out) == out
    first = out.read_text(encoding="utf-8")
    several.learn(several.reject("Another thing."))
    write_report(several.facts(), out)
    assert out.read_text(encoding="utf-8") != first
    precious = tmp_path / "notes.html"
    precious.write_text("<!doctype html>\nmine\n")
    link = tmp_path / "link.html"
    link.symlink_to(out)
    for path in (precious, link, tmp_path):
        with pytest.raises(UsageError, match="in the way"):
            write_report(several.facts(), path)
    assert precious.read_text() == "<!doctype html>\nmine\n"
    with pytest.raises(UsageError, match="is not a directory"):
        write_report(several.facts(), tmp_path / "nowhere" / "out.html")


def test_the_data_are_plain_and_complete(several: Taught):
    data = json.loads(json.dumps(data_of(several.facts()), allow_nan=False))
    assert (data["model"], data["revision"], data["counts"]["learned"]) == ("tiny", 1, 1)
    first = data["entries"][-1]
    assert (first["id"], first["state"], first["gap"], first["loss_after"]) == ("l1", "learned", 0.5, 0.1)
    assert first["retries"][0]["change"].startswith("--- a/tool.py\n+++ b/tool.py\n")
    assert [piece["text"] for piece in first["credit"]] == list(TOKENS)
