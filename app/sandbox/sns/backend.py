"""SNS's state: moto's backend with AWS's checks, confirmations, policies and deduplication."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from moto.sns.exceptions import SNSException, SNSNotFoundError, TopicNotFound
from moto.sns.models import DEFAULT_PAGE_SIZE, SNSBackend, Subscription, Topic

from app.sandbox import clock
from app.sandbox.sns import checks, delivery

PENDING = "PendingConfirmation"
# A token lasts two days; an unconfirmed subscription is then forgotten.
TOKEN_LASTS = timedelta(days=2)
DEDUPLICATED_FOR = timedelta(minutes=5)


class Backend(SNSBackend):
    """One account's SNS in one region; `asked_at` is the address at which it was last asked."""

    asked_at = "http://127.0.0.1:8081"

    @property
    def _url_module(self) -> Any:
        # moto finds a backend's addresses in the module beside it; ours has only the one.
        from app.sandbox.sns.responses import Response

        return SimpleNamespace(
            url_bases=[r"https?://sns\.(.+)\.amazonaws\.com"],
            url_paths={"{0}/$": Response.dispatch},
        )

    def get_topic(self, arn: str) -> Topic:
        """The topic; AWS's refusal when the ARN is none, is elsewhere, or is not there."""
        checks.topic_arn(arn, self.region_name, self.account_id)
        topic = self.topics.get(arn)
        if topic is None:
            raise TopicNotFound
        return topic

    def create_topic(
        self,
        name: str,
        attributes: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> Topic:
        """The new topic, or the old one when there is one just like it."""
        asked = dict(attributes or {})
        fifo = bool(asked.get("FifoTopic", False))
        checks.topic_name(name, fifo)
        for key, value in asked.items():
            if key != "FifoTopic":
                checks.topic_attribute(key, value)
        arn = f"arn:{self.partition}:sns:{self.region_name}:{self.account_id}:{name}"
        existing = self.topics.get(arn)
        if existing is None:
            return super().create_topic(name, asked, dict(tags or {}))
        if tags and tags != existing._tags:
            raise checks.invalid("Tags Reason: Topic already exists with different tags")
        candidate = Backend(self.region_name, self.account_id).create_topic(name, asked)
        for key in asked:
            field = _field(key)
            if getattr(candidate, field) != getattr(existing, field):
                raise checks.invalid(
                    "Attributes Reason: Topic already exists with different attributes"
                )
        return existing

    def set_topic_attribute(
        self, topic_arn: str, attribute_name: str, attribute_value: Any
    ) -> None:
        """Set one attribute, named in moto's way (`display_name`)."""
        super().set_topic_attribute(topic_arn, attribute_name, attribute_value)

    def delete_topic(self, arn: str) -> None:
        """Delete the topic with its subscriptions; deleting one that is gone is no error."""
        checks.topic_arn(arn, self.region_name, self.account_id)
        super().delete_topic(arn)

    def subscribe(self, topic_arn: str, endpoint: str, protocol: str) -> Any:
        """The subscription: at once confirmed for what is the account's own, else pending."""
        self.forget_expired()
        topic = self.get_topic(topic_arn)
        checks.endpoint(protocol, endpoint, topic.fifo_topic)
        checks.queue_region(protocol, endpoint)
        old = self._find_subscription(topic_arn, endpoint, protocol)
        subscription: Any = old or super().subscribe(topic_arn, endpoint, protocol)
        if old is None:
            subscription.confirmed = checks.is_own(protocol, endpoint, self.account_id)
            subscription.attributes[PENDING] = not subscription.confirmed
            subscription.attributes["ConfirmationWasAuthenticated"] = subscription.confirmed
        if not subscription.confirmed:
            # Asking again sends another mail; the newest token counts.
            subscription._encante_token = secrets.token_hex(64)
            subscription._encante_asked_at = clock.now()
            delivery.ask_for_confirmation(self, subscription)
        return subscription

    def confirm(self, topic_arn: str, token: str | None) -> Subscription:
        """Confirm the subscription that the token was sent for."""
        self.forget_expired()
        self.get_topic(topic_arn)
        for subscription in self.subscriptions.values():
            known = getattr(subscription, "_encante_token", None)
            if subscription.topic.arn == topic_arn and known and known == token:
                subscription.confirmed = True
                subscription.attributes[PENDING] = False
                return subscription
        raise checks.invalid("Token")

    def unsubscribe(self, subscription_arn: str) -> None:
        """Delete a confirmed subscription; one that is gone is no error, a pending one is."""
        self.forget_expired()
        parts = (subscription_arn or "").split(":")
        if len(parts) < 6:
            raise checks.invalid(
                f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {len(parts)}"
            )
        subscription = self.subscriptions.get(subscription_arn)
        if subscription is None:
            return
        if not subscription.confirmed:
            raise checks.invalid(
                "SubscriptionArn Reason: a subscription that is pending confirmation cannot be "
                "deleted; it goes by itself after 48 hours"
            )
        subscription.topic.subscriptions_deleted += 1
        super().unsubscribe(subscription_arn)

    def forget_expired(self) -> None:
        """Forget the subscriptions that nobody has confirmed in time."""
        for arn, subscription in list(self.subscriptions.items()):
            kept: Any = subscription
            if not kept.confirmed and kept._encante_asked_at + TOKEN_LASTS < clock.now():
                del self.subscriptions[arn]

    def publish(
        self,
        message: str,
        arn: str | None,
        phone_number: str | None = None,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> str:
        """Publish to a topic and give the message's id; the same id again for a repetition."""
        if phone_number is not None:
            checks.message(message, None, {})
            return str(uuid.uuid4())
        if arn is None:
            raise checks.invalid("TopicArn or TargetArn Reason: no value for required parameter")
        topic = self.get_topic(arn)
        checks.subject(subject)
        checks.message(message, message_structure, message_attributes or {})
        checks.fifo_parameters(topic, group_id, deduplication_id)
        message_id, repeated = _message_id(topic, message, deduplication_id)
        if not repeated:
            sent = delivery.Message(
                message_id,
                message,
                subject,
                message_attributes or {},
                group_id,
                deduplication_id,
                message_structure,
            )
            delivery.deliver(self, topic, sent)
        return message_id

    def sequence_number(self, topic_arn: str | None) -> str | None:
        """The number of the last message of a FIFO topic; None for any other."""
        topic: Any = self.topics.get(topic_arn or "")
        if topic is None or not topic.fifo_topic:
            return None
        return str(10**19 + getattr(topic, "_encante_numbered", 0))

    def _get_values_nexttoken(
        self, values_map: dict[str, Any], next_token: str | None = None
    ) -> tuple[list[Any], int | None]:
        start = next_token or "0"
        if not (start.isascii() and start.isdigit()):
            raise checks.invalid("NextToken Reason: the token is not one that was given")
        end = int(start) + DEFAULT_PAGE_SIZE
        values = list(values_map.values())
        return values[int(start) : end], end if end < len(values) else None

    def get_subscription_attributes(self, arn: str) -> dict[str, Any]:
        """The attributes of a subscription, pending ones included, by its real ARN."""
        self.forget_expired()
        if arn not in self.subscriptions:
            raise SNSNotFoundError("Subscription does not exist")
        return super().get_subscription_attributes(arn)

    def set_subscription_attributes(self, arn: str, name: str, value: Any) -> None:
        """Set one attribute; what cannot be read is refused, not an error of the sandbox."""
        try:
            super().set_subscription_attributes(arn, name, value)
        except SNSException:
            raise
        except (ValueError, AttributeError, TypeError) as problem:
            raise checks.invalid(f"Attributes Reason: {name}: {problem}") from problem


def _message_id(topic: Any, message: str, deduplication_id: str | None) -> tuple[str, bool]:
    """A message's id, and whether a FIFO topic has had it in the last five minutes."""
    if not topic.fifo_topic:
        return str(uuid.uuid4()), False
    key = deduplication_id or hashlib.sha256(message.encode()).hexdigest()
    seen: dict[str, Any] = topic.__dict__.setdefault("_encante_seen", {})
    oldest = clock.now() - DEDUPLICATED_FOR
    for old, (when, _) in list(seen.items()):
        if when <= oldest:
            del seen[old]
    if key in seen:
        return seen[key][1], True
    topic._encante_numbered = getattr(topic, "_encante_numbered", 0) + 1
    seen[key] = (clock.now(), str(uuid.uuid4()))
    return seen[key][1], False


def _field(attribute: str) -> str:
    from moto.core.utils import camelcase_to_underscores

    return str(camelcase_to_underscores(attribute))
