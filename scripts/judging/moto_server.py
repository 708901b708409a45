"""Serves moto on 127.0.0.1, at a port of its choice, which it prints. Runs in moto's environment: scripts/judges calls it.

moto is left as it is, but for the protocol that rpc_v2_cbor adds, and for what moto_mended mends, each with its reason.
"""

import os

# An option of its own: AWS's policies are there, as on AWS.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import moto_mended  # noqa: E402, F401
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from rpc_v2_cbor import RpcV2Cbor  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402


class Quiet(WSGIRequestHandler):
    """Writes no line for a request."""

    def log_request(self, *_):
        pass


def main():
    application = RpcV2Cbor(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
