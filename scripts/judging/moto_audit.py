"""Looks with boto3 at what `stack up` has made in moto. Runs in moto's environment: scripts/judges calls it.

    moto_audit.py audit ENVIRONMENT          checks deployed properties against the reference document's list
    moto_audit.py drift ENVIRONMENT          changes something by hand in each tier, and says what
    moto_audit.py certificate ENVIRONMENT    puts a certificate into ACM, and says its ARN
    moto_audit.py spoil ENVIRONMENT          plants faults by hand, which the audit must find
    moto_audit.py left  ENVIRONMENT          lists what is left, of any environment, and was not meant to stay
    moto_audit.py kept  ENVIRONMENT          lists the clusters that there is a last snapshot of, and whether it is encrypted

The answer is JSON on standard output. What is looked at is in `auditing`, in a module for each tier.
"""

import json
import sys
import traceback

from auditing import api, backup, balancer, certificate, containers, database, faults, monitoring, network, shared
from auditing.looking import WANTED, Audit

TIERS = (network, database, balancer, containers, api, monitoring, backup, shared)


def audit(environment):
    looking = Audit(environment)
    for tier in TIERS:
        before = len(looking.checks)
        try:
            tier.audit(looking)
        except Exception:  # what is looked at is not there, or not as it must be: that is a finding, and the others are looked at
            looking.holds(f"{tier.__name__}/looked", False, traceback.format_exc()[-1000:])
        looking.holds(f"{tier.__name__}/checked", len(looking.checks) > before, "there were checks")
    return looking.checks


def drift(environment):
    looking = Audit(environment)
    return {address: wanted for tier in TIERS for address, wanted in tier.drift(looking).items()}


def left(_environment):
    return [one for tier in TIERS for one in tier.left()]


def main():
    what, environment = sys.argv[1:]
    if environment not in WANTED:
        sys.exit(f"there is no list of what {environment} must be, only of {', '.join(WANTED)}")
    does = {
        "audit": audit, "drift": drift, "left": left, "kept": lambda _: database.kept(), "spoil": faults.spoil,
        "certificate": lambda _: certificate.imported(),
    }
    json.dump(does[what](environment), sys.stdout)


if __name__ == "__main__":
    main()
