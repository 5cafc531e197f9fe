"""Go's expressions in our dialect: what they match, which group is the secret, what Go would refuse."""

from __future__ import annotations

import re
import warnings

import pytest
import regex

from imgscan.rules.go_regex import MAX_LENGTH, GoRegex, GoSyntaxError


def matched(pattern, text):
    """What both libraries match first; they must agree."""
    translated = GoRegex(pattern).plain().encode()
    ours, theirs = regex.search(translated, text.encode()), re.search(translated, text.encode())
    assert (ours and ours[0]) == (theirs and theirs[0])
    return ours[0].decode() if ours else None


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"a(?i)b|c", "AB C", "C"),
        (r"a(?i)b|c", "xaB", "aB"),
        (r"x(?:a(?i)b)c", "xaBC", None),
        (r"x(?:a(?i)b)c", "xaBc", "xaBc"),
        (r"(?i)a(?-i)b", "AB Ab", "Ab"),
        (r"(?i:a)b", "Ab", "Ab"),
        (r"(?U)a+b", "aab", "aab"),
        (r"(?U)a+", "aab", "a"),
        (r"(?U)a+?", "aab", "aa"),
        (r"(?U:a+)b", "aab", "aab"),
        (r"a\z", "a\n", None),
        (r"a$", "a\n", None),
        (r"(?m)a$", "a\nb", "a"),
        (r"(?m:^b$)", "a\nb\nc", "b"),
        (r"(?s)a.b", "a\nb", "a\nb"),
        (r"a.b", "a\nb", None),
        (r"\Aa", "ba", None),
        (r"\Qa.b*\E+", "a.b**", "a.b**"),
        (r"\Qa.b", "axb a.b", "a.b"),
        (r"[[:alnum:]_]+", "-a_1-", "a_1"),
        (r"[[:^digit:]]+", "12ab3", "ab"),
        (r"[^[:space:]x]+", " xab ", "ab"),
        (r"[\w.-]+", " a-b.c ", "a-b.c"),
        (r"[^\W\d]+", "12ab", "ab"),
        (r"[\D]", "1a", "a"),
        (r"[]a]+", "x]a", "]a"),
        (r"[^]a]+", "]xa", "x"),
        (r"[a\-z]+", "b-z", "-z"),
        (r"[a-]+", "b-a", "-a"),
        (r"[&&||~~-]+", "x|&", "|&"),
        (r"\pL+", "1abc", "abc"),
        (r"\p{Lu}+", "abC", "C"),
        (r"\PL+", "a1-", "1-"),
        (r"\p{^L}+", "a1", "1"),
        (r"[\p{L}\d]+", "-a1", "a1"),
        (r"é+", "xéé", "éé"),
        (r"[é]+", "xéé", "éé"),
        (r"\x{e9}\x41\101\t", "éAA\t", "éAA\t"),
        (r"\x{41}\.\/\-", "A./-", "A./-"),
        (r"x{,2}", "x{,2}", "x{,2}"),
        (r"x{a}", "x{a}", "x{a}"),
        (r"x{2}?y{1,}?", "xxyy", "xxy"),
        (r"(?P<name>a)(?<other>b)(c)", "abc", "abc"),
    ],
)
def test_patterns_match_what_they_match_in_go(pattern, text, found):
    assert matched(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "message", "offset"),
    [
        (r"ab(?=c)", "no look-around", 2),
        (r"(?<!a)b", "no look-around", 0),
        (r"(?>a)", "no look-around", 0),
        (r"a(b", "missing closing )", 1),
        (r"ab)", "unexpected )", 2),
        (r"a[bc", "missing closing ]", 1),
        (r"[b-a]", "the range ends", 1),
        (r"[[:nope:]]", "no such class", 1),
        (r"a**", "nothing to repeat", 2),
        (r"a*+", "nothing to repeat", 2),
        (r"|*", "nothing to repeat", 1),
        (r"(?i)*", "nothing to repeat", 4),
        (r"a{1001}", "not a valid number", 1),
        (r"a{3,2}", "not a valid number", 1),
        (r"(a)\1", "no escape", 3),
        (r"a\Z", "no escape", 1),
        (r"[\k]", "no escape", 1),
        ("a\\", "backslash at the end", 1),
        (r"\x{110000}", "no such character", 0),
        ("a" * (MAX_LENGTH + 1), "characters", 0),
    ],
)
def test_what_go_refuses_is_refused_at_its_place(pattern, message, offset):
    with pytest.raises(GoSyntaxError, match=re.escape(message)) as caught:
        GoRegex(pattern)
    assert caught.value.offset == offset


def test_the_whole_match_can_be_the_secret():
    assert re.findall(GoRegex("(?i)x(a)|b").whole().encode(), b"B xA") == [b"B", b"xA"]


def test_one_group_can_be_the_secret():
    made = GoRegex("(key)=(?P<value>[a-z]+)")
    assert made.groups == [None, "value"]
    assert re.findall(made.with_secret(2).encode(), b"key=abc") == [b"abc"]


def test_of_several_groups_each_can_be_the_secret():
    pattern = re.compile(GoRegex("a(x)|b(y)").with_secret(1, 2).encode())
    assert set(pattern.groupindex) == {"secret", "secret_2"}


def test_flags_stay_with_their_pattern_when_patterns_are_put_together():
    both = "|".join(f"(?:{GoRegex(text).plain()})" for text in ("(?i)a", "b"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert re.findall(both.encode(), b"AB ab") == [b"A", b"a", b"b"]
