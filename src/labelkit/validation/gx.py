"""Great Expectations behind three calls: which expectation types exist, build one, run many on a frame.

GX prints, warns, logs and shows progress bars as it pleases; nothing of that reaches the user. It is imported on the
first call, for it takes seconds. What it answers is judged elsewhere: a result is handed on as it is.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

KEY = "labelkit.key"

Results: TypeAlias = dict[str, list[Any]]
"""Key of a probe -> what GX said of it: a validation result each, or the exception it raised. One item is right."""


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Keep GX's prints, warnings, progress bars and log lines from the user for the block."""
    log = logging.getLogger("great_expectations")
    spark = logging.getLogger("DataFrameQueryContextLogger")  # pyspark's, which writes stack traces to stderr
    propagate, handler, level = log.propagate, logging.NullHandler(), spark.level
    log.propagate = False
    spark.setLevel(logging.CRITICAL)
    log.addHandler(handler)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
        spark.setLevel(level)


def expectation_types() -> Mapping[str, type]:
    """GX's own expectations by type name. Classes that somebody registered under these names are left out."""
    with silenced():
        import great_expectations.expectations as own
        from great_expectations.expectations.registry import (
            get_expectation_impl,
            list_registered_expectation_implementations,
        )

        found = {name: get_expectation_impl(name) for name in list_registered_expectation_implementations()}
    return {name: kind for name, kind in found.items() if kind in vars(own).values()}


def build(type_name: str, kwargs: Mapping[str, Any], **about: Any) -> Any:
    """Build one expectation object. Raises what GX raises, a pydantic error for wrong keywords among it."""
    with silenced():
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        return ExpectationConfiguration(type=type_name, kwargs=dict(kwargs), **about).to_domain_obj()


def where_one(column: str) -> Any:
    """A row condition: the rows where a column is 1."""
    from great_expectations.expectations.row_conditions import Column

    return Column(column) == 1


def in_set(expectation: Any, column: str, values: Sequence[Any]) -> Any:
    """What an expectation on single values asks, asked of another column: that its values are in a set."""
    about = {"mostly": expectation.mostly, "row_condition": expectation.row_condition}
    return build("expect_column_values_to_be_in_set", {"column": column, "value_set": list(values), **about})


def validation_errors(error: Exception) -> list[dict[str, Any]]:
    """The single problems in an error of `build`, as pydantic lists them; empty for any other error."""
    listing = getattr(error, "errors", None)
    return list(listing()) if callable(listing) else []


def evaluate(frame: Any, probes: Mapping[str, Any]) -> Results:
    """Run expectations on a pandas frame in one call of GX.

    `probes` maps a key to an expectation. Errors that GX raises out of the call are pinned to their expectation by
    running each alone. A key that GX did not answer has an empty list.
    """
    complete = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
    with silenced(), _context() as context:
        return _run(_batch(context.data_sources.add_pandas("labelkit"), frame), list(probes.items()), complete)


def evaluate_on_spark(frame: Any, probes: Mapping[str, Any], row: str, most: int) -> Results:
    """The same on a Spark DataFrame, with GX's Spark engine; `row` is the column that numbers its rows.

    A result holds the numbers of at most `most` rows that fail, as `unexpected_index_list`. Metrics of all probes are
    gathered in as few jobs as GX can.
    """
    some = {
        "result_format": "SUMMARY",
        "return_unexpected_index_query": False,
        "unexpected_index_column_names": [row],
        "partial_unexpected_count": most,
    }
    with silenced(), _context() as context:
        source = context.data_sources.add_spark("labelkit", persist=False)
        answers = _run(_batch(source, frame), list(probes.items()), some)
    for answer in (each for given in answers.values() for each in given if not isinstance(each, Exception)):
        rows = [entry[row] for entry in answer.result.get("partial_unexpected_index_list") or []]
        answer.result["unexpected_index_list"] = sorted(rows)
    return answers


def _batch(source: Any, frame: Any) -> Any:
    asset = source.add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})


def _run(batch: Any, probes: Sequence[tuple[str, Any]], result_format: Mapping[str, Any]) -> Results:
    import great_expectations as gx

    answers: Results = {key: [] for key, _ in probes}
    marked = [probe.copy(update={"id": None, "meta": {KEY: key}}) for key, probe in probes]
    try:
        suite = gx.ExpectationSuite(name="labelkit", expectations=marked)
        results = batch.validate(suite, result_format=dict(result_format)).results
    except Exception as error:  # noqa: BLE001 - GX raises whatever a metric raised; it becomes the outcome
        if len(probes) == 1:
            return {probes[0][0]: [error]}
        return {key: answer for probe in probes for key, answer in _run(batch, [probe], result_format).items()}
    for result in results:
        answers.setdefault((result.expectation_config.meta or {}).get(KEY, ""), []).append(result)
    return answers


@contextlib.contextmanager
def _context() -> Iterator[Any]:
    """A context in memory, whatever GX_CLOUD_* says; one that the caller had made current is current again after."""
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import project_manager
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    from great_expectations.exceptions import DataContextError

    try:
        current = project_manager.get_current_project()
    except DataContextError:
        current = None
    in_memory = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)  # no temporary folder is left behind
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=in_memory))
    context.variables.progress_bars = {"globally": False}
    try:
        yield context
    finally:
        project_manager.set_project(current)
