"""What pages read of the watches, by whoever sees them all and by whoever does not."""

from __future__ import annotations

from collections.abc import Sequence

from app.watches.notices import NoticeReader
from app.watches.viewing import Views, Wanted
from app.watches.views import WatchView


class Reading:
    """The reading half of the watches. ``notices``: the same of the notices."""

    def __init__(self, views: Views, notices: NoticeReader) -> None:
        self._views = views
        self._notices = notices

    @property
    def notices(self) -> NoticeReader:
        """The notices."""
        return self._notices

    def get(self, watch_id: str) -> WatchView | None:
        """The watch with its notices and all that happened to it, or None."""
        return self._views.get(watch_id)

    def count(self, state: str | None = None, **more: str) -> int:
        """How many watches ``list`` has in all."""
        return self._views.count(Wanted(state or "", **more))

    def open_count(self) -> int:
        """How many promises are still to be kept: waiting, or with a notice unsent."""
        return self._views.count(Wanted("open"))

    def of_resource(self, resource_id: str, limit: int = 100) -> list[WatchView]:
        """The watches on a resource, on what is made of it, or that publish to it."""
        return self._views.list(Wanted(of=resource_id), limit)

    def topics(self, limit: int = 100) -> Sequence[str]:
        """The topics that watches publish to."""
        return self._views.topics(limit)

    def list(
        self, state: str | None = None, limit: int = 100, offset: int = 0, **more: str
    ) -> list[WatchView]:
        """Watches, the newest first, with their notices but without events.

        ``state``: one of a watch's states, or ``open``: still waiting, or with a notice unsent.
        ``more``: as in Wanted.
        """
        return self._views.list(Wanted(state or "", **more), limit, offset)
