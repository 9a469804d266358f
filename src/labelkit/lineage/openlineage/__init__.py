"""Runs as OpenLineage events: built with the client's own models, kept until they are delivered.

Source: the OpenLineage specification 2-0-2 and its facets, by way of openlineage-python.
"""

from labelkit.lineage.openlineage.facts import Check, Code, Dataset, Event, Kind, Origin, new_execution
from labelkit.lineage.openlineage.outbox import Outbox, Undelivered

__all__ = ["Check", "Code", "Dataset", "Event", "Kind", "Origin", "Outbox", "Undelivered", "new_execution"]
