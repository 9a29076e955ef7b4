from __future__ import annotations

import io

import pytest

from robotq.cli.host.menu import arguments_from_menu
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.words import language_of
from robotq.model.texts import Language


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("1\n2\n", ["serve", "--mode", "queue"]),
        ("1\n1\n", ["serve", "--mode", "sync"]),
        ("\n\n", ["serve", "--mode", "queue"]),
        ("", ["serve", "--mode", "queue"]),
        ("1", ["serve", "--mode", "queue"]),
        (" 1 \r\n 1 \r\n", ["serve", "--mode", "sync"]),
        ("x\n9\n1\n0\n1\n", ["serve", "--mode", "sync"]),
        ("2\na.json b.json\n", ["run", "a.json", "b.json"]),
        ("3\n", ["self-test"]),
    ],
)
def test_menu__what_is_typed_becomes_a_command(typed: str, arguments: list[str]) -> None:
    assert arguments_from_menu(io.StringIO(typed)) == arguments


def test_menu__enter_at_the_files_takes_the_sample() -> None:
    command, file = arguments_from_menu(io.StringIO("2\n\n"))
    assert command == "run"
    assert file.endswith("SCAN_QR_CODE_command.json")


def test_menu__wrong_answers_are_asked_again_but_not_for_ever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Failure) as told:
        arguments_from_menu(io.StringIO("x\n" * 1_000))
    assert told.value.code is ExitCode.USAGE
    assert capsys.readouterr().out.count("is not a choice") == 5


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "en_US.UTF-8"}, Language.EN),
        ({"LANG": "C.UTF-8"}, Language.EN),
        ({}, Language.EN),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE"}, Language.EN),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, Language.ZH),
    ],
)
def test_language__is_that_of_the_environment(environ: dict[str, str], language: Language) -> None:
    assert language_of(environ) is language


def test_menu__speaks_chinese_where_the_environment_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    arguments_from_menu(io.StringIO("1\n2\n"))
    shown = capsys.readouterr().out
    assert "HTTP服务器模式" in shown
    assert "队列模式" in shown
