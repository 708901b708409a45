//! The availability zones of the region.

use engine::CallError;

use crate::Context;
use crate::ec2::filter;
use crate::error::Called;
use crate::poll::retrying;

/// The names of the zones that can be used now, sorted: available, open to the account, and neither local zones
/// nor Wavelength zones.
///
/// # Errors
/// As the call fails; a throttle or a missing answer is tried again for half a minute.
pub async fn zones(cx: &Context) -> Result<Vec<String>, CallError> {
    retrying("DescribeAvailabilityZones", || available(cx)).await
}

async fn available(cx: &Context) -> Result<Vec<String>, CallError> {
    let request = cx
        .ec2()
        .describe_availability_zones()
        .filters(filter("state", ["available"]))
        .filters(filter("zone-type", ["availability-zone"]))
        .filters(filter("opt-in-status", ["opt-in-not-required", "opted-in"]));
    let answer = request.send().await.called("DescribeAvailabilityZones")?;
    let zones = answer.availability_zones.unwrap_or_default();
    let mut names: Vec<_> = zones.into_iter().filter_map(|zone| zone.zone_name).collect();
    names.sort();
    Ok(names)
}
