"""What labelkit.toml says: its sections."""

from labelkit.settings.base import FILE_NAME
from labelkit.settings.data import AUGMENTED_FROM, EMBEDDING, SPARK, DataSection
from labelkit.settings.engine import EngineSection
from labelkit.settings.project import FOLDER_RULE, MAX_CLASSES, NO, YES, unfit_for_folders
from labelkit.settings.sections import PromptSection
from labelkit.settings.whole import Settings

__all__ = [
    "AUGMENTED_FROM",
    "EMBEDDING",
    "FILE_NAME",
    "FOLDER_RULE",
    "MAX_CLASSES",
    "NO",
    "SPARK",
    "YES",
    "DataSection",
    "EngineSection",
    "PromptSection",
    "Settings",
    "unfit_for_folders",
]
