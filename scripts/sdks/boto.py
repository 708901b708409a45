"""Uses boto3 for scripts/sdk-check: a request a line on standard input, its answer a line on standard output.

boto3 takes any answer that it can read. Here it is held against AWS's model as well: what is required is there, and what has an
enum is of it. EC2's answers, which the embedded AWS writes without a model, have no element that EC2 does not know.
"""

import base64
import io
import json
import sys
import xml.etree.ElementTree

import boto3
import botocore.exceptions
from botocore import xform_name
from botocore.config import Config
from botocore.response import StreamingBody

SETTINGS = json.loads(sys.argv[1])


# What AWS answers, although it is in no enum of its models: the ends of paths, with values.
OUTSIDE = {
    # EC2 API Reference, InternetGatewayAttachment: "For an internet gateway, the state is available when attached to a VPC".
    "InternetGateways[].Attachments[].State": {"available"},
    # EC2 writes these states in lower case (EC2 API Reference, CreateVpcEndpoint, "Examples").
    "VpcEndpoint.State": {"pending"},
    "VpcEndpoints[].State": {"pending", "available", "deleting"},
    # Lambda says of each function that is changed that it is being created (logs of appleboy/lambda-action).
    "LastUpdateStatusReasonCode": {"Creating"},
}

# What is wrong with the answer to the last request.
PROBLEMS = []


def against_the_model(shape, value, path):
    """Holds an answer against its shape."""
    if value is None or shape is None:
        return
    if shape.type_name == "structure" and isinstance(value, dict):
        PROBLEMS.extend(f"{path} lacks {name}" for name in shape.required_members if value.get(name) is None)
        for name, member in shape.members.items():
            against_the_model(member, value.get(name), f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            against_the_model(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            against_the_model(shape.key, key, f"{path} key")
            against_the_model(shape.value, item, f"{path}.{key}")
    elif getattr(shape, "enum", None) and value not in shape.enum and not is_outside(value, path):
        PROBLEMS.append(f"{path} is {value!r}, which is none of {', '.join(shape.enum)}")


def is_outside(value, path):
    return any(path.endswith(end) and value in values for end, values in OUTSIDE.items())


def unknown_elements(shape, element, path):
    """Looks for elements of an answer of EC2 that its shape does not have."""
    if shape.type_name == "structure":
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            name = child.tag.rpartition("}")[2]
            if name in known:
                unknown_elements(known[name], child, f"{path}.{name}")
            elif (path, name) != (shape.name, "requestId"):
                PROBLEMS.append(f"{path} has {name}, which EC2 does not know")
    elif shape.type_name == "list":
        for child in element:
            unknown_elements(shape.member, child, f"{path}[]")


def received(parsed, model, http_response, **_):
    if http_response.status_code >= 300 or model.output_shape is None:
        return
    against_the_model(model.output_shape, parsed, model.name)
    if model.service_model.metadata["protocol"] == "ec2":
        unknown_elements(model.output_shape, xml.etree.ElementTree.fromstring(http_response.content), model.output_shape.name)


def client(service, clients={}):
    if service not in clients:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        clients[service] = boto3.client(service, endpoint_url=SETTINGS["url"], region_name=SETTINGS["region"], config=config,
                                        aws_access_key_id="any", aws_secret_access_key="any")
        clients[service].meta.events.register("after-call", received)
    return clients[service]


def decoded(value):
    """An input with its blobs and streams."""
    if isinstance(value, dict):
        if "$stream" in value:
            return io.BytesIO(value["$stream"].encode())
        return base64.b64decode(value["$blob"]) if "$blob" in value else {key: decoded(item) for key, item in value.items()}
    return [decoded(item) for item in value] if isinstance(value, list) else value


def text(value):
    """What JSON has no word for."""
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else f"{value.timestamp():.3f}"


def answer(how, service, what, given, size, delay):
    use = client(service)
    if how == "wait":
        use.get_waiter(xform_name(what)).wait(**given, WaiterConfig={"Delay": delay, "MaxAttempts": 1000})
        return {}
    if how == "pages":
        operation = xform_name(what)
        if not use.can_paginate(operation):
            raise LookupError("no such paginator")
        pagination = {"PageSize": size} if size else {}
        return {"pages": list(use.get_paginator(operation).paginate(**given, PaginationConfig=pagination))}
    return getattr(use, xform_name(what))(**given)


for line in sys.stdin:
    PROBLEMS.clear()
    request = json.loads(line)
    request["given"] = decoded(request.pop("input"))
    try:
        done = {"answer": answer(**request)}
        if PROBLEMS:
            done = {"error": "NotOfTheModel", "message": "; ".join(PROBLEMS)}
    except botocore.exceptions.ClientError as error:
        done = {"error": error.response["Error"]["Code"], "message": str(error)}
    except Exception as error:  # Whatever the SDK makes of an answer is to be reported.
        done = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(done, default=text), flush=True)
