"""A shell script as the servers that it would run: variables are followed, nothing is ever run.

Commands are read in their order, both branches of a condition included. What only running would tell, such
as the output of most commands, is unknown; it matters only where the server's settings depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from pathlib import Path, PurePosixPath

from stanlocal.imports.container_run import ContainerRun, container_run, on_machine
from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.server_command import base, server_command, unwrapped
from stanlocal.imports.shell_command import ShellCommand, reads_script, shell_command
from stanlocal.imports.shell_output import PRINTS, output
from stanlocal.imports.shell_parser import Block, Function, Group, Loop, Output, Parser, Simple
from stanlocal.imports.shell_variables import LONGEST, Budget, Variables, is_assignment, laid_over
from stanlocal.imports.shell_words import Lexer, Token
from stanlocal.natsconf import ConfError, Place

_TOKENS = 20_000
"""Number of words and operators of a script."""
_SHEBANG = re.compile(r"#![^\n]*sh\b")
_DECLARES = frozenset(("export", "readonly", "declare", "typeset", "local"))
_SILENT = frozenset(
    ("cd", "mkdir", "chmod", "chown", "touch", "rm", "cp", "mv", "ln", "sleep", "wait", "true", ":", "test")
)
"""Commands that print nothing, or nothing that matters."""
_APPLY = frozenset(("kubectl", "oc", "docker", "docker-compose", "podman"))
"""Commands whose input is a deployment."""
_PROMPTS = frozenset(("$", "%", "?"))
"""First words that are no command: a documented command's prompt, an unset variable."""

Read = Callable[[str], GivenFile | None]


@dataclass(frozen=True, slots=True)
class Started:
    """A server that a script, or a command line, starts."""

    place: Place
    arguments: Sequence[Word]
    environment: Mapping[str, str]
    read: Read
    """Returns the file that the server reads at a path."""
    title: str = ""
    """Name of its container, where it has one."""
    count: int = 1


