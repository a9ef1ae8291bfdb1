"""Faust's own client has a token of the same provider as librdkafka's clients."""

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.runtime.client_properties import CLIENT_ID, CLIENT_SECRET, TOKEN_URL
from streams.worker.client_token import EARLY, ClientToken
from tests.doubles.token_endpoint import token_endpoint

LIFE_S = 100


SECRET = "worker-secret"  # noqa: S105 - the double's


def properties(url, secret=SECRET):
    return {TOKEN_URL: url, CLIENT_ID: "worker", CLIENT_SECRET: secret}


async def test_a_token_is_kept_for_most_of_its_life():
    now = 0.0
    with token_endpoint(LIFE_S) as endpoint:
        provider = ClientToken(properties(endpoint.url), lambda: now)
        first = [await provider.token(), await provider.token()]
        now = EARLY * LIFE_S
        await provider.token()

    assert first[0] == first[1]
    assert first[0].endswith(".")
    assert endpoint.asked == ["worker", "worker"]


@pytest.mark.parametrize("away", [False, True])
async def test_a_provider_that_refuses_or_is_away_is_an_outage_that_tells_no_secret(away):
    with token_endpoint() as endpoint:
        given = properties("http://127.0.0.1:9/token") if away else properties(endpoint.url, "hush")
        with pytest.raises(KafkaConnectionError) as fault:
            await ClientToken(given).token()

    assert given[CLIENT_SECRET] not in str(fault.value)


async def test_a_token_endpoint_that_is_a_file_is_not_read():
    with pytest.raises(KafkaConnectionError):
        await ClientToken(properties("file:///etc/hostname")).token()
