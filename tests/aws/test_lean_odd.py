"""What AWS does not send, but emulators and proxies may: botocore's parser has the last word."""

from __future__ import annotations

from xml.etree.ElementTree import ParseError

import pytest
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from app.aws import lean
from tests.aws.answers import EC2, QUERY, agreed, by_botocore, by_lean, output


@pytest.fixture(autouse=True)
def no_readers_of_made_up_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "_readers", {})


BOTH = pytest.mark.parametrize("of", [EC2, QUERY], ids=["ec2", "query"])


ODD = {
    "nothing": "",
    "unknown elements": "<New>1</New><Text>x</Text><New><Deep/></New>",
    "a structure twice": "<Inner><Text>a</Text></Inner><Inner><Text>b</Text></Inner>",
    "a list twice": "<Inners><item/></Inners><Inners><item/><item/></Inners>",
    "a list twice, apart": "<Inners><item/><item/></Inners><Text/><Inners><item/></Inners>",
    "a flag twice": "<Flag>true</Flag><Flag>true</Flag>",
    "empty elements": "<Text/><Texts/><Inner/><Inners/><Flag/><Bytes/><Map/>",
    "white space within": "<Text>  x \n </Text><Number> 5 </Number><Flag> true </Flag>",
    "white space between": "\n  <Inners>\n <item>\n <Text>x</Text>\n </item>\n </Inners>\n",
    "a namespace of one element": '<Text xmlns="http://x/">x</Text>',
    "prefixes": '<p:Text xmlns:p="http://x/">x</p:Text><Inners xmlns:q="y"><q:item/></Inners>',
    "entities": "<Text>&lt;&amp;&#38;&#x20AC;&quot;</Text>",
    "CDATA": "<Text>a<![CDATA[<b>&amp;]]>c</Text>",
    "comments": "<!-- a --><Text>a<!-- b -->c</Text><Inners><!-- d --><item/></Inners>",
    "processing instructions": "<?a b?><Text>a<?c d?>b</Text>",
    "elements within a text": "<Text>a<b>c</b>d</Text>",
    "attributes": '<Text nil="true">x</Text><Flag a="b">true</Flag>',
    "text where there is a structure": "<Inner>words</Inner><Inners>words<item/>more</Inners>",
    "a list's items under any name": "<Inners><item/><member/><x><Text>a</Text></x></Inners>",
    "flags of other words": "<Flag>TRUE</Flag>",
    "odd numbers": "<Number>+0012</Number><Share>1e3</Share>",
    "underscores in numbers": "<Number>1_000</Number>",
    "more than a number": "<Share>INF</Share>",
    "no map key": "<Map><entry><key>a</key><value><Text>x</Text></value></entry></Map>",
    "value before key": "<Map><entry><value/><key>a</key></entry></Map>",
    "the same key twice": "<Map><entry><key>a</key><value/></entry><entry><key>a</key><value>"
    "<Text>x</Text></value></entry></Map>",
    "metadata as a key": "<Map><entry><key>ResponseMetadata</key><value/></entry></Map>",
    "an item that repeats a flat list": "<Inner><Flat>1</Flat><Flat>2</Flat></Inner><Flat>3</Flat>",
    "a time without zone": "<At>2026-01-02T03:04:05</At>",
    "a time in another zone": "<At>2026-01-02T03:04:05+02:00</At>",
    "a time of another form": "<At>Fri, 02 Jan 2026 03:04:05 GMT</At>",
    "a date": "<At>2026-01-02</At>",
    "seconds since 1970": "<At>1700000000</At>",
    "a time by Arabic digits": "<At>٢٠٢٦-01-02T03:04:05Z</At>",
    "surrogates by number": "<Text>&#x1F600;</Text>",
    "bytes with line feeds": "<Bytes>YWJj\nZGVm</Bytes>",
}


def body_of(of: OperationModel, inside: str) -> bytes:
    if of is QUERY:
        inside = f"<ListAllResult>{inside}</ListAllResult><ResponseMetadata/>"
    return f'<ListAllResponse xmlns="http://made-up/">{inside}</ListAllResponse>'.encode()


@BOTH
@pytest.mark.parametrize("inside", ODD.values(), ids=ODD)
def test_odd_answers_are_read_as_botocore_reads_them(of: OperationModel, inside: str) -> None:
    agreed(body_of(of, inside), of)


