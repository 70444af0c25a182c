"""A folder of ten thousand files of real text: indexed, killed in the middle, resumed, updated.

    python -m tests.bench.large SOURCE [SOURCE ...] [--files N] [--size BYTES] [--model NAME] [--kill SHARE]
                                [--work DIR] [--json]

The files are made of the documentation in the SOURCEs (tests.bench.real), such as /usr/share/doc or packages unpacked
with ``dpkg -x``, each cut at BYTES. Every run is a process of its own. The first one is ended by SIGKILL when SHARE of
the sentences has been embedded, the second one goes on, then one file is changed, then nothing. Each run writes down
the key of every sentence that its model has embedded: "twice" counts those that stand there again.

Memory is resident memory in MB, the largest seen every 20 ms in each stage, and of the whole process as the kernel has
it ("peak"); "anon" is the share of it that no file backs. The parser is the child process that reads HTML and the like.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep
from typing import Any

from tests.bench.measure import ROOT, environment, machine, table, workspace
from tests.bench.real import collect

STAGES = ("read", "split", "embed", "write")
LOG = "embedded.log"
KEY = 16
"""Bytes of a sentence's key."""


class Watch:
    """The memory of this process and of its children, by stage."""

    def __init__(self) -> None:
        self.stage = "read"
        self.peaks = dict.fromkeys(STAGES, 0)
        self.anon = 0
        self.parser = 0
        self._ended = False
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, Any]:
        """What was seen, in MB."""
        self._ended = True
        self._thread.join()
        found = {**self.peaks, "anon": self.anon, "parser": self.parser, "peak": _memory()["VmHWM"]}
        return {name: round(value / 1000) for name, value in found.items()}

    def _look(self) -> None:
        import psutil  # type: ignore[import-untyped]

        own, turn = psutil.Process(), 0
        while not self._ended:
            found = _memory()
            self.peaks[self.stage] = max(self.peaks[self.stage], found["VmRSS"])
            self.anon = max(self.anon, found["RssAnon"])
            if turn % 10 == 0 and self.stage == "read":
                for child in own.children():
                    try:
                        self.parser = max(self.parser, child.memory_info().rss // 1024)
                    except psutil.Error:
                        continue
            turn += 1
            sleep(0.02)


def _memory() -> dict[str, int]:
    """In kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {name: int(value) for name, value in re.findall(r"(VmHWM|VmRSS|RssAnon):\s+(\d+) kB", status)}


def once(seeds: Path, data: Path, model: str) -> None:
    """Bring the index up to date in this process; what that took is the last line."""
    from retrieval import build_index, index_folder, load_embedder, read_documents
    from retrieval.progress import Step
    from retrieval.reuse import known_documents, sentence_keys

    watch = Watch()
    embedder = load_embedder(model, data.parent / "models", precision="auto")
    embed, ask, spent, asking = embedder.embed_documents, embedder.embed_queries, [0.0], [False]
    log = (data.parent / LOG).open("ab", buffering=0)

    def logged(texts: Sequence[str]) -> Any:
        if asking[0]:  # the hashing embedder's questions are documents
            return embed(texts)
        began = perf_counter()
        vectors = embed(texts)
        spent[0] += perf_counter() - began
        log.write(sentence_keys(texts).tobytes())
        return vectors

    def asked(texts: Sequence[str]) -> Any:
        asking[0] = True
        try:
            return ask(texts)
        finally:
            asking[0] = False

    embedder.embed_documents = logged  # type: ignore[method-assign]
    embedder.embed_queries = asked  # type: ignore[method-assign]
    told = False

    def progress(step: Step) -> None:
        nonlocal told
        watch.stage = step.stage
        if step.stage == "embed" and not told:
            told = True
            print(json.dumps({"total": step.total}), flush=True)

    began = perf_counter()
    documents = list(read_documents(seeds, known=known_documents(index_folder(data))))
    report = build_index(documents, data, embedder, where=str(seeds), progress=progress)
    seconds = perf_counter() - began
    figures = {name: getattr(report, name) for name in ("chunks", "sentences", "embedded", "reused", "resumed")}
    print(json.dumps({**figures, "seconds": seconds, "embed_s": spent[0], "memory": watch.end()}), flush=True)


def run(seeds: Path, data: Path, model: str, kill: float | None = None) -> dict[str, Any]:
    """As ``once``, in a process of its own; killed where ``kill`` of its sentences have been embedded."""
    log = data.parent / LOG
    before = _size(log)
    began = perf_counter()
    command = [sys.executable, "-m", "tests.bench.large", "--once", str(seeds), str(data), model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment())
    assert process.stdout is not None
    found: dict[str, Any] = {}
    if kill is not None:
        total = json.loads(process.stdout.readline() or b"{}").get("total", 0)
        peak = 0
        while process.poll() is None and _size(log) < before + KEY * kill * total:
            peak = _peak_of(process.pid) or peak
            sleep(0.05)
        process.send_signal(signal.SIGKILL)
        found = {"seconds": perf_counter() - began, "memory": {"peak": peak}}
    with process.stdout:
        lines = process.stdout.read().splitlines()
    if process.wait() not in (0, -signal.SIGKILL):
        raise SystemExit("A measured process failed; its own words stand above.")
    if kill is None:
        found = json.loads(lines[-1])
    return {**found, "embedded": (_size(log) - before) // KEY}


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _peak_of(pid: int) -> int:
    """In MB, 0 where the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return round(int(match[1]) / 1000) if (match := re.search(r"VmHWM:\s+(\d+)", status)) else 0


def twice(log: Path) -> int:
    """How many of the keys written down stand there for the second time or a later one."""
    raw = log.read_bytes()
    keys = [raw[start : start + KEY] for start in range(0, len(raw), KEY)]
    return len(keys) - len(set(keys))


def change(seeds: Path) -> None:
    """Add a sentence that no file holds to one of the files."""
    path = sorted(seeds.rglob("*.txt"))[7]
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\nThis is the new sentence with the number {os.getpid()}.\n")


def measure(seeds: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All runs by name."""
    data = folder / "data"
    found = {f"killed at {options.kill:.0%}": run(seeds, data, options.model, options.kill)}
    found["resumed"] = run(seeds, data, options.model)
    found["twice"] = {"count": twice(folder / LOG)}
    change(seeds)
    found["one file changed"] = run(seeds, data, options.model)
    found["nothing changed"] = run(seeds, data, options.model)
    return found


def show(found: Mapping[str, Any]) -> str:
    """A row a run."""
    rows = []
    for name, one in found.items():
        if name == "twice":
            continue
        memory, embed = one.get("memory", {}), one.get("embed_s", 0.0)
        cells = [f"{one['seconds']:.1f}", str(one["embedded"]), str(one.get("resumed", ""))]
        cells.append(f"{one['embedded'] / embed:.0f}" if embed and one["embedded"] > 1 else "")
        cells += [str(memory.get(part, "") or "") for part in (*STAGES, "peak", "anon", "parser")]
        rows.append([name, *cells])
    heads = ["", "s", "embedded", "taken over", "a second", *STAGES, "peak", "anon", "parser"]
    return f"{table(heads, rows)}\n\nEmbedded twice: {found['twice']['count']}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.large", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sources", nargs="*", type=Path, metavar="SOURCE", help="folders with documentation")
    parser.add_argument("--files", type=int, default=10_000, help="files taken at most (10000)")
    parser.add_argument("--size", type=int, default=1200, help="bytes of text in each at most (1200)")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="the embedding model (all-MiniLM-L6-v2)")
    parser.add_argument("--kill", type=float, default=0.5, help="share of the sentences after which it is killed (.5)")
    parser.add_argument("--work", type=Path, help="where files are kept (a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--once", nargs=3, metavar=("SEEDS", "DATA", "MODEL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        once(Path(options.once[0]), Path(options.once[1]), options.once[2])
        return
    if not options.sources:
        parser.error("name at least one folder with documentation, such as /usr/share/doc")
    before = machine()
    with workspace(options.work) as folder:
        files = collect(options.sources, folder / "seeds", options.files, options.size)
        found = measure(folder / "seeds", folder, options)
    last = found["resumed"]
    facts = {**before, "files": files, "passages": last["chunks"], "sentences": last["sentences"]}
    facts["model"] = options.model
    print(json.dumps({"machine": facts, **found}) if options.json else f"{json.dumps(facts)}\n\n{show(found)}")


if __name__ == "__main__":
    main()
