"""botocore's descriptions of AWS's services, and of EC2 only what we use.

A client has a method for every operation that its service's description has. EC2 has some 700, of
which we use a few dozen: with the others left out a client takes a tenth of the memory and time,
and the description itself 24 MB less.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.model import OperationModel, ServiceModel

from app.aws.operations import OPERATIONS

_CUT = "ec2"


class _Cutting(JSONFileLoader):
    """Reads botocore's files, and leaves out of EC2's what we do not use."""

    def load_file(self, file_path: str) -> Any:
        """What stands in the file (given without its ending), or None if there is none."""
        data = super().load_file(file_path)
        path = Path(file_path)
        if data and path.name == "service-2" and path.parent.parent.name == _CUT:
            return cut(data)
        return data


def cut(description: dict[str, Any]) -> dict[str, Any]:
    """EC2's description with the operations that we use, and the shapes that these need."""
    operations = {
        name: operation
        for name, operation in description["operations"].items()
        if (_CUT, name) in OPERATIONS
    }
    shapes = description["shapes"]
    wanted: set[str] = set()
    todo = list(_named(operations))
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += _named(shapes[name])
    kept = {name: shape for name, shape in shapes.items() if name in wanted}
    return {**description, "operations": operations, "shapes": kept}


def _named(part: Any) -> Iterator[str]:
    """The names of the shapes that a part of a description refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        for each in part.values():
            yield from _named(each)
    elif isinstance(part, list):
        for each in part:
            yield from _named(each)


@cache
def loader() -> Loader:
    """What reads the descriptions, each once; one for all sessions."""
    return Loader(file_loader=_Cutting())


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """botocore's description of an operation."""
    return _service_model(service).operation_model(operation)


@cache
def _service_model(service: str) -> ServiceModel:
    return ServiceModel(loader().load_service_model(service, "service-2"), service)
