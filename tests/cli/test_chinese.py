"""The command line in Chinese: every text of its help, and every word that it says itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from robotq.cli import COMMANDS, command_line
from robotq.cli.listing import GROUPS
from robotq.cli.shared.parse import Command, Group
from robotq.cli.shared.words import _WORDS, _help_in_chinese

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def texts() -> Iterator[str]:
    for name in COMMANDS:
        called = command_line([name])
        commands = [called]
        if isinstance(called, Group):
            yield called.text
            commands = list(called.commands.values())
        for command in commands:
            assert isinstance(command, Command)
            yield command.text
            yield from (one.info.help for one in command.parameters if one.info.help)


def test_help__has_every_text_in_chinese_and_none_that_nobody_shows() -> None:
    shown, known = set(texts()), _help_in_chinese()
    assert shown - known.keys() == set()
    assert known.keys() - shown == set()
    # numbers and names of states are the same in both
    same = [text for text, zh in known.items() if not _CHINESE.search(zh)]
    assert same == []
    for title, commands in GROUPS.items():
        for text in (title[1], *(one.zh for one in commands.values())):
            assert _CHINESE.search(text), text


def test_help__keeps_what_is_typed() -> None:
    """Options, variables and values are words of the program in every language."""
    for text, zh in _help_in_chinese().items():
        typed = re.findall(r"--[a-z-]+|ROBOTQ_|[A-Z]{3,}_[A-Z]+|\{\w+\}|robotq [a-z-]+", text)
        assert [word for word in typed if word not in zh and word != "robotq backup."] == [], text


def test_words__have_both_languages_and_the_same_places_for_values() -> None:
    for code, (zh, en) in _WORDS.items():
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), code
        letters = re.sub(r"\{\w+\}|robotq [a-z{} '_-]+", "", zh)
        if re.search(r"[A-Za-z]{4}", re.sub(r"\{\w+\}", "", en)):
            assert _CHINESE.search(letters), code
