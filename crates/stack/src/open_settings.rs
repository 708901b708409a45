//! Settings that are right for trying out and wrong for real payments, in an environment whose name says that it is for these.

use vpc::NatMode;

use crate::config::{Config, DEFAULT_FILE};
use crate::output::{Lines, Style};
use crate::run::Work;

/// Whether a name says that the environment is the real one: `prod`, `production`, `prod-eu`, `eu-live2`.
pub(crate) fn is_production(environment: &str) -> bool {
    environment.split('-').any(|part| {
        let word = part.trim_end_matches(|one: char| one.is_ascii_digit());
        ["prod", "production", "prd", "live"].contains(&word)
    }) && !environment.split('-').any(|part| ["non", "not", "pre", "test"].contains(&part))
}

/// Keys whose values leave open what production closes, as the file writes them.
fn open(config: &Config) -> Vec<&'static str> {
    let mut open = Vec::new();
    let mut say = |is_open: bool, setting| {
        if is_open {
            open.push(setting);
        }
    };
    if let Some(database) = config.get::<database::Tier>() {
        say(!database.deletion_protection, "database.deletion_protection = false");
        say(!database.final_snapshot, "database.final_snapshot = false");
        say(database.instances < 2, "database.instances = 1");
        say(database.backup_retention_in_days < 7, "database.backup_retention_in_days below 7");
    }
    if let Some(alb) = config.get::<alb::Tier>() {
        say(!alb.deletion_protection, "alb.deletion_protection = false");
        say(alb.certificate_arn.is_none(), "alb.certificate_arn not set, so HTTP without TLS");
        say(alb.access_logs.delete_logs, "alb.access_logs.delete_logs = true");
    }
    if let Some(ecs) = config.get::<ecs::Tier>() {
        say(ecs.desired_min < 2, "ecs.desired_min below 2");
        say(ecs.repository.delete_images, "ecs.repository.delete_images = true");
    }
    if let Some(network) = config.get::<vpc::Tier>() {
        say(network.nat == NatMode::Single, "vpc.nat = \"single\"");
    }
    say(!config.logs.keep_on_destroy, "logs.keep_on_destroy = false");
    open
}

impl Work {
    /// Before a first deployment: that there is no file, so that nobody thinks theirs was read.
    pub(crate) fn remark_no_file(&self) -> Lines {
        if self.loaded.file.is_some() || self.missing_file().is_some() {
            return Lines::new();
        }
        Lines::from(&format!(
            "no {DEFAULT_FILE} here: every value is its default, unless a flag or a variable sets it; {} shows them",
            self.command("config")
        ))
    }

    /// What is said before the plan of settings that are not for the environment's name, and of a file that is missing.
    pub(crate) fn remark_settings(&self) -> Lines {
        let mut lines = Lines::new();
        if let Some(file) = self.missing_file() {
            let text =
                format!("WARNING: the last `up` of {} used {file}, which is not here", self.environment);
            lines.add("  ").styled(Style::Loud, text).line("; this plan is made with the defaults");
        }
        let open = match is_production(self.environment.as_str()) {
            true => open(&self.loaded.config),
            false => Vec::new(),
        };
        if !open.is_empty() {
            let text = format!("WARNING: {} has settings that are for trying out:", self.environment);
            lines.add("  ").styled(Style::Loud, text).end();
            for setting in open {
                lines.line(format!("    {setting}"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_real_environments_are_known() {
        for name in ["prod", "production", "prod-eu", "live", "eu-live2", "prd", "prod1"] {
            assert!(is_production(name), "{name}");
        }
        for name in
            ["dev", "preprod", "nonprod", "non-prod", "pre-prod", "products", "olive", "test-prod", "staging"]
        {
            assert!(!is_production(name), "{name}");
        }
    }

    #[test]
    fn the_defaults_are_open_and_what_init_writes_is_not() {
        let mut config = Config::default();
        assert!(open(&config).contains(&"database.deletion_protection = false"));
        config.logs.keep_on_destroy = true;
        let database = config.section_mut::<database::Tier>();
        (database.deletion_protection, database.final_snapshot) = (true, true);
        let alb = config.section_mut::<alb::Tier>();
        (alb.deletion_protection, alb.access_logs.delete_logs) = (true, false);
        alb.certificate_arn = Some("arn:aws:acm:eu-west-1:123456789012:certificate/x".to_owned());
        config.section_mut::<ecs::Tier>().repository.delete_images = false;
        assert_eq!(open(&config), Vec::<&str>::new());
        config.section_mut::<vpc::Tier>().nat = NatMode::Single;
        config.section_mut::<database::Tier>().instances = 1;
        assert_eq!(open(&config), ["database.instances = 1", "vpc.nat = \"single\""]);
    }
}
