"""How Encante talks to AWS: the boto3 service module, the only place that imports boto3."""
