"""The web desk as a browser talks to it, over HTTP and its websocket, without a browser."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

_XSRF = "_streamlit_xsrf"


@dataclass
class Browser:
    """Keeps cookies, and opens pages."""

    address: str
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(follow_redirects=True, trust_env=False, timeout=20)
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.http.close()

    def open(self, page: str = "", press: str = "", write: str = "") -> "Seen":
        """Open a page; write into its field, press the button whose label begins so, and look."""
        self.http.get(f"{self.address}/_stcore/health")
        here = httpx.URL(self.address)
        jar = {one.name: one.value or "" for one in self.http.cookies.jar}
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
        socket = connect(
            f"ws://{here.netloc.decode()}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit"), Subprotocol(jar[_XSRF])],
            additional_headers={"Cookie": cookies, "Origin": self.address},
            proxy=None,
            max_size=None,
        )
        with socket:
            asked = BackMsg()
            asked.rerun_script.page_name = page
            asked.rerun_script.context_info.url = f"{self.address}/{page}"
            seen = Seen()
            while True:
                socket.send(asked.SerializeToString())
                seen = Seen()
                while not seen.is_done:
                    seen.take(ForwardMsg.FromString(socket.recv(20, decode=False)))
                if not press:
                    return seen
                if write:
                    field = asked.rerun_script.widget_states.widgets.add()
                    field.id, field.string_value = seen.input, write
                state = asked.rerun_script.widget_states.widgets.add()
                state.id, state.trigger_value = seen.find_button(press), True
                press = ""

    def sign_in(self) -> httpx.Response:
        """Press the button, and go wherever it leads."""
        return self.follow(self.open(press="Sign in by").leads_to)

    def follow(self, path: str) -> httpx.Response:
        """Go to a path of the desk, and on to wherever that leads."""
        return self.http.get(httpx.URL(self.address).join(path))


@dataclass
class Seen:
    """What a page showed, and where it led."""

    text: str = ""
    leads_to: str = ""
    input: str = ""
    is_done: bool = False
    buttons: dict[str, str] = field(default_factory=dict)

    def take(self, told: ForwardMsg) -> None:
        """Take in one message."""
        kind = told.WhichOneof("type")
        if kind == "delta":
            element = told.delta.new_element
            self.text += str(told.delta)
            if element.HasField("button"):
                self.buttons[element.button.label] = element.button.id
            if element.HasField("text_input"):
                self.input = element.text_input.id
        elif kind == "auth_redirect":
            self.leads_to = told.auth_redirect.url
        again = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        self.is_done = kind == "script_finished" and told.script_finished != again

    def find_button(self, label: str) -> str:
        """Find the id of the button whose label is so, or begins so."""
        if label in self.buttons:
            return self.buttons[label]
        [found] = [one for name, one in self.buttons.items() if name.startswith(label)]
        return found
