"""The group of commands. Imports a command only when it runs, so that ``--version`` costs nothing."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from imgscan._version import __version__
from imgscan.cli import failures
from imgscan.cli.options import HELP, write_sections
from imgscan.errors import ImgscanError
from imgscan.findings import policy

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DEFAULT: Final = "scan"
COMMANDS: Final = {
    DEFAULT: "Scan images (the default).",
    "explain": "Say what a secret is and what to do when it leaked.",
    "revoke": "Revoke a leaked secret through its provider.",
    "rules": "List, show, check and try rules.",
    "schema": "Print the JSON Schema of the report.",
    "cache": "Show or clear the cache.",
}
"""What there is: ``imgscan.cli.NAME`` holds each as ``command``."""

ALIKE: Final = 0.75
"""How much of two words agrees if one is the other misspelt: ``scna`` and ``scan`` have that much in common."""

EPILOG: Final = """\
Each option is also a variable (IMGSCAN_FAIL_ON=high) and a key of imgscan.toml or [tool.imgscan] in pyproject.toml
(fail-on = "high"). Flags win over variables, and variables over the file."""

EXIT_CODES: Final = {
    policy.CLEAN: "Nothing at or above the gate, and everything was looked at.",
    policy.FOUND: "Secrets at or above the gate.",
    failures.USAGE: "Wrong option, image name, configuration or rule.",
    policy.INCOMPLETE: "An image could not be scanned, or not completely.",
    failures.INTERRUPTED: "Interrupted.",
}


class App(click.Group):
    """Commands by name, where ``imgscan IMAGE`` is ``imgscan scan IMAGE``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"imgscan.cli.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is neither a command nor an option of the group for an image or an option of a scan."""
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in own | COMMANDS.keys():
            ctx.meta["imgscan.meant"] = _meant(args[0])
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command, and turn every failure into words and an exit code."""
        try:
            super().invoke(ctx)
        except ImgscanError as error:
            ctx.exit(failures.explain(error))
        except KeyboardInterrupt:
            ctx.exit(failures.explain_interrupt())
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a traceback is no message for the user of a program
            ctx.exit(failures.explain_bug(error, verbose=ctx.meta.get("imgscan.verbose", 0)))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of a scan too: that is what most people came for."""
        scan = self.get_command(ctx, DEFAULT)
        assert scan is not None  # noqa: S101 - it is in the table above
        formatter.write_usage(ctx.command_path, "[OPTIONS] IMAGE...")
        scan.format_help_text(ctx, formatter)
        write_sections([*scan.params, *self.get_params(ctx)], ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])
        self.format_epilog(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete what a scan takes where its name may be left out: files come first, or shells show nothing else."""
        scan = self.get_command(ctx, DEFAULT)
        assert scan is not None  # noqa: S101 - it is in the table above
        within = click.Context(scan, parent=ctx)
        images = [] if incomplete.startswith("-") else scan.params[0].shell_complete(within, incomplete)
        return images + super().shell_complete(ctx, incomplete) + scan.shell_complete(within, incomplete)


def _meant(word: str) -> str | None:
    """A hint for a first word that nearly is a command; to be given when no such image is there."""
    words = {**{name: name for name in COMMANDS}, "help": "--help", "version": "--version"}
    near = difflib.get_close_matches(word, words, n=1, cutoff=ALIKE)
    return f"did you mean `imgscan {words[near[0]]}`? What is no command is taken for an image" if near else None


@click.group(cls=App, epilog=EPILOG, no_args_is_help=True, context_settings=HELP)
@click.version_option(__version__, "-V", "--version", prog_name="imgscan", message="%(prog)s %(version)s")
def app() -> None:
    """Find leaked secrets in container images."""
