//! Availability Zones: the names that each region really has.
//!
//! From the list of regions and zones in the AWS documentation ("AWS Availability Zones"). Zone ids are the
//! same for everybody, while names are shuffled for each older account; here name `a` is zone 1, and so on.

use serde_json::{Value, json};

use super::describe::Filters;
use super::{Answer, Cx};
use crate::protocol::parameters::Parameters;
use crate::protocol::response::Refusal;

/// Region, what its zone ids begin with, the letters of its zones, and its long name.
const REGIONS: [(&str, &str, &str, &str); 34] = [
    ("af-south-1", "afs1", "abc", "Africa (Cape Town)"),
    ("ap-east-1", "ape1", "abc", "Asia Pacific (Hong Kong)"),
    ("ap-east-2", "ape2", "abc", "Asia Pacific (Taipei)"),
    ("ap-northeast-1", "apne1", "acd", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "apne2", "abcd", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "apne3", "abc", "Asia Pacific (Osaka)"),
    ("ap-south-1", "aps1", "abc", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "aps2", "abc", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "apse1", "abc", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "apse2", "abc", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "apse3", "abc", "Asia Pacific (Jakarta)"),
    ("ap-southeast-4", "apse4", "abc", "Asia Pacific (Melbourne)"),
    ("ap-southeast-5", "apse5", "abc", "Asia Pacific (Malaysia)"),
    ("ap-southeast-6", "apse6", "abc", "Asia Pacific (New Zealand)"),
    ("ap-southeast-7", "apse7", "abc", "Asia Pacific (Thailand)"),
    ("ca-central-1", "cac1", "abd", "Canada (Central)"),
    ("ca-west-1", "caw1", "abc", "Canada West (Calgary)"),
    ("eu-central-1", "euc1", "abc", "Europe (Frankfurt)"),
    ("eu-central-2", "euc2", "abc", "Europe (Zurich)"),
    ("eu-north-1", "eun1", "abc", "Europe (Stockholm)"),
    ("eu-south-1", "eus1", "abc", "Europe (Milan)"),
    ("eu-south-2", "eus2", "abc", "Europe (Spain)"),
    ("eu-west-1", "euw1", "abc", "Europe (Ireland)"),
    ("eu-west-2", "euw2", "abc", "Europe (London)"),
    ("eu-west-3", "euw3", "abc", "Europe (Paris)"),
    ("il-central-1", "ilc1", "abc", "Israel (Tel Aviv)"),
    ("me-central-1", "mec1", "abc", "Middle East (UAE)"),
    ("me-south-1", "mes1", "abc", "Middle East (Bahrain)"),
    ("mx-central-1", "mxc1", "abc", "Mexico (Central)"),
    ("sa-east-1", "sae1", "abc", "South America (Sao Paulo)"),
    ("us-east-1", "use1", "abcdef", "US East (N. Virginia)"),
    ("us-east-2", "use2", "abc", "US East (Ohio)"),
    ("us-west-1", "usw1", "ac", "US West (N. California)"),
    ("us-west-2", "usw2", "abcd", "US West (Oregon)"),
];

/// The regions whose zones are known, sorted.
pub(crate) fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(name, ..)| *name)
}

/// A zone: its name (`eu-west-1a`), its id (`euw1-az1`), and the name of the group of all zones of a region
/// (`Europe (Ireland) 1`, recorded from real AWS).
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) id: String,
    group_long_name: String,
}

/// The zones of a region.
pub(super) fn of(region: &str) -> Result<Vec<Zone>, Refusal> {
    let (_, prefix, letters, long_name) =
        REGIONS.iter().find(|(name, ..)| *name == region).ok_or_else(|| {
            let message = format!("The emulator does not know the zones of region '{region}'.");
            Refusal::new("InvalidParameterValue", message)
        })?;
    Ok(letters
        .chars()
        .map(|letter| Zone {
            name: format!("{region}{letter}"),
            id: format!("{prefix}-az{}", u32::from(letter) - u32::from('a') + 1),
            group_long_name: format!("{long_name} 1"),
        })
        .collect())
}

pub(super) fn describe(cx: &Cx<'_>, mut p: Parameters) -> Answer {
    const FILTERS: [(&str, &str); 7] = [
        ("zone-name", "zoneName"),
        ("zone-id", "zoneId"),
        ("zone-type", "zoneType"),
        ("region-name", "regionName"),
        ("group-name", "groupName"),
        ("opt-in-status", "optInStatus"),
        ("state", "zoneState"),
    ];
    let names = p.texts("ZoneName")?;
    let ids = p.texts("ZoneId")?;
    let filters = Filters::read(&mut p, &FILTERS, false)?;
    p.flag("AllAvailabilityZones")?;
    p.finish()?;
    let zones = of(cx.region)?;
    let unknown =
        |wanted: &String, has: &dyn Fn(&Zone) -> &String| !zones.iter().any(|zone| has(zone) == wanted);
    let name = names.iter().find(|name| unknown(name, &|zone| &zone.name));
    if let Some(bad) = name.or_else(|| ids.iter().find(|id| unknown(id, &|zone| &zone.id))) {
        return Err(Refusal::new("InvalidParameterValue", format!("Invalid availability zone: [{bad}]")));
    }
    let zones: Vec<Value> = zones
        .iter()
        .filter(|zone| names.is_empty() || names.contains(&zone.name))
        .filter(|zone| ids.is_empty() || ids.contains(&zone.id))
        .map(|zone| {
            json!({
                "zoneName": zone.name,
                "zoneId": zone.id,
                "zoneState": "available",
                "zoneType": "availability-zone",
                "regionName": cx.region,
                "groupName": format!("{}-zg-1", cx.region),
                "groupLongName": zone.group_long_name,
                "networkBorderGroup": cx.region,
                "optInStatus": "opt-in-not-required",
                "messageSet": [],
            })
        })
        .filter(|zone| filters.match_all(zone))
        .collect();
    Ok(json!({"availabilityZoneInfo": zones}))
}
