//! What two tiers are told that does not go together, said before any call.

use aws::Place;
use ecs::{Need, Way};
use engine::DeclareError;
use vpc::NatMode;

use crate::config::{Config, OWN_TAG};
use crate::stack::StackError;

/// Refuses what cannot work, as the argument of one of the tiers.
pub(crate) fn check(config: &Config, place: &Place) -> Result<(), StackError> {
    let of = |tier| move |source| StackError::Declare { tier, source };
    own_tags(config).map_err(of("vpc"))?;
    zones(config, place).map_err(of("vpc"))?;
    kept_backups(config).map_err(of("backup"))?;
    let (Some(network), Some(containers)) = (config.get::<vpc::Tier>(), config.get::<ecs::Tier>()) else {
        return Ok(());
    };
    let unmet = unmet(network, containers, place).map_err(of("ecs"))?;
    let outside = unmet.iter().find(|need| need.way == Way::Internet);
    if let Some(Need { argument, because, .. }) = outside {
        return Err(of("ecs")(no_internet(argument, because, place)));
    }
    match unmet.is_empty() {
        true => Ok(()),
        false => Err(of("vpc")(no_way(network, &unmet))),
    }
}

/// A configuration from a file is refused for them when it is read; this is for one that a program has made.
fn own_tags(config: &Config) -> Result<(), DeclareError> {
    let (reason, hint) = OWN_TAG;
    config.own_tag().map_or(Ok(()), |own| Err(DeclareError::argument(format!("tags.{own}"), reason, hint)))
}

/// What the tasks of an image will need that nothing leads to, where no image is declared yet: a remark, since no task runs.
pub(crate) fn remark(config: &Config, place: &Place) -> Option<String> {
    let (network, containers) = (config.get::<vpc::Tier>()?, config.get::<ecs::Tier>()?);
    if containers.image.is_some() {
        return None;
    }
    let later = ecs::Args { image: Some(":later".to_owned()), ..containers.clone() };
    let unmet = unmet(network, &later, place).ok()?;
    (!unmet.is_empty()).then(|| {
        format!(
            "no task runs yet; once `ecs.image` is set, tasks cannot start, because nothing in this network leads to {}",
            listed(&unmet)
        )
    })
}

/// A zone is called after its region (EC2 User Guide, "Availability Zones").
fn zones(config: &Config, place: &Place) -> Result<(), DeclareError> {
    let zones = config.get::<vpc::Tier>().and_then(|network| network.availability_zones.as_deref());
    let region = &place.region;
    for (index, zone) in zones.unwrap_or_default().iter().enumerate() {
        if zone.strip_prefix(region.as_str()).is_none_or(str::is_empty) {
            let reason = format!("`{zone}` is not a zone of {region}");
            let hint = format!("a zone such as {region}a");
            return Err(DeclareError::argument(format!("availability_zones[{index}]"), reason, hint));
        }
    }
    Ok(())
}

/// Each verification would say that backups are not kept for as long as they should be.
fn kept_backups(config: &Config) -> Result<(), DeclareError> {
    let (Some(database), Some(backup)) = (config.get::<database::Tier>(), config.get::<backup::Tier>())
    else {
        return Ok(());
    };
    let (kept, wanted) = (database.backup_retention_in_days, backup.min_retention_days);
    match wanted <= kept {
        true => Ok(()),
        false => Err(DeclareError::argument(
            "min_retention_days",
            format!(
                "the daily verification would fail: it wants backups of {wanted} days, and `database.backup_retention_in_days` is \
                 {kept}"
            ),
            format!("at most {kept}, or set database.backup_retention_in_days to {wanted} or more"),
        )),
    }
}

/// What tasks need, and the network does not lead to.
fn unmet(network: &vpc::Args, containers: &ecs::Args, place: &Place) -> Result<Vec<Need>, DeclareError> {
    if network.nat != NatMode::None {
        return Ok(Vec::new());
    }
    let endpoints = &network.interface_endpoints;
    let leads = |way: Way| match way {
        Way::Service(service) => endpoints.enabled && endpoints.services.iter().any(|one| one == service),
        Way::S3 => network.s3_endpoint,
        Way::Internet => false,
    };
    Ok(containers.needs(place)?.into_iter().filter(|need| !leads(need.way)).collect())
}

fn no_internet(argument: &str, because: &str, place: &Place) -> DeclareError {
    let reason = format!(
        "with `vpc.nat = \"none\"` tasks cannot reach the internet {because}, so they would not start"
    );
    let ecr = format!("ACCOUNT.dkr.ecr.{}.amazonaws.com", place.region);
    let hint = match argument {
        "tracing" => format!(
            "copy it to ECR of this region and set `ecs.tracing_image = \"{ecr}/NAME:TAG\"`, or set `ecs.tracing = \"none\"`, or \
             set vpc.nat to single or one_per_zone"
        ),
        _ => format!("copy it to ECR of this region ({ecr}), or set vpc.nat to single or one_per_zone"),
    };
    DeclareError::argument(argument, reason, hint)
}

fn no_way(network: &vpc::Args, unmet: &[Need]) -> DeclareError {
    let services: Vec<&str> = unmet.iter().filter_map(|need| service(need.way)).collect();
    let reason = format!("tasks cannot start: nothing in this network leads to {}", listed(unmet));
    let endpoints = format!("interface endpoints for {}", services.join(", "));
    let s3 = if unmet.iter().any(|need| need.way == Way::S3) { "`vpc.s3_endpoint = true`" } else { "" };
    let (argument, wanted) = match (network.interface_endpoints.enabled, services.is_empty()) {
        (_, true) => ("s3_endpoint", String::new()),
        (true, false) => ("interface_endpoints.services", endpoints),
        (false, false) => ("nat", format!("`vpc.interface_endpoints.enabled = true` with {endpoints}")),
    };
    let wanted: Vec<&str> = [wanted.as_str(), s3].into_iter().filter(|text| !text.is_empty()).collect();
    DeclareError::argument(
        argument,
        reason,
        format!("{}; or set vpc.nat to single or one_per_zone", wanted.join(" and ")),
    )
}

