"""``python -m bot doctor``: looks at everything the bot needs, and changes nothing.

What must be importable before anything is looked at is kept to the standard library: a package that is missing is a
finding, not an end.
"""

from __future__ import annotations

from bot.doctor.report import print_findings
from bot.doctor.runner import examine
from retrieval.inspection.finding import Status


def run(*, offline: bool, as_json: bool) -> int:
    """Look at everything, print what was found on stdout, and return the exit status: 1 where something is wrong."""
    findings = list(examine(offline=offline))
    print_findings(findings, as_json=as_json)
    return int(any(finding.status is Status.WRONG for finding in findings))
