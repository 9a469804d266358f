"""Loading the files of labeling_functions/: order, helpers, and precise words about what fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from casting import CLASSES, cast
from labelkit.errors import FunctionError
from labelkit.labeling import LabelingFunction, load_functions
from labelkit.labeling.functions import checked_functions

ONE = "import labelkit as lk\n\n@lk.labeling_function()\ndef {name}(x):\n    return {vote}\n"


class Folder:
    """A folder labeling_functions/ whose files a test writes."""

    def __init__(self, root: Path) -> None:
        self.path = root / "labeling_functions"
        self.path.mkdir()

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text, encoding="utf-8")

    def load(self) -> tuple[LabelingFunction, ...]:
        return load_functions(self.path, ["text"], CLASSES)

    def names(self) -> list[str]:
        return [function.name for function in self.load()]

    def refused(self) -> str:
        with pytest.raises(FunctionError) as caught:
            self.load()
        return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def votes(functions: tuple[LabelingFunction, ...], texts: list[str]) -> Any:
    return cast(functions, {"text": texts})[0].tolist()


def test_functions_come_by_file_name_and_then_by_definition(folder: Folder) -> None:
    """The order of the columns is the same on every machine."""
    folder.write("b.py", ONE.format(name="later", vote=1) + ONE.format(name="earlier", vote=0))
    folder.write("a.py", ONE.format(name="z", vote=1))
    folder.write("B.py", ONE.format(name="capital", vote=1))
    assert folder.names() == ["capital", "z", "later", "earlier"]


def test_functions_know_where_they_are_defined(folder: Folder) -> None:
    """Folder, file and line, for row functions, rules and Snorkel's functions alike."""
    folder.write(
        "a.py",
        "import labelkit as lk\nfrom snorkel.labeling import labeling_function\n\n"
        "@lk.labeling_function()\ndef row(x):\n    return 1\n\n"
        "@labeling_function()\ndef snorkels(x):\n    return 1\n\n"
        'rule = lk.rules.keywords("rule", ["a"], field="text", label=1)\n',
    )
    assert {function.name: function.place for function in folder.load()} == {
        "row": "labeling_functions/a.py:4",
        "snorkels": "labeling_functions/a.py:8",
        "rule": "labeling_functions/a.py:12",
    }


def test_a_helper_is_imported_and_not_searched(folder: Folder) -> None:
    """`_words.py` serves the other files; a function in it that nobody imports is no labeling function."""
    folder.write("_words.py", 'WORDS = {"good"}\n' + ONE.format(name="hidden", vote=1))
    folder.write(
        "a.py",
        "import labelkit as lk\nfrom _words import WORDS\n\n@lk.labeling_function()\ndef praises(x):\n"
        "    return 1 if WORDS & set(x.text.split()) else lk.ABSTAIN\n",
    )
    loaded = folder.load()
    assert [function.name for function in loaded] == ["praises"]
    assert votes(loaded, ["good", "bad"]) == [[1], [-1]]


def test_files_may_import_one_another(folder: Folder) -> None:
    """A function that another file imports counts once, as does one that a helper defines for two files."""
    folder.write("_shared.py", ONE.format(name="shared", vote=1))
    folder.write("a.py", "from b import own\nfrom _shared import shared\n")
    folder.write("b.py", "from _shared import shared\n" + ONE.format(name="own", vote=0))
    assert sorted(folder.names()) == ["own", "shared"]


def test_files_may_import_one_another_as_a_package(folder: Folder) -> None:
    """With a dot before the name, too, and a file imported by another is not loaded twice."""
    folder.write("_words.py", "VOTE = 1\n")
    folder.write("a.py", "from .b import own\nfrom ._words import VOTE\n" + ONE.format(name="f", vote="VOTE"))
    folder.write("b.py", "from . import _words\n" + ONE.format(name="own", vote="_words.VOTE"))
    loaded = folder.load()
    assert [function.name for function in loaded] == ["own", "f"]
    assert votes(loaded, ["x"]) == [[1, 1]]


def test_two_names_for_one_rule_are_one_rule(folder: Folder) -> None:
    """A variable that is bound twice counts once."""
    folder.write(
        "a.py",
        "import labelkit as lk\n"
        'first = lk.rules.keywords("r", ["a"], field="text", label=1)\nsecond = first\n'
        "@lk.labeling_function()\ndef f(x):\n    return 1\n\ng = f\n",
    )
    assert folder.names() == ["r", "f"]


