//! The rule groups that AWS manages (AWS WAF Developer Guide, "AWS Managed Rules rule groups list").

/// A group of AWS's, and its capacity.
pub(super) struct Group {
    name: &'static str,
    pub(super) capacity: u64,
    /// Whether it needs a ManagedRuleGroupConfig.
    pub(super) needs_config: bool,
}

const fn group(name: &'static str, capacity: u64) -> Group {
    Group { name, capacity, needs_config: false }
}

const GROUPS: [Group; 15] = [
    group("AWSManagedRulesCommonRuleSet", 700),
    group("AWSManagedRulesAdminProtectionRuleSet", 100),
    group("AWSManagedRulesKnownBadInputsRuleSet", 200),
    group("AWSManagedRulesSQLiRuleSet", 200),
    group("AWSManagedRulesLinuxRuleSet", 200),
    group("AWSManagedRulesUnixRuleSet", 100),
    group("AWSManagedRulesWindowsRuleSet", 200),
    group("AWSManagedRulesPHPRuleSet", 100),
    group("AWSManagedRulesWordPressRuleSet", 100),
    group("AWSManagedRulesAmazonIpReputationList", 25),
    group("AWSManagedRulesAnonymousIpList", 50),
    group("AWSManagedRulesBotControlRuleSet", 50),
    group("AWSManagedRulesAntiDDoSRuleSet", 50),
    Group { name: "AWSManagedRulesATPRuleSet", capacity: 50, needs_config: true },
    Group { name: "AWSManagedRulesACFPRuleSet", capacity: 50, needs_config: true },
];

pub(super) fn find(vendor: &str, name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| vendor == "AWS" && group.name == name)
}
