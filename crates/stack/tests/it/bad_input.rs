//! Bad input: one clear error, the right exit code, no call, nothing lost.

use crate::command::{Ended, Workplace};
use crate::server::Server;

#[test]
fn bad_configuration_is_one_error_with_exit_code_65_before_any_call() {
    for (text, expected) in [
        ("[vpc\n", "stack.toml, line 1: this is not TOML"),
        ("[vpc]\nzones = 3\n", "stack.toml, line 2: `vpc.zones`: there is no such key"),
        ("[vcp]\ncidr = \"10.0.0.0/16\"\n", "stack.toml, line 1: `vcp`: there is no such tier"),
        ("[vpc]\ncidr = \"10.0.0.0/99\"\n", "stack.toml, line 2: `vpc.cidr`: `99` is not the length"),
        ("[vpc]\ncidr = \"10.0.0.0/8\"\n", "stack.toml, line 2: `vpc.cidr`: "),
        ("[vpc]\ncidr = \"10.0.0.0/27\"\n", "stack.toml, line 2: `vpc.cidr`: "),
        ("[vpc]\nzone_count = 9\n", "stack.toml, line 2: `vpc.zone_count`: "),
        ("[vpc]\nnat = \"two\"\n", "stack.toml, line 2: `vpc.nat`: "),
        (
            "[vpc]\navailability_zones = [\"eu-west-1a\", \"ap-southeast-1b\", \"ap-southeast-1c\"]\n",
            "stack.toml, line 2: `vpc.availability_zones[0]`: `eu-west-1a` is not a zone of ap-southeast-1",
        ),
        (
            "[vpc]\navailability_zones = [\"ap-southeast-1a\", \"ap-southeast-1z\"]\n",
            "`vpc.availability_zones",
        ),
        (
            "[vpc.flow_logs]\nretention_in_days = 2556\n",
            "stack.toml, line 2: `vpc.flow_logs.retention_in_days`: ",
        ),
        ("[environments.PROD.vpc]\nzone_count = 2\n", "`environments.PROD`"),
    ] {
        let place = Workplace::new();
        place.write("stack.toml", text);
        let ended = place.run(&["up"]).expect(65);
        assert!(ended.err.contains(expected), "{text:?} gave:\n{}", ended.err);
        assert_eq!(ended.err.matches("error[E").count(), 1, "{}", ended.err);
        assert_eq!(ended.err.matches("hint: ").count(), 1, "{}", ended.err);
        assert_eq!(ended.out, "");
        // Only whether a region has a zone needs AWS to be checked, which then is asked, and not changed.
        assert!(!place.state_directory("dev").exists(), "{text:?}");
        assert_eq!(place.path().join(".stack").exists(), text.contains("ap-southeast-1z"), "{text:?}");
    }
}

#[test]
fn copies_that_aws_backup_would_not_make_are_refused_before_there_is_a_plan() {
    let place = Workplace::new();
    place.write("stack.toml", "[backup.vault]\nenabled = true\n");
    for command in ["preview", "up"] {
        let ended = place.run(&[command]).expect(65);
        assert!(ended.err.contains("its service opt-in for Aurora is off"), "{}", ended.err);
        assert!(ended.err.contains("hint: set `backup.vault.opt_in = true`"), "{}", ended.err);
        assert!(!place.state_directory("dev").exists());
    }
    place.run(&["preview", "--set", "backup.vault.opt_in=true"]).expect(0);
}

