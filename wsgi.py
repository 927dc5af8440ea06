"""The application object for gunicorn, and for the `flask` command."""

from app import create_app
from app.cli import audit_log, link

application = create_app()
for command in (audit_log, link):  # besides `flask user`, which every application has
    application.cli.add_command(command)
