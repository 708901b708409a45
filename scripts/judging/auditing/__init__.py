"""What moto_audit.py looks at, tier by tier.

Each module has `audit`, which checks what was deployed; `drift`, which changes something by hand as a person at the console
would, and answers the property that differs by the address of its resource; and `left`, which lists what is still there.
"""
