"""The child that reads files: ``python -m retrieval.formats.worker``, started and fed by sandbox.py.

It takes an order in JSON and the file's bytes as two frames on standard input, and answers each pair with one frame of
JSON on standard output. It holds no secret, opens no file of the user's, and is killed when it takes too long.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from importlib import import_module
from typing import Any, BinaryIO

from retrieval.formats.extracted import Unreadable, too_much_text
from retrieval.formats.frames import read_frame, write_frame

_LONGEST = 1 << 40
"""Bytes of a frame: the parent is trusted."""
_GRACE = 5.0
"""Seconds after the parent's own limit at which a child that nobody has killed ends itself."""


def main() -> None:
    """Serve until standard input ends, or memory has run out."""
    orders, answers = sys.stdin.buffer, _take_stdout()
    while (order := read_frame(orders, _LONGEST)) is not None:
        raw = read_frame(orders, _LONGEST)
        if raw is None:
            return
        answer = _obey(json.loads(order), raw)
        del raw
        write_frame(answers, json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if "memory" in answer:
            # What a library left behind when it ran out of memory is not to be trusted.
            return


def _take_stdout() -> BinaryIO:
    """Standard output for answers alone: what a library prints goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _obey(order: dict[str, Any], raw: bytes) -> dict[str, Any]:
    # Orders without a file load the reader, which should not count as time that a file takes.
    faulthandler.dump_traceback_later(order["seconds"] + _GRACE, exit=True)
    try:
        reader = import_module(order["reader"])
        if not order["has_file"]:
            confine(order["memory"])
            return {"ready": True}
        found = reader.extract(raw, order["max_chars"])
        if len(found.text) > order["max_chars"]:
            raise too_much_text(order["max_chars"])
        return {"text": found.text, "title": found.title, "headings": found.headings, "pages": found.pages}
    except Unreadable as error:
        return {"reason": str(error)}
    except MemoryError:
        return {"memory": True}
    except ImportError as error:
        return {"reason": f"needs a reader that is not installed ({error.name})"}
    except Exception as error:
        return {"reason": f"cannot be made sense of by its reader ({type(error).__name__})"}
    finally:
        faulthandler.cancel_dump_traceback_later()


def confine(memory: int) -> None:
    """Limit this process to ``memory`` bytes of addresses, no files to write and no core dumps, if that is possible."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS takes not every limit
            continue


if __name__ == "__main__":
    main()
