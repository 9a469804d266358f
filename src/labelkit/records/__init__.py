"""Records: strict readers that give the same rows, ids and fingerprint whatever the format."""

from labelkit.records.base import Records
from labelkit.records.opening import numbered, open_records, read, read_sql

__all__ = ["Records", "numbered", "open_records", "read", "read_sql"]
