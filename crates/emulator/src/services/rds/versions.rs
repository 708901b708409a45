//! The versions of Aurora PostgreSQL that can be created.

use serde_json::{Value, json};

use super::kind::{combination, invalid};
use super::pages::{Describe, Known, Listing};
use crate::services::{Answer, Call, Cx, Refusal};

/// The one engine.
pub(super) const ENGINE: &str = "aurora-postgresql";

/// The logs that the engine can publish (RDS API Reference, CreateDBCluster, `EnableCloudwatchLogsExports`).
pub(super) const LOG_TYPES: [&str; 3] = ["iam-db-auth-error", "instance", "postgresql"];

/// The certificate authorities that sign servers' certificates, the default first (Aurora User Guide, "Using SSL/TLS
/// to encrypt a connection to a DB cluster").
pub(super) const CERTIFICATE_AUTHORITIES: [&str; 3] =
    ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];

/// Major versions with the default minor one and all minor ones, oldest first (Release Notes for Aurora PostgreSQL,
/// "Release calendar for minor versions"; there is no 17.8). The default is not always the newest one.
const VERSIONS: [(u32, u32, &[u32]); 3] =
    [(15, 15, &[12, 13, 14, 15]), (16, 11, &[8, 9, 10, 11]), (17, 7, &[4, 5, 6, 7, 9, 10, 11])];

/// A version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Version {
    pub(super) major: u32,
    minor: u32,
}

impl Version {
    /// The version that a new cluster gets: the one asked for, the default of a major version, or the default.
    pub(super) fn wanted(asked: Option<&str>) -> Result<Self, Refusal> {
        match asked {
            None => Ok(Version::default_of(17)),
            Some(text) => Version::find(text).ok_or_else(|| unknown(text)),
        }
    }

    /// The version to which a cluster is to be upgraded from this one.
    pub(super) fn upgraded(self, asked: &str, allow_major: bool) -> Result<Self, Refusal> {
        let target = Version::wanted(Some(asked))?;
        if target.major > self.major && !allow_major {
            let message =
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.";
            return Err(combination(message));
        }
        if target == self || self.leads_to(target) {
            return Ok(target);
        }
        let (from, to) = (self.text(), target.text());
        Err(combination(format!("Cannot upgrade {ENGINE} from {from} to {to}.")))
    }

    /// Whether a cluster of this version can be upgraded to another one: to a later minor version, or to a minor version
    /// of a later major one that is not older than its own (Aurora User Guide, "Upgrading the PostgreSQL DB engine";
    /// `ValidUpgradeTarget` of DescribeDBEngineVersions).
    fn leads_to(self, target: Version) -> bool {
        if target.major == self.major {
            target.minor > self.minor
        } else {
            target.major > self.major && target.release() >= self.release()
        }
    }

    /// The PostgreSQL Global Development Group releases minor versions of all major ones together: 15.12, 16.8 and 17.4
    /// are of the same day.
    fn release(self) -> u32 {
        self.minor + 4 * self.major
    }

    /// The version that a stored text says.
    pub(super) fn stored(text: &str) -> Self {
        Version::find(text).expect("only versions of the table are stored")
    }

    pub(super) fn text(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// The family of parameter groups that fits.
    pub(super) fn family(self) -> String {
        family(self.major)
    }

    fn find(text: &str) -> Option<Self> {
        all().find(|version| version.text() == text).or_else(|| {
            let major = VERSIONS.iter().map(|(major, ..)| *major).find(|major| major.to_string() == text);
            major.map(Version::default_of)
        })
    }

    fn default_of(major: u32) -> Self {
        let found = VERSIONS.iter().find(|(known, ..)| *known == major);
        let (major, minor, _) = found.expect("only major versions of the table are asked for");
        Version { major: *major, minor: *minor }
    }

    fn show(self, region: &str) -> Value {
        let text = self.text();
        let targets = all().filter(|other| self.leads_to(*other));
        let targets: Vec<Value> = targets
            .map(|target| {
                json!({
                    "Engine": ENGINE,
                    "EngineVersion": target.text(),
                    "Description": description(target),
                    "AutoUpgrade": false,
                    "IsMajorVersionUpgrade": target.major > self.major,
                    "SupportedEngineModes": ["provisioned"],
                })
            })
            .collect();
        json!({
            "Engine": ENGINE,
            "MajorEngineVersion": self.major.to_string(),
            "EngineVersion": text,
            "DBParameterGroupFamily": self.family(),
            "DBEngineDescription": "Aurora PostgreSQL",
            "DBEngineVersionArn": format!("arn:aws:rds:{region}::dev:{ENGINE}/{text}"),
            "DBEngineVersionDescription": description(self),
            "ValidUpgradeTarget": targets,
            "ExportableLogTypes": LOG_TYPES,
            "SupportsLogExportsToCloudwatchLogs": true,
            "SupportsReadReplica": false,
            "SupportedEngineModes": ["provisioned"],
            "Status": "available",
            "SupportsParallelQuery": false,
            "SupportsGlobalDatabases": true,
            "SupportsCertificateRotationWithoutRestart": true,
            "SupportedCACertificateIdentifiers": CERTIFICATE_AUTHORITIES,
            "ServerlessV2FeaturesSupport": {"MinCapacity": 0.0, "MaxCapacity": 256.0},
        })
    }
}

/// Refuses an engine that is not modelled.
pub(super) fn check_engine(engine: &str) -> Result<(), Refusal> {
    match engine {
        ENGINE => Ok(()),
        other => Err(invalid(format!("Invalid DB engine: {other}. The emulator models {ENGINE}."))),
    }
}

/// The families of parameter groups.
pub(super) fn families() -> impl Iterator<Item = String> {
    VERSIONS.iter().map(|(major, ..)| family(*major))
}

pub(super) fn describe(cx: &Cx<'_>, call: &Call) -> Answer {
    const FILTERS: [Known; 4] = [
        ("db-parameter-group-family", &["DBParameterGroupFamily"]),
        ("engine", &["Engine"]),
        ("engine-version", &["EngineVersion"]),
        ("status", &["Status"]),
    ];
    let listing = Listing { member: "DBEngineVersions", name: "EngineVersion", filters: &FILTERS };
    let asked = Describe::read(call)?;
    if let Some(engine) = &asked.engine {
        check_engine(engine)?;
    }
    let fits = |version: &Version| {
        let text = &asked.engine_version;
        text.as_ref().is_none_or(|text| version.text() == *text || version.major.to_string() == *text)
            && asked.family.as_ref().is_none_or(|family| version.family() == *family)
            && (!asked.default_only || *version == Version::default_of(version.major))
    };
    asked.page(&listing, all().filter(fits).map(|version| version.show(cx.region)))
}

fn all() -> impl Iterator<Item = Version> {
    VERSIONS
        .iter()
        .flat_map(|(major, _, minors)| minors.iter().map(|minor| Version { major: *major, minor: *minor }))
}

fn family(major: u32) -> String {
    format!("{ENGINE}{major}")
}

fn description(version: Version) -> String {
    format!("Aurora PostgreSQL (Compatible with PostgreSQL {})", version.text())
}

/// The refusal that RDS has for a version that cannot be created, or not any more.
fn unknown(text: &str) -> Refusal {
    combination(format!("Cannot find version {text} for {ENGINE}"))
}
