"""``python -m tests.bench.index``: what the index of the inventory costs, by operation.

Fills a database with generated resources (``--scale 1``: 100,000 snapshots, 50,000 volumes, 20,000
instances, 5,000 images), then prints how long it takes to load, its memory, and the time of each
operation. ``--database`` names the file; one that is there already is used as it is.
"""

from __future__ import annotations

import argparse
import itertools
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import botocore.session
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict

from app.aws.lean import reader_of
from app.db import make_engine
from app.inventory import Inventory, Query
from app.inventory.index import lists
from app.inventory.store import bump
from app.inventory.tables import resources
from app.migrate import upgrade
from app.resources import RESOURCES
from tests.bench.fakeaws.__main__ import ACCOUNTS, REGIONS, scaled
from tests.bench.fakeaws.world import PAGE, World
from tests.bench.timing import Samples, measure

ITEMS = {
    "image": ("DescribeImages", lambda answer: answer["Images"]),
    "snapshot": ("DescribeSnapshots", lambda answer: answer["Snapshots"]),
    "volume": ("DescribeVolumes", lambda answer: answer["Volumes"]),
    "instance": (
        "DescribeInstances",
        lambda answer: [one for some in answer["Reservations"] for one in some["Instances"]],
    ),
}


def fill(inventory: Inventory, scale: float) -> None:
    """Put a generated world into the inventory."""
    world = World(scaled(scale), ACCOUNTS[:3], REGIONS)
    model = botocore.session.get_session().get_service_model("ec2")
    now = datetime.now(UTC)
    for kind, (operation, pick) in ITEMS.items():
        reader = reader_of(operation, model.operation_model(operation).output_shape)
        assert reader is not None
        for (account, region), place in world.places.items():
            for start in range(0, world.counts[operation], PAGE):
                found = pick(reader.read(world.page(operation, place, start, PAGE)))
                inventory.store(kind, account, region, found, now, "read")


def queries(kind: str) -> dict[str, Callable[[], Query]]:
    """Ways to ask for a list; each call of one asks for something that was not asked before."""
    numbers = itertools.count(random.randrange(1000))

    def asked(**args: str) -> Query:
        return Query.parse(RESOURCES[kind], MultiDict(args))

    def hexadecimal() -> str:
        return f"{random.randrange(1 << 16):04x}"

    ways = {
        "first page": lambda: asked(),
        "a page in the middle": lambda: asked(page=str(next(numbers) % 20 + 1)),
        "sorted by id, last": lambda: asked(sort="-id", page="999999"),
        "a new word, rare": lambda: asked(q=f"web-{next(numbers)}"),
        "a new word, of digits": lambda: asked(q=hexadecimal()),
        "a new word, common": lambda: asked(q=f"prod {next(numbers) % 10}"),
        "a new filter": lambda: asked(q=f'tag:team = data name ^ "web-{next(numbers)}"'),
        "a facet": lambda: asked(region=random.choice(REGIONS), sort="-id"),
        "not, or": lambda: asked(q=f"not tag:env = prod or id : {hexadecimal()}", sort="-region"),
    }
    if kind in ("snapshot", "volume"):
        ways["a range"] = lambda: asked(q=f"size > {next(numbers) % 90}", sort="-size")
    return ways


def told(name: str, do: Callable[[], object], times: int = 60) -> None:
    """Print how long a call takes."""
    samples = Samples()
    for _ in range(times):
        measure(do, samples)
    tell(name, samples)


def tell(name: str, samples: Samples) -> None:
    """Print median, 99th percentile and processor time."""
    figures = samples.told()
    median, last, own = (figures[key] for key in ("median_ms", "p99_ms", "own_cpu_ms"))
    print(f"{name:44} {median:8.2f} ms {last:8.2f} ms {own:8.2f} ms", flush=True)


def resident() -> float:
    """This process's memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def asks(inventory: Inventory, kind: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The operations on a kind, by name."""
    for name, make in queries(kind).items():
        yield f"page: {name}", partial(_call, partial(inventory.page, kind), make)
        yield f"  index alone: {name}", partial(_call, partial(selected, inventory, kind), make)
    query = Query.parse(RESOURCES[kind], MultiDict({"q": "web"}))
    yield "stamp, nothing changed", lambda: inventory.stamp(kind, query)
    yield "values of tag:Name", lambda: inventory.values(kind, "tag:Name", "we", 10)
    yield "find by name", lambda: inventory.find(kind, "name", ["web-7"], limit=50)
    ids = [row.id for row in inventory.page(kind, query).rows]
    yield "names of 50", lambda: inventory.names(kind, ids)


def _call(read: Callable[[Query], object], make: Callable[[], Query]) -> object:
    return read(make())


def selected(inventory: Inventory, kind: str, query: Query) -> object:
    """What of a page is answered by the index."""
    with inventory._index(kind) as index:
        chosen = inventory._selected(kind, index, query).chosen
        offset = (query.page - 1) * query.per_page
        return index.rows(lists.ordered(index, query.sort, chosen, offset, query.per_page))


def change(inventory: Inventory, kind: str, number: int) -> None:
    """Write rows of a kind anew, as a refresh would that finds them changed."""
    with inventory._engine.begin() as connection:
        revision = bump(connection, kind)
        some = select(resources.c.seq).where(resources.c.kind == kind).limit(number)
        offset = random.randrange(1000)
        connection.execute(
            update(resources)
            .where(resources.c.seq.in_(some.offset(offset)))
            .values(changed=revision, name=func.printf("web-%d", revision + resources.c.seq))
        )


def deltas(inventory: Inventory, kind: str) -> None:
    """Print what it costs to take in rows that were written, and to sort by what has changed."""
    query = Query(sort="name")
    for number in (10, 1000):
        samples = Samples()
        for _ in range(20):
            change(inventory, kind, number)
            measure(lambda: inventory.page(kind, query), samples)
        tell(f"page after {number} rows were written", samples)


def main() -> None:
    """Fill, load, measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--kind", default="snapshot")
    given = parser.parse_args()
    path = given.database or Path(tempfile.mkdtemp()) / "bench.db"
    fresh = not path.exists()
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    if fresh:
        begun = time.monotonic()
        fill(Inventory(engine, RESOURCES), given.scale)
        print(f"filled in {time.monotonic() - begun:.1f} s")
    before = resident()
    inventory = Inventory(engine, RESOURCES)
    for kind in ITEMS:
        begun, cpu = time.monotonic(), time.process_time()
        inventory.warm(kind)
        with inventory._index(kind) as index:
            print(
                f"{kind}: {len(index)} loaded in {time.monotonic() - begun:.2f} s "
                f"(processor {time.process_time() - cpu:.2f} s), {index.nbytes / 1e6:.1f} MB"
            )
    print(f"memory: {before:.0f} MB before, {resident():.0f} MB after")
    print(f"{'':44} {'median':>11} {'99th':>11} {'processor':>11}")
    for name, do in asks(inventory, given.kind):
        told(name, do)
    told("search, three letters", lambda: inventory.search(f"{random.randrange(4096):03x}", 20))
    told("search, a name", lambda: inventory.search(f"web-{random.randrange(1000)}", 20))
    deltas(inventory, given.kind)
    print(f"memory: {resident():.0f} MB at the end")


if __name__ == "__main__":
    main()
