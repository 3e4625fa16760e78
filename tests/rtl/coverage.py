#!/usr/bin/env python3
"""Coverage per module from a merged file of verilator_coverage: lines reached, one-bit signals and
bits of wider ones that toggled; then the lines and the one-bit signals that no job moved.

usage: coverage.py MERGED
"""
import re
import sys
from collections import defaultdict
from pathlib import Path


def main():
    # Points of all instances that are at one place of the source count as one.
    hits = defaultdict(int)
    for line in open(sys.argv[1], encoding="latin-1"):
        match = re.match(r"C '(.*)' (\d+)$", line)
        if not match:
            continue
        field = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
        kind = "line"
        if field["page"].startswith("v_toggle"):
            kind = "bit of a word" if "[" in field["o"] else "signal"
        place = (Path(field["f"]).name, kind, int(field["l"]), field["n"], field.get("o", ""))
        hits[place] += int(match[2])
    table = defaultdict(lambda: [0, 0])
    missed = []
    for (file, kind, line, column, what), count in hits.items():
        for name in (file, "all"):
            table[name, kind][0] += count > 0
            table[name, kind][1] += 1
        if kind != "bit of a word" and count == 0:
            missed.append((file, line, kind, what))
    print(f"{'module':24}" + "".join(f"{title:>19}" for title in
                                     ("lines", "one-bit signals", "bits of words")))
    for file in [*sorted({f for f, _ in table} - {"all"}), "all"]:
        row = f"{file:24}"
        for kind in ("line", "signal", "bit of a word"):
            got, of = table[file, kind]
            row += f"{f'{got}/{of}':>13}" + (f"{100 * got / of:5.0f}%" if of else "     -")
        print(row)
    for file, line, kind, what in sorted(missed):
        print(f"never: {file}:{line} {kind} {what}")


if __name__ == "__main__":
    main()
