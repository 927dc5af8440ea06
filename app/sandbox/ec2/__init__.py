"""How EC2 behaves in the sandbox: timed states, limits and refusals, on top of moto's resources.

moto keeps the resources (instances, volumes, snapshots, images, key pairs, networks); the
operations that the console uses are the sandbox's own, and the rest is left to moto. moto's files
are not touched: `install` puts our dispatcher in the place of moto's, and default values of the
facts that we keep on moto's objects onto its classes.

Requests are not expected to run at the same time: whoever serves them holds one lock around each.
"""

from __future__ import annotations

from app.sandbox.ec2.moto_patch import MotoHasChanged, install
from app.sandbox.ec2.refusal import Refused

__all__ = ["MotoHasChanged", "Refused", "install"]
