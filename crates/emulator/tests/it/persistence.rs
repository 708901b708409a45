//! State on disk.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use emulator::{Emulator, EmulatorError};

use crate::support::{Cloud, REGION, TRUST, WRITE, code, tagged};

fn open(directory: &Path) -> Cloud {
    Cloud::of(Emulator::open(directory).unwrap())
}

#[tokio::test]
async fn what_was_made_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let (objects, nat, token_answer) = {
        let cloud = open(directory.path());
        let call = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16");
        let call = call.tag_specifications(tagged("vpc", &[("Author", "Zoë")]));
        let vpc = call.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
        cloud.gateway(&vpc).await;
        let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
        let nat = cloud.nat(&subnet, &cloud.address().await).await;
        let table = cloud.table(&vpc).await;
        cloud.associate(&table, &subnet).await;
        cloud.endpoint(&vpc, &table).await;
        cloud.group(&vpc, "web").await;
        cloud.acl(&vpc).await;
        cloud.role("flow").await;
        let put = cloud.iam.put_role_policy().role_name("flow").policy_name("p");
        put.policy_document(WRITE).send().await.unwrap();
        let call = cloud.logs.create_log_group().log_group_name("g").tags("a", "b");
        call.send().await.unwrap();
        let call = cloud.ec2.create_route_table().vpc_id(&vpc).client_token("t");
        let token_answer = call.send().await.unwrap();
        (cloud.emulator.objects().await.unwrap(), nat, token_answer)
    };
    let cloud = open(directory.path());
    assert_eq!(cloud.emulator.objects().await.unwrap(), objects);
    let found = cloud.ec2.describe_nat_gateways().nat_gateway_ids(nat).send().await.unwrap();
    assert_eq!(found.nat_gateways().len(), 1);
    // Tokens are remembered, and ids are not given again.
    let vpc = token_answer.route_table().unwrap().vpc_id().unwrap();
    let call = cloud.ec2.create_route_table().vpc_id(vpc).client_token("t");
    assert_eq!(call.send().await.unwrap().route_table(), token_answer.route_table());
    let fresh = cloud.table(vpc).await;
    assert!(objects.iter().all(|object| object.id != fresh));
}

#[tokio::test]
async fn there_is_one_file_for_each_service_and_region() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    cloud.vpc().await;
    cloud.role("flow").await;
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let ec2 = format!("ec2@{REGION}.json");
    let logs = format!("logs@{REGION}.json");
    assert_eq!(names, [&ec2, "iam@global.json", "lock", &logs]);
}

#[tokio::test]
async fn two_emulators_on_one_directory_see_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (open(directory.path()), open(directory.path()));
    let vpc = one.vpc().await;
    assert_eq!(code(two.ec2.describe_vpcs().vpc_ids(&vpc).send().await), "ok");
    let subnet = two.subnet(&vpc, "10.0.0.0/24").await;
    assert_eq!(code(one.ec2.delete_vpc().vpc_id(&vpc).send().await), "DependencyViolation");
    one.ec2.delete_subnet().subnet_id(&subnet).send().await.unwrap();
    assert_eq!(code(two.ec2.delete_vpc().vpc_id(&vpc).send().await), "ok");
    one.role("flow").await;
    assert_eq!(code(two.iam.get_role().role_name("flow").send().await), "ok");
    two.logs.create_log_group().log_group_name("g").send().await.unwrap();
    let again = one.logs.create_log_group().log_group_name("g").send().await;
    assert_eq!(code(again), "ResourceAlreadyExistsException");
    assert_eq!(one.emulator.objects().await.unwrap(), two.emulator.objects().await.unwrap());
}