#[test]
fn what_only_aws_can_say_of_a_value_is_asked_before_anything_is_made() {
    let place = Workplace::new();
    let endpoints = "[vpc.interface_endpoints]\nenabled = true\nservices = [\"ecr.api\", \"ecr\"]\n";
    for (text, says, hint) in [
        (
            endpoints,
            "vpc.interface_endpoints.services[1]: AWS has no VPC endpoints of a service `ecr` in ap-southeast-1",
            "hint: `aws ec2 describe-vpc-endpoint-services` lists",
        ),
        // Whether they are on or off.
        (
            "[vpc.interface_endpoints]\nservices = [\"ecr.api\", \"secretmanager\"]\n",
            "vpc.interface_endpoints.services[1]: AWS has no VPC endpoints of a service `secretmanager` in ap-southeast-1",
            "did you mean `secretsmanager`?",
        ),
        (
            "[vpc.interface_endpoints]\nservices = [\"ecr.api\", \"S3\"]\n",
            "stack.toml, line 2: `vpc.interface_endpoints.services[1]`: `S3` is not the name of a service",
            "lower-case letters, digits, dots and hyphens",
        ),
        (
            "[database]\nengine_version = \"17.99\"\n",
            "database/cluster: `database.engine_version` is 17.99, which RDS does not offer",
            "set `database.engine_version` to one of 17.4, ",
        ),
        (
            "[database]\nengine_version = \"99\"\n",
            "database/cluster: `database.engine_version` is 99, which RDS does not offer",
            "choose one that `aws rds describe-db-engine-versions --engine aurora-postgresql` lists",
        ),
    ] {
        place.write("stack.toml", text);
        for command in ["preview", "up"] {
            let ended = place.run(&[command]).expect(65);
            assert!(ended.err.contains(says) && ended.err.contains(hint), "{}", ended.err);
        }
        assert!(place.run(&["emulator", "list"]).expect(0).out.is_empty(), "{text:?}: something was made");
    }
}

/// Case 23.
#[test]
fn what_is_wrong_with_a_value_is_said_together_with_what_was_meant() {
    let place = Workplace::new();
    for (text, error, hint) in [
        (
            "[alb]\ningress_cidrs = [\"1.2.3.4\"]\n",
            "stack.toml, line 2: `alb.ingress_cidrs[0]`: `1.2.3.4` is an address, not a CIDR block",
            "did you mean 1.2.3.4/32?",
        ),
        (
            "[alb]\ningress_cidrs = [\"10.0.0.0/8\", \"::/0\"]\n",
            "stack.toml, line 2: `alb.ingress_cidrs[1]`: `::/0` is IPv6, which is not supported",
            "give a block of IPv4 addresses",
        ),
        (
            "[vpc]\ncidr = \"fd00::1\"\n",
            "stack.toml, line 2: `vpc.cidr`: `fd00::1` is IPv6, which is not supported",
            "give a block of IPv4 addresses",
        ),
        (
            "[vpc]\ncidr = \"10.0.0.0\"\n",
            "stack.toml, line 2: `vpc.cidr`: `10.0.0.0` is an address, not a CIDR block",
            "give the length of its prefix too, such as 10.0.0.0/16",
        ),
        (
            "[vpc]\ncidr = \"010.0.0.0/16\"\n",
            "stack.toml, line 2: `vpc.cidr`: `010.0.0.0/16` has a number with a zero before it, which some read as octal",
            "write each number without zeros",
        ),
        (
            "[alb]\ningress_cidrs = [\"10.0.0.0/8\", \"192.168.08.0/24\"]\n",
            "stack.toml, line 2: `alb.ingress_cidrs`: `192.168.08.0/24` has a number with a zero",
            "write each number without zeros",
        ),
        (
            "[vpc]\nnat = \"single\"\nnat = \"none\"\n",
            "stack.toml, line 3: `nat` is there twice",
            "leave one",
        ),
        (
            "[vpc]\nnat = \"single\"\n[alb]\n[vpc]\ncidr = \"10.0.0.0/16\"\n",
            "stack.toml, line 4: `vpc` is there twice",
            "leave one",
        ),
        (
            "vpc = { nat = \"single\", nat = \"none\" }\n",
            "stack.toml, line 1: `nat` is there twice",
            "leave one",
        ),
    ] {
        place.write("stack.toml", text);
        let ended = place.run(&["config"]).expect(65);
        assert!(ended.err.starts_with(&format!("error[E0102]: {error}")), "{}", ended.err);
        assert!(ended.err.contains(&format!("hint: {hint}")), "{}", ended.err);
    }
}

