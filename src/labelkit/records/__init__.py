"""Records: strict readers that give the same rows, ids and fingerprint whatever the format."""

from labelkit.records.base import Records
from labelkit.records.opening import open_records, read, read_sql

__all__ = ["Records", "open_records", "read", "read_sql"]
