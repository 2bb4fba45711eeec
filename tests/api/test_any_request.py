"""Requests made from the OpenAPI document: none breaks the server, no invalid one is taken, answers are as described.

A valid request may name what is not there; then it is refused as `impossible`, not as `invalid_request`. Left out: the
streams, which never end.
"""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import positive_data_acceptance

from account_samples import TWO_CAMPAIGNS, AccountStory
from config_samples import text_with
from outdial.api.credentials import Token, digest_of
from outdial.api.origins import Origins
from outdial.api.roles import Scope


@schemathesis.serializer("application/toml")
def as_text(context, value):
    """The configuration file: whatever was drawn, as text."""
    return {"content": str(value).encode("utf-8", "surrogatepass")}


pytestmark = pytest.mark.slow

STORY = AccountStory(Origins(is_loopback=False), text_with() + TWO_CAMPAIGNS)
EVERYTHING = Token("a", "everything", frozenset(Scope), None, None, 0, None)
STORY.records._tokens["a"] = (EVERYTHING, digest_of("outdial_everything"))
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}  # 413, too: a body of too many values
)
SCHEMA = schemathesis.openapi.from_asgi("/v1/openapi.json", STORY.app, config=CONFIG).exclude(path_regex="/stream$")


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_request_is_answered_as_described(case):
    answer = case.call(headers={"Authorization": "Bearer outdial_everything"})
    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    if case.meta is not None and case.meta.generation.mode.is_positive and answer.status_code == 422:
        problem = answer.json()
        # 7.0 is an integer for JSON Schema; we take whole numbers only as they are usually written
        is_a_float = re.search(r"integer, not '-?[0-9]+\.0'", str(problem.get("mistakes")))
        assert problem["code"] != "invalid_request" or is_a_float, problem
