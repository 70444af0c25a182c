"""Any order of events over two processes, one of which may be thought dead: what must hold after each."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from bot.claims import Asked, Claim, Ending, State, Trigger
from bot.ledger.database import Database
from bot.ledger.schema import prepare
from bot.ledger.store import SqlLedger
from bot.ledger.url import sqlite_url
from bot.types import Outcome, Reply

OPEN = {State.WAITING, State.POSTING, State.REMOVING}
REPLY = Reply(Outcome.ANSWERED, "Nine.", None, "en", (), 0.9)

processes = st.integers(0, 1)
keys = st.sampled_from(["a", "b"])
replies = st.sampled_from(["r1", "r2", ""])
endings = st.sampled_from([Ending.ANSWERED, Ending.NOT_FOUND, Ending.DENIED, Ending.FAILED])


@cache
def template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fonte-ledger-"))
    prepare(sqlite_url(folder / "ledger.db"))
    return folder


def teardown_module() -> None:
    shutil.rmtree(template())


def question(key: str, version: int = 0, text: str = "one") -> Asked:
    return Asked(key, "p", "t", "c", key, "", "u", text, Trigger.MENTION, 1.0, version=str(version) if version else "")


class Processes(RuleBasedStateMachine):
    handles = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="fonte-ledger-"))
        self.file = self.folder / "ledger.db"
        shutil.copy(template() / "ledger.db", self.file)
        self.runner = asyncio.Runner()
        url = sqlite_url(self.file)
        self.ledgers = [SqlLedger(Database(url), lease=1000.0) for _ in range(2)]
        self.before: dict[str, dict[str, Any]] = {}

    def teardown(self) -> None:
        for ledger in self.ledgers:
            self.run(ledger.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    def rows(self) -> dict[str, dict[str, Any]]:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.row_factory = sqlite3.Row
            return {row["key"]: dict(row) for row in connection.execute("SELECT * FROM claims")}

    def owns(self, process: int, claim: Claim) -> bool:
        row = self.rows()[claim.asked.key]
        return row["owner"] == self.ledgers[process]._holder.owner

    def given(self, process: int, claim: Claim | None) -> Any:
        """What a ledger returns is this process's and as the ledger has it."""
        if claim is None:
            return multiple()
        row = self.rows()[claim.asked.key]
        assert self.owns(process, claim)
        assert claim.state in OPEN
        told = (claim.state, claim.reply, claim.asked.version, claim.asked.text)
        assert told == (row["state"], row["reply"] or "", row["version"], row["text"])
        return process, claim

    @rule(target=handles, process=processes, key=keys)
    def claim(self, process: int, key: str) -> Any:
        known = key in self.rows()
        claim = self.run(self.ledgers[process].claim(question(key)))
        assert known is (claim is None)
        return self.given(process, claim)

    @rule(target=handles, process=processes, key=keys, version=st.integers(1, 6), text=st.sampled_from(["one", "two"]))
    def edit(self, process: int, key: str, version: int, text: str) -> Any:
        before = self.rows().get(key)
        claim = self.run(self.ledgers[process].edit(question(key, version, text)))
        if claim is not None:
            assert before is not None
            assert str(version) > before["seen"]
            assert text != before["text"]
        return self.given(process, claim)

    @rule(target=handles, process=processes, key=keys)
    def remove(self, process: int, key: str) -> Any:
        claim = self.run(self.ledgers[process].remove(key))
        if key in (rows := self.rows()):
            assert rows[key]["state"] in (State.REMOVING, State.REMOVED)
        return self.given(process, claim)

    @rule(handle=handles)
    def start(self, handle: tuple[int, Claim]) -> None:
        process, claim = handle
        row = self.rows()[claim.asked.key]
        may = (
            self.owns(process, claim)
            and row["version"] == claim.asked.version
            and row["state"] in (State.WAITING, State.POSTING)
        )
        assert self.run(self.ledgers[process].start(claim)) is may
        assert not may or self.rows()[claim.asked.key]["state"] == State.POSTING

    @rule(handle=handles, reply=replies)
    def hold(self, handle: tuple[int, Claim], reply: str) -> None:
        process, claim = handle
        mine = self.owns(process, claim)
        others = {row["reply"] for key, row in self.rows().items() if key != claim.asked.key}
        held = self.run(self.ledgers[process].hold(claim, reply))
        if reply in others:
            assert not held
        elif mine:
            assert held
        if held:
            assert (self.rows()[claim.asked.key]["reply"] or "") == reply

    @rule(target=handles, handle=handles, ending=endings)
    def finish(self, handle: tuple[int, Claim], ending: Ending) -> Any:
        process, claim = handle
        before = self.rows()[claim.asked.key]
        mine = self.owns(process, claim)
        rest = self.run(self.ledgers[process].finish(claim, ending, REPLY))
        after = self.rows()[claim.asked.key]
        if not mine:
            assert rest is None
            assert after == before
        elif rest is None:
            # Nothing newer than what was answered is left behind.
            assert (after["state"], after["ending"], after["version"]) == (State.DONE, ending, claim.asked.version)
        return self.given(process, rest)

    @rule(target=handles, handle=handles)
    def current(self, handle: tuple[int, Claim]) -> Any:
        process, claim = handle
        now = self.run(self.ledgers[process].current(claim))
        assert (now is not None) is self.owns(process, claim)
        return self.given(process, now)

    @rule(handle=consumes(handles))
    def removed(self, handle: tuple[int, Claim]) -> None:
        process, claim = handle
        self.run(self.ledgers[process].removed(claim.asked.key))

    @rule(target=handles, process=processes)
    def take_over(self, process: int) -> Any:
        free = {key for key, row in self.rows().items() if row["lease_until"] == 0.0}
        taken = self.run(self.ledgers[process].take_over())
        assert {claim.asked.key for claim in taken} <= free
        assert all(claim.recovered for claim in taken)
        return multiple(*(self.given(process, claim) for claim in taken))

    @rule(process=processes)
    def release(self, process: int) -> None:
        self.run(self.ledgers[process].release())

    @rule(process=processes)
    def renew(self, process: int) -> None:
        self.run(self.ledgers[process].renew())

    @rule(process=processes, key=keys)
    def delete_reply(self, process: int, key: str) -> None:
        self.run(self.ledgers[process].delete_reply(key))

    @rule(process=processes)
    def stand_still(self, process: int) -> None:
        """Its leases run out, and it does not know."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            owner = self.ledgers[process]._holder.owner
            connection.execute("UPDATE claims SET lease_until = 0 WHERE owner = ?", (owner,))

    @invariant()
    def holds(self) -> None:
        rows = self.rows()
        for key, row in rows.items():
            before = self.before.get(key, row)
            assert row["seen"] >= before["seen"]
            assert row["version"] >= before["version"]
            assert row["version"] <= row["seen"]
            if before["state"] in (State.REMOVING, State.REMOVED):
                assert row["state"] in (State.REMOVING, State.REMOVED)
            if before["withdrawn"]:
                assert row["withdrawn"]
                assert before["state"] == row["state"] or row["state"] != State.WAITING
            is_open = row["state"] in OPEN
            assert (row["lease_until"] is not None) is is_open
            assert is_open or row["owner"] is None
            assert row["state"] != State.REMOVED or row["text"] == ""
            assert row["ending"] is None or row["state"] not in (State.WAITING, State.POSTING)
            assert row["ending"] is not None or row["state"] != State.DONE or row["withdrawn"]
        assert rows.keys() >= self.before.keys()
        self.before = rows


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
