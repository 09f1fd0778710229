"""The commands of a shell script, as a tree of loops, functions and simple commands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stanlocal.imports.shell_words import Token
from stanlocal.natsconf import ConfError, Place

_DEPTH = 32
_SEPARATORS = frozenset(("\n", ";", "&", "|", "|&", "&&", "||"))
_REDIRECTIONS = frozenset(("<", ">", ">>", ">|", "<>", ">&", "<&", "&>", "&>>", "<<<", "<<"))
_SKIPPED = frozenset(("if", "elif", "then", "else", "fi", "do", "done", "esac", "}", "!", "time"))


@dataclass(frozen=True, slots=True)
class Output:
    """The end of a command's output: a file, another command, or neither."""

    file: Token | None = None
    append: bool = False
    piped: bool = False
    """True if the next command reads it."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments, or assignments alone."""

    words: tuple[Token, ...]
    output: Output = field(default_factory=Output)
    input: Token | None = None
    """Name of the file that it reads."""
    text: Token | None = None
    """Operator of its here-document, or the word after `<<<`."""
    conditional: bool = False
    """True if it may not be run."""


@dataclass(frozen=True, slots=True)
class Group:
    """Commands in brackets, whose output goes together."""

    place: Place
    body: Block
    output: Output


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop over words."""

    variable: str
    words: tuple[Token, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Function:
    """The definition of a function."""

    name: str
    body: Block


Block = tuple["Simple | Group | Loop | Function", ...]


@dataclass(slots=True)
class Parser:
    """The parser of one script's tokens."""

    tokens: Sequence[Token]
    _at: int = 0
    _depth: int = 0
    _conditions: int = 0
    """Number of `if`, `while`, `case` around the next command."""

    def block(self, until: frozenset[str] = frozenset()) -> Block:
        """Parse commands up to a closing word or operator, or to the end."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise ConfError(self.tokens[self._at].place, "commands are nested too deeply")
        statements: list[Simple | Group | Loop | Function] = []
        conditional = False
        while self._at < len(self.tokens):
            token = self.tokens[self._at]
            if token.operator in _SEPARATORS or token.operator in ("(", ")", ";;", ";&", ";;&"):
                self._at += 1
                if token.operator in until:
                    break
                if token.operator == "(":
                    statements += self._group(")")
                conditional = token.operator in ("&&", "||")
                continue
            word = token.literal
            if word in until:
                self._at += 1
                break
            statements += self._statement(word, conditional or self._conditions > 0)
        self._depth -= 1
        return tuple(statements)

    def _statement(self, word: str, conditional: bool) -> Block:
        if word == "for":
            return self._loop()
        if word in ("while", "until"):
            self._at += 1
            self._conditions += 1
            body = self.block(frozenset(("done",)))
            self._conditions -= 1
            return body
        if word in _SKIPPED:
            self._at += 1
            self._conditions = max(self._conditions + {"if": 1, "fi": -1}.get(word, 0), 0)
            return ()
        if word == "case":
            return self._case()
        if word == "{":
            self._at += 1
            return self._group("}")
        if word == "function" or (self._operator(1) == "(" and self._operator(2) == ")"):
            return self._function(word)
        return (self._command([], conditional=conditional),)

    def _operator(self, ahead: int) -> str:
        at = self._at + ahead
        return self.tokens[at].operator if at < len(self.tokens) else ""

    def _skip_lines(self) -> None:
        while self._at < len(self.tokens) and self.tokens[self._at].operator in ("\n", ";"):
            self._at += 1

    def _word(self) -> Token | None:
        if self._at < len(self.tokens) and not self.tokens[self._at].operator:
            self._at += 1
            return self.tokens[self._at - 1]
        return None

    def _loop(self) -> Block:
        self._at += 1
        variable = self._word()
        words: list[Token] = []
        if self._at < len(self.tokens) and self.tokens[self._at].literal == "in":
            self._at += 1
            while (word := self._word()) is not None:
                words.append(word)
        while self._at < len(self.tokens) and self.tokens[self._at].literal != "do":
            self._at += 1  # also `for ((i = 0; …))`, whose body is read once
        self._at += 1
        body = self.block(frozenset(("done",)))
        name = variable.literal if variable is not None else ""
        return (Loop(name, tuple(words), body),) if words else body

    def _case(self) -> Block:
        """Parse all branches; none of them is known to be run."""
        statements: list[Simple | Group | Loop | Function] = []
        while self._at < len(self.tokens) and self.tokens[self._at].literal != "in":
            self._at += 1
        self._at += 1
        self._conditions += 1
        while True:
            self._skip_lines()
            if self._at >= len(self.tokens) or self.tokens[self._at].literal == "esac":
                break
            while self._at < len(self.tokens) and self.tokens[self._at].operator != ")":
                self._at += 1
            self._at += 1
            before = self._at
            statements += self._branch()
            if self._at == before:
                break
        self._at += 1
        self._conditions -= 1
        return tuple(statements)

    def _branch(self) -> Block:
        statements: list[Simple | Group | Loop | Function] = []
        while self._at < len(self.tokens) and self.tokens[self._at].literal != "esac":
            token = self.tokens[self._at]
            if token.operator:
                self._at += 1
                if token.operator in (";;", ";&", ";;&"):
                    break
                if token.operator == "(":
                    statements += self._group(")")
            else:
                self._depth += 1
                if self._depth > _DEPTH:
                    raise ConfError(token.place, "commands are nested too deeply")
                statements += self._statement(token.literal, conditional=True)
                self._depth -= 1
        return tuple(statements)

    def _function(self, word: str) -> Block:
        if word == "function":
            self._at += 1
        name = self.tokens[self._at].literal if self._at < len(self.tokens) else ""
        self._at += 1
        while self._operator(0) in ("(", ")", "\n"):
            self._at += 1
        if self._at >= len(self.tokens) or self.tokens[self._at].literal != "{":
            return ()
        self._at += 1
        conditions, self._conditions = self._conditions, 0
        body = self.block(frozenset(("}",)))
        self._conditions = conditions
        return (Function(name, body),)

    def _group(self, closing: str) -> Block:
        """Parse commands up to the closing bracket, and where their output goes."""
        place = self.tokens[min(self._at, len(self.tokens) - 1)].place
        body = self.block(frozenset((closing,)))
        rest = self._command(None, conditional=False)
        return (Group(place, body, rest.output),) if rest.output != Output() else body

    def _command(self, words: list[Token] | None, *, conditional: bool) -> Simple:
        """Parse words and redirections; without `words` redirections only."""
        output, source, text = Output(), None, None
        while self._at < len(self.tokens):
            token = self.tokens[self._at]
            if token.operator == "<<":
                text = token
                self._at += 1
            elif token.operator in _REDIRECTIONS:
                self._at += 1
                target = self._word()
                if token.operator in (">", ">>", ">|", "&>", "&>>") and token.number in ("", "1"):
                    output = Output(target, append=">>" in token.operator)
                elif token.operator == "<":
                    source = target
                elif token.operator == "<<<":
                    text = target
            elif token.operator or words is None:
                break
            else:
                words.append(token)
                self._at += 1
        if self._operator(0) in ("|", "|&"):
            output = replace(output, piped=True)
        return Simple(tuple(words or ()), output, source, text, conditional)
