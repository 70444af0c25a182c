"""The commands. Everything but argparse is imported inside them, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.errors import BotError, ConfigError
from retrieval.errors import RetrievalError, SourceError

if TYPE_CHECKING:
    from bot.settings import Settings

UNEXPECTED = 1
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Argument errors and ``--help`` leave through SystemExit."""
    _prepare_streams()
    parser = _parser()
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    if "sets" in options and command not in (_chat, _ask):
        # Who limits a bot in this way would be wrong about what it shows.
        parser.error("--set is for the chat and for ask; what chat platforms are shown is set by SETS")
    try:
        status = command(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except BotError as error:
        status = _complain(error, error.exit_status)
    except RetrievalError as error:
        status = _complain(error, ConfigError.exit_status if isinstance(error, SourceError) else UNEXPECTED)
    except Exception as error:
        _log.debug("traceback", exc_info=error)
        status = _complain(
            f"Something unexpected happened ({type(error).__name__}: {error}); LOG_LEVEL=debug shows where.", UNEXPECTED
        )
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        usage="%(prog)s [-h] [--version] [COMMAND ...]",
        description="Answers questions about your documents in their own words and says where they stand.",
        epilog="Without a command: a chat in the terminal, or one answer per line of piped input. "
        "Settings come from the environment and .env; .env.example lists them.",
    )
    parser.add_argument("--version", action="version", version=f"fonte {__version__}")
    parser.set_defaults(command=_chat)
    _add_sets(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog=_PROGRAM)

    ask = commands.add_parser("ask", help="answer one question", description="Answer one question.", epilog=_STATUSES)
    ask.add_argument("question", nargs="+", metavar="QUESTION", help="the question; several words are joined")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--explain", action="store_true", help="say why it answered or refused")
    _add_sets(ask)
    ask.set_defaults(command=_ask)

    index = commands.add_parser(
        "index", help="bring the index up to date", description="Bring the index up to date and say what changed."
    )
    index.add_argument("--rebuild", action="store_true", help="embed everything again")
    index.add_argument("--wait", action="store_true", help="wait for another process that writes the index")
    index.add_argument("--json", action="store_true", help="print one JSON object")
    index.set_defaults(command=_index)

    slack = commands.add_parser(
        "slack",
        help="serve Slack",
        description="Serve one Slack workspace until SIGTERM or Ctrl-C.",
        epilog="Needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN, or SLACK_MODE=http and SLACK_SIGNING_SECRET.",
    )
    slack.set_defaults(command=_slack)

    discord = commands.add_parser(
        "discord",
        help="serve Discord",
        description="Serve every Discord server that the bot was invited to, and direct messages, until SIGTERM or "
        "Ctrl-C.",
        epilog="Needs DISCORD_BOT_TOKEN.",
    )
    discord.set_defaults(command=_discord)

    serve = commands.add_parser(
        "serve",
        help="serve every platform that has tokens",
        description="Serve every platform that has tokens, in one process, until SIGTERM or Ctrl-C. One that fails is "
        "started again a while later; the others go on.",
    )
    serve.set_defaults(command=_serve)

    forget = commands.add_parser(
        "forget",
        help="erase a person from the ledger",
        description="Erase a person's questions, answers and ratings from the ledger.",
        epilog="What the bot has posted stays where it was posted.",
    )
    forget.add_argument("user", metavar="USER", help="the platform's id of the person, such as U012AB3CD")
    forget.set_defaults(command=_forget)

    unanswered = commands.add_parser(
        "unanswered",
        help="list what the documents did not answer",
        description="List the questions that people asked and the documents did not answer, the latest first.",
    )
    unanswered.add_argument("--json", action="store_true", help="print one JSON array")
    unanswered.set_defaults(command=_unanswered)

    doctor = commands.add_parser(
        "doctor",
        help="say whether everything it takes is there and whole",
        description="Look at everything the bot needs, and say what is wrong with it and what to do. Nothing is "
        "created, changed, repaired or downloaded.",
        epilog="Exit status: 0 nothing wrong, though there may be warnings; 1 something wrong.",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--offline", action="store_true", help="leave out what needs the network")
    doctor.set_defaults(command=_doctor)

    backup = commands.add_parser(
        "backup",
        help="save the ledger and the index in one file",
        description="Save the ledger and the current index in one file, which its owner alone may read. Bots may serve "
        "and builds may run meanwhile.",
        epilog="Left out: settings and tokens, documents, the chat's history, a ledger in PostgreSQL, vectors in "
        "Milvus.",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="ends in .tar.gz, .tgz or .tar")
    backup.add_argument("--force", action="store_true", help="replace the file if it is there")
    backup.add_argument("--with-models", action="store_true", help="prepared models too, which can be made again")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser(
        "restore",
        help="put back what a backup holds",
        description="Put the ledger, the index and, if they are in it, prepared models of a backup into DATA_DIR, "
        "after all of it was read and found whole. No bot may have the ledger open.",
        epilog="Restore only what you backed up yourself. Whom `forget` erased since the backup must be erased again.",
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="made by `backup`")
    restore.add_argument(
        "--force", action="store_true", help="where DATA_DIR is not empty, too; the ledger there is kept beside"
    )
    restore.set_defaults(command=_restore)

    evaluate = commands.add_parser(
        "eval",
        help="measure retrieval and answers",
        description="Measure retrieval and answers on questions with known answers.",
    )
    evaluate.add_argument(
        "corpus",
        type=Path,
        metavar="FOLDER",
        help="a folder with corpus.jsonl and questions.jsonl, or, with QUESTIONS, a folder of documents",
    )
    evaluate.add_argument("questions", type=Path, nargs="?", metavar="QUESTIONS", help="a file questions.jsonl")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.add_argument("--plot", type=Path, metavar="FILE.png", help="draw risk against coverage")
    evaluate.set_defaults(command=_eval)
    return parser


_PROGRAM = "python -m bot"
_STATUSES = "Exit status: 0 answered, 3 not found, 2 wrong usage or settings, 1 anything unexpected."


def _add_sets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="sets",
        action="append",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="answer from this knowledge set alone, or, given several times, from all of these; else from everything",
    )


