"""The distinct values of a column, each known by its number (its code)."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise, starmap
from operator import eq, ne
from typing import NamedTuple

import numpy as np

from app.inventory.index.blob import Array, Blob, Growing

_SPREAD = np.uint32(0x9E3779B1)  # sets the hashes of groups apart
_REMEMBERED = 4  # words of which the hits are kept
_REMEMBERED_HITS = 30_000
_FEW = 400  # so many new texts are put into the order one by one; more: all is sorted anew


class Value(NamedTuple):
    """A value as text, and as number if it is one.

    ``group`` tells apart what has the same text: a number from a text, one tag's value from
    another's.
    """

    text: str
    number: float | None
    group: int


class Hits(NamedTuple):
    """Where a word was found: ``codes`` of values (some several times), and ``places`` in them.

    The first place in a value is always among them.

    Place 0 is the beginning of the value proper; a place below 0 is in what leads it (a tag's
    key).
    """

    codes: Array
    places: Array


class Values:
    """Values in the order in which they came, which is their code.

    ``leads``: for values that begin with something that they are not, how many bytes that has by
    ``group``: in the text, and in the case-folded text.
    """

    def __init__(self, leads: tuple[Growing, Growing] | None = None) -> None:
        self._leads = leads
        self._texts = Blob(leads is None)
        self._groups = Growing(np.int8 if leads is None else np.int32)
        self._numbers: Growing | None = None  # made when the first number comes
        self._hashes = np.empty(0, np.uint32)  # in order, with the code of each
        self._hashed = np.empty(0, np.int32)
        # What is not ASCII is kept a second time, case-folded.
        self._odd = Growing(np.int32)
        self._folded = Blob(leads is None)
        self._order = np.empty(0, np.int32)  # the codes of texts, as they sort
        self._differs = np.empty(0, np.bool_)  # from the one before it in the order
        self._ranks = np.empty(0, np.int32)
        self._found: OrderedDict[str, tuple[int, int, Hits]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._texts)

    # Putting in and taking out

    def add(self, values: Sequence[Value]) -> Array:
        """The code of each value; those that were not there are put in.

        No value comes twice.
        """
        texts = [value.text for value in values]
        groups = np.fromiter((value.group for value in values), np.int32, len(values))
        hashes = _hashes(texts, groups)
        encoded = [_bytes(text) for text in texts]
        codes = self._lookup(encoded, groups, hashes)
        missing = np.flatnonzero(codes < 0)
        if len(missing):
            some = missing.tolist()
            codes[missing] = self._append(
                [values[place] for place in some],
                [encoded[place] for place in some],
                hashes[missing],
            )
        return codes

    def codes(self, text: str, groups: Sequence[int] = (0, 1)) -> Array:
        """The codes of the values that are exactly ``text``."""
        return self.codes_of([text], groups)

    def codes_of(self, texts: Sequence[str], groups: Sequence[int] = (0, 1)) -> Array:
        """The codes of the values that are exactly one of ``texts``."""
        wanted = np.repeat(np.array(groups, np.int32), len(texts))
        all_texts = [*texts] * len(groups)
        encoded = [_bytes(text) for text in all_texts]
        found = self._lookup(encoded, wanted, _hashes(all_texts, wanted))
        return found[found >= 0]

    def texts(self, codes: Sequence[int] | Array) -> list[str]:
        """The texts of these codes."""
        return [line.decode() for line in self._texts.lines(codes)]

    def values(self, codes: Array) -> list[Value]:
        """The values of these codes."""
        numbers = self.numbers()[codes].tolist()
        groups = self._groups.view[codes].tolist()
        return [
            Value(text, None if number != number else number, group)
            for text, number, group in zip(self.texts(codes), numbers, groups, strict=True)
        ]

    def _lookup(self, texts: Sequence[bytes], groups: Array, hashes: Array) -> Array:
        first = np.searchsorted(self._hashes, hashes)
        last = np.searchsorted(self._hashes, hashes, side="right")
        codes = np.full(len(texts), -1, np.int32)
        there = np.flatnonzero(first < last)
        likely = self._hashed[first[there]]
        lines = self._texts.lines(likely)
        wanted = (texts[place] for place in there.tolist())
        same = np.fromiter(map(eq, lines, wanted), np.bool_, len(lines))
        same &= self._groups.view[likely] == groups[there]
        codes[there[same]] = likely[same]
        for place in there[~same].tolist():  # mostly new ones; rarely one hash for two values
            for code in self._hashed[first[place] : last[place]].tolist():
                if self._groups.view[code] == groups[place] and (
                    self._texts.line(code) == texts[place]
                ):
                    codes[place] = code
        return codes

    def _append(self, values: Sequence[Value], texts: Sequence[bytes], hashes: Array) -> Array:
        codes = np.arange(len(self), len(self) + len(values), dtype=np.int32)
        odd = [place for place, text in enumerate(texts) if not text.isascii()]
        self._odd.extend(codes[odd])
        self._folded.extend([values[place].text.casefold().encode() for place in odd])
        self._groups.extend([value.group for value in values])
        if any(value.number is not None for value in values):
            self._count()
        if self._numbers is not None:
            self._numbers.extend([np.nan if v.number is None else v.number for v in values])
        self._texts.extend(texts)
        order = np.argsort(hashes)
        places = np.searchsorted(self._hashes, hashes[order])
        self._hashes = np.insert(self._hashes, places, hashes[order])
        self._hashed = np.insert(self._hashed, places, codes[order])
        return codes

    def _count(self) -> None:
        if self._numbers is None:
            self._numbers = Growing(np.float64)
            self._numbers.extend(np.full(len(self), np.nan))

    # Finding

    def hits(self, folded: str) -> Hits:
        """Where the case-folded text ``folded`` occurs.

        Hits are kept for a while, and then only what came since is looked through.
        """
        known = self._found.pop(folded, None)
        seen, seen_odd, hits = known or (0, 0, Hits(np.empty(0, np.int32), np.empty(0, np.int32)))
        if seen < len(self):
            fresh = self._hits(_bytes(folded), seen, seen_odd)
            hits = Hits(*(np.concatenate(pair) for pair in zip(hits, fresh, strict=True)))
        if len(hits.codes) <= _REMEMBERED_HITS:
            self._found[folded] = (len(self), len(self._folded), hits)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return hits

    def _hits(self, needle: bytes, since: int, since_odd: int) -> Hits:
        if not needle:  # it begins every value
            codes = np.arange(since, len(self), dtype=np.int32)
            return Hits(codes, np.zeros(len(codes), np.int32))
        # What is found in the text as it is, is found in the folded text too: folding turns
        # character after character, and what is folded already stays.
        codes, places = self._texts.hits(needle, since)
        odd_lines, odd_places = self._folded.hits(needle, since_odd)
        odd = self._odd.view[odd_lines]
        if self._leads is not None:
            groups = self._groups.view
            places = places - self._leads[0].view[groups[codes]]
            odd_places = odd_places - self._leads[1].view[groups[odd]]
        return Hits(
            np.concatenate([codes, odd]).astype(np.int32),
            np.concatenate([places, odd_places]).astype(np.int32),
        )

    def numbers(self) -> Array:
        """The number of each value, NaN where it is none."""
        return np.full(len(self), np.nan) if self._numbers is None else self._numbers.view

    def groups(self) -> Array:
        """The group of each value."""
        return self._groups.view

    def mixed(self) -> bool:
        """Whether there are numbers as well as texts among them."""
        return self._numbers is not None and bool(np.isnan(self._numbers.view).any())

    # Sorting

    def ranks(self) -> Array:
        """A number for each value by which it sorts: numbers, then texts without case, then none.

        Values that are equal but for case have the same.
        """
        if len(self._ranks) < len(self):
            self._rank()
        return self._ranks

    def _rank(self) -> None:
        numbers = self.numbers()
        texts = np.isnan(numbers)
        numeric, steps = self._numeric(np.flatnonzero(~texts))
        since = len(self._ranks)
        fresh = np.flatnonzero(texts[since:]) + since
        if len(fresh) <= _FEW:
            self._put_in(fresh)
        else:
            self._sort(np.flatnonzero(texts))
        ranks = np.empty(len(self), np.int32)
        ranks[numeric] = np.cumsum(steps)
        ranks[self._order] = np.cumsum(self._differs) + len(numeric)
        ranks[self.codes("", (0,))] = len(self) + 1
        self._ranks = ranks

    def _numeric(self, codes: Array) -> tuple[Array, Array]:
        numbers = self.numbers()[codes]
        order = np.argsort(numbers, kind="stable")
        codes, numbers = codes[order], numbers[order]
        same = np.flatnonzero(numbers[1:] == numbers[:-1])
        steps = np.ones(len(codes), np.int64)
        # Numbers that are written differently: they sort as they are written.
        for run in np.split(same, np.flatnonzero(np.diff(same) > 1) + 1) if len(same) else ():
            place = slice(int(run[0]), int(run[-1]) + 2)
            texts = sorted((self._fold(code), code) for code in codes[place].tolist())
            codes[place] = [code for _, code in texts]
            differs = [a[0] != b[0] for a, b in pairwise(texts)]
            steps[place.start + 1 : place.stop] = differs
        return codes, steps

    def _sort(self, codes: Array) -> None:
        folded = [line.lower() for line in self._texts.every()]
        for code, line in zip(self._odd.view.tolist(), self._folded.every(), strict=True):
            folded[code] = line
        order = sorted(codes.tolist(), key=folded.__getitem__)
        texts = [folded[code] for code in order]
        self._order = np.array(order, np.int32)
        self._differs = np.ones(len(order), np.bool_)
        self._differs[1:] = list(starmap(ne, pairwise(texts)))

    def _put_in(self, codes: Array) -> None:
        if not len(codes):
            return
        texts = sorted((self._fold(code), code) for code in codes.tolist())
        places = [bisect_left(self._order, text, key=self._fold) for text, _ in texts]
        self._order = np.insert(self._order, places, [code for _, code in texts])
        self._differs = np.insert(self._differs, places, True)
        for place in (np.array(places) + np.arange(len(places))).tolist():
            self._compare(place)
            self._compare(place + 1)

    def _compare(self, place: int) -> None:
        if 0 < place < len(self._order):
            before, text = (self._fold(code) for code in self._order[place - 1 : place + 1])
            self._differs[place] = before != text

    def _fold(self, code: int) -> bytes:
        line = self._texts.line(code)
        if line.isascii():
            return line.lower()
        return self._folded.line(int(np.searchsorted(self._odd.view, code)))

    # Keeping house

    def fit(self) -> None:
        """Give back the room for more."""
        for part in (self._texts, self._folded, self._groups, self._odd, self._numbers):
            if part is not None:
                part.fit()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes, but for what is remembered of words."""
        parts = (self._texts, self._folded, self._groups, self._odd, self._numbers)
        arrays = (self._hashes, self._hashed, self._order, self._differs, self._ranks)
        return sum(part.nbytes for part in (*parts, *arrays) if part is not None)


def _hashes(texts: Sequence[str], groups: Array) -> Array:
    found = np.fromiter(map(hash, texts), np.int64, len(texts))
    # Both are cut to 32 bits, which is as good as any other way to mix them.
    spread: Array = found.astype(np.uint32) ^ groups.astype(np.uint32) * _SPREAD
    return spread


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # half a pair is nowhere, and no error either
