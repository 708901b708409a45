//! Changes that are generated: another value for every property that can be changed in place.

use std::collections::BTreeSet;

use engine::{Change as Takes, Provider as _};
use serde_json::{Value, json};

use super::{Base, Hand, Seen, live};

/// Another value for one property of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The kind.
    pub kind: String,
    /// The object.
    pub address: String,
    /// The property.
    pub property: String,
}

/// Changes that are not seen, or that `up` does not repair: kind, property, and why. The contract of each tier says the same with
/// another value that is made for the property.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Every property that can be changed in place, of the first object of each kind that has it.
#[must_use]
pub fn changes(base: &Base) -> Vec<Change> {
    let mut changes = BTreeSet::new();
    super::runtime().block_on(async {
        let registry = super::registry(&emulator::Emulator::in_memory());
        for (name, addresses) in base.kinds() {
            let Some(kind) = registry.kind(name) else { continue };
            let own = kind.facts().template.own_properties;
            for property in kind.properties() {
                if kind.change(property) == Takes::Replace || own.contains(property) {
                    continue;
                }
                let has = |address: &&&str| {
                    let object = base.state.current(address);
                    object.is_some_and(|object| object.properties.get(*property).is_some())
                };
                let Some(address) = addresses.iter().find(has) else { continue };
                let (address, property) = ((*address).to_owned(), (*property).to_owned());
                changes.insert(Change { kind: name.to_owned(), address, property });
            }
        }
    });
    changes.into_iter().collect()
}

impl Change {
    /// What comes of it.
    #[must_use]
    pub fn run(&self, base: &Base) -> Seen {
        base.after(async |hand| self.make(hand).await)
    }

    /// Tries other values until the cloud takes one.
    async fn make(&self, hand: &Hand<'_>) -> Result<(), String> {
        let object = hand.state.current(&self.address).ok_or("there is no such object")?;
        let kind = hand.registry.kind(&object.kind).ok_or("no such kind")?;
        let before = live(hand, &self.address).await?;
        let now = before.get(&self.property).cloned().unwrap_or_default();
        let others = hand.state.objects().filter(|(_, other)| other.kind == object.kind);
        let others: Vec<Value> =
            others.filter_map(|(_, other)| other.properties.get(&self.property).cloned()).collect();
        let mut refused = "no other value is known".to_owned();
        let mut kin = Vec::new();
        hand.state.objects().for_each(|(_, other)| collect(&other.outputs, &mut kin));
        for other in candidates(&now, &others, &kin).into_iter().take(TRIES) {
            let mut wanted = object.properties.clone();
            wanted[&self.property] = other;
            let changed = vec![self.property.clone()];
            match kind.update(&wanted, &object.outputs, &before, changed).await {
                Err(error) => refused = error.to_string(),
                Ok(_) => {
                    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
                    if live(hand, &self.address).await?.get(&self.property) != Some(&now) {
                        return Ok(());
                    }
                    refused = "the cloud took another value, and shows the old one".to_owned();
                }
            }
        }
        Err(refused)
    }
}

/// All texts in a value.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !texts.contains(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|element| collect(element, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}

/// How many other values are tried.
const TRIES: usize = 80;

/// Words that services use, in groups of which one stands for the other.
const WORDS: &[&[&str]] = &[
    &["ENABLED", "DISABLED"],
    &["enabled", "disabled", "enhanced"],
    &["MUTABLE", "IMMUTABLE"],
    &["Active", "PassThrough"],
    &["AES256", "aws:kms"],
    &["Enabled", "Suspended"],
    &["missing", "notBreaching", "breaching", "ignore"],
    &["evaluate", "ignore"],
    &["SERVICE", "NONE", "TASK_DEFINITION"],
    &["NONE", "AWS_IAM"],
    &["HEADER", "AUTHORIZER"],
    &["BASIC", "STRICT"],
    &["Average", "Maximum", "Sum", "Minimum"],
    &["p99", "p95"],
    &["INFO", "ERROR", "OFF"],
    &["TLS_1_2", "SecurityPolicy_TLS13_1_2_2021_06"],
    &["SecurityPolicy_TLS13_1_2_PQ_2025_09", "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"],
    &["sun:04:00-sun:05:00", "mon:04:00-mon:05:00"],
    &["03:00-04:00", "05:00-06:00"],
    &["GreaterThanThreshold", "LessThanThreshold", "GreaterThanOrEqualToThreshold"],
    &["HTTP", "HTTPS"],
    &["traffic-port", "8081"],
    &["LATEST", "1.4.0"],
    &["arm64", "x86_64"],
    &["python3.13", "python3.12"],
    &["UTC", "Asia/Singapore"],
    &["cron(0 6 * * ? *)", "cron(0 18 * * ? *)"],
    &["standard", "advanced"],
    &["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"],
    &["db.serverless", "db.r6g.large"],
    &["db-cluster", "db-instance"],
    &["BucketOwnerEnforced", "BucketOwnerPreferred"],
    &["allow", "deny"],
    &["SELECT", "INSERT", "DELETE"],
    &["CONNECT", "TEMPORARY"],
    &["USAGE", "CREATE"],
];

/// Numbers that services take where they do not take every one.
const NUMBERS: [u64; 6] = [1, 7, 30, 90, 365, 731];

/// Other values of the same form, the likely ones first.
fn candidates(value: &Value, others: &[Value], kin: &[String]) -> Vec<Value> {
    let mut candidates: Vec<Value> = others.iter().filter(|other| *other != value).take(3).cloned().collect();
    candidates.extend(variants(value, kin));
    candidates
}

fn variants(value: &Value, kin: &[String]) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => {
                let near = [number + 1, number.saturating_sub(1), number * 2, number / 2, number + 60];
                let all = near.into_iter().chain(NUMBERS);
                all.filter(|other| *other != number).map(|other| json!(other)).collect()
            }
            (None, Some(number)) => vec![json!(number + 0.5), json!(number * 2.0), json!(number / 2.0)],
            _ => Vec::new(),
        },
        Value::String(text) => texts(text, kin).into_iter().map(Value::from).collect(),
        Value::Array(list) => {
            let mut all: Vec<Value> = Vec::new();
            for (place, element) in list.iter().enumerate() {
                all.extend(variants(element, kin).into_iter().take(4).map(|variant| {
                    let mut list = list.clone();
                    list[place] = variant;
                    Value::Array(list)
                }));
            }
            if let Some((_, rest)) = list.split_last() {
                all.insert(0, Value::Array(rest.to_vec()));
            }
            all
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, member) in members {
                all.extend(variants(member, kin).into_iter().take(4).map(|variant| {
                    let mut members = members.clone();
                    members.insert(name.clone(), variant);
                    Value::Object(members)
                }));
            }
            all
        }
    }
}

fn texts(text: &str, kin: &[String]) -> Vec<String> {
    let groups = WORDS.iter().filter(|group| group.contains(&text)).flat_map(|group| group.iter());
    let mut texts: Vec<String> = groups.filter(|word| **word != text).map(ToString::to_string).collect();
    if let Some(sort) = sort_of(text) {
        let same = |other: &&String| other.as_str() != text && sort_of(other) == Some(sort);
        texts.extend(kin.iter().filter(same).take(6).cloned());
    }
    if let Ok(document) = serde_json::from_str::<Value>(text)
        && document.is_object()
    {
        texts.extend(variants(&document, kin).iter().map(Value::to_string));
    }
    if let Ok(number) = text.parse::<u64>() {
        texts.extend([(number + 1).to_string(), (number / 2).to_string()]);
    }
    if text.contains("ALARM(") {
        texts.push(text.replacen("ALARM(", "OK(", 1));
    }
    texts.push(format!("{text} too"));
    texts.push(format!("{text}2"));
    texts
}

/// What sort of object an id or an ARN is of: `sg`, `arn:aws:sns`. One of the same sort can stand in its place.
fn sort_of(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("arn:") {
        let (end, _) = rest.match_indices(':').nth(1)?;
        return Some(&text[.."arn:".len() + end]);
    }
    let (sort, rest) = text.split_once('-')?;
    let is_id = rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(sort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_is_another_value() {
        for value in
            [json!(true), json!(7), json!(1.5), json!("ENABLED"), json!(["a", "b"]), json!({ "A": [1] })]
        {
            let others = candidates(&value, &[], &[]);
            assert!(!others.is_empty() && others.iter().all(|other| *other != value), "{value}");
        }
        assert_eq!(candidates(&json!(1), &[json!(1), json!(9)], &[])[0], json!(9));
    }

    #[test]
    fn an_id_is_exchanged_for_one_of_the_same_sort() {
        let kin =
            ["sg-0a1b2c3d4e", "vpc-0a1b2c3d4e", "arn:aws:sns:eu-west-1:1:a", "arn:aws:sqs:eu-west-1:1:b"];
        let kin = kin.map(str::to_owned);
        assert_eq!(texts("sg-0000000000", &kin)[0], kin[0]);
        assert_eq!(texts("arn:aws:sqs:eu-west-1:1:c", &kin)[0], kin[3]);
        assert_eq!(texts("payment-api", &kin)[0], "payment-api too");
    }
}