/// Case 23.
#[test]
fn a_region_that_does_not_exist_is_named_before_any_call() {
    let place = Workplace::new();
    for (region, hint) in [
        ("us-east-9", "hint: did you mean `us-east-1`? It has: af-south-1, "),
        ("cn-north-1", "hint: It has: "),
    ] {
        let ended = place.run(&["preview", "--region", region]).expect(65);
        let error = format!("error[E0102]: `--region`: the embedded AWS has no region `{region}`\n");
        assert!(ended.err.contains(&error) && ended.err.contains(hint), "{}", ended.err);
    }
    assert!(!place.path().join(".stack").exists());
    // AWS may have opened it since, which has to be said.
    let server = Server::start(&place);
    for command in ["preview", "up", "verify"] {
        let ended = server.run(&place, &[command, "--region", "us-east-9"]);
        // Nothing is deployed, so that `verify` does not come that far.
        let ended = ended.expect(65);
        let says = "error[E0102]: `--region`: `us-east-9` is not a region that this version knows\n";
        assert!(command == "verify" || ended.err.contains(says), "{}", ended.err);
        let hint =
            "hint: did you mean `us-east-1`? If AWS has opened it since, set `allow_unknown_region = true`";
        assert!(command == "verify" || ended.err.contains(hint), "{}", ended.err);
    }
    let allowed = ["preview", "--region", "us-east-9", "--set", "allow_unknown_region=true"];
    let ended = server.run(&place, &allowed).expect(1);
    assert!(!ended.err.contains("is not a region that this version knows"), "{}", ended.err);
    // One of another partition is known, and only AWS has it.
    let ended = server.run(&place, &["preview", "--region", "cn-north-1"]).expect(1);
    assert!(!ended.err.contains("is not a region"), "{}", ended.err);
}

/// Case 23.
#[test]
fn a_slip_in_the_name_of_the_environment_is_remarked_upon() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.staging]\nregion = \"eu-west-1\"\n[environments.pr12]\n");
    let remark = "stack.toml has no section [environments.stagin]; did you mean --env staging?\n";
    let ended = place.run(&["config", "--env", "stagin"]).expect(0);
    assert_eq!(ended.err, remark);
    for silent in ["staging", "dev", "pr13", "prod"] {
        assert_eq!(place.run(&["config", "--env", silent]).expect(0).err, "", "{silent}");
    }
}

/// Case 23.
#[test]
fn a_configuration_that_is_not_utf8_is_refused_with_encoding_and_line() {
    let place = Workplace::new();
    let text = "[tags]\nAuthor = \"Zo\u{eb}\"\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
    for (bytes, said) in [
        (
            [&[0xff, 0xfe], utf16.as_slice()].concat(),
            "line 1: it is not UTF-8: it begins with the byte order mark of UTF-16 LE",
        ),
        (utf16, "line 1: it is not UTF-8: it looks like UTF-16 LE without a byte order mark"),
        (
            latin,
            "line 2: it is not UTF-8: there is the byte 0xEB, which is `\u{eb}` in Latin-1 and Windows-1252",
        ),
    ] {
        std::fs::write(place.path().join("stack.toml"), bytes).unwrap();
        let ended = place.run(&["config"]).expect(65);
        assert!(ended.err.starts_with(&format!("error[E0102]: stack.toml, {said}\n")), "{}", ended.err);
        assert!(ended.err.contains("\nhint: save it as UTF-8"), "{}", ended.err);
    }
    std::fs::write(place.path().join("stack.toml"), "\u{feff}region = \"eu-west-1\"\n").unwrap();
    place.run(&["config"]).expect(0);
}

