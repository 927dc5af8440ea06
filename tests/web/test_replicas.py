"""Two consoles on one PostgreSQL behind a load balancer: real processes, stopped and killed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import count

import pytest
from sqlalchemy import Engine, select

from app.db import make_engine
from app.people import login_tokens
from app.watches.tables import notices
from scripts.own_console import free_port
from tests.databases import Databases
from tests.replicas import Balancer, Person, Replica, until
from tests.web.conftest import Aws

HOSTS = ("127.0.0.2", "127.0.0.3")  # one port: the name of the session's cookie contains it
KEY, TOKEN = "the-same-key-for-both", "the-token-of-prometheus"
ENOUGH = 30  # requests that each of those who work at once makes, at least


class Estate:
    """The replicas, what is around them, and somebody who is signed in."""

    def __init__(self, replicas: list[Replica], engine: Engine, aws: Aws) -> None:
        self.replicas, self.engine, self.aws = replicas, engine, aws
        self.balancer = Balancer(replicas)

    def person(self) -> Person:
        """Somebody who has opened a fresh link."""
        person = Person(self.balancer.port)
        assert person.open(f"/login?token={login_tokens.create(self.engine)}").status == 302
        return person

    def all_ready(self) -> None:
        """Start those that do not run, and wait until requests go to each."""
        for replica in self.replicas:
            if not replica.running:
                replica.start()
        until(lambda: all(map(self.balancer.uses, self.replicas)), "all replicas are ready")


@pytest.fixture(scope="module")
def estate(
    databases: Databases, _sandbox: Aws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Estate]:
    folder, port = tmp_path_factory.mktemp("replicas"), free_port()
    _sandbox.anew()
    with databases.new("postgresql") as url:
        environment = {
            "ENCANTE_AWS": "aws",
            "ENCANTE_REGIONS": "us-east-1",
            "ENCANTE_DATABASE_URL": url,
            "ENCANTE_DATA": str(folder / "nothing"),
            "ENCANTE_SECRET_KEY": KEY,
            "ENCANTE_METRICS_TOKEN": TOKEN,
            "ENCANTE_LOG_FORMAT": "json",
            "ENCANTE_DRAIN_SECONDS": "1",
            "ENCANTE_POLL_SECONDS": "0.5",
            "ENCANTE_CHANGING_SECONDS": "1",
            "ENCANTE_REFRESH_SECONDS": "1",
            "AWS_ENDPOINT_URL": _sandbox.url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "NO_PROXY": "127.0.0.1",
        }
        replicas = [Replica(host, port, environment, folder / f"{host}.log") for host in HOSTS]
        engine = make_engine(url)
        made = Estate(replicas, engine, _sandbox)
        try:
            made.all_ready()
            yield made
        finally:
            made.balancer.stop()
            for replica in replicas:
                replica.kill()
            engine.dispose()
        assert not (folder / "nothing").exists()


def test_who_is_signed_in_at_one_is_signed_in_at_the_other(estate: Estate) -> None:
    person, seen = estate.person(), set()

    def ask() -> bool:
        page = person.open("/watches")
        assert page.status == 200
        seen.add(page.headers["X-Replica"])
        return seen == set(HOSTS)

    until(ask, "both have answered")


def test_a_list_shows_the_same_at_both(estate: Estate) -> None:
    person = estate.person()

    def names() -> list[set[str]]:
        pages = [person.open("/instances.json") for _ in range(4)]
        found = {page.headers["X-Replica"]: json.loads(page.html) for page in pages}
        return [{row["name"] for row in rows} for rows in found.values()]

    def same() -> bool:
        first, *others = names()
        return "web-1" in first and others == [first]

    until(same, "both show the list")


def test_stopping_one_under_load_loses_no_request(estate: Estate) -> None:
    estate.all_ready()
    stopped, numbers = threading.Event(), count()
    answers: list[tuple[str, int, str]] = []

    def work(person: Person) -> None:
        done = 0
        while done < ENOUGH or not stopped.is_set():
            form = person.open("/topics/new")
            answers.append(("GET", form.status, form.headers["X-Replica"]))
            page = person.send(form, name=f"load-{next(numbers)}")
            answers.append(("POST", page.status, page.headers["X-Replica"]))
            done += 1

    threads = [threading.Thread(target=work, args=(estate.person(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    going, staying = estate.replicas
    until(lambda: sum(by == going.host for _, _, by in answers) > ENOUGH, "it has work")
    going.terminate()
    assert going.wait() == 0
    stopped.set()
    for thread in threads:
        thread.join()
    assert estate.person().open("/topics/new").headers["X-Replica"] == staying.host
    assert {(how, status) for how, status, _ in answers} == {("GET", 200), ("POST", 303)}
    made = [row["name"] for row in json.loads(estate.person().open("/topics.json").html)]
    sent = sum(how == "POST" for how, _, _ in answers)
    assert sum(name.startswith("load-") for name in made) == sent


def test_when_one_is_killed_pages_and_watches_go_on(estate: Estate) -> None:
    estate.all_ready()
    person = estate.person()
    volume = json.loads(person.open("/volumes.json").html)[0]
    form = person.open(f"/snapshots/new?volume_id={volume['id']}")
    done = person.send(form, notify="new", new_topic_name="told")
    assert done.status == 303
    killed = next(each for each in estate.replicas if each.host == done.headers["X-Replica"])
    killed.kill()
    assert [person.open("/watches").status for _ in HOSTS] == [200, 200]
    estate.aws.send("clock", "POST", {"advance": 600})

    def states() -> list[str]:
        with estate.engine.connect().execution_options(reading=True) as connection:
            return list(connection.scalars(select(notices.c.state)))

    until(lambda: states() == ["sent"], "the notice is sent")
    assert estate.aws.calls()["Publish"] == 1


def test_each_tells_the_same_of_the_database(estate: Estate) -> None:
    estate.all_ready()

    def told(replica: Replica) -> list[str]:
        status, text = replica.ask("/metrics", {"Authorization": f"Bearer {TOKEN}"})
        assert status == 200
        shared = ("encante_watches", "encante_notices{", "encante_database_up 1")
        return [line for line in text.splitlines() if line.startswith(shared)]

    assert told(estate.replicas[0])
    until(lambda: told(estate.replicas[0]) == told(estate.replicas[1]), "they tell the same")
    assert estate.replicas[0].ask("/metrics")[0] == 401


def test_every_line_of_the_logs_is_json_and_tells_no_secret(estate: Estate) -> None:
    for replica in estate.replicas:
        text = replica.log.read_text()
        events = [json.loads(line)["event"] for line in text.splitlines()]
        assert events
        assert KEY not in text
        assert TOKEN not in text
