"""Agreement on the single ratings of the demo's corpus: what docs/annotate.md says is so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from labelkit.annotations.agreement import MISSING, human_level, krippendorff_alpha

ROOT = Path(__file__).parent.parent.parent


def test_page_says_how_far_the_raters_agree() -> None:
    """Every figure of the page about the ratings, computed again."""
    table = pq.read_table(ROOT / "data" / "reviews_ratings.parquet")
    ids, places = np.unique(table.column("id").to_numpy(zero_copy_only=False), return_inverse=True)
    raters, ratings = table.column("rater").to_numpy(), table.column("rating").to_numpy().astype(np.int64)
    steps = np.full((len(ids), int(raters.max()) + 1), MISSING, dtype=np.int64)
    steps[places, raters] = ratings + 4
    sides = np.full_like(steps, MISSING)
    sides[places, raters] = np.where(ratings == 0, MISSING, ratings > 0)
    page = (ROOT / "docs" / "annotate.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"{(steps >= 0).sum():,} single ratings" in page
    assert f"alpha is {krippendorff_alpha(steps):.3f} when every step" in page
    assert f"{krippendorff_alpha(steps, 'ordinal'):.3f} when their order counts" in page
    level = human_level(sides).accuracy * 100
    assert f"alpha is {krippendorff_alpha(sides):.3f} and the human level {level:.1f} %" in page
