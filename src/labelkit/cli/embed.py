"""`labelkit embed`."""

from __future__ import annotations

from pathlib import Path

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_report, progress, talk


@click.command()
@project_option
@click.option("--field", metavar="NAME", help="The text to embed.  [default: the first field]")
@click.option(
    "--model",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="A model on this machine, as sentence-transformers saves it.  [default: all-MiniLM-L6-v2, which the extra "
    "labelkit[embed] brings along]",
)
@click.option(
    "--out", metavar="FILE", help="Where to write.  [default: embeddings.parquet, or what labelkit.toml names]"
)
@json_option
@debug_option
def embed(place: Place, field: str | None, model: Path | None, out: str | None, as_json: bool) -> int:  # noqa: FBT001
    """Embed the records' text with a local model.

    Writes a Parquet file of ids and vectors. Name it as `embedding` under [data], and put "embedding" among the fields:
    rules of kind "nearest", the learner, batches of unlike records and near-duplicates then use it. Texts that the
    file knows already are not embedded again. Nothing is downloaded.
    """
    with progress("embedding") as show:
        made = (place.whole() or place.open()).embed(field=field, model=model, out=out, progress=show)
    print_report(made, as_json=as_json)
    talk(f"labelkit: wrote {made.file}")
    if not made.named:
        talk(f'labelkit: to use it: embedding = "{made.file}" under [data], and "embedding" among the fields')
    return 0
