"""How memory and time of a question grow with the index, from a thousand chunks to a million.

    python -m tests.bench.growth [--counts N ...] [--sentences N] [--plot FILE] [--patience S] [--work DIR] [--json]

Each size is built in one process and measured in another. Vectors lie as real ones do (tests.bench.vectors), words are
as frequent as in life and mean nothing (tests.bench.drawn); a chunk is a paragraph of SENTENCES sentences (1) of 24
words, each with a vector, ten chunks a document. Splitting and embedding are left out, all else is what ``python -m bot
index`` makes: the words' analysis, BM25, and the index of vectors that suits their number, tuned to find .99.

Asked are 500 questions of eight words from the sentence that their vector is about. "vectors" is the search for the 200
nearest that a question makes, "words" BM25 over all passages, "question" all of Index.search_many: analysis, both
halves, fusion, the ranking of sentences. The model is not in it, neither its milliseconds nor its 100 MB, which do not
grow; nor is the reader.

Resident (RSS) is the process after its questions, with what of the mapped files it has read, for the system takes that
back where memory is short; "not mapped" is the rest, of which 43 MB are Python and its modules. "mapped" is the size of
the mapped files: vectors, their codes, passages and words; documents and vocabulary are read whole.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.measure import environment, last_object, machine, run, table, workspace
from tests.bench.quiet import Patience

COUNTS = (1_000, 10_000, 100_000, 1_000_000)


def side(*arguments: str) -> dict[str, Any]:
    """What a process of tests.bench.growth_side prints, and how long it took."""
    done = run(["-m", "tests.bench.growth_side", *arguments], environment())
    if done.status:
        raise SystemExit("A measured process failed; its own words stand above.")
    return last_object(done.output) | {"seconds": done.seconds, "peak_mb": done.peak / 1e6}


def one(folder: Path, count: int, sentences: int, patience: Patience) -> dict[str, Any]:
    """The figures of one size; its index is kept in ``folder``."""
    own = folder / f"{count}x{sentences}"
    note = folder / f"{own.name}.json"
    if not note.exists():
        shutil.rmtree(own, ignore_errors=True)
        note.write_text(json.dumps(side("build", str(own), str(count), str(sentences))), encoding="utf-8")
    built = json.loads(note.read_text("utf-8"))
    side("measure", str(own))  # fills the disk cache
    found = patience.undisturbed(partial(side, "measure", str(own)))
    return found | {"build_s": built["seconds"], "build_peak_mb": built["peak_mb"]}


HEADS = (
    "chunks",
    "vectors",
    "index of vectors",
    "MB resident",
    "of these not mapped",
    "MB mapped",
    "MB on disk",
    "vectors, ms p50 (p95)",
    "words, ms p50 (p95)",
    "question, ms p50 (p95)",
    "s to open",
    "s to build",
)


def show(found: Sequence[dict[str, Any]]) -> str:
    """A row a size."""
    rows = [
        [
            f"{each['chunks']:,}",
            f"{each['vectors']:,}",
            each["index"],
            f"{each['rss_mb']:.0f}",
            f"{each['rss_mb'] - each['mapped_resident_mb']:.0f}",
            f"{each['mapped_mb']:.0f}",
            f"{each['files_mb']:.0f}",
            *(
                f"{each[f'{name}_p50_ms']:.2f} ({each[f'{name}_p95_ms']:.2f})"
                for name in ("vector", "words", "question")
            ),
            f"{each['open_s']:.2f}",
            f"{each['build_s']:.0f}",
        ]
        for each in found
    ]
    return table(HEADS, rows)


def plot(found: Sequence[dict[str, Any]], path: Path) -> None:
    """Two diagrams side by side, logarithmic both ways: milliseconds and megabytes over chunks."""
    import matplotlib as mpl

    mpl.use("agg")
    # The same bytes for the same figures.
    mpl.rcParams |= {"svg.hashsalt": "growth", "svg.fonttype": "path", "font.size": 9}
    from matplotlib import pyplot

    chunks = [each["chunks"] for each in found]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    lines = (
        ("question", "whole question, without the model", "C0"),
        ("vector", "vector search", "C1"),
        ("words", "BM25", "C2"),
    )
    for name, label, colour in lines:
        left.plot(chunks, [each[f"{name}_p50_ms"] for each in found], "o-", color=colour, label=f"{label}, median")
        left.plot(chunks, [each[f"{name}_p95_ms"] for each in found], ":", color=colour)
    left.plot([], [], ":", color="grey", label="95th percentile")
    kept = [each["rss_mb"] - each["mapped_resident_mb"] for each in found]
    right.plot(chunks, [each["rss_mb"] for each in found], "o-", label="resident after 500 questions")
    right.plot(chunks, kept, "o-", label="of these not mapped")
    right.plot(chunks, [each["mapped_mb"] for each in found], "o-", label="mapped files")
    for axes, title in ((left, "Milliseconds"), (right, "Megabytes")):
        axes.set(xscale="log", yscale="log", xlabel="chunks", title=title)
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS, help="chunks (1000 to 1000000)")
    parser.add_argument("--sentences", type=int, default=1, help="sentences of a chunk, each with a vector (1)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures to an SVG or PNG file")
    parser.add_argument("--patience", type=float, default=60.0, metavar="S", help="as the other benchmarks' (60)")
    parser.add_argument("--work", type=Path, help="where the indexes are kept (a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        found = [one(folder, count, options.sentences, patience) for count in options.counts]
    if options.plot:
        plot(found, options.plot)
    facts = {**before, **patience.facts(), "sentences": options.sentences}
    if options.json:
        print(json.dumps({"machine": facts, "sizes": found}))
    else:
        print(json.dumps(facts), show(found), sep="\n\n")


if __name__ == "__main__":
    main()
