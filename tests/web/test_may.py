"""Who may act: what a person with narrowed grants may do at the console."""

from __future__ import annotations

from typing import Any

import boto3
from sqlalchemy import select

from app.aws import tags
from app.people.tables import audit
from app.people.who import Grant, Limits
from app.resources.instances import volumes_ending
from tests.web.browser import Browser
from tests.web.conftest import Aws


def test_a_person_of_a_test_has_the_grants_that_it_names(visitor: Browser) -> None:
    viewer = Browser(visitor.app, as_=[Grant("viewer")])
    assert viewer.open("/instances").status == 200
    assert viewer.open("/instances/new").status == 403
    west = [Grant("operator", Limits(regions=("us-east-1",)))]
    assert Browser(visitor.app, as_=west).open("/instances/new").status == 200


EAST = Limits(regions=("us-east-1",))
TEAM = Limits(tag_key="team", tag_value="web")


def test_who_may_act_in_one_region_is_refused_in_the_other(browser: Browser, aws: Aws) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", EAST)])
    page = pat.open("/topics/new")
    aws.forget_calls()
    assert "eu-central-1</option>" not in page.html
    refused = pat.send(page, name="mine", region="eu-central-1")
    assert refused.status == 422
    assert "CreateTopic" not in aws.calls()
    assert pat.send(refused, name="mine", region="us-east-1").status == 303


