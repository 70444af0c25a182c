"""One of very many files has changed: what the index costs then.

    python -m tests.bench.reindex [--files N] [--sentences N] [--model NAME] [--runs N] [--patience S] [--work DIR]
                                  [--json]

The texts are drawn by lot (tests.bench.drawn), the same number of sentences in each file. The folder is indexed, then
before each run one sentence is added to another file. Two things are timed, each in a process of its own, RUNS times:

- "in one process": reading the folder, bringing the index up to date and opening it, the modules and the model being
  loaded; "its own embedding" is what the new sentences alone take in the model, and is part of "re-index".
- "python -m bot index": the whole command, its start, the modules and the model included, which also looks for damage.

"nothing changed" is the same with no file changed. The model is the hashing embedder (256 dimensions) unless NAME says
otherwise; all-MiniLM-L6-v2 needs about six minutes for the first index of 100,000 sentences. Memory is the peak of the
process.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.measure import MB, Finished, environment, last_object, machine, median, run, spread, table, workspace
from tests.bench.quiet import Patience

WORDS = 14
"""In a sentence, on average."""


def write(folder: Path, files: int, sentences: int) -> None:
    """A folder of text files, unless it is there."""
    if folder.exists():
        return
    from tests.bench.drawn import sentences as drawn

    folder.mkdir(parents=True)
    texts = drawn(sentences, WORDS, 1)
    for row in range(files):
        size = sentences * (row + 1) // files - sentences * row // files
        (folder / f"{row:06}.txt").write_text(" ".join(islice(texts, size)), encoding="utf-8")


def change(folder: Path, turn: int) -> None:
    """Add a sentence that no file holds to one of the files."""
    names = sorted(path.name for path in folder.iterdir())
    path = folder / names[int((0.11 + 0.37 * turn) % 1 * len(names))]
    number = sum(1 for _ in folder.parent.glob("changed-*"))
    (folder.parent / f"changed-{number}").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(f" This is the new sentence with the number {number}.")


def once(seeds: Path, data: Path, model: str) -> dict[str, Any]:
    """Bring the index up to date in this process, and say what that took."""
    from retrieval import load_embedder, read_documents, refresh
    from retrieval.build import index_folder
    from retrieval.reuse import known_documents

    embedder = load_embedder(model, data / "models", precision="auto")
    embedder.embed_documents(["Once, to be ready."])
    spent = [0.0]
    embed = embedder.embed_documents

    def timed(texts: Any) -> Any:
        began = perf_counter()
        try:
            return embed(texts)
        finally:
            spent[0] += perf_counter() - began

    embedder.embed_documents = timed  # type: ignore[method-assign]
    began = perf_counter()
    documents = list(read_documents(seeds, known=known_documents(index_folder(data))))
    read = perf_counter()
    _, report = refresh(documents, data, embedder, where=str(seeds))
    ended = perf_counter()
    return {
        "total_s": ended - began,
        "read_s": read - began,
        "index_s": report.seconds,
        "embed_s": spent[0],
        "embedded": report.embedded,
        "sentences": report.sentences,
    }


def alone(seeds: Path, data: Path, model: str, changed: int | None) -> dict[str, Any]:
    """As ``once``, in a process of its own, after the change with this number."""
    if changed is not None:
        change(seeds, changed)
    done = run(["-m", "tests.bench.reindex", "--once", str(seeds), str(data), "--model", model], environment())
    return last_object(checked(done).output) | {"peak_mb": done.peak / MB}


def command(env: Mapping[str, str], seeds: Path, changed: int | None) -> dict[str, Any]:
    """The whole command, after the change with this number."""
    if changed is not None:
        change(seeds, changed)
    done = checked(run(["-m", "bot", "index", "--json"], env))
    return {"total_s": done.seconds, "peak_mb": done.peak / MB}


def checked(done: Finished) -> Finished:
    if done.status:
        raise SystemExit("A measured process failed; its own words stand above.")
    return done


def measure(options: argparse.Namespace, folder: Path, patience: Patience) -> dict[str, Any]:
    """All figures by name."""
    seeds, data = folder / "seeds", folder / "data"
    write(seeds, options.files, options.sentences)
    first = None if data.exists() else alone(seeds, data, options.model, None)
    env = environment(SEEDS_DIR=str(seeds), DATA_DIR=str(data), EMBEDDING_MODEL=options.model)
    found: dict[str, list[dict[str, Any]]] = {"changed": [], "same": [], "command": [], "command same": []}
    command(env, seeds, None)  # fills the disk cache and writes byte code
    for turn in range(options.runs):
        found["changed"].append(patience.undisturbed(partial(alone, seeds, data, options.model, 2 * turn)))
        found["same"].append(patience.undisturbed(partial(alone, seeds, data, options.model, None)))
        found["command"].append(patience.undisturbed(partial(command, env, seeds, 2 * turn + 1)))
        found["command same"].append(patience.undisturbed(partial(command, env, seeds, None)))
    return {"first": first, **found}


ROWS = {
    "changed": "one file changed, in one process",
    "same": "nothing changed, in one process",
    "command": "one file changed, `python -m bot index`",
    "command same": "nothing changed, `python -m bot index`",
}


def show(found: Mapping[str, Any]) -> str:
    """A row a case, medians."""
    rows = []
    if first := found["first"]:
        cells = [f"{first[name]:.1f}" for name in ("total_s", "read_s", "index_s", "embed_s")]
        rest = f"{first['total_s'] - first['embed_s']:.1f}"
        rows.append(
            ["the first index, in one process", *cells, rest, str(first["embedded"]), f"{first['peak_mb']:.0f}"]
        )
    for name, label in ROWS.items():
        runs = found[name]
        parts = ["", "", "", "", ""]
        if "read_s" in runs[0]:
            middle = {key: median([each[key] for each in runs]) for key in ("read_s", "index_s", "embed_s")}
            besides = median([each["total_s"] - each["embed_s"] for each in runs])
            parts = [
                *(f"{value:.{3 if key == 'embed_s' else 2}f}" for key, value in middle.items()),
                f"{besides:.2f}",
                str(runs[0]["embedded"]),
            ]
        peak = max(each["peak_mb"] for each in runs)
        rows.append([label, spread([each["total_s"] for each in runs]), *parts, f"{peak:.0f}"])
    heads = ["", "s: median (min-max)", "reading", "indexing", "its own embedding", "s besides", "embedded", "MB, peak"]
    return table(heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reindex", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000, help="files in the folder (10000)")
    parser.add_argument("--sentences", type=int, default=100_000, help="sentences in all files (100000)")
    parser.add_argument("--model", default="hashing", help="the embedding model (hashing)")
    parser.add_argument("--runs", type=int, default=5, help="times each case is measured (5)")
    parser.add_argument("--patience", type=float, default=60.0, metavar="S", help="as the other benchmarks' (60)")
    parser.add_argument("--work", type=Path, help="where files are kept (a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--once", nargs=2, type=Path, metavar=("SEEDS", "DATA"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(once(options.once[0], options.once[1], options.model)))
        return
    before, patience = machine(), Patience(options.patience)
    with workspace(options.work) as folder:
        found = measure(options, folder, patience)
    facts = {**before, **patience.facts(), "files": options.files, "model": options.model}
    facts["sentences"] = found["same"][0]["sentences"]
    if options.json:
        print(json.dumps({"machine": facts, **found}))
    else:
        print(json.dumps(facts), show(found), sep="\n\n")


if __name__ == "__main__":
    main()
