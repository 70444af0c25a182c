"""Discord as people and the app see it: its state, with one method for each thing that can happen to it."""

from __future__ import annotations

from tests.standin.discord.interactions import Interactions
from tests.standin.discord.model import Interaction, Message
from tests.standin.discord.people import People

NONCE_SECONDS = 5 * 60.0


class World(People, Interactions):
    """``State`` holds what there is to see, ``People`` what people do to messages, ``Interactions`` their commands."""

    def __init__(self) -> None:
        super().__init__()
        self._nonces: dict[str, tuple[Message, float]] = {}

    def remember_nonce(self, nonce: str, message: Message) -> None:
        self._nonces[nonce] = (message, self.now())

    def by_nonce(self, nonce: str) -> Message | None:
        """The bot's message of the last minutes that was sent with this nonce."""
        message, at = self._nonces.get(nonce, (None, 0.0))
        return message if message is not None and self.now() - at < NONCE_SECONDS else None

    def redeliver(self, what: Message | Interaction) -> None:
        """Send the app what it was sent before, as happens between two sessions."""
        if isinstance(what, Message):
            self.emit_message("MESSAGE_CREATE", what)
        else:
            self.emit("INTERACTION_CREATE", lambda: what.payload, channel=what.channel)
