"""SNS's answers where they differ from moto's: what is pending says so, counters are right."""

from __future__ import annotations

from typing import Any, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, ensure_boolean
from moto.sns.responses import SNSResponse

from app.sandbox.sns import checks
from app.sandbox.sns.backend import PENDING, Backend


class Response(SNSResponse):
    """Reads an SNS request and writes its answer."""

    @property
    def backend(self) -> Backend:
        """The account's SNS in the request's region."""
        return cast(Backend, super().backend)

    def call_action(self) -> Any:
        """Do what is asked; what is for mobile apps is not here."""
        action = self._get_action()
        if "Platform" in action or "Endpoint" in action:
            raise NotImplementedError(action)
        return super().call_action()

    def subscribe(self) -> Any:
        """Subscribe: the ARN, or the words `pending confirmation`."""
        self._note_address()
        result: Any = super().subscribe()
        arn = result.result["SubscriptionArn"]
        confirmed = self.backend.subscriptions[arn].confirmed
        if not confirmed and not self._get_param("ReturnSubscriptionArn", False):
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return result

    def _note_address(self) -> None:
        """The links in what is sent now lead to where the sandbox is being asked now."""
        self.backend.asked_at = f"{self.parsed_url.scheme}://{self.parsed_url.netloc}"

    def confirm_subscription(self) -> Any:
        """ConfirmSubscription: the ARN that the subscription has from now on."""
        confirmed = self.backend.confirm(self._get_param("TopicArn"), self._get_param("Token"))
        return ActionResult({"SubscriptionArn": confirmed.arn})

    def list_subscriptions(self) -> Any:
        """ListSubscriptions, with the literal `PendingConfirmation` for an ARN where it is so."""
        self.backend.forget_expired()
        return _listed(super().list_subscriptions())

    def list_subscriptions_by_topic(self) -> Any:
        """ListSubscriptionsByTopic, likewise."""
        self.backend.forget_expired()
        return _listed(super().list_subscriptions_by_topic())

    def get_topic_attributes(self) -> Any:
        """GetTopicAttributes, with the counters counted."""
        self.backend.forget_expired()
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        mine = [s for s in self.backend.subscriptions.values() if s.topic.arn == topic.arn]
        topic.subscriptions_confimed = sum(1 for s in mine if s.confirmed)
        topic.subscriptions_pending = len(mine) - topic.subscriptions_confimed
        return super().get_topic_attributes()

    def set_topic_attributes(self) -> Any:
        """SetTopicAttributes, for what can be set."""
        name = self._get_param("AttributeName")
        value = self._get_param("AttributeValue")
        topic_arn = self._get_param("TopicArn")
        self.backend.get_topic(topic_arn)
        checks.topic_attribute(name, value)
        if name == "ContentBasedDeduplication":
            value = ensure_boolean(value)
        self.backend.set_topic_attribute(topic_arn, camelcase_to_underscores(name), value or "")
        return EmptyResult()

    def publish(self) -> Any:
        """Publish; a FIFO topic's answer carries a sequence number."""
        self._note_address()
        result: Any = super().publish()
        arn = self._get_param("TargetArn") or self._get_param("TopicArn")
        number = self.backend.sequence_number(arn)
        if number:
            result.result["SequenceNumber"] = number
        return result


def _listed(result: Any) -> Any:
    result.result["Subscriptions"] = [
        {
            "SubscriptionArn": subscription.arn if subscription.confirmed else PENDING,
            "Owner": subscription.owner,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic.arn,
        }
        for subscription in result.result["Subscriptions"]
    ]
    return result
