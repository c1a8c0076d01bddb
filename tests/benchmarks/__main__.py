"""Run the benchmarks: ``python -m tests.benchmarks [NAME ...] [--rows N] [--firms N]``, all when none is named.

Each prints a ratio against a named peer in the same run; none passes or fails. Run from the repository's root.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.benchmarks import (
    active_learning,
    change,
    counts,
    crawl,
    directory,
    encode,
    extract,
    fastpath,
    few_labels,
    history,
    keyword_search,
    label_errors,
    memory,
    nightly,
    postcodes,
    register,
    rollup,
    score,
    size,
    warc,
    websites,
)
from tests.benchmarks.machine import BenchmarkError

BENCHMARKS: dict[str, Callable[[], None]] = {
    "active_learning": active_learning.run,
    "change": change.run,
    "counts": counts.run,
    "crawl": crawl.run,
    "directory": directory.run,
    "encode": encode.run,
    "extract": extract.run,
    "fastpath": fastpath.run,
    "few_labels": few_labels.run,
    "history": history.run,
    "keyword_search": keyword_search.run,
    "label_errors": label_errors.run,
    "memory": memory.run,
    "nightly": nightly.run,
    "postcodes": postcodes.run,
    "register": register.run,
    "rollup": rollup.run,
    "score": score.run,
    "size": size.run,
    "warc": warc.run,
    "websites": websites.run,
}


def main(names: list[str]) -> int:
    """Run those named; 2 for a name that is none, 1 when one could not give a figure."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or list(BENCHMARKS):
        print(f"== {name} ==", flush=True)
        try:
            BENCHMARKS[name]()
        except BenchmarkError as error:
            print(f"NO FIGURE: {error}\n")
            failed = 1
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    arguments = sys.argv[1:]
    for option in ("--rows", "--firms", "--changed", "--nights"):  # read by the benchmarks that can be made larger
        if option in arguments:
            del arguments[(place := arguments.index(option)) : place + 2]
    sys.exit(main([argument for argument in arguments if argument != "--given"]))
