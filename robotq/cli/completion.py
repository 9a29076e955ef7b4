"""Teaches a shell to complete commands and options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from robotq.cli.listing import COMMANDS as NAMES
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.parse import Command, Group

Find: TypeAlias = Callable[[Sequence[str]], Callable[[Sequence[str]], None]]
"""What words name."""

_BASH = """\
_robotq() {
    mapfile -t COMPREPLY < <(compgen -W "$(robotq --complete "${COMP_WORDS[@]:1:COMP_CWORD}")" \\
        -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _robotq robotq
"""
_ZSH = """\
#compdef robotq
_robotq() {
    local -a found
    found=(${(f)"$(robotq --complete "${(@)words[2,$CURRENT]}")"})
    compadd -a found
    _files
}
if [ "$funcstack[1]" = "_robotq" ]; then _robotq; else compdef _robotq robotq; fi
"""
_FISH = """\
complete -c robotq -a '(robotq --complete (commandline -opc)[2..-1] (commandline -ct))'
"""
_SHELLS: Mapping[str, tuple[str, str]] = {
    "bash": (_BASH, ".local/share/bash-completion/completions/robotq"),
    "zsh": (_ZSH, ".zfunc/_robotq"),
    "fish": (_FISH, ".config/fish/completions/robotq.fish"),
}


def candidates(find: Find, words: Sequence[str]) -> Sequence[str]:
    """What may stand in place of the last word."""
    *before, word = words or [""]
    if not before:
        return [name for name in NAMES if name.startswith(word)]
    if before[0] not in NAMES:
        return ()
    called = find(before)
    if isinstance(called, Group):
        if len(before) == 1:
            return list(called.commands)
        called = called.commands.get(before[1], called)
    if not isinstance(called, Command):
        return ()
    options = [name for one in called.parameters if one.is_option for name in one.yes + one.no]
    return [name for name in (*options, "--help") if word and name.startswith(word)]


def _complete(find: Find, words: Sequence[str]) -> None:
    print(*candidates(find, words), sep="\n")


def _show(_: Find, words: Sequence[str]) -> None:
    print(_script(words)[0], end="")


def _install(_: Find, words: Sequence[str]) -> None:
    script, place = _script(words)
    file = Path.home() / place
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}") from error
    print(f"Written to {file}; it counts in every shell that is started from now on.")
    if place.startswith(".zfunc"):
        print(
            "zsh looks there where ~/.zshrc says: fpath+=~/.zfunc; autoload -Uz compinit; compinit"
        )


def _script(words: Sequence[str]) -> tuple[str, str]:
    shell = words[0] if words else Path(os.environ.get("SHELL", "")).name
    if shell not in _SHELLS:
        told = f"nothing is written for the shell {shell[:40]!r}; there is {', '.join(_SHELLS)}"
        raise Failure(told, ExitCode.USAGE)
    return _SHELLS[shell]


COMMANDS: Mapping[str, Callable[[Find, Sequence[str]], None]] = {
    "--complete": _complete,
    "--show-completion": _show,
    "--install-completion": _install,
}
"""What stands in place of a command; the shells call the first one."""
