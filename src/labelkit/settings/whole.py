"""The whole of labelkit.toml, and what one class of a multi-label project sees of it."""

from __future__ import annotations

from pydantic import model_validator

from labelkit.errors import named
from labelkit.settings.base import Section
from labelkit.settings.data import DataSection
from labelkit.settings.engine import EngineSection
from labelkit.settings.project import NO, YES, ProjectSection
from labelkit.settings.sections import (
    AnnotateSection,
    ApplySection,
    LearnerSection,
    LineageSection,
    ModelSection,
    PromptSection,
    RunsSection,
    StoreSection,
)

_OF_MULTILABEL = 'goes with kind = "multilabel" under [project]'


class Settings(Section):
    """The whole of labelkit.toml."""

    project: ProjectSection
    data: DataSection
    apply: ApplySection = ApplySection()
    engine: EngineSection = EngineSection()
    model: ModelSection = ModelSection()
    learner: LearnerSection = LearnerSection()
    annotate: AnnotateSection = AnnotateSection()
    runs: RunsSection = RunsSection()
    lineage: LineageSection = LineageSection()
    store: StoreSection = StoreSection()
    prompt: PromptSection = PromptSection()

    @model_validator(mode="after")
    def _gold_fits_the_kind(self) -> Settings:
        columns, classes = self.data.gold_columns, self.project.classes
        if columns and self.project.kind != "multilabel":
            raise ValueError(f"gold_columns under [data] {_OF_MULTILABEL}; name one column as gold")
        if columns and self.data.gold is not None:
            raise ValueError("gold and gold_columns under [data] are two ways to say the same; keep one")
        unknown = [name for name in columns if name not in classes]
        if unknown:
            raise ValueError(f"gold_columns under [data]: {named(unknown)} is no class; classes are {named(classes)}")
        if self.project.kind == "multilabel" and self.engine.name == "spark":
            raise ValueError('[engine] name = "spark" is for projects whose records have one class; use "local" here')
        return self

    def of_class(self, name: str) -> Settings:
        """The settings of the yes-or-no project that one class of a multi-label project is."""
        data, classes = self.data, [NO, YES]
        gold = data.gold_columns.get(name) if data.gold_columns else data.gold
        return self.model_copy(
            update={
                "project": self.project.model_copy(
                    update={"name": f"{self.project.name}.{name}", "classes": classes, "kind": "multiclass"}
                ),
                "data": data.model_copy(update={"gold": gold, "gold_columns": {}}),
                "engine": EngineSection(),
                "annotate": self.annotate.model_copy(update={"keys": {}}),
            }
        )
