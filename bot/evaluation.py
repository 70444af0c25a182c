"""``python -m bot eval``: the very pipeline that users get, measured on questions with known answers."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.answering.extractive import ExtractiveAnswerer
from bot.assistant import Assistant
from bot.batcher import QueryBatcher, Recorder
from bot.errors import BotError, ConfigError
from bot.library import load_model, milvus_of, models_folder, open_library, serving, wanted_search
from bot.markup import clean, dump_json
from bot.messages import messages_in
from bot.platforms.status import Status
from bot.settings import Settings
from bot.types import Outcome, Question
from retrieval import Index, refresh
from retrieval.evaluate import Judged, LabelledQuestion, is_right, read_corpus, read_questions, report, risk_coverage
from retrieval.evidence import threshold
from retrieval.language import detect_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WARM_UP = 5
"""Questions asked before the clock counts: the first ones pay for memory that is mapped but not yet read."""


def run(settings: Settings, corpus: Path, questions: Path | None, *, as_json: bool, plot: Path | None) -> int:
    """Evaluate and print; the exit status.

    ``corpus`` is a folder with corpus.jsonl and questions.jsonl or, with ``questions``, a folder of documents. Raises
    SourceError for files that are not what they should be, ConfigError for a plot that cannot be drawn.
    """
    draw = _plotter(plot) if plot else None
    asked = read_questions(questions or corpus / "questions.jsonl")
    index = _open_seeds(settings, corpus) if questions else _open_corpus(settings, corpus)
    sources = frozenset(document.source for document in index.documents)
    wanted = settings.answer.min_support
    least = threshold(read=settings.answer.reader) if wanted is None else wanted
    judged = asyncio.run(_judge(index, asked, least))
    figures = report(judged, sources)
    print(dump_json(figures, sys.stdout.encoding) if as_json else _table(figures))
    if draw:
        draw(judged, sources, least)
    return 0


def _open_seeds(settings: Settings, folder: Path) -> Index:
    """The index that ``python -m bot`` would serve for this folder."""
    seeds = settings.seeds.model_copy(update={"dir": folder})
    own = settings if _same(folder, settings.seeds.dir) else _apart(settings, folder)
    with Status(messages_in("en").reading) as status:
        words = messages_in("en")
        own = own.model_copy(update={"seeds": seeds})
        # The model is prepared once for all folders, so it is looked for where the bot itself keeps it.
        models = models_folder(settings.data_dir)
        return open_library(own, words, status.note, status.progress, models=models)


def _open_corpus(settings: Settings, folder: Path) -> Index:
    documents = list(read_corpus(folder / "corpus.jsonl"))
    apart = _apart(settings, folder)
    with Status(messages_in("en").reading) as status:
        # The model is prepared once for all corpora, so it is looked for where the bot itself keeps it.
        embedder = load_model(settings, documents, status.note)
        index, _ = refresh(
            documents,
            apart.data_dir,
            embedder,
            where=str(folder / "corpus.jsonl"),
            search=wanted_search(settings),
            milvus=milvus_of(settings),
            wait=True,
            progress=status.progress,
            notify=status.note,
        )
        return serving(settings, index, status.note)


def _apart(settings: Settings, folder: Path) -> Settings:
    """Settings with a data folder of their own for a corpus, so that the bot's index stays what it is."""
    key = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return settings.model_copy(update={"data_dir": settings.data_dir / "eval" / key})


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


async def _judge(index: Index, asked: Sequence[LabelledQuestion], least: float) -> list[Judged]:
    forced = ExtractiveAnswerer(0.0)
    async with QueryBatcher(index) as batcher:
        recorder = Recorder(batcher)
        assistant = Assistant(recorder, ExtractiveAnswerer(least), detect=detect_language)
        for case in asked[:WARM_UP]:
            await _ask(assistant, case)
        judged = []
        for case in asked:
            answered, seconds = await _ask(assistant, case)
            result = recorder.last
            if result is None:
                judged.append(Judged(case, (), False, "", None, None, 0.0, seconds))
                continue
            reply = await forced.answer(Question(case.question), result)
            judged.append(
                Judged(
                    question=case,
                    sources=result.sources,
                    answered=answered,
                    forced_text=reply.text,
                    forced_short=reply.short_answer,
                    forced_source=reply.citations[0].source if reply.citations else None,
                    support=result.support,
                    seconds=seconds,
                )
            )
        return judged


async def _ask(assistant: Assistant, case: LabelledQuestion) -> tuple[bool, float]:
    try:
        reply = await assistant.ask(Question(case.question))
    except BotError:
        # A question the bot refuses (too long, say) counts as one it does not answer.
        return False, 0.0
    return reply.outcome is Outcome.ANSWERED, reply.seconds


def _table(figures: dict[str, Any]) -> str:
    rows: list[tuple[str, object]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows.extend((f"{name} ({clean(kind)})", share) for kind, share in value.items())
        else:
            rows.append((name, value))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {_cell(value)}" for name, value in rows)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _plotter(path: Path) -> Callable[[Sequence[Judged], frozenset[str], float], None]:
    """Draws risk against coverage into ``path``; made before the evaluation, so that nobody waits for an error."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError('--plot needs matplotlib: pip install -e ".[plot]"') from error
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"--plot {path}: the name must end in .png, .svg or .pdf.")
    if not path.parent.is_dir():
        raise ConfigError(f"--plot {path}: there is no folder {path.parent}.")

    def draw(judged: Sequence[Judged], sources: frozenset[str], least: float) -> None:
        figure = Figure(figsize=(6, 4), layout="constrained")
        _draw_risk(figure.add_subplot(), judged, sources, least)
        try:
            figure.savefig(path, dpi=150)
        except OSError as error:
            raise ConfigError(f"--plot {path} cannot be written ({error.strerror}).") from error

    return draw


def _draw_risk(axes: Axes, judged: Sequence[Judged], sources: frozenset[str], least: float) -> None:
    located = any(case.question.gold & sources for case in judged)
    right = [is_right(case, located) for case in judged]
    coverage, risk = risk_coverage([case.support for case in judged], right)
    axes.plot(coverage, risk, color="tab:blue", label="best supported first")
    answered = sum(case.answered for case in judged)
    if answered:
        axes.plot(coverage[answered - 1], risk[answered - 1], "o", color="tab:red", label=f"threshold {least:.2f}")
    axes.set(
        xlabel="coverage: share of all questions answered",
        ylabel="risk: share of the answers that are wrong",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"Risk against coverage, {len(judged)} questions",
    )
    axes.grid(alpha=0.3)
    axes.legend()