def test_rules_made_in_a_loop_are_several(folder: Folder) -> None:
    """Functions that a file makes at one line are told apart by name."""
    folder.write(
        "a.py",
        "import labelkit as lk\n"
        "for word in ['a', 'b']:\n"
        "    globals()[word] = lk.rules.keywords(f'has {word}', [word], field='text', label=1)\n",
    )
    assert folder.names() == ["has a", "has b"]


def test_other_things_in_a_file_are_left_alone(folder: Folder) -> None:
    """Plain functions, classes, modules, preprocessors, and objects that answer to everything."""
    folder.write(
        "a.py",
        "import json\nimport labelkit as lk\nfrom snorkel.labeling import LabelingFunction, labeling_function\n\n"
        "class Odd:\n    def __getattr__(self, name):\n        return self\n\nodd = Odd()\n"
        "@lk.preprocessor()\ndef pre(x):\n    return x\n\ndef plain(x):\n    return 1\n\n"
        + ONE.format(name="f", vote=1).partition("\n")[2],
    )
    assert folder.names() == ["f"]


def test_no_bytecode_is_left_behind(folder: Folder) -> None:
    """Loading writes nothing into the project, helpers included, and forgets how Python was set."""
    folder.write("_words.py", "WORDS = 1\n")
    folder.write("a.py", "import _words\n" + ONE.format(name="f", vote=1))
    before, path = sys.dont_write_bytecode, list(sys.path)
    sys.dont_write_bytecode = False
    try:
        folder.load()
        assert sys.dont_write_bytecode is False
    finally:
        sys.dont_write_bytecode = before
    assert sorted(item.name for item in folder.path.rglob("*")) == ["_words.py", "a.py"]
    assert sys.path == path


def test_loading_again_sees_an_edit(folder: Folder) -> None:
    """In the file and in its helper, however soon after."""
    folder.write("_words.py", "VOTE = 0\n")
    folder.write("a.py", "from _words import VOTE\n" + ONE.format(name="f", vote="VOTE"))
    assert votes(folder.load(), ["x"]) == [[0]]
    folder.write("_words.py", "VOTE = 1\n")
    assert votes(folder.load(), ["x"]) == [[1]]
    folder.write("a.py", ONE.format(name="g", vote=0))
    assert folder.names() == ["g"]
    assert votes(folder.load(), ["x"]) == [[0]]


def test_two_projects_do_not_share_helpers(tmp_path: Path) -> None:
    """Two folders with a `_words.py` each: every function has its own."""
    both = []
    for vote in (0, 1):
        (tmp_path / str(vote)).mkdir()
        made = Folder(tmp_path / str(vote))
        made.write("_words.py", f"VOTE = {vote}\n")
        made.write("a.py", "from _words import VOTE\n" + ONE.format(name="f", vote="VOTE"))
        both.append(made.load())
    assert [votes(functions, ["x"]) for functions in both] == [[[0]], [[1]]]


def test_a_file_does_not_hide_an_installed_module(folder: Folder) -> None:
    """A file called email.py or numpy.py is a file of functions, and `import email` stays Python's."""
    for name in ("email", "numpy", "statistics", "token"):
        folder.write(f"{name}.py", ONE.format(name=f"f_{name}", vote=1))
    folder.write(
        "z.py", "import email.message, numpy, statistics, token\n" + ONE.format(name="f", vote="int(numpy.int8(1))")
    )
    loaded = folder.load()
    assert len(loaded) == 5
    assert votes(loaded, ["x"]) == [[1] * 5]


def test_classes_of_a_file_can_be_pickled_while_functions_run(folder: Folder) -> None:
    """Snorkel's mappers pickle rows, and what an earlier one put on them."""
    folder.write("_tokens.py", "class Token:\n    pass\n")
    folder.write(
        "a.py",
        "import pickle, dataclasses\nfrom _tokens import Token\nimport labelkit as lk\n\n"
        "@dataclasses.dataclass\nclass Own:\n    n: int\n\n"
        "@lk.labeling_function()\ndef f(x):\n"
        "    pickle.loads(pickle.dumps(Token()))\n    return pickle.loads(pickle.dumps(Own(1))).n\n",
    )
    assert votes(folder.load(), ["x"]) == [[1]]


