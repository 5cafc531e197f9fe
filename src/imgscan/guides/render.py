"""A page as Markdown, as HTML and as JSON: pure functions to text. Text for terminals is in ``imgscan.cli``."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from imgscan.guides.page import Code, Paragraph, Points, Steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imgscan.guides.page import Page, Part, Section
    from imgscan.guides.schema import Step

INLINE: Final = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>.+?)\*\*"
    r"|\[(?P<label>[^\]]+)\]\((?P<target>https://[^\s)]+)\)"
    r"|(?P<link>https://[^\s<>\"'`)\]]*[^\s<>\"'`)\].,;:])"
)
"""What texts may hold of Markdown."""

STYLE: Final = """\
:root{color-scheme:light dark}
body{font:16px/1.55 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid #8884;padding-bottom:.2rem}h3{margin-bottom:.3rem}
li{margin:.35rem 0}code,pre{font:.875em/1.45 ui-monospace,monospace;background:#8882;border-radius:4px}
code{padding:.1em .3em;overflow-wrap:anywhere}pre{padding:.8rem;overflow-x:auto}pre code{padding:0;background:none}
a{overflow-wrap:anywhere}nav a{margin-right:1rem}.dim{opacity:.75}"""

SECURITY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The page needs nothing but its own style, so nothing else may load or run."""


def json(page: Page) -> str:
    """The page as data."""
    return msgspec.json.format(msgspec.json.encode(page), indent=2).decode()


def markdown(page: Page) -> str:
    """The page as CommonMark."""
    return "\n".join(_clean(_markdown(page)))


def to_html(page: Page) -> str:
    """The page as one HTML file that loads nothing."""
    return "\n".join(_html(page))


def _markdown(page: Page) -> Iterator[str]:
    yield from (f"# {page.title}", "", f"Documentation: {page.docs}", "")
    for section in page.sections:
        yield from (f"## {section.title}", "")
        for part in section.parts:
            yield from (*_markdown_part(part), "")


def _markdown_part(part: Part) -> Iterable[str]:
    match part:
        case Paragraph():
            return [part.text]
        case Points():
            return [*_markdown_title(part.title), *(f"* {point}" for point in part.points)]
        case Steps():
            numbered = enumerate(part.steps, 1)
            return [*_markdown_title(part.title), *(line for at, step in numbered for line in _markdown_step(at, step))]
        case Code():
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", part.text)), default=0))
            return [*_markdown_title(part.title), f"{fence}{part.language}", part.text, fence]
        case _:  # pragma: no cover
            assert_never(part)


def _markdown_title(title: str | None) -> list[str]:
    return [f"### {title}", ""] if title else []


def _markdown_step(number: int, step: Step) -> list[str]:
    link = f" {step.link}" if step.link and step.link not in step.text else ""
    lines = [f"{number}. {step.text}{link}"]
    if step.command:
        lines += ["", *(f"   {line}".rstrip() for line in ("```sh", *step.command.splitlines(), "```")), ""]
    return lines


def _clean(lines: Iterable[str]) -> Iterator[str]:
    """No two empty lines in a row, outside of code as well as inside: no sample has any that matter."""
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def _html(page: Page) -> Iterator[str]:
    title = html.escape(page.title)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{SECURITY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>"
    yield f'<p class="dim">Documentation: {inline_html(page.docs)}</p>'
    links = (f'<a href="#{section.id}">{html.escape(section.title)}</a>' for section in page.sections)
    yield f"<nav>{' '.join(links)}</nav>"
    for section in page.sections:
        yield from _html_section(section)
    yield "</body>\n</html>\n"


def _html_section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.id}">\n<h2>{html.escape(section.title)}</h2>'
    for part in section.parts:
        if not isinstance(part, Paragraph) and part.title:
            yield f"<h3>{html.escape(part.title)}</h3>"
        yield _html_part(part)
    yield "</section>"


def _html_part(part: Part) -> str:
    match part:
        case Paragraph():
            return f"<p>{inline_html(part.text)}</p>"
        case Points():
            return f"<ul>{''.join(f'<li>{inline_html(point)}</li>' for point in part.points)}</ul>"
        case Steps():
            return f"<ol>{''.join(f'<li>{_html_step(step)}</li>' for step in part.steps)}</ol>"
        case Code():
            return f'<pre><code class="language-{part.language}">{html.escape(part.text)}</code></pre>'
        case _:  # pragma: no cover
            assert_never(part)


def _html_step(step: Step) -> str:
    link = f" {inline_html(step.link)}" if step.link and step.link not in step.text else ""
    command = f"<pre><code>{html.escape(step.command)}</code></pre>" if step.command else ""
    return f"{inline_html(step.text)}{link}{command}"


def inline_html(text: str) -> str:
    """One text with its Markdown as HTML, and all else escaped."""
    pieces, at = [], 0
    for found in INLINE.finditer(text):
        pieces += [html.escape(text[at : found.start()]), _html_mark(found)]
        at = found.end()
    return "".join((*pieces, html.escape(text[at:])))


def _html_mark(found: re.Match[str]) -> str:
    if code := found["code"]:
        return f"<code>{html.escape(code)}</code>"
    if strong := found["strong"]:
        return f"<strong>{inline_html(strong)}</strong>"
    url = html.escape(found["target"] or found["link"])
    return f'<a href="{url}" rel="noreferrer">{html.escape(found["label"]) if found["label"] else url}</a>'
