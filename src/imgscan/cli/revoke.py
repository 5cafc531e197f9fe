"""``imgscan revoke``: have one leaked secret put an end to itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from imgscan.cli import failures
from imgscan.cli.options import HELP
from imgscan.cli.output import is_terminal, read_standard, write_standard
from imgscan.cli.settings import refuse_found_rules, settings
from imgscan.errors import UsageError
from imgscan.report.escape import printable
from imgscan.streams.limits import KIB

if TYPE_CHECKING:
    from imgscan.model.values import Match
    from imgscan.rules.load import RuleSet
    from imgscan.verify.check import Candidate

MAX_SECRET: Final = 64 * KIB
"""Bytes of a secret with the words around it; the longest keys have some thousands."""

OUTCOMES: Final = {
    "done": "revoked; what used it needs a new one now",
    "gone": "it had been of no use before",
}


@click.command(
    "revoke",
    params=settings("rules", "ca_file", "offline", "config"),
    context_settings={**HELP, "allow_extra_args": True},
)
@click.option("--rule", "rule_id", metavar="RULE", help="What it is, if it does not show.")
@click.option("--host", metavar="HOST", help="The registry to call, where the text around the secret names it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    rule_id: str | None,
    host: str | None,
    dry_run: bool,  # noqa: FBT001 - a flag
    yes: bool,  # noqa: FBT001 - as above
    **given: Any,
) -> None:
    """Revoke a leaked secret through its provider, where the provider lets it revoke itself.

    The secret is read from standard input, or asked for without echo; an argument could be seen by every user of the
    machine.
    """
    from imgscan.verify.revoke import carry_out, planned  # noqa: PLC0415 - loads what speaks to the network
    from imgscan.verify.transport import Network  # noqa: PLC0415 - as above

    if ctx.args:  # click would repeat it
        hint = "pipe it in, or leave it out and be asked; this one now stands in the history of the shell"
        raise UsageError("an argument is no place for a secret", hint=hint)
    refuse_found_rules(ctx, "imgscan revoke")
    if given["offline"] and not dry_run:
        raise UsageError("revoking is a call to the provider", where="--offline")
    watched = is_watched()
    if not (watched or yes or dry_run):
        raise UsageError(
            "standard input holds the secret, so nobody can be asked", hint="give --yes, or --dry-run first"
        )
    candidate, shown = _recognised(_read(watched=watched), rule_id, tuple(given["rules"]))
    call = planned(candidate, host)
    _announce(candidate, shown)
    if dry_run:
        write_standard(b"nothing was sent\n")
        return
    if not yes:
        click.confirm("This cannot be undone. Revoke it?", abort=True, err=True)
    revoke = candidate.rule.revoke
    assert revoke is not None  # noqa: S101 - there is a call
    outcome = carry_out(revoke, call, Network(given["ca_file"]))
    write_standard(f"{OUTCOMES[outcome]}\n".encode())


def is_watched() -> bool:
    """Whether there is somebody to ask."""
    return is_terminal(sys.stdin)


def _read(*, watched: bool) -> bytes:
    if watched:
        typed: str = click.prompt("Secret", hide_input=True, err=True)
        text = typed.encode()
    else:
        text = read_standard(MAX_SECRET + 1)
    if len(text) > MAX_SECRET:
        raise UsageError(f"larger than {MAX_SECRET // KIB} KiB", where="standard input", hint="give one secret")
    if not text.strip():
        raise UsageError("there is no secret", where="standard input")
    return text.strip()


def _recognised(text: bytes, rule_id: str | None, paths: tuple[Any, ...]) -> tuple[Candidate, str]:
    """The one secret in the text, and how it is shown."""
    from imgscan.match.redact import redact  # noqa: PLC0415 - loads the matcher
    from imgscan.match.vet import vet  # noqa: PLC0415 - as above
    from imgscan.model.values import Secret  # noqa: PLC0415 - as above
    from imgscan.rules.load import load, suggest  # noqa: PLC0415 - as above
    from imgscan.verify.check import Candidate  # noqa: PLC0415 - as above

    rules = load(paths, vet=vet)
    if rule_id is not None and rule_id not in rules.by_id:
        raise UsageError("there is no such rule", where=rule_id, hint=suggest(rule_id, rules.by_id))
    found = _matches(text, rules, rule_id)
    if rule_id is not None and not found:
        rule = rules.by_id[rule_id]
        return Candidate(rule, Secret(text)), redact(text, rule.pattern)
    if not found:
        raise UsageError("no rule recognises it", where="standard input", hint="name its rule with --rule")
    if len({match.secret.value for match in found}) > 1:
        raise UsageError("holds more than one secret", where="standard input", hint="give one at a time")
    match = found[0]
    return Candidate(rules.by_id[match.rule_id], match.secret, match.parts), match.redacted


def _matches(text: bytes, rules: RuleSet, rule_id: str | None) -> list[Match]:
    from imgscan.scan.probe import probe  # noqa: PLC0415 - loads the matcher

    return [match for match in probe(text, rules, "standard input") if rule_id in (None, match.rule_id)]


def _announce(candidate: Candidate, shown: str) -> None:
    """Say what will be done, with the places of the secret as the rule names them."""
    rule = candidate.rule
    assert rule.revoke is not None  # noqa: S101 - there is a call
    request = rule.revoke.request
    failures.say(f"{rule.title} {shown} ({rule.id})")
    failures.say(f"the call is {request.method} {request.url}")
    if rule.revoke.note:
        failures.say(printable(rule.revoke.note))
