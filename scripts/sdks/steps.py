"""What is tried with each kind, in words that every AWS SDK has: operations, paginators and waiters of AWS's own models.

A text such as `{vpc}` in an input stands for what an earlier step has saved under this name. A path such as
`Vpcs[0].CidrBlock` or `Tags[Key=Author].Value` names a part of an answer; what is not there is None.
"""

import base64
import dataclasses

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
TAG = "Zoë + me"


@dataclasses.dataclass
class Step:
    """One use of an SDK, and what has to come of it."""

    how: str
    """`call`, `pages` (its paginator), `wait` (its waiter), or `pass`: nothing is used, and time passes."""
    service: str
    """By boto3's name."""
    what: str
    """The operation, or the waiter."""
    input: dict
    save: dict = dataclasses.field(default_factory=dict)
    expect: dict = dataclasses.field(default_factory=dict)
    refused: tuple = ()
    """Error codes, one of which is to come. SDKs differ in them where a service has changed its protocol."""
    until: bool = False
    """Whether it is repeated until it is as expected, or refused, while time passes."""
    size: int | None = None
    """Of a page."""
    seconds: int = 0
    """That pass."""


@dataclasses.dataclass
class Kind:
    """A kind of resource. Kinds are made in their order, and removed in the opposite one."""

    name: str
    make: list
    """Creates and reads it."""
    tag: list = dataclasses.field(default_factory=list)
    remove: list = dataclasses.field(default_factory=list)
    """Deletes it, and shows that it is gone."""


def call(what, /, *, save=None, expect=None, refused=(), until=False, **inputs):
    service, operation = what.split(".")
    refused = (refused,) if isinstance(refused, str) else refused
    return Step("call", service, operation, inputs, save or {}, expect or {}, refused, until)


def until(what, /, **options):
    """A call that is repeated while time passes, where AWS has no waiter."""
    return call(what, until=True, **options)


def pages(what, /, *, expect, size=None, **inputs):
    """A paginator; the answer is one that has the items of all pages."""
    service, operation = what.split(".")
    return Step("pages", service, operation, inputs, expect=expect, size=size)


def wait(what, /, **inputs):
    service, waiter = what.split(".")
    return Step("wait", service, waiter, inputs)


def passes(*, days=0, seconds=0):
    return Step("pass", "the clock", "advance", {}, seconds=days * 24 * 60 * 60 + seconds)


def blob(content):
    return {"$blob": base64.b64encode(content).decode()}


def stream(text):
    """A body that the SDK reads while it sends it."""
    return {"$stream": text}


def pairs(key="Key", value="Value"):
    """A tag as a list of pairs."""
    return [{key: "Author", value: TAG}]


def tagged(add, show, remove, where, *, key="Key", value="Value"):
    """Adds a tag, sees it, takes it off, and sees that it is gone. Each is an operation with its input."""
    (adds, added), (shows, shown), (removes, removed) = add, show, remove
    as_map = key is None
    present = f"{where}.Author" if as_map else f"{where}[{key}=Author].{value}"
    return [
        call(adds, **added),
        call(shows, **shown, expect={present: TAG}),
        call(removes, **removed),
        call(shows, **shown, expect={present: None}),
    ]
