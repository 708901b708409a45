"""API Gateway, REST APIs."""

import json

from moto.apigateway.exceptions import DeploymentNotFoundException, NotFoundException
from moto.apigateway.models import Integration, RestAPI
from moto.apigateway.responses import APIGatewayResponse

from .mending import on

# moto forgets these of a REST API (API Gateway API Reference, CreateRestApi and UpdateRestApi).
FORGOTTEN = ("securityPolicy", "endpointAccessMode")
# And these of an integration (API Gateway API Reference, PutIntegration).
FORGOTTEN_OF_INTEGRATION = ("connectionId", "integrationTarget")


@on(APIGatewayResponse)
def create_rest_api(response):
    status, headers, body = create_rest_api.plain(response)
    if "id" in (answer := json.loads(body)):
        api = response.backend.get_rest_api(answer["id"])
        api.remembered = {name: value for name in FORGOTTEN if (value := response._get_param(name))}
        body = json.dumps(api.to_dict())
    return status, headers, body


@on(RestAPI)
def to_dict(api):
    return to_dict.plain(api) | getattr(api, "remembered", {})


@on(RestAPI)
def apply_patch_operations(api, operations):
    for operation in operations:
        name = operation["path"].removeprefix("/")
        if operation["op"] == "replace" and name in FORGOTTEN:
            api.remembered[name] = operation["value"]
    apply_patch_operations.plain(api, operations)


@on(APIGatewayResponse)
def put_integration(response):
    status, headers, _ = put_integration.plain(response)
    _, _, api, _, resource, _, verb, *_ = response.path.split("/")
    integration = response.backend.get_integration(api, resource, verb)
    integration.remembered = {name: value for name in FORGOTTEN_OF_INTEGRATION if (value := response._get_param(name))}
    return status, headers, json.dumps(integration.to_json())


@on(Integration)
def to_json(integration):
    return to_json.plain(integration) | getattr(integration, "remembered", {})


@on(RestAPI)
def get_deployment(api, deployment):
    """moto is broken by one that is not there; AWS answers NotFoundException (API Gateway API Reference, GetDeployment)."""
    if deployment not in api.deployments:
        raise DeploymentNotFoundException
    return get_deployment.plain(api, deployment)


@on(RestAPI)
def get_request_validator(api, validator):
    """moto says BadRequestException of one that is not there; AWS NotFoundException (API Gateway API Reference,
    GetRequestValidator)."""
    if validator not in api.request_validators:
        raise NotFoundException("Invalid Request Validator identifier specified")
    return get_request_validator.plain(api, validator)
