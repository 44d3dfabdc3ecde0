"""Checks the simulated Gemini and Vertex AI with google-genai for Python, in the ways people use it."""

import asyncio
import datetime
import enum
from typing import Literal, Optional

from google import genai
from google.genai import errors, types
from google.oauth2 import service_account
from pydantic import BaseModel, Field

from checks import SIMULATORS, check, control, equal, refused, run_all

ROOT, KEY = SIMULATORS["gemini"], SIMULATORS["gemini_token"]
MODEL = "gemini-3.5-flash-lite"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
options = types.HttpOptions(base_url=ROOT)
client = genai.Client(api_key=KEY, http_options=options)
account = service_account.Credentials.from_service_account_info(
    control("gemini", "/_sim/service-account"), scopes=[SCOPE])
vertex = genai.Client(
    vertexai=True, project="invented", location="global", credentials=account, http_options=options)


class Author(BaseModel):
    name: str
    followers: int = 0


class Verdict(BaseModel):
    """The model's verdict on a text."""

    score: int = Field(ge=1, le=5, description="1 is worst")
    share: float = Field(ge=0, le=1)
    band: Literal["low", "high"]
    at: datetime.datetime
    tags: list[str] = Field(min_length=2, max_length=3)
    title: str = Field(min_length=2, max_length=20, pattern=".*")
    note: Optional[str] = None
    author: Author
    others: list[Author]


class Comment(BaseModel):
    """A model that names itself, and names that it does not list."""

    text: str
    answers: list["Comment"] = []
    votes: dict[str, int] = {}


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


def both(function):
    """Runs a check on the Developer API and on Vertex AI."""
    for each in [client, vertex]:
        function(each)


@check("a text is generated, with its usage and how it ended")
def generate():
    def on(each):
        answer = each.models.generate_content(model=MODEL, contents="Hello")
        assert answer.text and answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
        usage = answer.usage_metadata
        equal(usage.total_token_count, usage.prompt_token_count + usage.candidates_token_count)

    both(on)


@check("a stream is the same text in pieces, and its last piece tells the cost")
def stream():
    def on(each):
        whole = each.models.generate_content(model=MODEL, contents="Hello")
        pieces = list(each.models.generate_content_stream(model=MODEL, contents="Hello"))
        assert len(pieces) > 1, pieces
        equal("".join(piece.text for piece in pieces), whole.text)
        equal(pieces[-1].usage_metadata.total_token_count, whole.usage_metadata.total_token_count)
        equal([piece.candidates[0].finish_reason for piece in pieces[:-1]], [None] * (len(pieces) - 1))

    both(on)


@check("tokens are counted as they are billed")
def count():
    def on(each):
        counted = each.models.count_tokens(model=MODEL, contents="How many are these?")
        answer = each.models.generate_content(model=MODEL, contents="How many are these?")
        equal(counted.total_tokens, answer.usage_metadata.prompt_token_count)

    both(on)
    config = types.CountTokensConfig(system_instruction="Be brief.")
    plain = vertex.models.count_tokens(model=MODEL, contents="Hello").total_tokens
    assert vertex.models.count_tokens(model=MODEL, contents="Hello", config=config).total_tokens > plain


@check("an answer follows the schema of a Pydantic model, alone and in a list")
def pydantic():
    def on(each):
        for wanted in [Verdict, list[Verdict]]:
            config = {"response_mime_type": "application/json", "response_schema": wanted}
            answer = each.models.generate_content(model=MODEL, contents="Judge this.", config=config)
            for verdict in answer.parsed if isinstance(answer.parsed, list) else [answer.parsed]:
                assert isinstance(verdict, Verdict), answer.text
                Verdict.model_validate(verdict.model_dump())

    both(on)


@check("an answer follows a JSON schema, and one of an enum is plain text")
def schemas():
    config = {"response_mime_type": "application/json", "response_json_schema": Verdict.model_json_schema()}
    Verdict.model_validate_json(client.models.generate_content(model=MODEL, contents="x", config=config).text)
    config = {"response_mime_type": "application/json", "response_json_schema": Comment.model_json_schema()}
    Comment.model_validate_json(client.models.generate_content(model=MODEL, contents="x", config=config).text)
    config = {"response_mime_type": "application/json", "response_schema": dict[str, int]}
    assert vertex.models.generate_content(model=MODEL, contents="x", config=config).parsed
    config = {"response_mime_type": "text/x.enum", "response_schema": Mood}
    assert client.models.generate_content(model=MODEL, contents="x", config=config).parsed in Mood


