"""Files of other tools: what labelkit can write for them, what it can read of them, and what gets lost on the way."""

from labelkit.exchange.formats import FORMATS, Format, format_of
from labelkit.exchange.items import About, Item, Opinion, Vote
from labelkit.exchange.losses import Losses

__all__ = ["FORMATS", "About", "Format", "Item", "Losses", "Opinion", "Vote", "format_of"]
