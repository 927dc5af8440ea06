"""The application object for gunicorn."""

from app import create_app

application = create_app()