@check("every setting of a call is taken")
def settings():
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", temperature=0.2, top_p=0.9, top_k=5, seed=1, max_output_tokens=500,
        stop_sequences=["END"], thinking_config=types.ThinkingConfig(thinking_level="LOW", include_thoughts=True),
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")])
    answer = client.models.generate_content(model=MODEL, contents="Hello", config=config)
    assert answer.usage_metadata.thoughts_token_count > 0
    labelled = vertex.models.generate_content(model=MODEL, contents="Hello", config={"labels": {"run": "r1"}})
    equal(labelled.usage_metadata.traffic_type, types.TrafficType.ON_DEMAND)


@check("a chat remembers, and calls can be asynchronous")
def chat():
    talk = client.chats.create(model=MODEL)
    assert talk.send_message("One.").text and talk.send_message("Two.").text
    equal([turn.role for turn in talk.get_history()], ["user", "model", "user", "model"])
    answer = asyncio.run(client.aio.models.generate_content(model=MODEL, contents="Hello"))
    equal(answer.text, client.models.generate_content(model=MODEL, contents="Hello").text)


@check("models are listed and described")
def models():
    assert f"models/{MODEL}" in [model.name for model in client.models.list()]
    equal(client.models.get(model=MODEL).output_token_limit, 65_536)
    assert any(model.name.endswith(MODEL) for model in vertex.models.list())


@check("Vertex AI in express mode takes an API key")
def express():
    each = genai.Client(vertexai=True, api_key=KEY, http_options=options)
    assert each.models.generate_content(model=MODEL, contents="Hello").text


@check("a prompt that is blocked has no candidate and says why")
def blocked():
    answer = client.models.generate_content(model=MODEL, contents="[[sim:safety-block]]")
    equal((answer.candidates, answer.prompt_feedback.block_reason), (None, types.BlockedReason.SAFETY))


@check("an error is Google's own, also for what is not offered")
def refusals():
    stranger = genai.Client(api_key="wrong", http_options=options)
    call = {"model": MODEL, "contents": "Hello"}
    for refuse, expected in [
        (lambda: stranger.models.generate_content(**call), (400, "INVALID_ARGUMENT")),
        (lambda: client.models.generate_content(model="gemini-none", contents="x"), (404, "NOT_FOUND")),
        (lambda: vertex.models.generate_content(model="gemini-none", contents="x"), (404, "NOT_FOUND")),
        (lambda: list(client.models.generate_content_stream(model="gemini-none", contents="x")), (404, "NOT_FOUND")),
        (lambda: client.models.generate_content(**call, config={"presence_penalty": 1}), (400, "INVALID_ARGUMENT")),
        (lambda: client.models.embed_content(**call), (404, "NOT_FOUND")),
        (lambda: client.caches.create(model=MODEL, config={"contents": "x"}), (404, "NOT_FOUND")),
        (lambda: list(client.files.list()), (404, "NOT_FOUND")),
    ]:
        error = refused(errors.ClientError, refuse)
        equal((error.code, error.status), expected)
    for fault, expected in [("unavailable", (503, "UNAVAILABLE")), ("internal_error", (500, "INTERNAL"))]:
        control("gemini", "/_sim/faults", {"fault": fault, "next": 1})
        error = refused(errors.ServerError, lambda: client.models.generate_content(**call))
        equal((error.code, error.status), expected)


@check("without credit nothing is generated, and tokens are counted all the same")
def credit():
    control("gemini", "/_sim/credit", False)
    error = refused(errors.ClientError, lambda: client.models.generate_content(model=MODEL, contents="Hello"))
    counted = client.models.count_tokens(model=MODEL, contents="Hello").total_tokens
    control("gemini", "/_sim/credit", True)
    equal((error.code, error.status), (402, "RESOURCE_EXHAUSTED"))
    assert counted > 0


run_all()