#[tokio::test]
async fn reading_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    cloud.vpc().await;
    let path = directory.path().join(format!("ec2@{REGION}.json"));
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    cloud.ec2.describe_vpcs().send().await.unwrap();
    let _ = cloud.ec2.delete_vpc().vpc_id("vpc-1").send().await;
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("ec2@{REGION}.json"));
    let text = r#"{"format": 99, "anything": true}"#;
    fs::write(&path, text).unwrap();
    let emulator = Emulator::open(directory.path()).unwrap();
    let [error] = emulator.unreadable() else { panic!("{:?}", emulator.unreadable()) };
    assert!(matches!(error, EmulatorError::UnknownVersion { found: 99, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains("format 99") && message.contains("delete the file"), "{message}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_broken_file_is_named_and_left_alone() {
    for (name, text, part) in [
        ("ec2@eu-west-1.json", "{\"format\": 1, \"serv", "EOF"),
        ("ec2@eu-west-1.json", "{}", "no format version"),
        (
            "ec2@eu-west-1.json",
            r#"{"format":1,"service":"ec2","region":"eu-west-1","state":{}}"#,
            "missing field",
        ),
        (
            "ec2@eu-west-1.json",
            r#"{"format":1,"service":"ec2","region":"us-east-1","state":{}}"#,
            "its name says",
        ),
        (
            "kinesis@eu-west-1.json",
            r#"{"format":1,"service":"kinesis","region":"eu-west-1","state":{}}"#,
            "service kinesis",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let emulator = Emulator::open(directory.path()).unwrap();
        let [error] = emulator.unreadable() else { panic!("{name}: {:?}", emulator.unreadable()) };
        let message = error.to_string();
        assert!(message.contains(name) && message.contains(part), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// The other services go on, and so does this one when the file is right again, in processes that were there all the time.
#[tokio::test]
async fn a_file_that_cannot_be_read_is_the_trouble_of_one_service_in_one_region() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (open(directory.path()), open(directory.path()));
    one.vpc().await;
    two.vpc().await;
    let path = directory.path().join(format!("ec2@{REGION}.json"));
    let whole = fs::read_to_string(&path).unwrap();
    let half = &whole[..whole.len() / 2];
    fs::write(&path, half).unwrap();
    for cloud in [&one, &open(directory.path())] {
        let error = cloud.ec2.describe_vpcs().send().await.unwrap_err();
        let error = error.as_service_error().unwrap().meta().clone();
        assert_eq!(error.code(), Some("UnreadableState"));
        assert!(error.message().unwrap().contains(&path.display().to_string()), "{error:?}");
        let role = cloud.iam.create_role().role_name("flow").assume_role_policy_document(TRUST);
        assert_ne!(code(role.send().await), "UnreadableState");
        assert_eq!(code(cloud.iam.get_role().role_name("flow").send().await), "ok");
        assert_eq!(code(cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await), "UnreadableState");
        assert_eq!(fs::read_to_string(&path).unwrap(), half);
    }
    fs::write(&path, &whole).unwrap();
    for cloud in [&one, &two] {
        assert_eq!(cloud.ec2.describe_vpcs().send().await.unwrap().vpcs().len(), 2);
    }
}

#[tokio::test]
async fn a_file_that_breaks_while_open_fails_calls_and_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (open(directory.path()), open(directory.path()));
    one.vpc().await;
    two.vpc().await;
    let path = directory.path().join(format!("ec2@{REGION}.json"));
    fs::write(&path, "broken").unwrap();
    // The one that wrote last has no reason to read; the other one has.
    let answer = one.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(code(answer), "UnreadableState");
    assert_eq!(fs::read_to_string(&path).unwrap(), "broken");
    assert!(one.emulator.objects().await.is_err());
}

#[tokio::test]
async fn a_call_that_could_not_be_flushed_did_not_happen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let cloud = open(&path);
    let vpc = cloud.vpc().await;
    // A directory where the file should be makes the write fail.
    let (file, aside) = (path.join(format!("ec2@{REGION}.json")), path.join("aside"));
    fs::rename(&file, &aside).unwrap();
    fs::create_dir(&file).unwrap();
    let answer = cloud.ec2.delete_vpc().vpc_id(&vpc).send().await;
    assert_eq!(code(answer), "InternalError");
    fs::remove_dir(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    assert_eq!(code(cloud.ec2.describe_vpcs().vpc_ids(&vpc).send().await), "ok");
    assert_eq!(code(cloud.ec2.delete_vpc().vpc_id(&vpc).send().await), "ok");
}

#[tokio::test]
async fn deleting_the_files_starts_anew() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).vpc().await;
    fs::remove_dir_all(directory.path()).unwrap();
    let cloud = open(directory.path());
    assert_eq!(cloud.emulator.objects().await.unwrap(), []);
    // A program that remembers the old object must not take the new one for it.
    assert_ne!(cloud.vpc().await, first);
}

#[tokio::test(start_paused = true)]
async fn file_work_takes_no_virtual_time() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    let start = tokio::time::Instant::now();
    let timer = tokio::spawn(tokio::time::sleep(std::time::Duration::from_secs(60)));
    for _ in 0..5 {
        cloud.vpc().await;
    }
    assert_eq!(start.elapsed(), std::time::Duration::ZERO);
    timer.await.unwrap();
}

/// Runs in a process of its own, started and killed by the next test.
#[tokio::test]
#[ignore = "it never ends by itself: `cargo test -p emulator --test it what_was_answered_survives_being_killed` runs it"]
async fn writer() {
    let Some(directory) = std::env::var_os("DIRECTORY") else {
        return;
    };
    let cloud = open(Path::new(&directory));
    loop {
        let call = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16");
        let made = call.send().await.unwrap().vpc.unwrap();
        // Straight to the descriptor: the test harness keeps what is printed otherwise.
        writeln!(std::io::stdout(), "made {}", made.vpc_id.unwrap()).unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let start = || {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "persistence::writer", "--ignored", "--nocapture"])
            .env("DIRECTORY", directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    };
    let ids = |lines: &mut dyn Iterator<Item = std::io::Result<String>>| {
        let lines = lines.map_while(Result::ok);
        let ids = lines.filter_map(|line| line.split_once("made ").map(|(_, id)| id.to_owned()));
        ids.collect::<Vec<_>>()
    };
    let ((mut one, mut one_lines), (mut two, mut two_lines)) = (start(), start());
    let mut answered = ids(&mut one_lines.by_ref().take(20));
    answered.extend(ids(&mut two_lines.by_ref().take(20)));
    one.kill().unwrap();
    two.kill().unwrap();
    answered.extend(ids(&mut one_lines));
    answered.extend(ids(&mut two_lines));
    one.wait().unwrap();
    two.wait().unwrap();

    let found = open(directory.path()).ec2.describe_vpcs().send().await.unwrap();
    let found: Vec<&str> = found.vpcs().iter().map(|vpc| vpc.vpc_id().unwrap()).collect();
    assert!(answered.len() > 20, "{answered:?}");
    for id in &answered {
        assert!(found.contains(&id.as_str()), "{id} was answered and is gone");
    }
    // Two calls may have been cut off between effect and answer, one in each process.
    assert!(found.len() <= answered.len() + 2, "{} {}", found.len(), answered.len());
}
