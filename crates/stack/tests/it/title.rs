//! What stands above a plan or a run: where it is, and as whom.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::server::Server;

const PLAIN: &str = "payment dev: AWS account 123456789012 in ap-southeast-1, as arn:aws:iam::";
const NAMED: &str = "payment dev: AWS account 123456789012 (pay-dev) in ap-southeast-1, as arn:aws:iam::";

async fn name_account(server: &Server) {
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&server.url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build();
    let iam = aws_sdk_iam::Client::from_conf(config);
    iam.create_account_alias().account_alias("pay-dev").send().await.unwrap();
}

/// How often the alias was asked for.
fn asked(ended: &Ended) -> usize {
    ended.err.lines().filter(|line| line.starts_with("call iam ListAccountAliases: ")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_shown_with_its_alias_where_somebody_decides_on_a_plan() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let preview = server.run(&place, &["preview", "--json"]).expect(0);
    assert!(preview.err.contains(PLAIN), "{}", preview.err);
    assert_eq!(preview.json()["title"]["account_alias"], Value::Null);

    name_account(&server).await;
    let preview = server.run(&place, &["preview", "--json", "-v"]).expect(0);
    assert!(preview.err.contains(NAMED), "{}", preview.err);
    assert_eq!(asked(&preview), 1, "{}", preview.err);
    let title = &preview.json()["title"];
    assert_eq!(
        (&title["account"], &title["account_alias"]),
        (&json!("123456789012"), &json!("pay-dev")),
        "{title}"
    );
    let markdown = server.run(&place, &["preview", "--markdown"]).expect(0).out;
    assert!(markdown.contains("AWS account 123456789012 (pay-dev) in ap-southeast-1"), "{markdown}");

    let up = server.run(&place, &["up", "--json", "-v"]).expect(0);
    assert!(up.err.contains(NAMED), "{}", up.err);
    assert_eq!(up.event("connected")["title"]["account_alias"], "pay-dev");
    assert_eq!(asked(&up), 1);
    // Nobody decides on anything there.
    for command in ["refresh", "verify", "outputs"] {
        assert_eq!(asked(&server.run(&place, &[command, "-v"])), 0, "{command}");
    }
    let destroy = server.run(&place, &["destroy", "-v"]).expect(0);
    assert!(destroy.err.contains(NAMED), "{}", destroy.err);
    assert_eq!(asked(&destroy), 1);
    assert_eq!(asked(&place.run(&["preview", "-v"]).expect(0)), 0);
}

#[test]
fn an_alias_that_nobody_may_ask_for_is_left_out_and_nothing_is_said() {
    for fault in
        [json!("deny"), json!({ "saying": { "code": "ServiceFailure", "status": 500, "message": "no" } })]
    {
        let place = Workplace::new();
        let rule =
            json!({ "of": { "operation": "ListAccountAliases" }, "when": { "share": 1.0 }, "fault": fault });
        let server = Server::with_faults(&place, &json!({ "rules": [rule] }), &[]);
        let preview = server.run(&place, &["preview"]).expect(0);
        assert!(preview.err.contains(PLAIN), "{}", preview.err);
        assert!(!preview.err.contains("lias"), "{}", preview.err);
        assert!(!preview.err.contains("error") && !preview.err.contains("denied"), "{}", preview.err);
    }
}
