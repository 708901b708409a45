//! `[state]` and `[aws]` of the configuration: where the record of what was deployed is kept, and whose credentials are used.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the record of what was deployed is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// In the state directory of this machine.
    #[default]
    Local,
    /// In an S3 bucket, for teams and CI.
    S3,
}

/// How the record of what was deployed is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateArgs {
    /// Where it is kept: `local`, in the state directory, or `s3`, in a bucket that a team and its CI share. The embedded AWS always
    /// keeps it in the state directory.
    pub backend: Backend,
    /// The S3 bucket. `stack bootstrap` makes it.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
    pub bucket: Option<String>,
    /// What all keys in the bucket begin with, without a slash at the end; the project's name unless given. Each environment has
    /// its own part below it.
    #[schemars(regex(pattern = "^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$"))]
    pub prefix: Option<String>,
    /// The bucket's region; the stack's unless given.
    #[schemars(regex(pattern = "^[a-z]+(-[a-z]+){1,3}-[0-9]+$"))]
    pub region: Option<String>,
    /// The account that the bucket must belong to, 12 digits; that of the credentials unless given.
    #[schemars(regex(pattern = "^[0-9]{12}$"))]
    pub account_id: Option<String>,
    /// The ARN of the KMS key that new objects are encrypted with; the bucket's default encryption unless given.
    #[schemars(regex(pattern = "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"))]
    pub kms_key_arn: Option<String>,
    /// A role that is assumed for the state alone: its bucket may be in another account than the resources.
    #[schemars(regex(pattern = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"))]
    pub role_arn: Option<String>,
    /// Days that the history of runs is kept in the bucket, from `stack bootstrap` on. What a run needs never expires.
    #[schemars(range(min = 1, max = 36500))]
    pub history_days: u32,
    /// A CloudWatch Logs log group, in the account and the region of the stack, that gets a line with the hash of the
    /// journal's last record after each `up` and `destroy`. It must exist. `stack state verify` compares.
    #[schemars(regex(pattern = r"^[.\-_/#A-Za-z0-9]{1,512}$"))]
    pub anchor_log_group: Option<String>,
}

impl Default for StateArgs {
    fn default() -> Self {
        Self {
            backend: Backend::Local,
            bucket: None,
            prefix: None,
            region: None,
            account_id: None,
            kms_key_arn: None,
            role_arn: None,
            // Seven years, as the logs.
            history_days: 2557,
            anchor_log_group: None,
        }
    }
}

/// Whose credentials are used on `--target aws`, where the usual chain alone does not say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AwsArgs {
    /// A profile of AWS's configuration files; AWS_PROFILE, or the default one, unless given.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
    /// A role that is assumed for the stack's resources.
    #[schemars(regex(pattern = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"))]
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$"))]
    pub external_id: Option<String>,
    /// What the session is called in CloudTrail; `stack-PROJECT-ENVIRONMENT` unless given.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_+=,.@-]{2,64}$"))]
    pub session_name: Option<String>,
    /// Seconds that a session lasts before it is renewed; 900 to 43200, and no longer than the role allows.
    #[schemars(range(min = 900, max = 43200))]
    pub session_duration: Option<u32>,
}

/// A key with a value that cannot be, and what would be right.
pub(crate) struct Wrong {
    pub(crate) key: &'static str,
    pub(crate) reason: String,
    pub(crate) hint: &'static str,
}

fn wrong(key: &'static str, reason: String, hint: &'static str) -> Wrong {
    Wrong { key, reason, hint }
}

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("the pattern is one"));
    };
}

// Bucket names: S3 User Guide, "General purpose bucket naming rules". Safe characters: "Naming Amazon S3 objects". Role session and
// external id: STS API Reference, AssumeRole. The log group: LogGroupName in the API model of CloudWatch Logs.
pattern!(BUCKET, r"^[a-z0-9](?:-*\.?[a-z0-9])+$");
pattern!(PREFIX, r"^[A-Za-z0-9!_.*'()-]+(?:/[A-Za-z0-9!_.*'()-]+)*$");
pattern!(REGION, r"^[a-z]+(?:-[a-z]+){1,3}-[0-9]+$");
pattern!(ACCOUNT, r"^[0-9]{12}$");
pattern!(KEY, r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$");
pattern!(ROLE, r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7E]{1,512}$");
pattern!(EXTERNAL, r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$");
pattern!(SESSION, r"^[A-Za-z0-9_+=,.@-]{2,64}$");
pattern!(LOG_GROUP, r"^[.\-_/#A-Za-z0-9]{1,512}$");

/// Why S3 refuses a bucket's name that is made of the right characters, if it does (S3 User Guide, "General purpose bucket naming
/// rules").
fn reserved(name: &str) -> Option<String> {
    const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
    const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    if name.len() < 3 {
        return Some(format!("`{name}` has fewer than 3 characters"));
    }
    if name.len() > 63 {
        return Some(format!("`{name}` has more than 63 characters"));
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some(format!("`{name}` looks like an IP address"));
    }
    if name.contains("-.") {
        return Some(format!("`{name}` has a hyphen beside a dot"));
    }
    let begins = PREFIXES.iter().find(|prefix| name.starts_with(**prefix));
    let ends = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix));
    let begins = begins.map(|prefix| format!("`{name}` begins with {prefix}, which is reserved by AWS"));
    begins.or_else(|| ends.map(|suffix| format!("`{name}` ends with {suffix}, which is reserved by AWS")))
}

