//! The actions of listeners and rules: what can be said of them by themselves. Whether target groups fit is checked
//! in [`forwarding`](super::forwarding).

use super::records::{Action, FixedResponseConfig, ForwardConfig, RedirectConfig, Stickiness, WeightedGroup};
use super::{invalid, not_modelled};
use crate::protocol::response::{Refusal, refuse_if};

/// The listener that redirects are judged by.
pub(super) struct At<'a> {
    pub(super) protocol: &'a str,
    pub(super) port: u16,
}

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": target groups for an action.
const MOST_GROUPS: usize = 5;

fn wrong_action(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidLoadBalancerAction", message)
}

/// Checks actions and gives them in the form in which they are shown.
///
/// Exactly one, because authentication is not modelled (API Reference, Action: "exactly one of the following routing
/// actions: forward, fixed-response, or redirect").
pub(super) fn completed(actions: Vec<Action>, at: &At<'_>) -> Result<Vec<Action>, Refusal> {
    match actions.len() {
        0 => Err(invalid("An action must be specified")),
        1 => actions.into_iter().map(|action| complete(action, at)).collect(),
        _ => Err(Refusal::new("TooManyActions", "A rule can have one routing action")),
    }
}

fn complete(mut action: Action, at: &At<'_>) -> Result<Action, Refusal> {
    check_members(&action)?;
    match action.kind.as_str() {
        "forward" => {
            let config = action.forward_config.take().unwrap_or_default();
            let config = forward(config, action.target_group_arn.as_deref())?;
            if let [only] = config.target_groups.as_slice() {
                action.target_group_arn = Some(only.target_group_arn.clone());
            }
            action.forward_config = Some(config);
        }
        "redirect" => redirect(action.redirect_config.as_ref(), at)?,
        "fixed-response" => fixed_response(action.fixed_response_config.as_ref())?,
        other => return Err(not_modelled(&format!("actions of Type {other}"))),
    }
    Ok(action)
}

/// An action has the configuration of its type and no other.
fn check_members(action: &Action) -> Result<(), Refusal> {
    let kind = action.kind.as_str();
    let members = [
        ("ForwardConfig", "forward", action.forward_config.is_some()),
        ("TargetGroupArn", "forward", action.target_group_arn.is_some()),
        ("RedirectConfig", "redirect", action.redirect_config.is_some()),
        ("FixedResponseConfig", "fixed-response", action.fixed_response_config.is_some()),
    ];
    match members.iter().find(|(_, of, given)| *given && *of != kind) {
        Some((member, _, _)) => Err(wrong_action(format!(
            "For actions of type '{kind}', you cannot specify the field '{member}'"
        ))),
        None => Ok(()),
    }
}

fn missing(kind: &str, field: &str) -> Refusal {
    wrong_action(format!("For actions of type '{kind}', you must specify the following fields: '{field}'"))
}

/// API Reference, Action, TargetGroupTuple and TargetGroupStickinessConfig.
fn forward(mut config: ForwardConfig, target_group_arn: Option<&str>) -> Result<ForwardConfig, Refusal> {
    let groups = &mut config.target_groups;
    match (groups.as_mut_slice(), target_group_arn) {
        ([], None) => return Err(missing("forward", "TargetGroupArn")),
        ([], Some(arn)) => groups.push(WeightedGroup { target_group_arn: arn.to_owned(), weight: Some(1) }),
        ([only], arn) if arn.is_none_or(|arn| arn == only.target_group_arn) => {
            only.weight = only.weight.or(Some(1));
        }
        (_, Some(_)) => {
            let message =
                "With both TargetGroupArn and ForwardConfig, ForwardConfig must have that target group only";
            return Err(wrong_action(message));
        }
        _ => {}
    }
    if groups.len() > MOST_GROUPS {
        let message = format!("An action can have {MOST_GROUPS} target groups at most");
        return Err(Refusal::new("TooManyTargetGroups", message));
    }
    for (at, group) in groups.iter().enumerate() {
        if !group.weight.is_some_and(|weight| (0..=999).contains(&weight)) {
            return Err(invalid("The weight for each target group must be between 0 and 999, inclusive"));
        }
        if groups[..at].iter().any(|other| other.target_group_arn == group.target_group_arn) {
            return Err(invalid(format!(
                "Target group '{}' is given more than once",
                group.target_group_arn
            )));
        }
    }
    let stickiness = config
        .target_group_stickiness_config
        .get_or_insert(Stickiness { enabled: false, duration_seconds: None });
    match stickiness.duration_seconds {
        Some(1..=604_800) => Ok(config),
        None if !stickiness.enabled => Ok(config),
        _ => Err(invalid("Target group stickiness duration must be between 1 and 604800 seconds")),
    }
}

/// API Reference, RedirectActionConfig: reserved keywords, no redirect from HTTPS to HTTP, and no loop.
fn redirect(config: Option<&RedirectConfig>, at: &At<'_>) -> Result<(), Refusal> {
    let config = config.ok_or_else(|| missing("redirect", "RedirectConfig"))?;
    if config.port != "#{port}" && !config.port.parse().is_ok_and(|port: u16| port > 0) {
        return Err(wrong_action("The Port parameter must be from 1 to 65535, or '#{port}'"));
    }
    if !config.path.starts_with('/') || !uses_only(&config.path, &["#{path}", "#{host}", "#{port}"]) {
        return Err(wrong_action(
            "The Path parameter must be a valid path, should start with a '/', and may contain up to one of each of \
             these placeholders: '#{path}', '#{host}', '#{port}'.",
        ));
    }
    if !uses_only(&config.host, &["#{host}"]) {
        return Err(wrong_action(
            "The Host parameter may contain the placeholder '#{host}' once, and no other",
        ));
    }
    if !uses_only(&config.query, &["#{protocol}", "#{host}", "#{port}", "#{path}", "#{query}"])
        || config.query.starts_with('?')
    {
        return Err(wrong_action(
            "The Query parameter may contain each placeholder once, and no leading '?'",
        ));
    }
    if at.protocol == "HTTPS" && config.protocol == "HTTP" {
        return Err(wrong_action("HTTPS cannot be redirected to HTTP"));
    }
    let port = at.port.to_string();
    let same = [
        config.protocol == "#{protocol}" || config.protocol == at.protocol,
        config.port == "#{port}" || config.port == port,
        config.host == "#{host}",
        config.path == "/#{path}",
    ];
    refuse_if(same.into_iter().all(|same| same), || {
        wrong_action("The redirect configuration is not valid because it creates a loop.")
    })
}

/// Whether a text has placeholders out of these only, and each at most once.
fn uses_only(text: &str, placeholders: &[&str]) -> bool {
    let used: Vec<usize> = placeholders.iter().map(|placeholder| text.matches(placeholder).count()).collect();
    used.iter().all(|times| *times <= 1) && text.matches("#{").count() == used.iter().sum::<usize>()
}

fn fixed_response(config: Option<&FixedResponseConfig>) -> Result<(), Refusal> {
    let config = config.ok_or_else(|| missing("fixed-response", "FixedResponseConfig"))?;
    // API Reference, FixedResponseActionConfig, `ContentType`.
    const TYPES: [&str; 5] =
        ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
    match config.content_type.as_deref() {
        None => Ok(()),
        Some(given) if TYPES.contains(&given) => Ok(()),
        Some(given) => {
            Err(wrong_action(format!("The content type '{given}' must be one of {}", TYPES.join(", "))))
        }
    }
}
