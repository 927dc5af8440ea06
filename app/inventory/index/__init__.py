"""The inventory in memory: lists of any size are filtered, counted and sorted here."""

from app.inventory.index.kind import IndexRow, KindIndex

__all__ = ["IndexRow", "KindIndex"]
