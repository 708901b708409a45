//! The reference document's unit tests of its whole stack, `TapStack`, and what it prints.

use crate::command::Workplace;

fn output(place: &Workplace, name: &str) -> String {
    place.run(&["outputs", name]).expect(0).out.trim_end().to_owned()
}

/// TapStack: stack instantiation, with all seven tiers in one command.
#[tokio::test]
async fn tap_stack_instantiation() {
    let place = Workplace::new();
    let up = place.run(&[]).expect(0);
    let names: Vec<&str> =
        up.out.lines().filter_map(|line| line.split(" = ").next()).map(str::trim).collect();
    assert_eq!(
        names,
        ["albDnsName", "apiGatewayUrl", "dashboardUrl", "vpcId", "databaseEndpoint", "ecsClusterArn"]
    );
    let state = place.state("dev").await;
    for tier in ["vpc/", "database/", "alb/", "ecs/", "apigw/", "monitoring/", "backup/"] {
        assert!(state.objects().any(|(address, _)| address.as_str().starts_with(tier)), "{tier}");
    }
}

/// TapStack: the outputs, each in the form that the reference document's integration tests demand.
#[test]
fn tap_stack_outputs() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let forms = [
        ("albDnsName", r"^payment-alb-dev-\d+\.ap-southeast-1\.elb\.amazonaws\.com$"),
        ("apiGatewayUrl", r"^https://[a-z0-9]{10}\.execute-api\.ap-southeast-1\.amazonaws\.com/dev$"),
        (
            "dashboardUrl",
            r"^https://ap-southeast-1\.console\.aws\.amazon\.com/cloudwatch/home\?region=ap-southeast-1#dashboards:name=payment-[a-z0-9-]+$",
        ),
        ("vpcId", r"^vpc-[0-9a-f]{17}$"),
        ("databaseEndpoint", r"^payment-aurora-dev\.cluster-[a-z0-9]+\.ap-southeast-1\.rds\.amazonaws\.com$"),
        ("ecsClusterArn", r"^arn:aws:ecs:ap-southeast-1:\d{12}:cluster/payment-cluster-dev$"),
    ];
    for (name, form) in forms {
        let value = output(&place, name);
        assert!(regex::Regex::new(form).unwrap().is_match(&value), "{name}: {value}");
    }
}

/// The API's key is fetched when it is named, and is in no file.
#[test]
fn the_key_of_the_api_is_asked_for_and_kept_nowhere() {
    let place = Workplace::new();
    let none = place.run(&["outputs", "apiKey"]).expect(65);
    assert!(none.err.contains("there is no API key here"), "{}", none.err);
    let up = place.run(&["up"]).expect(0);
    let key = output(&place, "apiKey");
    // API Gateway Developer Guide: 20 characters at least.
    assert!(key.len() >= 20, "it has {} characters", key.len());
    assert_eq!(place.run(&["outputs", "apiKey", "--json"]).expect(0).json(), key.as_str());
    let shown = [
        up.out,
        up.err,
        place.run(&["outputs"]).expect(0).out,
        place.run(&["outputs", "--json"]).expect(0).out,
    ];
    assert!(shown.iter().all(|text| !text.contains(&key)), "the key is shown unasked");
    for entry in std::fs::read_dir(place.state_directory("dev")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(&key), "the key is in {}", path.display());
    }
}

/// Another path to the load balancer is another deployment of the API; another tag is none.
#[test]
fn another_path_deploys_the_api_anew_and_another_tag_does_not() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let actions = |arguments: &[&str]| {
        let plan = place.run(&[&["preview", "--json"], arguments].concat()).expect(0).json();
        let (changes, unchanged) =
            (plan["changes"].as_array().unwrap(), plan["unchanged"].as_array().unwrap());
        let of = |address: &str| match changes.iter().find(|change| change["address"] == address) {
            Some(change) => change["action"].as_str().unwrap().to_owned(),
            None => {
                assert!(unchanged.iter().any(|one| one == address), "{address}");
                "unchanged".to_owned()
            }
        };
        (of("apigw/deployment"), of("apigw/stage"), of("apigw/rest-api"))
    };
    let (deployment, stage, api) = actions(&["--set", "tags.Author=me"]);
    assert_eq!((deployment.as_str(), stage.as_str(), api.as_str()), ("unchanged", "update", "update"));
    let (deployment, stage, api) = actions(&["--set", "apigw.backend_path=/v1"]);
    assert_eq!((deployment.as_str(), stage.as_str(), api.as_str()), ("replace", "update", "unchanged"));
    let old = place.run(&["emulator", "list"]).expect(0).out;
    place.run(&["up", "--set", "apigw.backend_path=/v1"]).expect(0);
    let new = place.run(&["emulator", "list"]).expect(0).out;
    let deployments = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("::Deployment ")).map(str::to_owned).collect()
    };
    assert_eq!((deployments(&old).len(), deployments(&new).len()), (1, 1));
    assert_ne!(deployments(&old), deployments(&new));
    place.run(&["preview", "--detailed-exitcode", "--set", "apigw.backend_path=/v1"]).expect(0);
}
