"""What Encante knows: the inventory, its queries, and the collector that keeps it true."""

from app.inventory.collector import Collector
from app.inventory.filters import FilterError
from app.inventory.inventory import Inventory
from app.inventory.query import FacetValue, FacetView, Failure, Freshness, Page, Query
from app.inventory.rows import make_row
from app.inventory.store import Scope
from app.inventory.timeline import ActivityQuery, Change

__all__ = [
    "ActivityQuery",
    "Change",
    "Collector",
    "FacetValue",
    "FacetView",
    "Failure",
    "FilterError",
    "Freshness",
    "Inventory",
    "Page",
    "Query",
    "Scope",
    "make_row",
]
