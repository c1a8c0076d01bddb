"""How often a request to object storage is tried again."""

from __future__ import annotations

from pyarrow.fs import AwsStandardS3RetryStrategy

TRIES = 6  # with the SDK's doubling pauses about 20 seconds of a server that answers 503


class PatientRetries(AwsStandardS3RetryStrategy):  # type: ignore[misc] # pyarrow is read without its types
    """The SDK's standard retries, more of them."""

    def __init__(self) -> None:
        """Ask for ``TRIES`` tries."""
        super().__init__(max_attempts=TRIES)