class Shell:
    """The reader of one script, or of a command line, and of the scripts that it reads or runs in turn."""

    def __init__(
        self,
        environ: Mapping[str, str],
        read: Read = lambda path: None,
        folder: Path = Path(),
        *,
        within: Shell | None = None,
    ) -> None:
        """Take the variables that the script gets, and a function that returns the file at a path.

        `folder` is that of the script's own file. `within` is the shell whose script runs this one in a
        container.
        """
        self.servers: list[Started] = []
        self.written: dict[str, GivenFile] = {}
        """Files that the script writes."""
        self._folder = folder
        self._read = read
        self._budget: Budget = Budget() if within is None else within._budget
        self._variables = Variables(environ, self._budget, self._printed_by)
        self._functions: dict[str, Block] = {}
        self._running: list[str] = [] if within is None else within._running
        """Names of the files whose scripts run."""
        self._captured: list[list[str | None]] = []
        """Outputs of the commands, for each group of them whose output is used."""
        self._input: str | None = None
        """Output of the command before, where the next one reads it."""

    def run(
        self, text: str, where: Callable[[int, int], Place], arguments: Sequence[Word] | None = None
    ) -> None:
        """Follow the script's commands; raises `ConfError` for what is no shell script, or too large."""
        if arguments is not None:
            self._variables.positional = arguments
        if len(text) > LONGEST:
            raise ConfError(where(1, 1), f"the script has more than {LONGEST} characters")
        self._budget.take(len(text), where(1, 1))
        tokens = list(islice(Lexer(text, where).tokens(), _TOKENS + 1))
        if len(tokens) > _TOKENS:
            raise ConfError(tokens[-1].place, f"the script has more than {_TOKENS} words")
        self._block(Parser(tokens).block())

    def start(self, words: Sequence[Word]) -> None:
        """Follow a command line that is no script's; raises `ConfError` as `run` does."""
        if words:
            self._command(words, {}, words[0].place)

    def file(self, path: str) -> GivenFile | None:
        """Return the file at a path: one that the script writes, or else one that is there."""
        if path in self.written:
            return self.written[path]
        name = PurePosixPath(path).name
        written = (file for each, file in self.written.items() if name and PurePosixPath(each).name == name)
        return next(written, None) or self._read(path)

    # Commands

    def _block(self, block: Block) -> None:
        for statement in block:
            if isinstance(statement, Function):
                self._functions[statement.name] = statement.body
            elif isinstance(statement, Loop):
                for word in [each for token in statement.words for each in self._variables.fields(token)]:
                    self._variables.assign(statement.variable, word)
                    self._block(statement.body)
            elif isinstance(statement, Group):
                self._group(statement)
            else:
                self._simple(statement)

    def _group(self, group: Group) -> None:
        text = self._capture(lambda: self._block(group.body))
        self._send(group.output, text, group.place)

    def _simple(self, command: Simple) -> None:
        if not command.words:
            return
        place = command.words[0].place
        self._budget.command(place)
        rest = list(dropwhile(is_assignment, command.words))
        if not rest:
            for token in command.words:
                self._variables.assign_token(token, if_unset=command.conditional)
            return
        own = [self._variables.assignment(token) for token in command.words[: len(command.words) - len(rest)]]
        for token in rest:
            if token.items is not None:  # declare -a NAME=(…)
                self._variables.assign_token(token)
        rest = [token for token in rest if token.items is None]
        words = [field for token in rest for field in self._variables.fields(token)]
        while words and words[0].text in _PROMPTS:
            words = words[1:]
        given = self._given(command, place)
        if not words:
            return
        if given is not None and reads_script(words):
            script = given
            self._nested(place, lambda: self.run(script, lambda line, column: place), [])
            return
        text = self._command(words, {name: value for name, value, _ in own}, place)
        if text is None:
            text = self._output(rest, words, given, place)
        body = command.text.body_place if command.text is not None else None
        self._send(command.output, text, body or place)

    def _command(self, words: Sequence[Word], own: Mapping[str, Word], place: Place) -> str | None:
        """Follow a command, and return what it prints; None if it is none of those that are followed."""
        name = words[0].text
        if name in _DECLARES or name in ("set", "shift"):
            self._declare(words)
        elif name in self._functions:
            return self._nested(place, lambda: self._block(self._functions[name]), words[1:])
        elif name in (".", "source") and len(words) > 1:
            self._source(words[1])
        elif (run := container_run(words)) is not None:
            self._container(run, place)
        elif (inner := shell_command(words)) is not None and (runs := self._script(inner, place)) is not None:
            for variable, value in {**unwrapped(words)[0], **own}.items():
                self._variables.assign(variable, value)
            return self._nested(place, runs, inner.arguments)
        elif (found := server_command(words)) is not None:
            self._budget.server(place)
            environment = laid_over(self._variables.environment(), {**own, **found.environment})
            self.servers.append(Started(found.place, found.arguments, environment, self.file))
        else:
            return None
        return ""

    def _script(self, command: ShellCommand, place: Place) -> Callable[[], None] | None:
        """Return what runs the script; None if its file is not there, or is no shell script."""
        if not command.in_file:
            return lambda: self.run(command.script.text, lambda line, column: command.script.place)
        file = None if command.script.missing else self.file(command.script.text)
        if file is None or file.name in self._running:
            return None
        if command.shebang and not _SHEBANG.match(file.text):
            return None
        return lambda: self._run_file(file)

    def _run_file(self, file: GivenFile) -> None:
        self._running.append(file.name)
        first = file.first_line
        try:
            self.run(file.text, lambda line, column: Place(file.name, first + line - 1, column))
        finally:
            self._running.pop()

    def _container(self, run: ContainerRun, place: Place) -> None:
        environment: dict[str, str] = {}
        for name in run.environment_files:
            if (file := self.file(name)) is not None:
                environment |= read_environment_file(file.text)
        given = laid_over(environment, run.environment)
        inner = Shell(given, lambda path: self.file(on_machine(path, run.mounts)), self._folder, within=self)
        inner.start(run.words)
        self.servers += [
            replace(each, place=place, title=run.title, count=run.count) for each in inner.servers
        ]

    def _nested(self, place: Place, act: Callable[[], None], arguments: Sequence[Word]) -> str | None:
        """Run a function or a script with its own arguments, and return what it prints."""
        self._budget.depth -= 1
        if self._budget.depth < 0:
            raise ConfError(place, "functions and scripts are nested too deeply")
        before = self._variables.positional
        self._variables.positional = arguments
        try:
            return self._capture(act)
        finally:
            self._variables.positional = before
            self._budget.depth += 1

    def _source(self, word: Word) -> None:
        file = self.file(word.text)
        if file is not None and file.name not in self._running:
            self._nested(word.place, lambda: self._run_file(file), [])

    def _declare(self, words: Sequence[Word]) -> None:
        """Follow the builtins that set variables."""
        name, *rest = words
        if name.text == "shift":
            count = int(rest[0].text) if rest and rest[0].text.isdecimal() else 1
            self._variables.positional = (self._variables.positional or [])[count:]
        elif name.text == "set":
            self._variables.set_options(rest)
        for word in rest if name.text in _DECLARES else ():
            variable, equals, value = word.text.partition("=")
            if equals:
                self._variables.assign(variable, word._replace(text=value))
            if name.text == "export" or "-x" in (each.text for each in rest):
                self._variables.exported.add(variable)

    # Input and output

    def _given(self, command: Simple, place: Place) -> str | None:
        """Return the input of a command; None if it is the terminal's, or unknown."""
        piped, self._input = self._input, None
        if command.text is not None and command.text.operator:
            return self._variables.text(command.text.body, place)
        if command.text is not None:
            return f"{self._variables.text(command.text.parts, place)}\n"
        if command.input is not None:
            file = self.file(self._variables.joined(command.input.parts, place).text)
            return None if file is None else file.text
        return piped

    def _output(
        self, tokens: Sequence[Token], words: Sequence[Word], given: str | None, place: Place
    ) -> str | None:
        """Return what a command prints; None if only running it would tell."""
        if any(word.missing for word in words):  # each stays in the text as a reference to what is unknown
            words = [self._known(word, token) for token in tokens for word in self._variables.fields(token)]
        _, command = unwrapped(words)
        self._move([word.text for word in command], place)
        if not command or base(command[0].text) in _SILENT:
            return ""
        if base(command[0].text) == "tee":
            names = [word.text for word in command[1:]]
            for name in names:
                if not name.startswith("-"):
                    self._write(name, given, place, append="-a" in names)
        if given is not None and base(command[0].text) in _APPLY:
            self._write(f"{base(command[0].text)}.yaml", given, place, append=False)
        text = output(
            [word.text for word in command],
            given,
            self._variables.environment(),
            lambda path: None if (file := self.file(path)) is None else file.text,
        )
        self._budget.take(len(text or ""), place)
        return text

    def _move(self, words: Sequence[str], place: Place) -> None:
        """Follow a copy of a file; forget one that `sed` changes in a way that only running would tell."""
        names = [word for word in words[1:] if not word.startswith("-")]
        if words[:1] == ["sed"] and any(word.startswith("-i") for word in words):
            for name in names[1:]:
                self.written.pop(name, None)
        elif words[:1] in (["cp"], ["mv"], ["install"]) and len(names) == 2:
            source, target = names
            file = self.file(source)
            if file is not None:
                self._write(target, file.text, place, append=False)
                self._write(
                    f"{target.rstrip('/')}/{PurePosixPath(source).name}", file.text, place, append=False
                )

    def _known(self, word: Word, token: Token) -> Word:
        return word._replace(text=self._variables.text(token.parts, token.place)) if word.missing else word

    def _send(self, to: Output, text: str | None, place: Place) -> None:
        """Send the output of a command to where it goes."""
        if to.file is not None:
            name = self._variables.joined(to.file.parts, to.file.place).text
            self._write(name, text, place, append=to.append)
        elif to.piped:
            self._input = text
        elif self._captured:
            self._captured[-1].append(text)

    def _write(self, name: str, text: str | None, place: Place, *, append: bool) -> None:
        before = self.written.get(name) if append else None
        if text is None and before is None:
            self.written.pop(name, None)
            return
        whole = (before.text if before is not None else "") + (text or "")
        self._budget.take(len(whole), place)
        line = before.first_line if before is not None else place.line
        self.written[name] = GivenFile(place.file, whole, self._folder, first_line=line)

    def _capture(self, act: Callable[[], None]) -> str | None:
        """Return what the commands of `act` print; None if only running them would tell."""
        texts: list[str | None] = []
        self._captured.append(texts)
        try:
            act()
        finally:
            self._captured.pop()
        return None if None in texts else "".join(text for text in texts if text is not None)

    def _printed_by(self, script: str, place: Place) -> str | None:
        """Return the output of `$(…)`; None if only running it would tell."""
        first = script.split(None, 1)[:1]
        if not first or not (first[0] in PRINTS or first[0] in self._functions):
            return None
        try:
            return self._nested(place, lambda: self.run(script, lambda line, column: place), [])
        except ConfError:  # no script, such as an expression; too large a one ends with the next command
            return None
