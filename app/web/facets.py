"""The facets of a list as HTML: menus of values with their counts, each a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup

from app.inventory import FacetValue, FacetView, Query
from app.web.draw import esc, icon, safe


@dataclass(frozen=True)
class Facets:
    """How the facets of a list are drawn; ``accounts``: names of accounts by their number.

    ``path``: the list's.
    """

    query: Query
    path: str
    accounts: Mapping[str, str]

    def menus(self, facets: list[FacetView]) -> Markup:
        """The menus of those that have values."""
        return safe("\n".join([self._menu(facet) for facet in facets if facet.values]))

    def tokens(self, facets: list[FacetView]) -> Markup:
        """The values that are chosen, each with a link that takes it away."""
        return safe(
            "".join(
                self._token(facet, value)
                for facet in facets
                for value in facet.values
                if value.selected
            )
        )

    def _menu(self, facet: FacetView) -> str:
        chosen = sum(value.selected for value in facet.values)
        # what the links of a facet have in common is made once: there may be hundreds of values
        rest = esc(self._args(facet.name, ()))
        items = "\n".join([self._item(facet, value, rest) for value in facet.values])
        look, many = ("", f" ({chosen})") if chosen else (" quiet", "")
        return (
            f'<details class="menu end facet" id="facet-{facet.name}">'
            f'<summary class="button{look}">'
            f"{esc(facet.title)}{many}{icon('down')}</summary>"
            f'<div class="sheet">{items}</div></details>'
        )

    def _item(self, facet: FacetView, value: FacetValue, rest: str) -> str:
        own = esc(urlencode([(facet.name, one) for one in self._toggled(facet, value)]))
        args = "&amp;".join(filter(None, (rest, own)))
        on, tick, said = ("", "", "")
        if value.selected:
            on, tick, said = (" on", icon("check"), '<span class="hush"> chosen</span>')
        return (
            f'<a class="item{on}" href="{self._address(args)}"><span class="tick">{tick}</span>'
            f'{self._shown(facet, value)}{said}<span class="count">{value.count:,}</span></a>'
        )

    def _token(self, facet: FacetView, value: FacetValue) -> str:
        said = f"{esc(facet.title)} = {self._shown(facet, value)}"
        args = esc(self._args(facet.name, self._toggled(facet, value)))
        return (
            f'<span class="token">{said}<a href="{self._address(args)}" '
            f'aria-label="Take away {said}">{icon("close")}</a></span>'
        )

    def _toggled(self, facet: FacetView, value: FacetValue) -> tuple[str, ...]:
        return self.query.toggled(facet.name, value.value).get(facet.name, ())

    def _args(self, name: str, values: tuple[str, ...]) -> str:
        facets = {**self.query.facets, name: values}
        return urlencode(self.query.args(facets=facets), doseq=True)

    def _address(self, args: str) -> str:
        return f"{self.path}{'?' if args else ''}{args}"

    def _shown(self, facet: FacetView, value: FacetValue) -> str:
        known = self.accounts if facet.name == "account" else {}
        return esc(known.get(value.value, value.value) or "(none)")
