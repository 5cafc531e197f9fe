"""``imgscan scan``: its arguments and its help. What it does is in ``imgscan.cli.run``, which is heavy to import."""

from __future__ import annotations

from typing import Any, Final

import click
from click.core import ParameterSource

from imgscan.cli.options import HELP, Sectioned
from imgscan.cli.settings import SETTINGS, refuse_found_rules

MAYBE_FILE: Final = click.Path(readable=False)
"""Completed by the shell as a file; whether there is one, the sources find out."""


@click.command(
    "scan",
    cls=Sectioned,
    params=[click.Argument(["images"], metavar="IMAGE...", nargs=-1, required=True, type=MAYBE_FILE), *SETTINGS],
    context_settings=HELP,
)
@click.pass_context
def command(ctx: click.Context, /, images: tuple[str, ...], **given: Any) -> None:
    """Find leaked secrets in container images, and the layer, instruction and line that put each there.

    IMAGE is a name (myimage:tag, looked for in the local engine and then in its registry), a path (docker or OCI
    archive, OCI layout), or - for an archive on standard input. A scheme in front says where to look: docker:, podman:,
    containerd:, registry:, docker-archive:, oci-archive:, oci-dir:.
    """
    from imgscan.cli.run import run  # noqa: PLC0415 - `imgscan --help` need not load the scanner

    if given["verify"] or given["verify_hosts"]:
        refuse_found_rules(ctx, "--verify")
    given["platform"], given["all_platforms"] = _platforms(ctx)
    given["meant"] = ctx.meta.get("imgscan.meant")
    ctx.exit(run(images, given))


def _platforms(ctx: click.Context) -> tuple[Any, bool]:
    """The stronger of two that exclude each other: a flag wins over a variable, and that over a file."""
    one, every = ctx.params["platform"], ctx.params["all_platforms"]
    if one is None or not every:
        return one, every
    if _source(ctx, "platform") == _source(ctx, "all_platforms"):
        raise click.UsageError("--platform and --all-platforms exclude each other", ctx)
    return (one, False) if _source(ctx, "platform") < _source(ctx, "all_platforms") else (None, True)


def _source(ctx: click.Context, name: str) -> ParameterSource:
    return ctx.get_parameter_source(name) or ParameterSource.DEFAULT
