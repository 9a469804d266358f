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
    hash_parts,
    hash_tree,
)
from labelkit.lineage.git import GitState, files_at, git_state
from labelkit.lineage.runs import Run, RunStore, library_versions, versions_of
from labelkit.lineage.schema import run_schema
from labelkit.lineage.urls import public_url, without_login

__all__ = [
    "CHUNK_ROWS",
    "DataFingerprint",
    "GitState",
    "Run",
    "RunStore",
    "canonical_column",
    "canonical_type",
    "chunk_fingerprint",
    "column_digests",
    "files_at",
    "git_state",
    "hash_bytes",
    "hash_file",
    "hash_json",
    "hash_parts",
    "hash_tree",
    "library_versions",
    "public_url",
    "run_schema",
    "versions_of",
    "without_login",
]