fn service(way: Way) -> Option<&'static str> {
    match way {
        Way::Service(service) => Some(service),
        Way::S3 | Way::Internet => None,
    }
}

/// Each with what it is for: `ecr.api to sign in to ECR (ecs.image)`.
fn listed(needs: &[Need]) -> String {
    let one = |need: &Need| {
        let way = service(need.way).unwrap_or(if need.way == Way::S3 { "S3" } else { "the internet" });
        format!("{way} {} (ecs.{})", need.because, need.argument)
    };
    needs.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let mut config = Config::default();
        config.section_mut::<vpc::Tier>().nat = NatMode::None;
        config.section_mut::<ecs::Tier>().image = Some(":v1".to_owned());
        config
    }

    #[test]
    fn a_tag_that_stack_sets_itself_is_refused() {
        for own in ["Environment", "Name", "Tier"] {
            let mut config = Config::default();
            config.tags.insert(own.to_owned(), "y".to_owned());
            let said = refused(&config);
            assert!(
                said.starts_with(&format!("vpc.tags.{own}: stack sets this tag itself on every resource")),
                "{said}"
            );
        }
    }

    fn refused(config: &Config) -> String {
        match check(config, &crate::stack::Place::imagined(config).aws()) {
            Err(StackError::Declare { tier, source: DeclareError::Argument { argument, reason, hint } }) => {
                format!("{tier}.{argument}: {reason} ({hint})")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_leads_nowhere_is_named_with_the_option_that_needs_it() {
        let mut config = config();
        assert!(
            refused(&config).starts_with("ecs.tracing: with `vpc.nat = \"none\"` tasks cannot reach"),
            "{}",
            refused(&config)
        );
        config.section_mut::<ecs::Tier>().tracing = ecs::Tracing::None;
        let said = refused(&config);
        assert!(said.starts_with("vpc.nat: tasks cannot start"), "{said}");
        assert!(said.contains("`vpc.interface_endpoints.enabled = true` with interface endpoints for ecr.api, ecr.dkr, logs;"), "{said}");
        config.section_mut::<vpc::Tier>().interface_endpoints.enabled = true;
        assert_eq!(refused(&config), "Ok(())");
        // Options that need more.
        config.section_mut::<ecs::Tier>().execute_command = true;
        let said = refused(&config);
        assert!(
            said.starts_with("vpc.interface_endpoints.services: ") && said.contains("ssmmessages"),
            "{said}"
        );
        assert!(said.contains("(ecs.execute_command)"), "{said}");
        config.section_mut::<ecs::Tier>().execute_command = false;
        config.section_mut::<vpc::Tier>().interface_endpoints.services = vec!["logs".to_owned()];
        config.section_mut::<ecs::Tier>().database_credentials = ecs::DatabaseCredentials::MasterSecret;
        let said = refused(&config);
        for service in ["ecr.api", "ecr.dkr", "secretsmanager"] {
            assert!(said.contains(service), "{said}");
        }
        config.section_mut::<ecs::Tier>().image = Some("nginx:1.29".to_owned());
        assert!(refused(&config).starts_with("ecs.image: "), "{}", refused(&config));
        // A NAT gateway leads everywhere, and without an image nothing has to be reached.
        config.section_mut::<vpc::Tier>().nat = NatMode::Single;
        assert_eq!(refused(&config), "Ok(())");
    }

    #[test]
    fn without_an_image_it_is_a_remark() {
        let mut config = config();
        config.section_mut::<ecs::Tier>().image = None;
        let place = crate::stack::Place::imagined(&config).aws();
        assert_eq!(refused(&config), "Ok(())");
        let said = remark(&config, &place).unwrap();
        assert!(said.contains("ecr.api to sign in to ECR (ecs.image)"), "{said}");
        config.section_mut::<vpc::Tier>().nat = NatMode::Single;
        assert_eq!(remark(&config, &place), None);
    }

    #[test]
    fn backups_are_kept_for_as_long_as_the_verification_wants_them() {
        let mut config = Config::default();
        assert_eq!(refused(&config), "Ok(())");
        config.section_mut::<database::Tier>().backup_retention_in_days = 3;
        let said = refused(&config);
        assert!(said.starts_with("backup.min_retention_days: the daily verification would fail"), "{said}");
        assert!(
            said.contains("(at most 3, or set database.backup_retention_in_days to 7 or more)"),
            "{said}"
        );
        config.section_mut::<backup::Tier>().min_retention_days = 3;
        assert_eq!(refused(&config), "Ok(())");
    }

    #[test]
    fn zones_are_of_the_region() {
        let mut config = Config::default();
        for zone in ["a", "eu-west-1a", "ap-southeast-1", " ap-southeast-1a"] {
            config.section_mut::<vpc::Tier>().availability_zones =
                Some(vec!["ap-southeast-1b".to_owned(), zone.to_owned()]);
            let wanted = format!("vpc.availability_zones[1]: `{zone}` is not a zone of ap-southeast-1");
            assert!(refused(&config).starts_with(&wanted), "{}", refused(&config));
        }
    }
}
