"""Whether a training job may run: suites of expectations, the facts they judge, the gate, its verdict."""

from labelkit.validation.facts import Evidence, RunFacts, fact_tables
from labelkit.validation.gate import judge
from labelkit.validation.standalone import validate
from labelkit.validation.suites import TABLES, Suite, load_suite, load_suites, read_by
from labelkit.validation.verdict import Outcome, Verdict

__all__ = [
    "TABLES",
    "Evidence",
    "Outcome",
    "RunFacts",
    "Suite",
    "Verdict",
    "fact_tables",
    "judge",
    "load_suite",
    "load_suites",
    "read_by",
    "validate",
]
