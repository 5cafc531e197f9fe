"""Where a rule may find something at all, and what it must let go: its ``path`` and its ``allow``.

Answers with the reason, for those who want to know why a rule is silent.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import regex

from imgscan.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from imgscan.match.filters import Candidate
    from imgscan.rules.schema import Allow, Rule

TIMEOUT_SECONDS: Final = 0.5
"""For one expression; whoever wrote it sees a notice when that is not enough."""

Found = tuple[str, bool]
"""A kind of reason, and whether it fits."""


class Exceptions:
    """The exceptions of one rule, ready to be asked."""

    def __init__(self, rule: Rule) -> None:
        """Compile them.

        Raises:
            RuleError: an expression does not compile.
        """
        self._path = compiled(rule.path, rule.id) if rule.path is not None else None
        self._allow = [_Allowed(allow, rule.id) for allow in rule.allow]

    def excludes(self, path: str | None) -> bool:
        """Whether the rule is for other files than the one at ``path``, if it is in a file."""
        return self._path is not None and (path is None or not _searched([self._path], path))

    def objection(self, candidate: Candidate, path: str | None) -> str | None:
        """Why a candidate is let go, or ``None``.

        Raises:
            TimeoutError: an expression took too long.
        """
        return next((told for allow in self._allow if (told := allow.objection(candidate, path))), None)


class _Allowed:
    def __init__(self, allow: Allow, rule_id: str) -> None:
        self._allow = allow
        self._regexes = [compiled(text, rule_id) for text in allow.regexes]
        self._paths = [compiled(text, rule_id) for text in allow.paths]
        self._stopwords = [word.lower().encode() for word in allow.stopwords]

    def objection(self, candidate: Candidate, path: str | None) -> str | None:
        everything = self._allow.condition == "all"
        fitting = []
        for kind, fits in self._found(candidate, path):
            if everything and not fits:
                return None
            if fits:
                fitting.append(kind)
                if not everything:
                    break
        reason = f" ({self._allow.reason})" if self._allow.reason else ""
        return f"allowed by {' and '.join(fitting)}{reason}" if fitting else None

    def _found(self, candidate: Candidate, path: str | None) -> Iterator[Found]:
        if self._paths:
            yield "path", path is not None and _searched(self._paths, path)
        if self._stopwords:
            secret = candidate.secret.lower()
            yield "stopword", any(word in secret for word in self._stopwords)
        if self._regexes:
            target = self._allow.target
            yield f"{target} regex", any(_TARGETS[target](one, candidate) for one in self._regexes)


def compiled(text: str, rule_id: str) -> regex.Pattern[bytes]:
    """An expression over content or paths, which are bytes alike in an image.

    Raises:
        RuleError: it does not compile.
    """
    try:
        return _compiled(text)
    except (regex.error, RecursionError, OverflowError) as error:
        raise RuleError(f"an expression does not compile: {error}", where=rule_id) from None


@cache
def _compiled(text: str) -> regex.Pattern[bytes]:
    """Once, though an exception for all rules stands in each of them."""
    return regex.compile(text.encode())


def _searched(patterns: Iterable[regex.Pattern[bytes]], path: str) -> bool:
    """With and without a slash in front: some people think of images, some of archives."""
    relative = path.lstrip("/").encode()
    return any(
        one.search(form, timeout=TIMEOUT_SECONDS) is not None
        for one in patterns
        for form in (b"/" + relative, relative)
    )


def _in_secret(pattern: regex.Pattern[bytes], candidate: Candidate) -> bool:
    return pattern.search(candidate.secret, timeout=TIMEOUT_SECONDS) is not None


def _in_match(pattern: regex.Pattern[bytes], candidate: Candidate) -> bool:
    return pattern.search(candidate.whole, timeout=TIMEOUT_SECONDS) is not None


def _in_line(pattern: regex.Pattern[bytes], candidate: Candidate) -> bool:
    line = candidate.before.rpartition(b"\n")[2] + candidate.whole + candidate.after.partition(b"\n")[0]
    return pattern.search(line, timeout=TIMEOUT_SECONDS) is not None


def _in_block(pattern: regex.Pattern[bytes], candidate: Candidate) -> bool:
    text = candidate.before + candidate.whole + candidate.after
    start = len(candidate.before) + max(candidate.whole.find(candidate.secret), 0)
    end = start + len(candidate.secret)
    return any(one.start() <= start and end <= one.end() for one in pattern.finditer(text, timeout=TIMEOUT_SECONDS))


_TARGETS: Final[dict[str, Callable[[regex.Pattern[bytes], Candidate], bool]]] = {
    "secret": _in_secret,
    "match": _in_match,
    "line": _in_line,
    "block": _in_block,
}
