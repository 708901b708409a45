"""Lambda."""

from moto.awslambda.models import LambdaFunction

from .mending import on

# moto forgets these (Lambda API Reference, CreateFunction and GetFunctionConfiguration).
FORGOTTEN = ("DeadLetterConfig", "LoggingConfig")
# And these it does not change (Lambda API Reference, UpdateFunctionConfiguration), by the attribute that they are in.
UNCHANGED = {"TracingConfig": "tracing_config", "KMSKeyArn": "kms_key_arn"}


@on(LambdaFunction)
def __init__(function, account_id, spec, *words, **more):
    function.remembered = {name: spec[name] for name in FORGOTTEN if name in spec}
    __init__.plain(function, account_id, spec, *words, **more)


@on(LambdaFunction)
def get_configuration(function, *words, **more):
    return get_configuration.plain(function, *words, **more) | function.remembered


@on(LambdaFunction)
def update_configuration(function, updates):
    function.remembered |= {name: updates[name] for name in FORGOTTEN if name in updates}
    for name in UNCHANGED.keys() & updates.keys():
        setattr(function, UNCHANGED[name], updates[name])
    if size := updates.get("EphemeralStorage", {}).get("Size"):
        function.ephemeral_storage = size
    return update_configuration.plain(function, updates)
