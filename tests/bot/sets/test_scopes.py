"""Which documents a place is given."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.claims import Asked, Trigger
from bot.scopes import Scopes
from bot.shelf import Shelf
from bot.suggestions import Suggestion
from bot.types import Listed, Outcome, Reply
from retrieval.sets import Sets
from tests.standin.fonte import citation

ASKED = Asked("k", "slack", "T", "C1", "1.5", "1.5", "U", "Why?", Trigger.MENTION, 0.0)
SETS = Sets({"hr": ["hr"], "ops": ["ops"]})
DOCUMENTS = ("guide.md", "hr/pay.md", "ops/run.md")
PLACES = {"slack": {"C1": ["hr"], "C2": ["hr", "ops"]}, "discord": {"7": ["hr"], "8": ["ops"], "9": ["default"]}}
HR, OPS, GUIDE = ({document} for document in ("hr/pay.md", "ops/run.md", "guide.md"))


def scopes() -> Scopes:
    made = Scopes(SETS, PLACES)
    made.serve(DOCUMENTS)
    return made


def discord(channel: str, thread: str = "", team: str = "7", message: str = "") -> Asked:
    return replace(ASKED, platform="discord", team=team, channel=channel, thread=thread, message=message)


def answer(*sources: str) -> Reply:
    cited = tuple(citation("It is so.", source=source) for source in sources)
    return Reply(Outcome.ANSWERED, "It is so.", None, "en", cited, 1.0)


def test_a_place_is_given_its_sets_and_any_other_the_default() -> None:
    found = scopes()
    assert found.of(ASKED) == HR
    assert found.of(replace(ASKED, channel="C2")) == HR | OPS
    for other in (replace(ASKED, channel="C3"), replace(ASKED, channel="D1"), replace(ASKED, platform="console")):
        assert found.of(other) == GUIDE


def test_a_thread_goes_before_its_channel_and_a_channel_before_its_server() -> None:
    found = scopes()
    assert found.of(discord("1")) == HR
    assert found.of(discord("8")) == found.of(discord("8", "1")) == OPS
    assert found.of(discord("9", "8")) == OPS
    assert found.of(discord("1", team="")) == found.of(discord("9")) == GUIDE
    assert found.of(discord("1", "1")) == GUIDE, "of which channel it is a thread is not known"


def test_a_thread_that_is_to_be_opened_is_given_no_more_than_where_the_question_stands() -> None:
    found = scopes()
    assert found.of(discord("9", "8", message="9/8")) == set()
    assert found.of(discord("1", "5", message="1/5")) == HR
    assert found.of(discord("9", "8", message="8/11")) == OPS, "the question stands in it"


def test_without_sets_there_is_no_scope() -> None:
    found = Scopes(None, PLACES)
    found.serve(DOCUMENTS)
    assert found.of(ASKED) is found.view(ASKED) is None
    assert found.views() == [None]
    assert found.shows(answer("hr/pay.md"), ASKED, ASKED)
    assert found.shows_privately(answer("hr/pay.md"), "slack")


def test_before_an_index_serves_there_is_nothing() -> None:
    assert Scopes(SETS, PLACES).of(ASKED) == set()


def test_an_answer_is_shown_once_more_only_where_all_its_documents_are() -> None:
    found = scopes()
    desk = replace(ASKED, channel="C2", thread="", trigger=Trigger.FEEDBACK)
    assert found.shows(answer("hr/pay.md", "ops/run.md"), desk, ASKED)
    assert not found.shows(answer("hr/pay.md", "guide.md"), desk, ASKED)
    assert not found.shows(answer("hr/pay.md"), replace(desk, channel="C3"), ASKED)
    # A document that is not there any more, or lies elsewhere now, is nobody's.
    assert not found.shows(answer("hr/old.md"), desk, ASKED)


def test_a_desk_in_a_server_that_is_given_a_set_must_be_given_it_itself() -> None:
    found, asked = scopes(), discord("1")
    assert found.of(asked) == HR
    desk = replace(asked, channel="2", trigger=Trigger.ESCALATION)
    assert not found.shows(answer("hr/pay.md"), desk, asked)
    assert found.shows(answer("hr/pay.md"), replace(desk, channel="1", thread="1/77"), asked), "beside the answer"
    # The desk may be the channel of a thread that is given more than it.
    inside = discord("9", "8")
    assert not found.shows(answer("ops/run.md"), replace(desk, channel="9", trigger=Trigger.FEEDBACK), inside)


def test_every_view_that_a_place_may_have_is_among_the_views() -> None:
    found = scopes()
    assert len(found.views()) == len(set(found.views())) == 4
    for place in ("C1", "C2", "C3"):
        assert found.view(replace(ASKED, channel=place)) in found.views()


def test_what_is_offered_follows_the_index_that_serves() -> None:
    found = scopes()
    shelf = Shelf(found)
    shelf.put(Listed(source, source) for source in DOCUMENTS)
    for view in found.views():
        shelf.offer(view, "en", [Suggestion(f"What of {source}?", source, "en") for source in DOCUMENTS])
    assert shelf.suggested(ASKED, "en") == ["What of hr/pay.md?"]
    assert [document.source for document in shelf.listed(ASKED)] == ["hr/pay.md"]
    assert shelf.suggested(ASKED, "it") == []
    # It was moved; new questions are still being looked for.
    found.serve(["guide.md", "ops/pay.md"])
    assert shelf.suggested(ASKED, "en") == shelf.listed(ASKED) == []


@given(st.lists(st.sampled_from(DOCUMENTS)), st.sampled_from(["C1", "C2", "C3"]))
def test_what_may_be_shown_is_in_scope(sources: list[str], channel: str) -> None:
    found, desk = scopes(), replace(ASKED, channel=channel, thread="", trigger=Trigger.FEEDBACK)
    shown = found.shows(answer(*sources), desk, ASKED)
    assert shown == (set(sources) <= (found.of(replace(ASKED, channel=channel)) or set()))
