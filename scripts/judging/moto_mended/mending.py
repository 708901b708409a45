"""How a mend is put in its place."""


def on(owner):
    """Decorates a function that stands in a class of moto's for the one of its name, or is new there. What it stands in for is
    its attribute `plain`."""

    def put(function):
        function.plain = getattr(owner, function.__name__, None)
        setattr(owner, function.__name__, function)
        return function

    return put
