//! The line that a command begins with: what it works on, and as whom.

use crate::cli::Target;
use crate::output::Lines;
use crate::target::Cloud;

/// `payment prod: AWS account 123456789012 (pay-prod) in ap-southeast-1, as arn:aws:…`; on the embedded AWS only which region it is.
pub(crate) fn heading(project: &str, environment: &str, target: Target, cloud: &Cloud) -> Lines {
    let context = &cloud.context;
    let mut lines = Lines::new();
    lines.add(format!("{project} {environment}: "));
    match target {
        Target::Embedded => lines.line(format!("the embedded AWS, {}", context.region())),
        Target::Aws => {
            let account = named_account(context.account_id(), cloud.account_alias.as_deref());
            lines.add(format!("AWS account {account} in {}", context.region()));
            if let Some(arn) = context.caller_arn() {
                lines.add(format!(", as {arn}"));
            }
            if let Some(url) = &cloud.endpoint_url {
                lines.add(format!(", at {url}"));
            }
            lines.end()
        }
    };
    lines
}

/// An account as people know it: its number, and its alias if that is known.
pub(crate) fn named_account(account: &str, alias: Option<&str>) -> String {
    match alias {
        Some(alias) => format!("{account} ({alias})"),
        None => account.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws::Identity;
    use aws_config::Region;
    use emulator::Emulator;

    use super::*;
    use crate::target::embedded;

    #[tokio::test]
    async fn it_says_account_alias_region_caller_and_another_endpoint() {
        let sdk = embedded(&Emulator::builder().in_memory(), Region::new("eu-west-1"));
        let identity = Identity { project: "pay".to_owned(), environment: "prod".to_owned() };
        let context = aws::Context::connect(&sdk, identity).await.unwrap();
        let arn = context.caller_arn().unwrap().to_owned();
        let mut cloud = Cloud {
            context,
            account_alias: None,
            zones: Vec::new(),
            place: String::new(),
            endpoint_url: None,
        };
        let text = |target, cloud: &Cloud| heading("pay", "prod", target, cloud).to_string();
        assert_eq!(text(Target::Embedded, &cloud), "pay prod: the embedded AWS, eu-west-1\n");
        let aws = format!("pay prod: AWS account 123456789012 in eu-west-1, as {arn}");
        assert!(arn.starts_with("arn:aws:"), "{arn}");
        assert_eq!(text(Target::Aws, &cloud), format!("{aws}\n"));
        cloud.account_alias = Some("pay-prod".to_owned());
        assert_eq!(text(Target::Embedded, &cloud), "pay prod: the embedded AWS, eu-west-1\n");
        let aws = format!("pay prod: AWS account 123456789012 (pay-prod) in eu-west-1, as {arn}");
        assert_eq!(text(Target::Aws, &cloud), format!("{aws}\n"));
        cloud.endpoint_url = Some("http://127.0.0.1:4566".to_owned());
        assert_eq!(text(Target::Aws, &cloud), format!("{aws}, at http://127.0.0.1:4566\n"));
    }
}
