"""Prints a run's learning curve as a table.

    learning_curve.py RUN/log.jsonl [--falling NAME]

With `--falling` the script fails unless the loss of that name fell from the first line to the last.
"""

import argparse
import json
from pathlib import Path

COLUMNS = ("seen", "minutes", "person_ap", "person_ap50", "face_ap50", "classes_over_30", "class", "box", "bins")


def table(lines: list[dict]) -> str:
    rows = [COLUMNS, *([str(line.get(column, "-")) for column in COLUMNS] for line in lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("log", type=Path)
    arguments.add_argument("--falling", metavar="NAME")
    given = arguments.parse_args()
    lines = [json.loads(line) for line in given.log.read_text().splitlines()]
    print(table(lines))
    if given.falling and not lines[-1][given.falling] < lines[0][given.falling]:
        raise SystemExit(f"the loss `{given.falling}` did not fall: {lines[0]} to {lines[-1]}")


if __name__ == "__main__":
    main()