/// Case 13.
#[test]
fn tags_that_some_service_refuses_are_an_error_before_any_call() {
    let place = Workplace::new();
    let long = format!("Long = \"{}\"", "x".repeat(257));
    for (line, key, said) in [
        ("Team = \"R&D\"", "tags.Team", "the value of the tag `Team` must not contain '&'"),
        (
            "\"Cost, center\" = \"17\"",
            "tags.\"Cost, center\"",
            "the key of the tag `Cost, center` must not contain ','",
        ),
        ("Team = \"a\\tb\"", "tags.Team", "the value of the tag `Team` must not contain '\\t'"),
        // A combining accent is neither letter nor digit.
        ("Team = \"Zoe\\u0308\"", "tags.Team", "must not contain '\\u{308}'"),
        (
            "environment = \"x\"",
            "tags.environment",
            "the tag keys `environment` and `Environment` differ in upper and lower case",
        ),
        ("Environment = \"x\"", "tags.Environment", "stack sets this tag itself on every resource"),
        ("Tier = \"x\"", "tags.Tier", "stack sets this tag itself on every resource"),
        ("NAME = \"x\"", "tags.NAME", "the tag keys `Name` and `NAME` differ"),
        ("Owner = \"a\"\nowner = \"b\"", "tags.owner", "the tag keys `owner` and `Owner` differ"),
        ("\"AWS:x\" = \"x\"", "tags.\"AWS:x\"", "begins with `aws:`, which is reserved"),
        ("\"\" = \"x\"", "tags.\"\"", "must have 1 to 128 characters"),
        (&long, "tags.Long", "has more than 256 characters"),
    ] {
        place.write("stack.toml", &format!("[tags]\n{line}\n"));
        let ended = place.run(&["up"]).expect(65);
        let number = 1 + line.lines().count();
        assert!(ended.err.contains(&format!("stack.toml, line {number}: `{key}`: ")), "{}", ended.err);
        assert!(ended.err.contains(said), "{}", ended.err);
        assert!(!place.path().join(".stack").exists(), "{line}: something was called");
    }
    place.write("stack.toml", "[tags]\n\"cost center/2 @x+y=z-1_:.\" = \"\u{e9}quipe \u{0665}\"\n");
    place.run(&["config"]).expect(0);
}

