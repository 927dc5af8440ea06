"""Whatever is sent, the answer is an EC2 error or an answer: never an internal error."""

from botocore import xform_name
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox.ec2 import operations
from app.sandbox.ec2.request import OPERATIONS

from .conftest import UBUNTU, ZONE

TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "i-0123456789abcdef0",
            "vol-0123456789abcdef0",
            "snap-0123456789abcdef0",
            "ami-0123456789abcdef0",
            UBUNTU,
            ZONE,
            "<script>",
            "self",
            "\x00",
            "-1",
            "true",
            "99999999999999999999",
        ]
    ),
)


def values(shape, depth=0):
    """Anything that fits the shape's type, sensible or not."""
    kind = shape.type_name
    if kind == "structure":
        if depth > 3:
            return st.just({})
        members = {name: values(member, depth + 1) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if kind == "list":
        return st.lists(values(shape.member, depth + 1), max_size=2)
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        return st.one_of(st.integers(-5, 20), st.sampled_from([1000, 10**6, 2**63]))
    if kind in ("float", "double"):
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind == "timestamp":
        return st.datetimes()
    if kind == "blob":
        return st.binary(max_size=20)
    return st.one_of(TEXT, st.sampled_from(shape.enum)) if shape.enum else TEXT


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nonsense_is_answered_as_ec2_would(ec2, launch, data):
    operations.load()
    name = data.draw(st.sampled_from(sorted(OPERATIONS)))
    shape = ec2.meta.service_model.operation_model(name).input_shape
    # A few parameters at a time get further than all of them at once.
    members = data.draw(st.sets(st.sampled_from(sorted(shape.members)), max_size=5))
    required = [m for m in shape.required_members if data.draw(st.integers(0, 9))]
    params = {
        member: data.draw(values(shape.members[member]), label=member)
        for member in sorted({*members, *required})
    }
    answer = answered(getattr(ec2, xform_name(name)), params)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 400, 403, 412), answer
    error = answer.get("Error", {"Code": "none", "Message": "none"})
    assert error["Code"]
    assert error["Message"]


def answered(operation, params):
    """What came back, be it an error."""
    try:
        return operation(**params)
    except ClientError as error:
        return error.response
