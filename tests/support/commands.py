"""Run the command line in this process, with a scan that is only pretended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from imgscan.cli.app import app
from imgscan.scan.options import Options
from tests.support import reports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgscan.model.report import Report
    from imgscan.scan.progress import Progress


def imgscan(*arguments: str, standard_input: str | None = None, **variables: str) -> Result:
    """The result of ``imgscan arguments…`` with these environment variables."""
    return CliRunner().invoke(app, arguments, input=standard_input, env=variables, prog_name="imgscan")


@dataclass
class FakeScan:
    """Remembers what it was asked for, and answers with a report or an error."""

    answer: Report | BaseException = field(default_factory=lambda: reports.report(reports.image()))
    images: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    progress: Progress | None = None

    def __call__(self, images: Sequence[str], options: Options, progress: Progress) -> Report:
        self.images, self.options, self.progress = tuple(images), options, progress
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer
