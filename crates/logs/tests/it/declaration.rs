//! What is declared.

use aws::Place;
use engine::Input;
use logs::{Args, Inputs, Tier};
use serde_json::{Value, json};
use testing::{REGION, declare, place};

fn properties(args: Args, place: Place) -> Value {
    let (graph, outputs) = declare(&Tier::new(args), &Inputs { place }).unwrap();
    assert!(matches!(outputs.log_key_arn, Input::Ref(_)));
    let key = graph.nodes().iter().find(|node| node.address.as_str() == "logs/key").unwrap();
    key.properties.clone()
}

#[test]
fn logs_may_use_the_key_for_the_log_groups_of_the_environment_only() {
    let key = properties(Args::default(), place());
    assert_eq!(key["EnableKeyRotation"], true);
    let statements = key["KeyPolicy"]["Statement"].as_array().unwrap();
    let [account, logs, describe] = statements.as_slice() else { panic!("{statements:?}") };
    assert_eq!(account["Principal"], json!({ "AWS": "arn:aws:iam::123456789012:root" }));
    let service = json!({ "Service": format!("logs.{REGION}.amazonaws.com") });
    assert_eq!((&logs["Principal"], &describe["Principal"]), (&service, &service));
    assert_eq!(describe["Action"], json!(["kms:DescribeKey"]));
    let group = |name: &str| format!("arn:aws:logs:{REGION}:123456789012:log-group:{name}");
    assert_eq!(
        logs["Condition"],
        json!({ "ArnLike": { "kms:EncryptionContext:aws:logs:arn": [
            group("*payment-*-dev"), group("*payment-*-dev/*"), group("API-Gateway-Execution-Logs_*/dev"),
        ] } })
    );
}

#[test]
fn in_china_logs_has_another_name() {
    let place = Place {
        region: "cn-north-1".to_owned(),
        partition: "aws-cn".to_owned(),
        account_id: "123456789012".to_owned(),
    };
    let key = properties(Args::default(), place);
    let logs = &key["KeyPolicy"]["Statement"][1];
    assert_eq!(logs["Principal"]["Service"], "logs.cn-north-1.amazonaws.com.cn");
    let groups = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"].as_array().unwrap();
    assert!(groups.iter().all(|group| group.as_str().unwrap().starts_with("arn:aws-cn:logs:cn-north-1:")));
}

#[test]
fn the_key_stays_where_logs_stay() {
    assert_eq!(properties(Args::default(), place()).get("DeletionPolicy"), None);
    let keep = Args { keep_logs: true, ..Args::default() };
    assert_eq!(properties(keep, place())["DeletionPolicy"], "Retain");
}
