//! The embedded AWS by itself: listed, emptied, and served to another process.

use crate::command::Workplace;
use crate::server::Server;

#[test]
fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    drop(server);

    let server = Server::start(&place);
    server.run(&place, &["preview", "--detailed-exitcode"]).expect(0);
    server.run(&place, &["refresh", "--detailed-exitcode"]).expect(0);
    // Two servers on one directory are one account.
    let second = Server::start(&place);
    second.run(&place, &["destroy"]).expect(0);
    drop(second);
    let listed = place.run(&["emulator", "list", "--json", "--state-dir", "served"]).expect(0);
    // The role of the region's API Gateway outlives all stacks.
    let listed = listed.json();
    let left: Vec<_> =
        listed.as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap()).collect();
    assert_eq!(left, [apigw::logs_role_name("ap-southeast-1")]);
}

/// What is shown as an example can be pasted: it has the address, credentials and the region.
#[test]
fn it_says_how_clients_come_to_it() {
    let place = Workplace::new();
    for (options, region) in [(&[][..], "ap-southeast-1"), (&["--region", "eu-west-1"], "eu-west-1")] {
        let (server, said) = Server::start_and_listen(&place, options);
        let url = &server.url;
        assert_eq!(
            said[1..],
            [
                format!(
                    "  AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION={region} \
                     aws ec2 describe-vpcs"
                ),
                format!(
                    "  boto3.client(\"ec2\", endpoint_url=\"{url}\", region_name=\"{region}\", \
                     aws_access_key_id=\"any\", aws_secret_access_key=\"any\").describe_vpcs()"
                ),
                "to move its clock an hour forward:".to_owned(),
                format!("  curl --data '{{\"seconds\": 3600}}' {url}/_emulator/advance"),
            ]
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let ended = place.run(&["emulator", "serve", "--port", &port]).expect(1);
    assert!(ended.err.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", ended.err);
    assert!(ended.err.contains("hint: "), "{}", ended.err);
}

#[test]
fn who_serves_it_with_faults_is_told_that_they_are_on() {
    let place = Workplace::new();
    place.write(
        "faults.json",
        r#"{"seed": 7, "rules": [{"of": "mutating", "when": {"call": 12}, "fault": "throttle"}]}"#,
    );
    let (_server, said) = Server::start_and_listen(&place, &["--faults", "faults.json"]);
    assert!(
        said[0].starts_with("faults are on: calls go wrong as faults.json says (1 rule, seed 7)"),
        "{said:?}"
    );
    let (_server, said) = Server::start_and_listen(&place, &[]);
    assert!(!said.iter().any(|line| line.contains("faults")), "{said:?}");
}

#[test]
fn a_plan_of_faults_that_cannot_be_read_is_named() {
    let place = Workplace::new();
    let ended = place.run(&["emulator", "serve", "--faults", "none.json"]).expect(65);
    assert!(ended.err.contains("none.json: it cannot be read"), "{}", ended.err);
    place.write("broken.json", "{");
    let ended = place.run(&["emulator", "serve", "--faults", "broken.json"]).expect(65);
    assert!(ended.err.contains("broken.json is not a valid fault plan"), "{}", ended.err);
    place.run(&["emulator", "serve", "--latency=-1"]).expect(64);
}

#[test]
fn objects_are_listed_with_kind_id_name_and_tags() {
    let place = Workplace::new();
    assert_eq!(place.run(&["emulator", "list", "--json"]).expect(0).json(), serde_json::json!([]));
    assert!(!place.path().join(".stack").exists(), "looking makes nothing");
    place.run(&["up"]).expect(0);
    let listed = place.run(&["emulator", "list", "--json"]).expect(0).json();
    let listed = listed.as_array().unwrap();
    let vpc = listed.iter().find(|object| object["kind"] == "AWS::EC2::VPC").unwrap();
    assert_eq!(vpc["name"], "payment-vpc-dev");
    assert_eq!(vpc["tags"]["stack:address"], "vpc/vpc");
    assert!(vpc["id"].as_str().unwrap().starts_with("vpc-"));
    assert!(listed.iter().all(|object| object["made_by_default"] == false));
    let all = place.run(&["emulator", "list", "--json", "--all"]).expect(0).json();
    assert!(all.as_array().unwrap().len() > listed.len());
    let text = place.run(&["emulator", "list"]).expect(0).out;
    assert!(text.contains("AWS::EC2::VPC ") && text.contains("payment-vpc-dev"), "{text}");
}

#[test]
fn emptied_it_is_noticed_and_built_anew() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let refused = place.run(&["emulator", "reset"]).expect(64);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    place.run(&["emulator", "reset", "--yes"]).expect(0);
    assert_eq!(place.run(&["emulator", "list", "--json"]).expect(0).json(), serde_json::json!([]));
    place.run(&["preview", "--detailed-exitcode"]).expect(2);
    place.run(&["up"]).expect(0);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

#[test]
fn state_that_cannot_be_read_can_still_be_emptied() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.write(".stack/emulator/ec2@ap-southeast-1.json", "broken");
    place.run(&["up"]).expect(65);
    place.run(&["emulator", "reset", "--yes"]).expect(0);
    place.run(&["up"]).expect(0);
}
