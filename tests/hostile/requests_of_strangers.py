"""The requests that are sent to the webhook's port: real webhooks, and everything that a stranger, a scanner or a broken
sender may send."""

import json
import re
import socket
import string

from serving import CLIENT, TOKEN

PATIENCE_SECONDS = 60
# Refusals that were not in JSON: the start of the request and of the answer.
NOT_IN_JSON = []
RUN = "HG7ML7M8z78YcAPEB"
METHODS = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "X" * 300)
PATHS = (
    "/", "/webhooks", "/webhooks/apify/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/runs/%00", "/.env", "/wp-login.php",
    "/webhooks/apify%20", "/RUNS", "//webhooks//apify", "/" + "a" * 8000, "/%F0%9F%9A%80", "/runs;a=b", "*", "http://elsewhere.example/runs",
)
ODD_IDS = (
    7, -1, 1e308, None, True, [], {}, ["HG7ML7M8z78YcAPEB"], {"$ne": None}, "", " ", "{{resource.id}}", "../../x", "' OR 1=1 --", "\u0000",
    "x" * 1000, "\U0001F680" * 20, "HG7ML7M8z78YcAPEB\r\nx: y", "%s%s%n", "${jndi:ldap://x}", "<script>",
)
ODD_CLIENTS = (
    '"),TRUE(),("', "Nobody", "x" * 5000, "a\nb", "\u202eevil", "{Client ID}", "' OR '1'='1", "..", "(unattributed)", "Mara-Lindqvist\u0000",
)
ODD_BODIES = (
    b"", b"null", b"[]", b"7", b'"text"', b"{", b"}", b'{"resource":', b"{'id': 1}", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b'{"id": "\\ud800"}',
    b'{"id": 1e999}', b"NaN", b'{"id":1,"id":2}', b"<xml/>", b"a=b&c=d", b"\x00" * 100, b"{}" * 1000,
)
ODD_RUNS = (
    {"kind": "post"}, {"all": True}, {"kind": 7, "clientId": CLIENT}, {"kind": "post", "clientId": CLIENT, "limit": -1},
    {"kind": "post", "clientId": CLIENT, "limit": 1e300}, {"kind": "post", "clientId": CLIENT, "leadIds": ["x"]},
    {"kind": "post", "clientId": CLIENT, "leadIds": []}, {"kind": "post", "clientId": CLIENT, "all": True}, {"kind": "post", "all": "true"},
    {"kind": "post", "clientId": CLIENT, "dryRun": "yes"}, {"kind": "post", "clientId": CLIENT, "runId": "yesterday"},
    {"kind": "post", "clientId": ["x"]}, {"kind": "post", "clientId": CLIENT, "leadIds": ["recX8s1pPiBf5rqTz"] * 30_000},
    {"kind": "post", "clientId": CLIENT, "__proto__": {}}, {"kind": "profile", "clientId": "Nobody-At-All"},
)
RAW = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\r\n\r\n", b"\r\n\r\n\r\n\r\n", b"SSH-2.0-x\r\n\r\n",
    b"POST /webhooks/apify HTTP/9.9\r\n\r\n", b"POST  /webhooks/apify  HTTP/1.1\r\n\r\n", b"\x00" * 500 + b"\r\n\r\n", b"POST /runs HTTP/1.1\r\nno colon\r\n\r\n",
    b"POST /runs HTTP/1.1\r\n folded: x\r\n\r\n", b"HELO x\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
)


def request(method, path, headers, body=b"", token=TOKEN):
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
        headers = [*headers, ("content-length", len(body))]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def webhook(harvest, client, dispatch):
    """Apify's webhook for a harvest. Its template does not say when the harvest ended."""
    body = {"eventType": "ACTOR.RUN.SUCCEEDED", "eventData": {"actorRunId": harvest}, "resource": {"id": harvest}}
    headers = [("content-type", "application/json"), ("x-apify-webhook-dispatch-id", dispatch)]
    return request("POST", f"/webhooks/apify?clientId={client}", headers, json.dumps(body).encode())


def test_event(dispatch):
    headers = [("content-type", "application/json"), ("x-apify-webhook-dispatch-id", dispatch)]
    return request("POST", "/webhooks/apify", headers, b'{"eventType":"TEST"}')


def hostile(rng, number, harvest):
    """A request that nobody should send. No two are the same. It names `harvest`, whose run is over, or harvests that do
    not exist."""
    mark = [("x-number", f"{number}-{rng.getrandbits(32)}")]
    return rng.choice(KINDS)(rng, mark, harvest)


