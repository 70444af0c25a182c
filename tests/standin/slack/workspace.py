"""A Slack workspace: its state, with one method for each thing that can happen to it."""

from __future__ import annotations

from tests.standin.slack.interactions import Interactions
from tests.standin.slack.people import People


class Workspace(People, Interactions):
    """People and channels may be given as objects or as ids everywhere.

    ``State`` holds what there is to see, ``People`` what people do to messages, ``Interactions`` their commands, clicks
    and modals.
    """
