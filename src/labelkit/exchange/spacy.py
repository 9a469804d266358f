"""spaCy: a DocBin (`.spacy`) of documents with text categories, as `spacy train` reads it.

Format: https://spacy.io/api/docbin. `doc.cats` is 1 for the labels and 0 for other classes: spaCy's text categorizer
refuses to learn from anything between, and leaves out what `cats` does not name, as it does undecided classes. Id,
source and confidence travel in the user data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelkit.errors import ConfigError, DataError, visible
from labelkit.exchange.items import About, Item, Opinion, as_text, certainty
from labelkit.exchange.json_files import open_file
from labelkit.exchange.losses import Losses
from labelkit.files import machine_errors, write_bytes

_ID, _SOURCE, _CONFIDENCE = "labelkit_id", "labelkit_source", "labelkit_confidence"


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write the labelled records as documents of spaCy's language-independent tokenizer."""
    spacy = _library()
    field, nlp = about.text_field, spacy.blank("xx")
    nlp.max_length = 2**31
    documents = spacy.tokens.DocBin(attrs=["ORTH", "SPACY"], store_user_data=True)
    for item in items:
        if item.labels is None:
            losses.add("records without a label", item.id, "a document is for training")
            continue
        losses.add("votes, answers and other probabilities", item.id, "a document has labels with one confidence")
        doc = nlp.make_doc(as_text(item.fields.get(field)))
        doc.cats = {name: float(name in item.labels) for name in about.classes if name not in item.undecided}
        doc.user_data.update({_ID: item.id, _SOURCE: item.source, _CONFIDENCE: item.confidence})
        documents.add(doc)
    write_bytes(path, documents.to_bytes())
    return len(documents)


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read documents: a category of score 1 beside zeros is an answer, other scores are the model's."""
    spacy = _library()
    with machine_errors(path):
        content = open_file(path).read_bytes()
    try:
        documents = spacy.tokens.DocBin(store_user_data=True).from_bytes(content)
        docs = list(documents.get_docs(spacy.blank("xx").vocab))
    except Exception as error:
        raise DataError(f"{visible(path.name)}: not a DocBin of spaCy ({type(error).__name__})") from error
    for number, doc in enumerate(docs, 1):
        place = f"{visible(path.name)}: document {number}"
        undecided = tuple(name for name in about.classes if about.several and name not in doc.cats)
        losses.add("entities and spans", place, "labelkit knows classes of whole records only", len(doc.ents))
        scores = {str(name): float(score) for name, score in doc.cats.items()}
        labels, certain = _labels(scores, about)
        human = labels is not None and doc.user_data.get(_SOURCE, "human" if certain else "model") == "human"
        least = certainty(scores.values()) if about.several else max(scores.values(), default=None)
        yield Item(
            str(doc.user_data.get(_ID, "")),
            {about.text or "text": doc.text},
            labels=None if human else labels,
            confidence=None if human else _number(doc.user_data.get(_CONFIDENCE, least)),
            source="model" if labels is not None and not human else "none",
            undecided=() if human or labels is None else undecided,
            opinions=(Opinion(labels, "", undecided=undecided),) if human else (),
            place=place,
        )


def _labels(scores: dict[str, float], about: About) -> tuple[tuple[str, ...] | None, bool]:
    """The labels that scores speak for, and whether they leave no doubt."""
    if not scores:
        return None, False
    if about.several:
        return tuple(name for name, score in scores.items() if score >= 0.5), set(scores.values()) <= {0.0, 1.0}
    best = max(scores, key=lambda name: scores[name])
    return (best,), scores[best] == 1.0 and sum(scores.values()) == 1.0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _library() -> Any:
    try:
        import spacy
        import spacy.tokens
    except ImportError as error:
        raise ConfigError('spaCy is not installed; install it with `pip install "labelkit[spacy]"`') from error
    return spacy
