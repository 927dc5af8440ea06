"""Signing in with an OpenID provider."""

from app.people.openid.claims import Refused
from app.people.openid.provider import Ask, Client, Identity, Provider
from app.people.openid.wire import ProviderError

__all__ = ["Ask", "Client", "Identity", "Provider", "ProviderError", "Refused"]
