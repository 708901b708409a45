//! What the ids of existing objects look like, kind by kind: told by their examples, and checked against them before any call.

use std::sync::LazyLock;

use aws::Place;
use engine::ImportId;
use regex::Regex;

/// `vpc-0a1b2c3d4e5f60718`, `sgr-0a1b2c3d`: what EC2 gives its objects.
static OF_EC2: LazyLock<Regex> = LazyLock::new(|| pattern("^([a-z]+)-(?:[0-9a-f]{8}|[0-9a-f]{17})$"));
static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern("^[0-9]+$"));
static TRUTH: LazyLock<Regex> = LazyLock::new(|| pattern("^(?:true|false)$"));
/// What there is one of in each region of an account.
static ACCOUNT_AND_REGION: LazyLock<Regex> = LazyLock::new(|| pattern("^[0-9]{12}/[a-z0-9-]+$"));
/// Queues are known by it.
static QUEUE_URL: LazyLock<Regex> = LazyLock::new(|| pattern("^https?://([^/]+)/([0-9]{12})/[^/]+$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("it is one")
}

/// Says why a text cannot be the id of an object of a kind, here.
///
/// # Errors
/// The reason.
pub(crate) fn check(form: &ImportId, text: &str, place: &Place) -> Result<(), String> {
    let (given, examples): (Vec<&str>, Vec<&str>) =
        (text.split('|').collect(), form.example.split('|').collect());
    if given.len() != examples.len() {
        let parts = if examples.len() == 1 {
            "1 part".to_owned()
        } else {
            format!("{} parts, joined by |", examples.len())
        };
        return Err(format!("an id of this kind has {parts}"));
    }
    // What a connection leads to may be of any service.
    let has_more = examples.len() > 1;
    let is_open = |part: &str| has_more && matches!(part, "ResourceArn" | "Endpoint");
    for ((given, example), part) in given.into_iter().zip(examples).zip(form.parts) {
        if given.is_empty() || given.chars().any(char::is_control) {
            return Err(format!("{part} is empty or has characters that no id has"));
        }
        check_part(given, example, is_open(part), place)?;
    }
    Ok(())
}

fn check_part(given: &str, example: &str, is_open: bool, place: &Place) -> Result<(), String> {
    if is_open {
        return if given.starts_with("arn:") { check_place_of(given, place) } else { Ok(()) };
    }
    if example.starts_with("arn:") {
        return check_arn(given, example, place);
    }
    if given.starts_with("arn:") {
        return Err(format!("`{given}` is an ARN"));
    }
    if let Some(wanted) = OF_EC2.captures(example) {
        return match OF_EC2.captures(given) {
            Some(is) if is[1] == wanted[1] => Ok(()),
            _ if given.starts_with(&format!("{}-", &wanted[1])) => Err(format!(
                "`{given}` is not as long as an id, or has other characters than 0 to 9 and a to f"
            )),
            _ => Err(format!("`{given}` is not an id that begins with `{}-`", &wanted[1])),
        };
    }
    if ACCOUNT_AND_REGION.is_match(example) {
        let only = format!("{}/{}", place.account_id, place.region);
        return if given == only || !place.knows_account() {
            Ok(())
        } else {
            Err(format!("the only one here is `{only}`"))
        };
    }
    if QUEUE_URL.is_match(example) {
        return check_queue(given, place);
    }
    let forms = [(&UUID, "a UUID"), (&TRUTH, "true or false"), (&NUMBER, "a number")];
    match forms.iter().find(|(form, _)| form.is_match(example)) {
        Some((form, words)) if !form.is_match(given) => Err(format!("`{given}` is not {words}")),
        _ => Ok(()),
    }
}

/// The account, region and partition in an ARN, where it has them.
fn check_place_of(arn: &str, place: &Place) -> Result<(), String> {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, _, region, account, rest] = fields[..] else {
        return Err(format!("`{arn}` is not a whole ARN"));
    };
    if rest.is_empty() {
        return Err(format!("`{arn}` is not a whole ARN"));
    }
    let wanted = [
        ("partition", partition, place.partition.as_str()),
        ("region", region, place.region.as_str()),
        ("account", account, place.account_id.as_str()),
    ];
    let is_known = |what: &str| what != "account" || place.knows_account();
    let differs = |(what, is, wanted): &(&str, &str, &str)| !is.is_empty() && is_known(what) && is != wanted;
    match wanted.into_iter().find(differs) {
        Some((what, is, wanted)) => Err(format!("it is in the {what} {is}, and this stack is in {wanted}")),
        None => Ok(()),
    }
}

fn check_arn(given: &str, example: &str, place: &Place) -> Result<(), String> {
    if !given.starts_with("arn:") {
        return Err(format!("`{given}` is not an ARN"));
    }
    check_place_of(given, place)?;
    let (is, wanted) = (shape(given), shape(example));
    match is == wanted {
        true => Ok(()),
        false => Err(format!("the ARN is not of the form `{}`", wanted.words())),
    }
}

/// What the ARNs of a kind have in common.
#[derive(Debug, PartialEq)]
struct Shape<'a> {
    service: &'a str,
    /// What the resource begins with, such as `loadbalancer/`. Empty where an ARN has only a name.
    of: &'a str,
    /// Whether a revision ends it.
    has_revision: bool,
}

impl Shape<'_> {
    fn words(&self) -> String {
        let revision = if self.has_revision { ":REVISION" } else { "" };
        format!("arn:…:{}:…:{}…{revision}", self.service, self.of)
    }
}

fn shape(arn: &str) -> Shape<'_> {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let (service, resource) = (fields.get(2).copied().unwrap_or(""), fields.get(5).copied().unwrap_or(""));
    let of = resource.find(['/', ':']).map_or("", |end| &resource[..=end]);
    let rest = &resource[of.len()..];
    let has_revision = rest.rsplit_once(':').is_some_and(|(_, revision)| NUMBER.is_match(revision));
    Shape { service, of, has_revision }
}

