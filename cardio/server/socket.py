"""The door of bridges: one WebSocket each, dialled by the bridge, so that no counter PC listens."""

from typing import Any

from litestar import Router, WebSocket, websocket

from auth.server import Server
from cardio.server.admission import admit
from cardio.server.errors import BridgeRefused
from cardio.server.links import REFUSED, Hub
from ecard.given import Given
from ecard.problems import unforeseen

_TRY_LATER = 1013


@websocket("/bridge/link", name="bridge_link", opt={"public": True, "signed_by": "bridge"})
async def bridge_link(socket: WebSocket[Any, Any, Any], server: Given[Server], hub: Given[Hub]) -> None:
    """A bridge dials in 读卡服务接入: its token proves its key, and the server drives its readers from then on."""
    # Accepted first: a close code is what tells a bridge why, and a refused handshake has none.
    await socket.accept()
    try:
        bridge = await admit(server.runtime, server.marks, socket.headers.get("authorization", ""))
    except BridgeRefused as refused:
        socket.scope["state"]["why"] = refused.members.get("reason")
        await socket.close(REFUSED)
        return
    except Exception as error:
        unforeseen(socket.scope["state"], error)
        await socket.close(_TRY_LATER)
        raise
    socket.scope["state"]["actor_id"] = bridge.id
    try:
        await hub.serve(socket, bridge)
    except Exception as error:
        # The framework closes the socket, by 4500, and says nothing of why.
        unforeseen(socket.scope["state"], error)
        raise


router = Router("/v1", route_handlers=[bridge_link])
