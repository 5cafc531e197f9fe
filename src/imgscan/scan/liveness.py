"""Findings, each with what its provider says of the secret; only where that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from imgscan.model import report
from imgscan.verify.check import Candidate, check
from imgscan.verify.transport import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgscan.model.values import Match
    from imgscan.rules.schema import Rule
    from imgscan.scan.options import Options


def with_liveness(
    images: Sequence[report.Image], matches: Sequence[Match], rules: Mapping[str, Rule], options: Options
) -> list[report.Image]:
    """The images, their findings verified; ``matches`` stand behind the findings of all images, in their order."""
    candidates = [Candidate(rules[match.rule_id], match.secret, match.parts) for match in matches]
    if options.access.offline:
        results = [report.Verification(detail="not asked, for nothing is while offline")] * len(candidates)
    else:
        results = check(candidates, hosts=options.verify_hosts, network=Network(options.access.ca_file))
    told = iter(results)
    return [
        replace(image, findings=tuple(replace(finding, verification=next(told)) for finding in image.findings))
        for image in images
    ]