#[test]
fn a_configuration_is_a_regular_file_of_reasonable_length() {
    let place = Workplace::new();
    let made = std::process::Command::new("mkfifo").arg(place.path().join("pipe")).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(place.path().join("directory")).unwrap();
    // Its length is a terabyte, and there is nothing in it.
    let sparse = std::fs::File::create(place.path().join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    for (file, said) in [
        ("pipe", "it is a FIFO, not a regular file"),
        ("/dev/zero", "it is a device, not a regular file"),
        ("directory", "it is a directory, not a regular file"),
        ("sparse", "it has 1099511627776 bytes, and at most 1048576 are read"),
        ("nowhere", "it cannot be read: "),
    ] {
        let ended = place.run(&["config", "--config", file]).expect(65);
        assert!(ended.err.starts_with(&format!("error[E0102]: {file}: {said}")), "{}", ended.err);
        let ended = place.run(&["emulator", "serve", "--faults", file]).expect(65);
        assert!(ended.err.starts_with(&format!("error[E0902]: {file}: {said}")), "{}", ended.err);
    }
}

/// It is what it stands for.
#[test]
fn standard_input_is_read_if_it_is_a_file_and_refused_if_it_is_a_pipe() {
    let place = Workplace::new();
    place.write("other.toml", "region = \"eu-west-1\"\n");
    let mut command = place.command(&["config", "--config", "/dev/stdin"]);
    command.stdin(std::fs::File::open(place.path().join("other.toml")).unwrap());
    let ended = Ended::of(&command.output().unwrap()).expect(0);
    assert!(ended.out.contains("# /dev/stdin:1\n"), "{}", ended.out);
    let mut command = place.command(&["config", "--config", "/dev/stdin"]);
    let ended = Ended::of(&command.stdin(std::process::Stdio::piped()).output().unwrap()).expect(65);
    assert!(ended.err.starts_with("error[E0102]: /dev/stdin: it is a FIFO"), "{}", ended.err);
    assert!(ended.err.contains("hint: save it to a file first"), "{}", ended.err);
}

#[test]
fn a_bad_environment_name_is_refused_with_the_rule() {
    let place = Workplace::new();
    for name in ["Prod", "", "a-name-that-is-too-long", "../dev", "dev_1"] {
        let ended = place.run(&["preview", "--env", name]).expect(65);
        assert!(ended.err.contains("is not the name of an environment"), "{}", ended.err);
        assert!(ended.err.contains("hint: use 1 to 16 lower case letters"), "{}", ended.err);
    }
    assert!(!place.path().join(".stack").exists());
}

#[test]
fn a_wrong_command_line_is_exit_code_64() {
    let place = Workplace::new();
    place.run(&["upp"]).expect(64);
    place.run(&["up", "--no-such-flag"]).expect(64);
    place.run(&["up", "--target", "azure"]).expect(64);
    place.run(&["--help"]).expect(0);
}

#[test]
fn a_named_configuration_file_that_does_not_exist_is_an_error_that_names_it() {
    let place = Workplace::new();
    let ended = place.run(&["up", "--config", "nowhere.toml"]).expect(65);
    assert!(ended.err.contains("nowhere.toml: it cannot be read"), "{}", ended.err);
}

#[test]
fn damaged_state_is_refused_by_file_and_line_and_left_as_it_is() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let journal = place.state_directory("dev").join("journal.jsonl");
    let good = std::fs::read_to_string(&journal).unwrap();
    let flipped = good.replacen("10.0.0.0/16", "10.9.0.0/16", 1);
    let version = good.replacen("\"version\":2", "\"version\":7", 1);
    let cut: String =
        good.lines().take(3).chain(good.lines().skip(4)).map(|line| format!("{line}\n")).collect();
    let restore = "hint: keep a copy of the state directory, and restore the file from a backup";
    for (damaged, expected, advice) in [
        (flipped, "hash does not match", restore),
        (version, "format version 7", "hint: another version of this program wrote it"),
        (cut, "line 4", restore),
    ] {
        std::fs::write(&journal, &damaged).unwrap();
        for command in [["up"].as_slice(), &["preview"], &["refresh"], &["outputs"], &["destroy", "--yes"]] {
            let ended = place.run(command).expect(65);
            assert!(
                ended.err.contains("error[E0204]: ") && ended.err.contains("journal.jsonl, line"),
                "{}",
                ended.err
            );
            assert!(ended.err.contains(expected) && ended.err.contains(advice), "{}", ended.err);
            assert_eq!(std::fs::read_to_string(&journal).unwrap(), damaged);
        }
    }
    // A line that was being written when the machine died was never acknowledged: it is left out.
    std::fs::write(&journal, format!("{good}{{\"n\":")).unwrap();
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    place.run(&["up"]).expect(0);
}

#[test]
fn a_state_is_not_used_for_another_region() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    for command in [["up"].as_slice(), &["preview"], &["destroy", "--yes"]] {
        let command: Vec<&str> = command.iter().copied().chain(["--region", "us-east-1"]).collect();
        let ended = place.run(&command).expect(65);
        assert!(ended.err.contains("in ap-southeast-1, not"), "{}", ended.err);
    }
    place.run(&["destroy", "--yes"]).expect(0);
    place.run(&["up", "--region", "us-east-1"]).expect(0);
}

#[test]
fn what_other_tools_call_a_command_is_answered_with_what_it_is_called_here() {
    let place = Workplace::new();
    for (typed, ours) in [("plan", "preview"), ("apply", "up"), ("output", "outputs")] {
        let ended = place.run(&[typed]).expect(64);
        assert!(ended.err.contains(&format!("unrecognized subcommand '{typed}'")), "{}", ended.err);
        assert!(ended.err.contains(&format!("`{ours}`")), "{}", ended.err);
    }
    assert!(!place.path().join(".stack").exists());
}
