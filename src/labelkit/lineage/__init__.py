"""Fingerprints and run records: where a label came from."""

from labelkit.lineage.fingerprints import (
    CHUNK_ROWS,
    DataFingerprint,
    canonical_column,
    canonical_type,
    chunk_fingerprint,
    column_digests,
    hash_bytes,
    hash_file,
    hash_json,
    hash_tree,
)
from labelkit.lineage.runs import Run, RunStore, library_versions

__all__ = [
    "CHUNK_ROWS",
    "DataFingerprint",
    "Run",
    "RunStore",
    "canonical_column",
    "canonical_type",
    "chunk_fingerprint",
    "column_digests",
    "hash_bytes",
    "hash_file",
    "hash_json",
    "hash_tree",
    "library_versions",
]