def _chat(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import app

    return app.chat(settings, getattr(options, "sets", ()))


def _ask(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import app

    question, sets = " ".join(options.question), getattr(options, "sets", ())
    return app.ask(settings, question, sets, as_json=options.json, explained=options.explain)


def _index(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import app

    return app.index(settings, rebuild=options.rebuild, wait=options.wait, as_json=options.json)


def _slack(_: argparse.Namespace) -> int:
    settings = _settings()
    from bot import service

    return service.slack(settings)


def _discord(_: argparse.Namespace) -> int:
    settings = _settings()
    from bot import service

    return service.discord(settings)


def _serve(_: argparse.Namespace) -> int:
    settings = _settings()
    from bot import service

    return service.serve(settings)


def _forget(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import service

    return service.forget(settings, options.user)


def _unanswered(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import service

    return service.unanswered(settings, as_json=options.json)


def _doctor(options: argparse.Namespace) -> int:
    # It loads the settings itself: wrong ones are findings among others.
    from bot import doctor

    return doctor.run(offline=options.offline, as_json=options.json)


def _backup(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot.backup import making

    return making.run(settings, options.file, force=options.force, with_models=options.with_models)


def _restore(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot.backup import restoring

    return restoring.run(settings, options.file, force=options.force)


def _eval(options: argparse.Namespace) -> int:
    settings = _settings()
    from bot import evaluation

    return evaluation.run(settings, options.corpus, options.questions, as_json=options.json, plot=options.plot)


def _settings() -> Settings:
    from bot.redaction import configure_logging
    from bot.settings import load_settings, secret_values

    settings = load_settings()
    configure_logging(settings.log_level, secret_values(settings))
    return settings


def _complain(error: object, status: int) -> int:
    from bot.markup import clean
    from bot.redaction import redact

    for sentence in redact(str(error)).splitlines():
        print(clean(sentence), file=sys.stderr)
    return status


def _prepare_streams() -> None:
    """Documents may hold characters that the terminal's encoding lacks, and the caller may have closed a stream."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
