"""All kinds, in the order in which they are made."""

from . import applications, balancing, basics, databases, interfaces, network, watching

ALL = [*basics.KINDS, *network.KINDS, *balancing.KINDS, *databases.KINDS, *applications.KINDS, *interfaces.KINDS,
       *watching.KINDS]