def test_a_relative_folder_will_do(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name lines also when the folder is given from here."""
    monkeypatch.chdir(folder.path.parent)
    folder.write("a.py", "x = 1\ny = 1 / 0\n")
    with pytest.raises(FunctionError, match=r"^labeling_functions/a.py:2: ZeroDivisionError: division by zero$"):
        load_functions(Path("labeling_functions"), ["text"], CLASSES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (\n", "labeling_functions/a.py:1: '(' was never closed"),
        ("\n\ndef f(:\n", "labeling_functions/a.py:3: invalid syntax"),
        ("  x = 1\n", "labeling_functions/a.py:1: unexpected indent"),
        ("x = 1\nimport nowhere\n", "labeling_functions/a.py:2: ModuleNotFoundError: No module named 'nowhere'"),
        ("\nfrom json import nothing\n", "labeling_functions/a.py:2: ImportError: cannot import name 'nothing'"),
        ("import sys\nsys.exit(0)\n", "labeling_functions/a.py:2: SystemExit: 0"),
        ("import sys\nsys.exit()\n", "labeling_functions/a.py:2: SystemExit: "),
        ("raise GeneratorExit\n", "labeling_functions/a.py:1: GeneratorExit: "),
        ("raise ValueError('a\\nb')\n", "labeling_functions/a.py:1: ValueError: a"),
        ("raise ValueError('\\x1b[2J')\n", r"labeling_functions/a.py:1: ValueError: \x1b[2J"),
        ("eval('1 +')\n", "labeling_functions/a.py:1: SyntaxError: invalid syntax (<string>, line 1)"),
        (
            "class E(Exception):\n    def __str__(self):\n        raise RuntimeError\n\nraise E\n",
            "labeling_functions/a.py:5: E: ",
        ),
        ("def f():\n    1 / 0\n\nf()\n", "labeling_functions/a.py:2: ZeroDivisionError: division by zero"),
        (
            "import labelkit as lk\n\nlk.rules.pattern('p', '(', field='text', label=1)\n",
            'labeling_functions/a.py:3: rule "p": not a regular expression: missing ), unterminated subpattern',
        ),
        (
            "import labelkit as lk\n\n@lk.labeling_function\ndef f(x):\n    return 1\n",
            "labeling_functions/a.py:3: TypeError: labeling_function takes parentheses: @labeling_function()",
        ),
        (
            "import labelkit as lk\nr = lk.rules.keywords('r', ['a'], field='txt', label=1)\n",
            'labeling_functions/a.py:2: rule "r": no field "txt"; functions see "text"',
        ),
        (
            "import labelkit as lk\nr = lk.rules.keywords('r', ['a'], field='text', label='spm')\n",
            "labeling_functions/a.py:2: rule \"r\": no class 'spm'; classes are 0 = ham, 1 = spam",
        ),
        ("", "labeling_functions/: no labeling function in any .py or .toml file of it"),
        ("x = 1\n", "labeling_functions/: no labeling function in any .py or .toml file of it"),
    ],
)
def test_a_file_that_does_not_load_is_named_with_its_line(folder: Folder, text: str, message: str) -> None:
    """Syntax errors, failing imports, `sys.exit` at import, rules that make no sense: never a traceback."""
    folder.write("a.py", text)
    assert folder.refused().startswith(message)


def test_a_helper_that_does_not_load_is_named_itself(folder: Folder) -> None:
    """The line in the helper, not the line that imports it."""
    folder.write("a.py", "\nimport _words\n")
    folder.write("_words.py", "\n\n1 / 0\n")
    assert folder.refused() == "labeling_functions/_words.py:3: ZeroDivisionError: division by zero"
    folder.write("_words.py", "\nx = (\n")
    assert folder.refused() == "labeling_functions/_words.py:2: '(' was never closed"


def test_a_file_that_is_no_text_is_named(folder: Folder) -> None:
    """Bytes that are no UTF-8, and a NUL."""
    (folder.path / "a.py").write_bytes(b"x = 1\ny = '\xff'\n")
    assert folder.refused().startswith("labeling_functions/a.py:")
    (folder.path / "a.py").write_bytes(b"x = '\0'\n")
    assert folder.refused().startswith("labeling_functions/a.py")


def test_all_files_that_fail_are_named_at_once(folder: Folder) -> None:
    """One run tells of every broken file, and none of them is half loaded."""
    folder.write("a.py", "1 / 0\n")
    folder.write("b.py", ONE.format(name="f", vote=1))
    folder.write("c.py", "x = (\n")
    assert folder.refused() == (
        "labeling_functions/a.py:1: ZeroDivisionError: division by zero\n"
        "labeling_functions/c.py:1: '(' was never closed"
    )


def test_one_name_for_two_functions_is_refused(folder: Folder) -> None:
    """Both places are named, within a file and between files."""
    folder.write("a.py", ONE.format(name="f", vote=1))
    folder.write("b.py", ONE.format(name="f", vote=0))
    assert folder.refused() == (
        'two labeling functions are called "f" (labeling_functions/a.py:3, labeling_functions/b.py:3); '
        "give each its own name"
    )


def test_rules_of_one_name_made_in_a_loop_are_refused(folder: Folder) -> None:
    """A forgotten name does not silently drop all rules but one."""
    folder.write(
        "a.py",
        "import labelkit as lk\n"
        "for word in ['a', 'b']:\n"
        "    globals()[word] = lk.rules.keywords('has', [word], field='text', label=1)\n",
    )
    assert folder.refused() == (
        'two labeling functions are called "has" (labeling_functions/a.py:3, labeling_functions/a.py:3); '
        "give each its own name"
    )


@pytest.mark.parametrize("name", ["", "id"])
def test_names_that_cannot_be_columns_are_refused(name: str) -> None:
    """Votes are kept beside the column of ids."""
    from casting import returning

    function = LabelingFunction(name, "row", returning(1).vote)
    with pytest.raises(FunctionError, match=rf"a labeling function cannot be called '{name}'"):
        checked_functions([function])


@pytest.mark.parametrize("candidate", [len, 5, None, "f", LabelingFunction, lambda x: 1])
def test_what_is_no_labeling_function_is_refused(candidate: Any) -> None:
    """With the way to make it one."""
    with pytest.raises(
        FunctionError, match=r"is no labeling function; decorate it with @labelkit.labeling_function\(\)"
    ):
        checked_functions([candidate])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """And a file in its place is no folder."""
    message = "labeling_functions/: no such folder; labeling functions are .py and .toml files in it"
    with pytest.raises(FunctionError) as caught:
        load_functions(tmp_path / "labeling_functions", ["text"], CLASSES)
    assert str(caught.value) == message
    (tmp_path / "labeling_functions").touch()
    with pytest.raises(FunctionError) as caught:
        load_functions(tmp_path / "labeling_functions", ["text"], CLASSES)
    assert str(caught.value) == message


def test_hidden_files_and_other_endings_are_not_loaded(folder: Folder) -> None:
    """Editors leave files behind."""
    folder.write("a.py", ONE.format(name="f", vote=1))
    for name in (".a.py", "a.py~", "a.txt", "_a.py", "__init__.py"):
        folder.write(name, "1 / 0\n")
    folder.write("sub/b.py", "1 / 0\n")
    assert folder.names() == ["f"]


def test_ctrl_c_while_loading_is_obeyed(folder: Folder) -> None:
    """An interrupt is no error of the file."""
    folder.write("a.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        folder.load()


def test_loading_needs_no_heavy_library(folder: Folder) -> None:
    """Functions in labelkit's own style load without torch, Snorkel, pandas or scikit-learn."""
    folder.write("a.py", ONE.format(name="f", vote=1))
    code = (
        "import sys; from pathlib import Path; from labelkit.labeling import load_functions\n"
        f"load_functions(Path({str(folder.path)!r}), ['text'], ['ham', 'spam'])\n"
        "print(sorted({'torch', 'snorkel', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_loaded_function_is_a_plain_value(folder: Folder) -> None:
    """It can be called by hand on anything with the fields."""
    folder.write("a.py", ONE.format(name="f", vote="x.text.count('a')"))
    (function,) = folder.load()
    from types import SimpleNamespace

    assert function(SimpleNamespace(text="aa")) == 2
    assert function.kind == "row"
