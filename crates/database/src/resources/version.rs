//! Versions of Aurora PostgreSQL: which live one is as good as the declared one, and which change RDS would not make.
//!
//! AWS upgrades minor versions itself in a maintenance window, and never goes back. So a declared version is the oldest one
//! that is wanted, and a major version alone is any of its minor ones. Which versions there are, AWS is asked: it adds some
//! every few months, and retires others.

use aws::rds::client;
use aws::{Called, Context};
use aws_sdk_rds::types::DbEngineVersion;
use engine::{CallError, Foreseen, There, Wish};
use serde_json::Value;

const KEY: &str = "database.engine_version";

/// `17`, or `17.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    minor: Option<u32>,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        match text.split_once('.') {
            None => Some(Self { major: number(text)?, minor: None }),
            Some((major, minor)) => Some(Self { major: number(major)?, minor: Some(number(minor)?) }),
        }
    }

    /// Whether a live version is as good as this one.
    fn takes(self, live: Self) -> bool {
        live.major == self.major && live.minor >= self.minor
    }
}

/// Whether a cluster of the live version is of another major version than what is declared.
pub(super) fn is_other_major(live: &str, declared: &str) -> bool {
    Version::parse(live)
        .zip(Version::parse(declared))
        .is_some_and(|(live, declared)| live.major != declared.major)
}

/// Why a live version is left as it is, where it is not the declared one.
pub(super) fn accepted(live: &str, declared: &str) -> Option<String> {
    let wanted = Version::parse(declared)?;
    if !wanted.takes(Version::parse(live)?) {
        return None;
    }
    Some(match wanted.minor {
        None => format!("runs {live}; `{KEY}` is {declared}, which is any minor version of it"),
        Some(_) => format!(
            "runs {live}, a newer minor version than `{KEY}` ({declared}), and keeps it: AWS upgrades minor versions itself, and \
             RDS does not go back"
        ),
    })
}

/// What can be said of the version that is declared, before anything is called that changes something.
pub(super) async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
    let text = |properties: &Value, name: &str| properties[name].as_str().unwrap_or_default().to_owned();
    let (declared, engine) = (text(wish.declared, "EngineVersion"), text(wish.declared, "Engine"));
    let Some(wanted) = Version::parse(&declared) else { return Ok(Foreseen::nothing()) };
    let Some(There { recorded, live }) = wish.there else {
        return creatable(cx, &engine, &declared, wanted).await;
    };
    let (recorded, live) = (text(recorded, "EngineVersion"), text(live, "EngineVersion"));
    let Some(there) = Version::parse(&live) else { return Ok(Foreseen::nothing()) };
    if let Some(refused) = lowered(&declared, wanted, &recorded, &live, there) {
        return Ok(refused);
    }
    if wanted.takes(there) {
        return Ok(Foreseen::nothing());
    }
    let (known, targets) = match targets(cx, &engine, &live).await? {
        Some(targets) => (true, targets),
        // What runs is not listed, and so nothing is said of the way from it. But there must be such a version.
        None => (false, of_major(cx, &engine, wanted.major, true).await?),
    };
    if !targets.iter().any(|target| matches(target, wanted)) {
        let hint = match (known, targets.is_empty()) {
            (true, true) => format!(
                "RDS upgrades it to no other version now; set `{KEY}` to {live}, or to {} for any minor version of it",
                there.major
            ),
            (false, true) => format!("set `{KEY}` to {live}"),
            (_, false) => format!("set `{KEY}` to one of {}", targets.join(", ")),
        };
        return Ok(Foreseen::refusal(
            format!("`{KEY}` is {declared}, to which RDS does not upgrade a cluster that runs {live}"),
            hint,
        ));
    }
    let major = wanted.major > there.major;
    if major && wish.declared["AllowMajorVersionUpgrade"] != true {
        return Ok(Foreseen::refusal(
            format!(
                "`{KEY}` is {declared}, but the cluster runs {live}: an upgrade to another major version is downtime, cannot be \
                 undone, and was not allowed"
            ),
            format!(
                "test the upgrade on a copy of the cluster, then set `database.allow_major_version_upgrade = true`; or set \
                 `{KEY}` to {live}"
            ),
        ));
    }
    Ok(Foreseen::warning(match major {
        true => format!(
            "is upgraded from {live} to {declared}, another major version: DOWNTIME of ten minutes or more, and no way back but a \
             backup"
        ),
        false => {
            format!("is upgraded from {live} to {declared}: its instances restart, and connections break")
        }
    }))
}

/// Refuses an older version: of an older major version, or an older minor one than what was declared before.
fn lowered(declared: &str, wanted: Version, recorded: &str, live: &str, there: Version) -> Option<Foreseen> {
    let other_major = wanted.major < there.major;
    let before = Version::parse(recorded).filter(|before| before.major == wanted.major);
    let lower = |before: Version| wanted.minor.is_some() && before > wanted && there > wanted;
    if !other_major && !before.is_some_and(lower) {
        return None;
    }
    let was = if other_major { String::new() } else { format!(" (it was {recorded} before)") };
    Some(Foreseen::refusal(
        format!(
            "`{KEY}` is {declared}{was}, but the cluster runs {live}: RDS does not go back to an older version"
        ),
        format!(
            "set `{KEY}` to {live}, or to {} for any minor version of it; to go back, restore a backup that is older than the \
             upgrade",
            there.major
        ),
    ))
}

