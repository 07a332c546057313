"""A provider of OpenID Connect on this machine: it speaks the protocol, and can be made to err."""

import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "desk", "what the provider gave: 3f9a"
DESCRIPTION = "/.well-known/openid-configuration"


@dataclass
class Provider:
    """Whoever comes to it is somebody at once: the person that its claims say."""

    address: str
    claims: dict[str, Any] = field(default_factory=dict)
    """Over those that a right token has; None takes one away."""

    is_down: bool = False
    signs_with_its_key: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    """What browsers brought to it."""

    faults: list[str] = field(default_factory=list)
    """What the desk did against the protocol."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "end_session_endpoint": f"{self.address}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Give where the browser goes on to."""
        self.asked.append(asked)
        for name in ("state", "nonce", "code_challenge", "redirect_uri"):
            self.demand(bool(asked.get(name)), f"no {name}")
        self.demand(asked.get("code_challenge_method") == "S256", "no PKCE by S256")
        self.demand(asked.get("response_type") == "code", "not the flow with a code")
        self.demand(asked.get("client_id") == CLIENT, "a wrong client")
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def give_token(self, said: dict[str, str], authorization: str) -> dict[str, Any]:
        asked = self.codes.pop(said["code"])
        digest = sha256(said["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        credentials = b64decode(authorization.partition(" ")[2]).decode()
        self.demand(challenge == asked["code_challenge"], "a wrong verifier")
        self.demand(said["redirect_uri"] == asked["redirect_uri"], "another redirect")
        self.demand(credentials == f"{CLIENT}:{SECRET}", "a wrong secret")
        now = int(time.time())  # noqa: TID251 (the clock of another program)
        right = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "248289761001",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        claims = {name: one for name, one in (right | self.claims).items() if one is not None}
        key = self.key if self.signs_with_its_key else self.other_key
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": token}

    def demand(self, is_so: bool, fault: str) -> None:  # noqa: FBT001 (what is demanded)
        if not is_so:
            self.faults.append(fault)


@contextmanager
def providing(port: int) -> Iterator[Provider]:
    """Serve a provider at a port of this machine."""
    provider = Provider(f"http://127.0.0.1:{port}")

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = dict(parse_qsl(address.query))
            if provider.is_down:
                self.send_error(503)
            elif address.path == DESCRIPTION:
                self.answer(provider.describe())
            elif address.path == "/jwks":
                self.answer({"keys": [provider.key.as_dict(private=False)]})
            elif address.path == "/authorize":
                self.lead(provider.authorize(asked))
            else:
                self.lead(asked["post_logout_redirect_uri"])

        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(provider.give_token(dict(parse_qsl(said)), self.headers["Authorization"]))

        def answer(self, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def lead(self, to: str) -> None:
            self.send_response(302)
            self.send_header("Location", to)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
