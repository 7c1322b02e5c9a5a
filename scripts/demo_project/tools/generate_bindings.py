"""Write four small modules for each station, from a template with mistakes in it."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

TEMPLATE = '''"""Generated from docs/stations.csv: do not edit."""

from tideline.harmonics import height_m

CODE = "{code}"
NAME = "{name}"


def {part}_at(hours: float) -> float:
    """Return the {part} at {name}."""
    {body}
'''
BODIES = {
    "height": "return height_m({mean}, {{'m2': {m2}, 's2' {s2}}}, hours)",
    "range": "low, high = height_m({mean}, {{'m2': {m2}}}, 0), {mean} -\n    return high - low",
    "rise": "return height_m({mean} {m2}, {{}}, hours) - NAME[{code}",
    "level": "return {mean}",
}


def main() -> None:
    """Write the modules below the folder named on the command line."""
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    count = 0
    with Path("docs/stations.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            for part, body in BODIES.items():
                values = {"code": row["code"], "mean": row["mean_level_m"]}
                filled = body.format(m2=row["m2_m"], s2=row["s2_m"], **values)
                path = target / f"{row['code'].lower()}_{part}.py"
                path.write_text(
                    TEMPLATE.format(code=row["code"], name=row["name"], part=part, body=filled)
                )
                count += 1
            print(f"{row['code']}  {row['name']}: {len(BODIES)} modules")
    print(f"{count} modules in {target}")


if __name__ == "__main__":
    main()
