//! Answering Describe operations: filters, and pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::invalid;
use crate::services::{Answer, Call, Refusal};

/// What the Describe operations take. Which of it an operation has, the model of the API has checked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    #[serde(rename = "DBClusterIdentifier")]
    pub(super) cluster: Option<String>,
    #[serde(rename = "DBInstanceIdentifier")]
    pub(super) instance: Option<String>,
    #[serde(rename = "DBSubnetGroupName")]
    pub(super) subnet_group: Option<String>,
    #[serde(rename = "DBClusterParameterGroupName", alias = "DBParameterGroupName")]
    pub(super) parameter_group: Option<String>,
    #[serde(rename = "DBClusterSnapshotIdentifier")]
    pub(super) snapshot: Option<String>,
    pub(super) snapshot_type: Option<String>,
    pub(super) subscription_name: Option<String>,
    pub(super) source: Option<String>,
    /// Nothing is shared between accounts, so these change nothing.
    #[serde(rename = "IncludeShared")]
    _include_shared: Option<bool>,
    #[serde(rename = "IncludePublic")]
    _include_public: Option<bool>,
    pub(super) db_cluster_resource_id: Option<String>,
    pub(super) engine: Option<String>,
    pub(super) engine_version: Option<String>,
    #[serde(rename = "DBParameterGroupFamily")]
    pub(super) family: Option<String>,
    #[serde(default)]
    pub(super) default_only: bool,
    /// The emulator has no versions that can no longer be created.
    #[serde(rename = "IncludeAll")]
    _include_all: Option<bool>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_records: Option<i64>,
    marker: Option<String>,
}

/// Filters are joined by AND, the values of one by OR.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    values: Vec<String>,
}

/// The name of a filter, and the members of which one must have one of its values.
pub(super) type Known = (&'static str, &'static [&'static str]);

/// The members that a filter looks at, and the values that one of them must have.
type Matcher<'a> = (&'static [&'static str], &'a [String]);

/// How a Describe operation lists what it has found.
pub(super) struct Listing {
    /// The member of the answer that lists it.
    pub(super) member: &'static str,
    /// The member by which what is listed is ordered.
    pub(super) name: &'static str,
    pub(super) filters: &'static [Known],
}

impl Describe {
    pub(super) fn read(call: &Call) -> Result<Self, Refusal> {
        let describe: Describe = call.input()?;
        // RDS API Reference, DescribeDBClusters, `MaxRecords`: "Minimum 20, maximum 100".
        match describe.max_records {
            Some(count) if !(20..=100).contains(&count) => {
                Err(invalid(format!("Invalid value {count} for MaxRecords. Must be between 20 and 100.")))
            }
            _ => Ok(describe),
        }
    }

    /// The page asked for of what was found, which is in the order of its names.
    pub(super) fn page(&self, listing: &Listing, found: impl IntoIterator<Item = Value>) -> Answer {
        let matchers = self.matchers(listing)?;
        let after = self.marker.as_deref().map(read_marker).transpose()?;
        let name = |value: &Value| value[listing.name].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<Value> = found
            .into_iter()
            .filter(|value| matchers.iter().all(|(members, values)| has(value, members, values)))
            .filter(|value| after.as_ref().is_none_or(|after| name(value) > *after))
            .collect();
        let size = self.max_records.and_then(|count| usize::try_from(count).ok()).unwrap_or(100);
        let marker = (found.len() > size).then(|| STANDARD.encode(name(&found[size - 1])));
        found.truncate(size);
        Ok(json!({listing.member: found, "Marker": marker}))
    }

    fn matchers(&self, listing: &Listing) -> Result<Vec<Matcher<'_>>, Refusal> {
        let matcher = |filter: &'_ Filter| {
            let known = listing.filters.iter().find(|(name, _)| *name == filter.name);
            known
                .map(|(_, members)| *members)
                .ok_or_else(|| invalid(format!("Unrecognized filter name: {}.", filter.name)))
        };
        self.filters.iter().map(|filter| Ok((matcher(filter)?, filter.values.as_slice()))).collect()
    }
}

/// Whether one of the members is one of the values.
fn has(value: &Value, members: &[&str], wanted: &[String]) -> bool {
    let texts = members.iter().filter_map(|member| value[member].as_str());
    texts.into_iter().any(|text| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(text)))
}

/// The name after which a page begins.
fn read_marker(marker: &str) -> Result<String, Refusal> {
    let decoded = STANDARD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| invalid("The parameter Marker is not one that was given out."))
}