fn check_queue(given: &str, place: &Place) -> Result<(), String> {
    let Some(found) = QUEUE_URL.captures(given) else {
        return Err(format!("`{given}` is not the URL of a queue"));
    };
    if place.knows_account() && found[2] != *place.account_id {
        return Err(format!("it is in the account {}, and this stack is in {}", &found[2], place.account_id));
    }
    // Elsewhere than at AWS, nothing tells the region.
    let region = found[1].strip_prefix("sqs.").and_then(|host| host.split_once(".amazonaws.com"));
    match region.map(|(region, _)| region).filter(|region| *region != place.region) {
        Some(region) => Err(format!("it is in the region {region}, and this stack is in {}", place.region)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            region: "eu-west-1".to_owned(),
            account_id: "111122223333".to_owned(),
            partition: "aws".to_owned(),
        }
    }

    fn form(parts: &'static [&'static str], example: &'static str) -> ImportId {
        ImportId { parts, words: "it", example }
    }

    fn refused(form: &ImportId, text: &str) -> String {
        check(form, text, &place()).unwrap_err()
    }

    #[test]
    fn an_id_of_ec2_has_its_prefix() {
        let vpc = form(&["VpcId"], "vpc-0a1b2c3d4e5f60718");
        for right in ["vpc-0123456789abcdef0", "vpc-0123abcd"] {
            assert_eq!(check(&vpc, right, &place()), Ok(()));
        }
        for wrong in
            ["subnet-0123456789abcdef0", "vpc-x", "vpc", "VPC-0123abcd", "arn:aws:ec2:eu-west-1:1:vpc/vpc-1"]
        {
            assert!(check(&vpc, wrong, &place()).is_err(), "{wrong}");
        }
        assert_eq!(
            refused(&vpc, "subnet-0123abcd"),
            "`subnet-0123abcd` is not an id that begins with `vpc-`"
        );
        assert_eq!(refused(&vpc, "vpc-0123abcd|x"), "an id of this kind has 1 part");
    }

    #[test]
    fn an_arn_is_of_the_service_the_type_the_account_and_the_region() {
        let example = "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:loadbalancer/app/payment-alb-dev/0123456789abcdef";
        let alb = form(&["LoadBalancerArn"], example);
        let arn = |region: &str, account: &str, rest: &str| {
            format!("arn:aws:elasticloadbalancing:{region}:{account}:{rest}")
        };
        let (region, account) = ("eu-west-1", "111122223333");
        assert_eq!(check(&alb, &arn(region, account, "loadbalancer/app/x/1"), &place()), Ok(()));
        let said = refused(&alb, &arn("eu-west-2", account, "loadbalancer/app/x/1"));
        assert_eq!(said, "it is in the region eu-west-2, and this stack is in eu-west-1");
        let said = refused(&alb, &arn(region, "999988887777", "loadbalancer/app/x/1"));
        assert_eq!(said, "it is in the account 999988887777, and this stack is in 111122223333");
        let said = refused(&alb, &arn(region, account, "targetgroup/x/1"));
        assert_eq!(said, "the ARN is not of the form `arn:…:elasticloadbalancing:…:loadbalancer/…`");
        assert_eq!(refused(&alb, "payment-alb-dev"), "`payment-alb-dev` is not an ARN");
        assert!(refused(&alb, "arn:aws:x").contains("is not a whole ARN"));
        assert!(
            refused(&alb, "arn:aws-cn:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/x")
                .contains("partition")
        );
    }

    #[test]
    fn before_anything_is_called_the_account_is_not_known_and_not_compared() {
        let place = Place { account_id: Place::UNKNOWN_ACCOUNT.to_owned(), ..place() };
        let topic = form(&["TopicArn"], "arn:aws:sns:ap-southeast-1:123456789012:alarms");
        assert_eq!(check(&topic, "arn:aws:sns:eu-west-1:999988887777:alarms", &place), Ok(()));
        assert!(check(&topic, "arn:aws:sns:eu-west-2:999988887777:alarms", &place).is_err());
    }

    #[test]
    fn a_task_definition_has_its_revision() {
        let task = form(
            &["TaskDefinitionArn"],
            "arn:aws:ecs:ap-southeast-1:123456789012:task-definition/payment-app-dev:7",
        );
        let arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/app";
        assert_eq!(check(&task, &format!("{arn}:12"), &place()), Ok(()));
        assert!(refused(&task, arn).contains(":REVISION"));
    }

    #[test]
    fn parts_have_their_own_forms() {
        let entry = form(&["NetworkAclId", "RuleNumber", "Egress"], "acl-0a1b2c3d4e5f60718|100|false");
        assert_eq!(check(&entry, "acl-0123abcd|32000|true", &place()), Ok(()));
        assert_eq!(refused(&entry, "acl-0123abcd|x|true"), "`x` is not a number");
        assert_eq!(refused(&entry, "acl-0123abcd|1|yes"), "`yes` is not true or false");
        assert_eq!(refused(&entry, "acl-0123abcd|1"), "an id of this kind has 3 parts, joined by |");
        assert!(refused(&entry, "acl-0123abcd||true").starts_with("RuleNumber is empty"));
        let key = form(&["KeyId"], "1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d");
        assert!(refused(&key, "alias/x").ends_with("is not a UUID"));
        let one = form(&["Id"], "123456789012/ap-southeast-1");
        assert_eq!(check(&one, "111122223333/eu-west-1", &place()), Ok(()));
        assert_eq!(
            refused(&one, "123456789012/ap-southeast-1"),
            "the only one here is `111122223333/eu-west-1`"
        );
    }

    #[test]
    fn a_name_is_no_arn_and_what_is_protected_may_be_of_any_service_but_is_here() {
        let role = form(&["RoleName"], "payment-ecs-task-dev");
        assert_eq!(check(&role, "any-name", &place()), Ok(()));
        assert!(refused(&role, "arn:aws:iam::111122223333:role/x").ends_with("is an ARN"));
        let example = "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:loadbalancer/app/x/1|arn:aws:wafv2:ap-southeast-1:123456789012:regional/webacl/x/1";
        let protected = form(&["ResourceArn", "WebACLArn"], example);
        let web_acl = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/x/1";
        let stage = "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/dev";
        assert_eq!(check(&protected, &format!("{stage}|{web_acl}"), &place()), Ok(()));
        let elsewhere = stage.replace("west-1", "west-3");
        assert!(refused(&protected, &format!("{elsewhere}|{web_acl}")).contains("eu-west-3"));
    }

    #[test]
    fn a_queue_is_in_the_account_and_the_region() {
        let queue = form(&["QueueUrl"], "https://sqs.ap-southeast-1.amazonaws.com/123456789012/letters");
        for right in
            ["https://sqs.eu-west-1.amazonaws.com/111122223333/x", "http://localhost:4566/111122223333/x"]
        {
            assert_eq!(check(&queue, right, &place()), Ok(()));
        }
        for wrong in [
            "letters",
            "https://sqs.eu-west-1.amazonaws.com/999988887777/x",
            "https://sqs.us-east-1.amazonaws.com/111122223333/x",
        ] {
            assert!(check(&queue, wrong, &place()).is_err(), "{wrong}");
        }
    }
}
