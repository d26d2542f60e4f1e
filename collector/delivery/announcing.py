"""Say once a run that delivery works: a line in the log is a write to the card."""

import logging
from typing import Final, Protocol

from collector.delivery.answer import Answer, Meaning, Target, meaning

log: Final = logging.getLogger(__name__)


class Link(Protocol):
    """What sends one request."""

    def write(self, lines: bytes) -> Answer: ...


class Announcing:
    """Sends through another link; at the first 204 it says where the readings go."""

    def __init__(self, link: Link, target: Target) -> None:
        self._link = link
        self._place = _without_password(target.url)
        self._bucket = target.bucket
        self._said = False

    def write(self, lines: bytes) -> Answer:
        """Send one request, and give what came back."""
        answer = self._link.write(lines)
        if not self._said and meaning(answer) is Meaning.STORED:
            self._said = True
            log.info("delivering to `%s`, bucket `%s`", self._place, self._bucket)
        return answer


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
