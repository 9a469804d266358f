"""Write data/wine.csv: 178 wines, thirteen measurements each. Needs no network; scikit-learn carries the data.

    python examples/wine/make_data.py

The wines are of three cultivars grown in one region of Italy: M. Forina et al., PARVUS (1988), by way of the UCI
Machine Learning Repository. The data set's class 0, 1 and 2 are Barolo, Grignolino and Barbera.

The split is drawn by hash, so it is the same everywhere: `dev` has 50 wines for writing labeling functions, `test` 48,
`train` the other 80.
"""

import csv
import hashlib
import sys
from pathlib import Path

from sklearn.datasets import load_wine

CULTIVARS = ("barolo", "grignolino", "barbera")
TARGET = Path(__file__).resolve().parent / "data" / "wine.csv"
SEED = 13
DEV, TEST = 50, 48


def main() -> None:
    wines = load_wine()
    fields = [name.replace("od280/od315_of_diluted_wines", "od_ratio") for name in wines.feature_names]
    ids = [f"wine-{number:03d}" for number in range(1, len(wines.target) + 1)]
    drawn = sorted(ids, key=lambda wine: hashlib.sha256(f"{SEED}/{wine}".encode()).digest())
    split = dict.fromkeys(drawn[:DEV], "dev") | dict.fromkeys(drawn[DEV : DEV + TEST], "test")
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", *fields, "cultivar", "split"])
        for wine, values, cultivar in zip(ids, wines.data, wines.target, strict=True):
            writer.writerow([wine, *map(float, values), CULTIVARS[cultivar], split.get(wine, "train")])
    print(f"{TARGET.name}: {len(ids)} wines", file=sys.stderr)


if __name__ == "__main__":
    main()