def test_a_refusal_is_in_the_audit_log(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", TEAM)])
    bare: dict[str, Any] = {"tags-0-key": None, "tags-0-value": None}
    pat.fill("/volumes/new", size="8", **bare)
    with browser.house.engine.connect() as connection:
        row = connection.execute(select(audit).where(audit.c.event == "refusal")).one()
    assert (row.actor, row.outcome) == ("pat", "refused")
    assert "must have the tag team = web" in row.message


def test_who_tries_what_is_not_theirs_is_recorded_with_what_it_was(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", EAST)])
    theirs = browser.house.inventory.all("instance", "eu-central-1")[0].id
    token = pat.open("/topics/new").fields["csrf_token"]
    stopped = pat.post(f"/instances/stop?id={theirs}", {"csrf_token": token, "_do": "perform"})
    assert stopped.status == 409
    with browser.house.engine.connect() as connection:
        row = connection.execute(select(audit).where(audit.c.event == "refusal")).one()
    assert (row.actor, row.title, row.code) == ("pat", "Stop", "role")
    assert theirs in row.message


def test_what_one_makes_gets_the_tag_that_one_s_role_is_for(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", TEAM)])
    page = pat.open("/volumes/new")
    assert page.fields["tags-0-key"] == "team"
    bare: dict[str, Any] = {"tags-0-key": None, "tags-0-value": None}
    without = pat.send(page, size="8", **bare)
    assert without.status == 403
    assert "what you make must have the tag team = web" in without.words
    assert pat.send(page, size="8").status == 303


def test_the_tag_of_one_s_role_cannot_be_taken_away(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", TEAM)])
    pat.fill("/volumes/new", size="8", **{"tags-1-key": "note", "tags-1-value": "x"})
    rows = browser.house.inventory.all("volume")
    made = next(row.id for row in rows if row.tags.get("note") == "x")
    page = pat.open(f"/volumes/tags?id={made}")
    assert page.status == 200
    other = pat.send(page, **{"tags-0-value": "db", "tags-1-value": "db"})
    assert other.status == 403
    assert "must stay" in other.words


def test_a_launch_offers_and_tells_nothing_that_one_may_not_see(browser: Browser) -> None:
    known = browser.house.inventory.all
    groups = {row.id for row in known("security_group", "us-east-1")}
    image = next(row for row in known("image", "us-east-1") if row.tags.get("team") != "web")
    address = f"/instances/new?region=us-east-1&image_id={image.id}"
    assert all(each in browser.open(address).html for each in groups)
    pat = Browser(browser.app, as_=[Grant("operator", TEAM)])
    page = pat.open(address)
    assert page.status == 200
    assert not any(each in page.html for each in groups)
    assert f"There is no image {image.id}" in pat.send(page, volume_size="1").words


def test_a_viewer_sees_why_nothing_can_be_done_here(visitor: Browser) -> None:
    viewer = Browser(visitor.app, as_=[Grant("viewer")])
    page = viewer.open("/instances")
    assert "Launch instances : This needs the role operator; yours is viewer." in page.words
    assert "/instances/terminate" not in page.html
    detail = viewer.open(next(link for link in page.links if link.startswith("/instances/i-")))
    assert "Actions : This needs the role operator" in detail.words
    for path in ("/rules", "/notices", "/watches", "/topics", "/", "/activity", "/queues"):
        assert viewer.open(path).status == 200
    assert "/rules/new" not in viewer.open("/rules").html


def test_what_is_refused_says_which_role_it_needs_and_is_recorded(browser: Browser) -> None:
    viewer = Browser(browser.app, as_=[Grant("viewer")], name="vera")
    for path in ("/instances/new", "/rules/new", "/notices/messages"):
        page = viewer.open(path)
        assert page.status == 403
        assert "yours is viewer" in page.words
    part = viewer.post("/instances/new", {}, HX_Request="true")
    assert part.status in {400, 403}
    with browser.house.engine.connect() as connection:
        told = connection.execute(select(audit).where(audit.c.event == "refusal")).all()
    assert {row.actor for row in told} == {"vera"}


def test_whoever_has_no_role_gets_in_nowhere(visitor: Browser) -> None:
    nobody = Browser(visitor.app, as_=[], name="newcomer")
    for path in ("/", "/instances", "/search?q=web", "/activity.json"):
        page = nobody.open(path)
        assert page.status == 403
        assert "You have no role here yet" in page.words
        assert "newcomer" in page.words, "they see as whom they came in"
        assert "another role" not in page.words
        assert visitor.house.accounts.main.id not in page.html
    assert nobody.post("/logout", {}).status in {400, 401}


def callers(aws: Aws, operation: str) -> set[str]:
    """Who made the calls of an operation, as AWS has them on record."""
    last = aws.send("calls?last=1000", "GET")["last"]
    return {call["caller"] for call in last if call["operation"] == operation}


WEB = [Grant("viewer"), Grant("operator", EAST, aws_role="web-operators")]


def test_whoever_acts_through_a_role_is_named_in_aws_s_records(browser: Browser, aws: Aws) -> None:
    account = browser.house.accounts.main.id
    pat = Browser(browser.app, as_=WEB, name="pat@example.com")
    zoe = Browser(browser.app, as_=WEB, name="Zoë")
    aws.forget_calls()
    page = pat.open("/volumes/new")
    assert pat.send(page, size="8", do="check").status == 200
    assert pat.send(page, size="8").status == 303
    role = f"arn:aws:sts::{account}:assumed-role/web-operators/"
    assert callers(aws, "CreateVolume") == {f"{role}pat@example.com"}
    aws.forget_calls()
    assert zoe.fill("/volumes/new", size="8").status == 303
    (caller,) = callers(aws, "CreateVolume")
    assert caller.startswith(f"{role}Zo--")
    assert callers(aws, "AssumeRole") == {f"arn:aws:iam::{account}:user/sandbox"}
    browser.wait()
    assert callers(aws, "DescribeVolumes") == {f"arn:aws:iam::{account}:user/sandbox"}


def test_the_shown_code_names_the_role_that_somebody_acts_through(browser: Browser) -> None:
    pat = Browser(browser.app, as_=WEB)
    page = pat.open("/volumes/new")
    shown = pat.send(page, do="preview", size="8")
    arn = f"arn:aws:iam::{browser.house.accounts.main.id}:role/web-operators"
    assert f"# With the credentials of {arn}:" in shown.words
    assert f"needs the credentials of the role {arn}" in shown.words
    assert "web-operators" not in browser.send(browser.open("/volumes/new"), do="preview").words


def test_a_role_that_cannot_be_assumed_stops_the_deed_and_says_what_it_needs(
    browser: Browser, aws: Aws
) -> None:
    pat = Browser(browser.app, as_=WEB)
    page = pat.open("/volumes/new")
    aws.fault("refuse", "AssumeRole")
    aws.forget_calls()
    refused = pat.send(page, size="8")
    assert refused.status == 403
    assert "You act through the role" in refused.words
    assert "trust policy must name this identity" in refused.words
    assert "CreateVolume" not in aws.calls()


def test_a_role_of_another_account_is_not_used(browser: Browser, aws: Aws) -> None:
    other = "arn:aws:iam::999999999999:role/web"
    pat = Browser(browser.app, as_=[Grant("operator", aws_role=other)])
    page = pat.open("/topics/new")
    assert page.status == 403
    assert "is of the account 999999999999" in page.words
    assert "OtherRole" not in page.words


def test_who_has_several_roles_acts_by_the_one_that_covers_the_deed(browser: Browser) -> None:
    west = Limits(regions=("eu-central-1",))
    grants = [Grant("operator", EAST, aws_role="east"), Grant("operator", west)]
    pat = Browser(browser.app, as_=grants)
    page = pat.open("/topics/new")
    east = pat.send(page, do="preview", name="a", region="us-east-1")
    assert "role/east" in east.words
    central = pat.send(page, do="preview", name="a", region="eu-central-1")
    assert "role/" not in central.words


def test_whoever_sees_a_part_is_told_which(browser: Browser) -> None:
    """Else an empty page would look as if there were nothing."""
    limits = Limits(regions=("us-east-1",), tag_key="team", tag_value="nobody's")
    part = Browser(browser.app, as_=[Grant("viewer", limits)])
    shown = "what has the tag team = nobody's in the region us-east-1"
    assert f"Your role shows {shown}" in part.open("/").words
    assert f"Your role shows only {shown}" in part.open("/instances").words
    missing = part.open("/instances/i-0123456789abcdef0")
    assert missing.status == 404
    assert "outside what your role shows" in missing.words
    assert "Your role shows" not in browser.open("/").words


def test_a_new_topic_to_be_told_by_gets_the_tag_that_one_s_role_is_for(
    browser: Browser, aws: Aws
) -> None:
    shop = Limits(tag_key="team", tag_value="shop")
    pat = Browser(browser.app, as_=[Grant("operator", shop)])
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    page = pat.open(f"/instances/stop?id={web.id}")
    asked: dict[str, Any] = {
        "notify": "new",
        "new_topic_name": "shop-stops",
        "outcomes": ["stopped"],
    }
    told = pat.send(page, do="preview", **asked).words
    assert "The new topic gets the tag team = shop, which your role is for." in told
    assert "Not yours to do" not in told
    assert pat.send(page, **asked).status == 303
    (topic,) = browser.house.inventory.find("topic", "name", ["shop-stops"])
    assert topic.tags == {"team": "shop"}
    owner = browser.send(browser.open(f"/instances/watch?id={web.id}"), do="preview", **asked)
    assert "which your role is for" not in owner.words


def test_the_tag_is_that_of_the_role_for_the_place(browser: Browser) -> None:
    shop = Limits(regions=("eu-central-1",), tag_key="team", tag_value="shop")
    pat = Browser(browser.app, as_=[Grant("operator", shop), Grant("operator", EAST)])
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    asked = {"notify": "new", "new_topic_name": "mine"}
    told = pat.send(pat.open(f"/instances/watch?id={web.id}"), do="preview", **asked).words
    assert web.region == "us-east-1"
    assert "which your role is for" not in told


SHOP = Limits(tag_key="team", tag_value="shop")


def test_an_instance_does_not_take_volumes_with_it_that_are_not_one_s_own(
    browser: Browser, aws: Aws
) -> None:
    pat = Browser(browser.app, as_=[Grant("operator", SHOP)])
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    (volume,) = volumes_ending([web])
    page = pat.open(f"/instances/terminate?id={web.id}")
    assert "not known to be" not in page.words
    row = browser.house.inventory.get("volume", volume)
    assert row is not None
    clients = browser.house.accounts.clients()
    (others,) = tags.ec2_tag_calls(row.region, "volume", volume, {}, {"team": "data"})
    others.run(clients)  # by somebody else, which this console has not seen yet
    aws.forget_calls()
    refused = pat.send(page)
    assert f"{volume}, which would be deleted with {web.id}, is not known to be" in refused.words
    assert refused.status == 403
    assert "An admin of this console can give you a wider role" in refused.words
    assert "NotPermitted" not in refused.words
    assert "TerminateInstances" not in aws.calls()
    told = pat.open(page.path).words
    assert f"{volume}, which would be deleted with {web.id}, is not known to be" in told
    assert browser.send(browser.open(page.path)).status == 303, "whoever is not narrowed may"


def test_a_volume_that_stays_may_be_anybody_s(browser: Browser, aws: Aws) -> None:
    pat = Browser(browser.app, as_=[Grant("operator", SHOP)])
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    (volume,) = volumes_ending([web])
    device = web.description["BlockDeviceMappings"][0]["DeviceName"]
    client = boto3.client(
        "ec2",
        region_name=web.region,
        endpoint_url=aws.url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    kept: Any = {"DeviceName": device, "Ebs": {"DeleteOnTermination": False}}
    client.modify_instance_attribute(InstanceId=web.id, BlockDeviceMappings=[kept])
    client.create_tags(Resources=[volume], Tags=[{"Key": "team", "Value": "data"}])
    page = pat.open(f"/instances/terminate?id={web.id}")
    assert "which would be deleted" not in page.words
    assert pat.send(page).status == 303
