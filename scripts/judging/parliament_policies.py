"""Judges policies with parliament. Runs in parliament's environment: scripts/judges calls it.

Standard input is a list of `{"where": …, "kind": "identity" | "resource" | "trust" | "key", "document": …}`; standard output a list of
findings, `{"where": …, "check": …, "text": …}`.
"""

import json
import sys

from parliament import analyze_policy_string, enhance_finding

# What a document has by its nature, and parliament, which was made for policies of roles, takes for a fault: who may take a
# role has no resource, and the resource of a key's policy is `*`, which means the key.
NATURE = {"identity": set(), "resource": set(), "key": {"RESOURCE_STAR"}, "trust": {"RESOURCE_STAR"}}


def plain(policy):
    """The document as parliament can read it.

    It stops at a condition Bool with a list of values, of which one is the same without the list; and it looks no further
    into a statement without a resource.
    """
    document = policy["document"]
    for statement in document["Statement"]:
        if policy["kind"] == "trust":
            statement["Resource"] = "*"
        for keys in statement.get("Condition", {}).values():
            for key, values in keys.items():
                if isinstance(values, list) and len(values) == 1:
                    keys[key] = values[0]
    return document


def stars(policy):
    """parliament says nothing of the action `*`, so this does."""
    for statement in policy["document"]["Statement"]:
        actions = statement.get("Action", [])
        if statement["Effect"] == "Allow" and "*" in ([actions] if isinstance(actions, str) else actions):
            yield {"where": policy["where"], "check": "ACTION_STAR", "text": "every action is allowed"}


def judge(policy):
    yield from stars(policy)
    result = analyze_policy_string(json.dumps(plain(policy)), include_community_auditors=False)
    for finding in result.findings:
        enhance_finding(finding)
        if finding.issue not in NATURE[policy["kind"]]:
            text = f"{finding.title}: {finding.detail} {finding.location}"
            yield {"where": policy["where"], "check": finding.issue, "text": text}


def main():
    policies = json.load(sys.stdin)
    json.dump([finding for policy in policies for finding in judge(policy)], sys.stdout)


if __name__ == "__main__":
    main()