type Rule<'a> = (&'static str, &'a Option<String>, &'static LazyLock<Regex>, &'static str, &'static str);

fn first_wrong(rules: &[Rule<'_>]) -> Option<Wrong> {
    rules.iter().find_map(|(key, value, pattern, what, hint)| {
        let value = value.as_deref().filter(|value| !pattern.is_match(value))?;
        Some(wrong(key, format!("`{}` is not {what}", engine::visible(value)), hint))
    })
}

const ROLE_HINT: &str = "write it like arn:aws:iam::123456789012:role/deployer";

impl StateArgs {
    /// What is wrong with it where the bucket is in this region, if something is.
    pub(crate) fn wrong(&self, bucket_region: &str) -> Option<Wrong> {
        let rules: [Rule<'_>; 7] = [
            (
                "state.bucket",
                &self.bucket,
                &BUCKET,
                "the name of an S3 bucket",
                "use 3 to 63 lower case letters, digits, hyphens and single dots, beginning and ending with a letter or a digit",
            ),
            (
                "state.prefix",
                &self.prefix,
                &PREFIX,
                "a prefix of keys",
                "use letters, digits and ! - _ . * ' ( ), with single slashes in between, such as payments/eu",
            ),
            ("state.region", &self.region, &REGION, "an AWS region", "write it like ap-southeast-1"),
            (
                "state.account_id",
                &self.account_id,
                &ACCOUNT,
                "an AWS account",
                "write its 12 digits, as a text",
            ),
            (
                "state.kms_key_arn",
                &self.kms_key_arn,
                &KEY,
                "the ARN of a KMS key",
                "write it like arn:aws:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab; an alias will not do",
            ),
            ("state.role_arn", &self.role_arn, &ROLE, "the ARN of a role", ROLE_HINT),
            (
                "state.anchor_log_group",
                &self.anchor_log_group,
                &LOG_GROUP,
                "the name of a log group",
                "use 1 to 512 letters, digits and the characters . - _ / #",
            ),
        ];
        if let Some(wrong) = first_wrong(&rules) {
            return Some(wrong);
        }
        if let Some(reason) = self.bucket.as_deref().and_then(reserved) {
            return Some(wrong("state.bucket", reason, "choose another name: S3 refuses this one"));
        }
        let is_dots = |part: &str| part == "." || part == "..";
        if self.prefix.as_deref().is_some_and(|prefix| prefix.split('/').any(is_dots)) {
            let reason = "it has a part that is `.` or `..`".to_owned();
            return Some(wrong(
                "state.prefix",
                reason,
                "clients take such a part for a way to another key: leave it out",
            ));
        }
        let region_of = |arn: &str| arn.split(':').nth(3).map(str::to_owned);
        if let Some(key) = self.kms_key_arn.as_deref().and_then(region_of).filter(|key| key != bucket_region)
        {
            let reason = format!("the key is in {key}, and the bucket in {bucket_region}");
            return Some(wrong("state.kms_key_arn", reason, "use a key of the bucket's region"));
        }
        if self.prefix.as_deref().is_some_and(|prefix| prefix.len() > 512) {
            return Some(wrong(
                "state.prefix",
                "it has more than 512 characters".to_owned(),
                "choose a shorter one",
            ));
        }
        if !(1..=36_500).contains(&self.history_days) {
            let reason = format!("{} is out of range", self.history_days);
            return Some(wrong("state.history_days", reason, "use 1 to 36500 days"));
        }
        if self.backend == Backend::S3 && self.bucket.is_none() {
            let hint = "name the bucket: `stack bootstrap` makes it if it does not exist";
            return Some(wrong(
                "state.bucket",
                "state.backend is \"s3\", and no bucket is given".to_owned(),
                hint,
            ));
        }
        None
    }
}

impl AwsArgs {
    /// What is wrong with it, if something is.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        let rules: [Rule<'_>; 3] = [
            ("aws.role_arn", &self.role_arn, &ROLE, "the ARN of a role", ROLE_HINT),
            (
                "aws.external_id",
                &self.external_id,
                &EXTERNAL,
                "an external id",
                "use 2 to 1224 letters, digits and the characters _ + = , . @ : / -",
            ),
            (
                "aws.session_name",
                &self.session_name,
                &SESSION,
                "the name of a session",
                "use 2 to 64 letters, digits and the characters _ + = , . @ -",
            ),
        ];
        if let Some(wrong) = first_wrong(&rules) {
            return Some(wrong);
        }
        if self.profile.as_deref() == Some("") {
            return Some(wrong(
                "aws.profile",
                "it is empty".to_owned(),
                "name a profile, or leave the key out",
            ));
        }
        if let Some(seconds) = self.session_duration.filter(|seconds| !(900..=43_200).contains(seconds)) {
            let reason = format!("{seconds} is out of range");
            return Some(wrong("aws.session_duration", reason, "use 900 to 43200 seconds"));
        }
        let of_role = [
            ("aws.external_id", self.external_id.is_some()),
            ("aws.session_name", self.session_name.is_some()),
            ("aws.session_duration", self.session_duration.is_some()),
        ];
        of_role.into_iter().find(|(_, given)| *given && self.role_arn.is_none()).map(|(key, _)| {
            wrong(
                key,
                "it is about a role, and aws.role_arn is not given".to_owned(),
                "name the role, or leave the key out",
            )
        })
    }
}