def without_token(rng, mark, _):
    wrong = rng.choice((None, "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 5000, ""))
    schemes = [("authorization", f"{rng.choice(('Basic', 'bearer', 'Digest', ''))} {wrong}")] if rng.random() < 0.5 else []
    body = json.dumps({"resource": {"id": RUN}}).encode() * rng.choice((1, 1, 3000))
    return request("POST", rng.choice(("/webhooks/apify", "/runs")), mark + schemes, body, token=wrong)


def other_method(rng, mark, _):
    return request(rng.choice(METHODS), rng.choice(("/webhooks/apify", "/runs")), mark)


def other_path(rng, mark, _):
    return request(rng.choice(("GET", "POST")), rng.choice(PATHS), mark, b"{}", token=rng.choice((None, TOKEN)))


def odd_body(rng, mark, _):
    body = rng.choice((*ODD_BODIES, deep(rng), rng.randbytes(rng.randrange(1, 3000))))
    return request("POST", rng.choice(("/webhooks/apify", "/runs")), mark, body)


def deep(rng):
    depth = rng.choice((100, 200, 5000, 100_000))
    return rng.choice((b'{"a":' * depth, b"[" * depth + b"]" * depth, b'{"resource":{"id":' + b"[" * depth))


def odd_id(rng, mark, _):
    odd = rng.choice(ODD_IDS)
    body = rng.choice(({"resource": {"id": odd}}, {"runId": odd}, {"id": odd}, {"eventData": {"actorRunId": odd}}, {"resource": odd}))
    body["eventType"] = rng.choice(("ACTOR.RUN.SUCCEEDED", odd, "x" * 500, "TEST"))
    return request("POST", "/webhooks/apify", mark, json.dumps(body).encode())


def odd_hints(rng, mark, harvest):
    """A request that is accepted, although it names a client that is not served or a harvest that does not exist."""
    client = rng.choice(ODD_CLIENTS)
    run = rng.choice((harvest, RUN, "".join(rng.choices(string.ascii_letters, k=17))))
    body = {"resource": {"id": run}, "clientId": client, "runId": rng.choice(ODD_IDS), "finishedAt": rng.choice(ODD_IDS)}
    headers = mark + [("x-client-id", re.sub(r"[\x00\r\n]", " ", client)), ("x-apify-webhook-dispatch-id", "d" * rng.choice((1, 64, 5000)))]
    return request("POST", f"/webhooks/apify?clientId=Nobody-{rng.randrange(5)}", headers, json.dumps(body).encode())


def odd_run(rng, mark, _):
    return request("POST", "/runs", mark, json.dumps(rng.choice(ODD_RUNS)).encode())


def odd_headers(rng, mark, _):
    odd = rng.choice((
        [("content-encoding", "gzip")], [("transfer-encoding", "chunked")], [("transfer-encoding", "gzip, chunked")], [("content-length", "-1")],
        [("content-length", "9" * 30)], [("content-length", "2, 3")], [("content-length", "2"), ("content-length", "3")],
        [("content-length", "2"), ("transfer-encoding", "chunked")], [("content-length", "500")], [("expect", "100-continue")],
        [("upgrade", "websocket")], [("x-long", "x" * 70_000)], [(f"x-{n}", "y") for n in range(200)], [("x-odd", "\u00e9\x01")],
        [("content-type", "multipart/form-data")], [("range", "bytes=0-")], [("authorization", "Bearer second")], [("x\x00y", "z")],
    ))
    return request("POST", rng.choice(("/webhooks/apify", "/runs")), mark + odd, rng.choice((b"{}", b"zz\r\n{}\r\n", b"2\r\n{}\r\n0\r\n\r\n")))


def raw(rng, mark, _):
    return rng.choice(RAW) + mark[0][1].encode() + rng.randbytes(rng.randrange(200))


def large(rng, mark, _):
    body = b'{"resource":{"id":"' + b"x" * rng.choice((1_048_000, 1_048_577, 2_000_000)) + b'"}}'
    return request("POST", "/webhooks/apify", mark, body)


KINDS = (
    [without_token, other_method, other_path, odd_body, odd_id, odd_hints, odd_run, odd_headers, raw] * 5 + [large]
)


def exchange(port, request_bytes):
    """Sends a request and reads the answer. Returns its status, or `None` if the connection was closed without an
    answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as one:
        try:
            one.sendall(request_bytes)
            one.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed meanwhile; an answer may be there all the same
        try:
            while not is_whole(answer):
                more = one.recv(65536)
                if not more:
                    break
                answer = re.sub(rb"^HTTP/1\.1 100 [^\r]*\r\n\r\n", b"", answer + more)
        except ConnectionError:
            pass
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    status = int(found.group(1)) if found else None
    if status and status >= 400 and not request_bytes.startswith(b"HEAD") and not is_error(answer.partition(b"\r\n\r\n")[2]):
        NOT_IN_JSON.append((request_bytes[:80], answer[:200]))
    return status


def is_error(body):
    """Whether an answer's body is an error in the shape that all errors have."""
    try:
        return set(json.loads(body)["error"]) == {"type", "message"}
    except (ValueError, KeyError, TypeError):
        return False


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and not head.startswith(b"HTTP/1.1 100") and length is not None and len(body) >= int(length.group(1))