@BOTH
@pytest.mark.parametrize("inside", ODD.values(), ids=ODD)
def test_odd_answers_are_so_in_small_pieces_too(
    of: OperationModel, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean, "PIECE", 1)
    agreed(body_of(of, inside), of)


UNREADABLE = {
    "a number that is none": "<Number>many</Number>",
    "an empty number": "<Number/>",
    "a number twice": "<Number>1</Number><Number>2</Number>",
    "a time that is none": "<At>soon</At>",
    "an empty time": "<At/>",
    "the thirteenth month": "<At>2026-13-01T00:00:00Z</At>",
    "a pair of no key": "<Map><entry><value/></entry></Map>",
    "a pair of other things": "<Map><entry><a/><b/></entry></Map>",
    "bytes that are none": "<Bytes>a</Bytes>",
    "an entity that nobody defined": "<Text>&nbsp;</Text>",
    "a control character": "<Text>&#1;</Text>",
    "an element that does not end": "<Text>x",
    "braces in a namespace": '<Text xmlns="a}b{c}">x</Text>',
}


@BOTH
@pytest.mark.parametrize("inside", UNREADABLE.values(), ids=UNREADABLE)
def test_what_botocore_cannot_read_raises_one_kind_of_error(
    of: OperationModel, inside: str
) -> None:
    body = body_of(of, inside)
    with pytest.raises(Exception):  # noqa: B017, PT011  # of any kind: that is the point
        by_botocore(body, of)
    with pytest.raises(ResponseParserError):
        by_lean(body, of)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><body>Sign in</body></html>",
        b"<Volumes/>",
        b"words",
        b"\xff\xfe<\x00",
        b"<ListAllResponse><Text>\xff</Text></ListAllResponse>",
        b"<ListAllResponse><Text>x</Text>",
        b"<ListAllResponse/><ListAllResponse/>",
        b' <?xml version="1.0"?><ListAllResponse/>',
        '<?xml version="1.0" encoding="utf-16"?><ListAllResponse/>'.encode("utf-16"),
    ],
)
def test_what_is_not_awss_xml_is_refused(body: bytes) -> None:
    with pytest.raises(ResponseParserError):
        by_lean(body, EC2)


def test_what_the_encoding_is_said_to_be_counts_for_nothing() -> None:
    """As with botocore: AWS speaks UTF-8."""
    text = (
        '<?xml version="1.0" encoding="latin-1"?><ListAllResponse><Text>é</Text></ListAllResponse>'
    )
    assert agreed(text.encode(), EC2)["Text"] == "é"


@BOTH
@pytest.mark.parametrize(
    "inside",
    [
        "<Text>a</Text><Flag>true</Flag><Text>b</Text>",
        "<Inners><item><Text>a</Text><Text>b</Text></item></Inners>",
        "<Texts><item/></Texts><Texts><item/></Texts><Lists/><Lists><item>a</item></Lists>",
    ],
)
def test_a_text_that_stands_twice_is_refused(of: OperationModel, inside: str) -> None:
    """botocore gives its XML elements instead, which nobody can keep."""
    body = body_of(of, inside)
    by_botocore(body, of)
    if "Lists" not in inside:
        with pytest.raises(ResponseParserError):
            by_lean(body, of)
    else:
        agreed(body, of)


def test_an_answer_without_its_result_is_refused() -> None:
    with pytest.raises(ResponseParserError):
        by_lean(b"<ListAllResponse><ResponseMetadata/></ListAllResponse>", QUERY)


def laughs(levels: int = 12) -> bytes:
    entities = ['<!ENTITY e0 "ha">'] + [
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, levels)
    ]
    return (
        f'<?xml version="1.0"?><!DOCTYPE x [{"".join(entities)}]>'
        f"<ListAllResponse><Text>&e{levels - 1};</Text></ListAllResponse>"
    ).encode()


def test_a_billion_laughs_are_not_even_begun_with() -> None:
    with pytest.raises(ResponseParserError, match="form of AWS"):
        by_lean(laughs(), EC2)
    with pytest.raises(ParseError):  # nor would the XML parser laugh
        lean.Reader(output(EC2)).read(laughs())