/// Refuses a version that a new cluster cannot have.
async fn creatable(
    cx: &Context,
    engine: &str,
    declared: &str,
    wanted: Version,
) -> Result<Foreseen, CallError> {
    let versions = of_major(cx, engine, wanted.major, false).await?;
    if versions.iter().any(|version| matches(version, wanted)) {
        return Ok(Foreseen::nothing());
    }
    let hint = match versions.is_empty() {
        true => format!("choose one that `aws rds describe-db-engine-versions --engine {engine}` lists"),
        false => {
            format!(
                "set `{KEY}` to one of {}, or to {} for the newest of them",
                versions.join(", "),
                wanted.major
            )
        }
    };
    Ok(Foreseen::refusal(
        format!("`{KEY}` is {declared}, which RDS does not offer for {engine} in this region"),
        hint,
    ))
}

fn matches(version: &str, wanted: Version) -> bool {
    let version = Version::parse(version);
    version.is_some_and(|it| it.major == wanted.major && (wanted.minor.is_none() || it == wanted))
}

/// The version that a new cluster is created with: of a major version alone the newest minor one, which need not be the one
/// that RDS would take.
pub(super) async fn to_create(cx: &Context, engine: &str, declared: &str) -> Result<String, CallError> {
    match Version::parse(declared) {
        Some(Version { major, minor: None }) => {
            Ok(newest(of_major(cx, engine, major, false).await?, declared))
        }
        _ => Ok(declared.to_owned()),
    }
}

/// The same for a cluster that runs a version and is to be upgraded.
pub(super) async fn to_upgrade(
    cx: &Context,
    engine: &str,
    live: &str,
    declared: &str,
) -> Result<String, CallError> {
    let Some(wanted) = Version::parse(declared).filter(|wanted| wanted.minor.is_none()) else {
        return Ok(declared.to_owned());
    };
    let mut targets = targets(cx, engine, live).await?.unwrap_or_default();
    targets.retain(|target| matches(target, wanted));
    Ok(newest(targets, declared))
}

/// The newest of these, or else what RDS makes of the declared one.
fn newest(versions: Vec<String>, declared: &str) -> String {
    let newest = versions.into_iter().max_by_key(|version| Version::parse(version));
    newest.unwrap_or_else(|| declared.to_owned())
}

/// The versions that a new cluster of a major version can have, oldest first; with those that it cannot have any more, if `all`.
async fn of_major(cx: &Context, engine: &str, major: u32, all: bool) -> Result<Vec<String>, CallError> {
    let request =
        client(cx).describe_db_engine_versions().engine(engine).set_include_all(all.then_some(true));
    let request = request.db_parameter_group_family(format!("{engine}{major}"));
    let listed = request.into_paginator().items().send().try_collect().await;
    let listed: Vec<DbEngineVersion> = listed.called("DescribeDBEngineVersions")?;
    Ok(sorted(listed.into_iter().filter_map(|version| version.engine_version)))
}

/// The versions that a cluster can be upgraded to, oldest first; `None` where RDS does not list the one that it runs.
async fn targets(cx: &Context, engine: &str, live: &str) -> Result<Option<Vec<String>>, CallError> {
    let request = client(cx).describe_db_engine_versions().engine(engine).engine_version(live);
    // One that runs may be one that cannot be created any more.
    let listed = request.include_all(true).into_paginator().items().send().try_collect().await;
    let listed: Vec<DbEngineVersion> = listed.called("DescribeDBEngineVersions")?;
    let listed = listed.into_iter().find(|version| version.engine_version() == Some(live));
    let targets = listed.map(|version| version.valid_upgrade_target.unwrap_or_default());
    Ok(targets.map(|targets| sorted(targets.into_iter().filter_map(|target| target.engine_version))))
}

fn sorted(versions: impl Iterator<Item = String>) -> Vec<String> {
    let mut versions: Vec<String> = versions.collect();
    versions.sort_by_key(|version| Version::parse(version));
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_major_one_or_one_with_a_minor_one() {
        assert_eq!(Version::parse("17"), Some(Version { major: 17, minor: None }));
        assert_eq!(Version::parse("17.10"), Some(Version { major: 17, minor: Some(10) }));
        for text in ["", "latest", "17.", ".7", "17.7.1", "+17", "17.-1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Version::parse("17.9") < Version::parse("17.10"));
    }

    #[test]
    fn a_newer_minor_version_is_as_good_and_nothing_else_is() {
        for (live, declared) in [("17.9", "17.7"), ("17.10", "17.9"), ("17.4", "17")] {
            assert!(accepted(live, declared).is_some(), "{live} for {declared}");
        }
        for (live, declared) in [("17.6", "17.7"), ("18.3", "17.7"), ("16.8", "17"), ("18.3", "17")] {
            assert_eq!(accepted(live, declared), None, "{live} for {declared}");
        }
    }
}
