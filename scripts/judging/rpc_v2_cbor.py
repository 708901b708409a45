"""Lets clients talk Smithy's RPC v2 CBOR to a server that knows AWS's JSON protocol.

AWS's SDKs prefer CBOR where a service offers it, such as CloudWatch; moto knows only what was there before. Both protocols say
the same: an operation's name, its input, its output or an error
(https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html,
https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html). What differs is the envelope, and that CBOR has types for what
JSON writes as a number or a text; those come from botocore's model of the service.
"""

import base64
import datetime
import functools
import io
import json
import re
import threading
import traceback

import botocore.model
import botocore.session
import cbor2

PROTOCOL = "rpc-v2-cbor"
PATH = re.compile(r"/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)$")
# Seconds since 1970 (RFC 8949, section 3.4.2).
EPOCH = 1


# Many ask for the same model at once, which takes seconds to find.
finding = threading.Lock()


def model_of(service):
    with finding:
        return find_model(service)


@functools.cache
def find_model(service):
    """botocore's model of the service that is called so in a path."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    for name in session.get_available_services():
        content = loader.load_service_model(name, "service-2")
        metadata = content["metadata"]
        if metadata.get("targetPrefix") == service and f"smithy-{PROTOCOL}" in metadata.get("protocols", []):
            return botocore.model.ServiceModel(content, name)
    return None


def to_json(value):
    """What JSON has no type for."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a {type(value).__name__} in a request")


def timestamp(value):
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
        value = value.replace(tzinfo=value.tzinfo or datetime.UTC).timestamp()
    return cbor2.CBORTag(EPOCH, float(value))


def structure(shape, value):
    # What is null is not there, and neither is what the model does not know: clients do not know it either.
    return {name: typed(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None}


# How values of the model's types become values of CBOR's. What is not here is the same in JSON.
TYPES = {
    "structure": structure,
    "list": lambda shape, value: [typed(shape.member, item) for item in value],
    "map": lambda shape, value: {key: typed(shape.value, item) for key, item in value.items()},
    "float": lambda _, value: float(value),
    "double": lambda _, value: float(value),
    "timestamp": lambda _, value: timestamp(value),
    "blob": lambda _, value: base64.b64decode(value),
}


def typed(shape, value):
    return TYPES[shape.type_name](shape, value) if shape.type_name in TYPES else value


class RpcV2Cbor:
    """A WSGI application before another one: answers CBOR in CBOR, and leaves everything else to the other."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        path = PATH.search(environ["PATH_INFO"])
        model = model_of(path["service"]) if path and environ.get("HTTP_SMITHY_PROTOCOL") == PROTOCOL else None
        if model is None:
            return self.application(environ, start_response)
        held = {}

        def hold(status, headers, exc_info=None):
            held.update(status=status, headers=headers)

        try:
            answer = b"".join(self.application(self.request(model, path, environ), hold))
        except Exception as error:  # moto's own failures and gaps, which a client can only read in its protocol
            traceback.print_exc()
            held.update(status="500 Internal Server Error", headers=[])
            answer = json.dumps({"__type": "InternalFailure", "message": str(error)})
        body, more = self.response(model, path["operation"], held["status"], answer)
        replaced = {"content-type", "content-length", *(name.lower() for name in more)}
        headers = [(name, value) for name, value in held["headers"] if name.lower() not in replaced]
        headers += [("smithy-protocol", PROTOCOL), ("Content-Type", "application/cbor"), ("Content-Length", str(len(body)))]
        start_response(held["status"], headers + list(more.items()))
        return [body]

    def request(self, model, path, environ):
        said = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        said = json.dumps(cbor2.loads(said) if said else {}, default=to_json).encode()
        return environ | {
            "PATH_INFO": "/", "RAW_URI": "/", "REQUEST_URI": "/",
            "HTTP_X_AMZ_TARGET": f"{path['service']}.{path['operation']}",
            "CONTENT_TYPE": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "CONTENT_LENGTH": str(len(said)),
            "wsgi.input": io.BytesIO(said),
        }

    def response(self, model, operation, status, answer):
        """The body, and headers that only errors have."""
        if status.startswith("2"):
            shape = model.operation_model(operation).output_shape
            return cbor2.dumps(typed(shape, json.loads(answer or b"{}")) if shape else {}), {}
        answer = json.loads(answer)
        code = answer.pop("__type", "InternalFailure").rpartition("#")[2]
        message = next((answer[name] for name in ("message", "Message") if name in answer), "")
        known = typed(model.shape_for(code), answer) if code in model.shape_names else {}
        return cbor2.dumps({"__type": code, "message": message} | known), self.query_error(model, code, status)

    def query_error(self, model, code, status):
        """Clients of services that spoke the query protocol once find an error's code of that time in a header
        (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait)."""
        if "awsQueryCompatible" not in model.metadata:
            return {}
        error = model.shape_for(code).metadata.get("error", {}) if code in model.shape_names else {}
        fault = "Receiver" if status.startswith("5") else "Sender"
        return {"x-amzn-query-error": f"{error.get('code', code)};{fault}"}
