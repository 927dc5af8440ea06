"""Encante: a web console for EC2, EBS and SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application, wired together; ``settings`` are read from the environment if not given.

    Starts no thread: gunicorn.conf.py starts the background thread in the worker.
    Raises SettingsError.
    """
    from app import house
    from app import settings as settings_module
    from app.logs import configure
    from app.web.site import make_flask

    chosen = settings or settings_module.load()
    configure(chosen.log_format)
    return make_flask(house.build(chosen))
