//! What looks like a secret is shown nowhere, whoever wrote it, and is refused in the configuration.

use serde_json::Value;

use crate::command::Workplace;

/// Put together here, so that nobody takes the source for a leak.
fn planted() -> [(&'static str, String); 6] {
    [
        ("Owner", "postgres://u:hunter2@h/db".to_owned()),
        ("password", "hunter2plain".to_owned()),
        ("session", ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", "c2lnbmF0dXJl"].join(".")),
        ("key", ["wJalrXUtnFEMI", "/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat()),
        ("id", format!("AKIA{}", "A7".repeat(8))),
        ("connection", "Server=db;Password=hunter2string".to_owned()),
    ]
}

#[tokio::test]
async fn a_secret_that_somebody_wrote_into_a_live_object_is_shown_nowhere() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let tags = planted().map(|(key, value)| aws_sdk_ec2::types::Tag::builder().key(key).value(value).build());
    // A tag that is declared, too, so that it is seen as changed and not only as added.
    let author = aws_sdk_ec2::types::Tag::builder().key("Author").value(&planted()[0].1).build();
    let planting = place.ec2().create_tags().resources(&vpc).set_tags(Some(tags.into())).tags(author);
    planting.send().await.unwrap();

    let mut shown = Vec::new();
    for arguments in [
        &["preview"][..],
        &["preview", "--details"],
        &["preview", "--json"],
        &["preview", "--markdown"],
        &["preview", "--out", "plan.json"],
        &["refresh"],
        &["refresh", "--json"],
        &["emulator", "list", "--json"],
    ] {
        shown.push((arguments.join(" "), place.run(arguments).expect(0)));
    }
    for arguments in [&["verify"][..], &["verify", "--json"], &["verify", "--junit", "verify.xml"]] {
        shown.push((arguments.join(" "), place.run(arguments).expect(1)));
    }
    // A file with what is hidden still says whether it is the same plan.
    shown.push((
        "up FILE".to_owned(),
        place.run(&["up", "plan.json", "--json", "--events", "events"]).expect(0),
    ));
    let file = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    let mut texts: Vec<(String, String)> =
        ["plan.json", "verify.xml", "events"].map(|name| (name.to_owned(), file(name))).into();
    texts.extend(shown.into_iter().map(|(name, ended)| (name, ended.out + &ended.err)));
    for (name, text) in &texts {
        for (key, secret) in planted() {
            assert!(!text.contains(&secret), "{name} shows {key}:\n{text}");
        }
        assert!(!text.contains("hunter2"), "{name}:\n{text}");
    }
    for name in [
        "preview",
        "preview --json",
        "preview --markdown",
        "refresh",
        "refresh --json",
        "verify",
        "verify --json",
        "verify.xml",
        "plan.json",
    ] {
        let (_, text) = texts.iter().find(|(own, _)| own == name).unwrap();
        assert!(text.contains("(secret)"), "{name}:\n{text}");
    }
    for (path, bytes) in place.files("dev") {
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", path.display());
    }
}

#[test]
fn a_secret_in_the_configuration_is_refused_with_its_key_and_not_printed() {
    let place = Workplace::new();
    for (key, value) in [
        ("ecs.environment_variables.STRIPE_SECRET_KEY", "Sup3rS3cret"),
        ("ecs.environment_variables.PGPASSWORD", "Sup3rS3cret"),
        ("ecs.environment_variables.DBPASS", "Sup3rS3cret"),
        ("ecs.environment_variables.X", "password=Sup3rS3cret!"),
        ("ecs.environment_variables.DATABASE_URL", "postgres://u:Sup3rS3cret@h/db"),
        ("tags.Owner", "postgres://u:Sup3rS3cret@h/db"),
        ("tags.Token", "Sup3rS3cret"),
        // Its type is wrong, too.
        ("vpc.nat", "postgres://u:Sup3rS3cret@h/db"),
    ] {
        let ended = place.run(&["preview", "--set", &format!("{key}={value}")]).expect(65);
        assert!(ended.err.contains(key), "{}", ended.err);
        assert!(key == "vpc.nat" || ended.err.contains("Secrets Manager"), "{}", ended.err);
        assert!(!ended.err.contains("Sup3rS3cret"), "{}", ended.err);
    }
    // What is about a secret and is none.
    let fine = [
        "TOKEN_TTL=15m",
        "OTHER_SECRET_ARN=arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
        "PASSWORD_FILE=/run/p",
    ];
    let settings: Vec<String> = fine.iter().map(|it| format!("ecs.environment_variables.{it}")).collect();
    let arguments: Vec<&str> = settings.iter().flat_map(|it| ["--set", it]).collect();
    let config: Value = place.run(&[&["config", "--json"][..], &arguments].concat()).expect(0).json();
    assert_eq!(config["ecs.environment_variables.TOKEN_TTL"]["value"], "15m", "{config}");
}
