//! Nobody there, nobody answers, nobody signed in: one error, soon, that says what to do.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::{Ended, Workplace};
use crate::server::Server;

/// How long an error may take that needs no answer.
const SOON: Duration = Duration::from_secs(5);

/// An address on which nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("127.0.0.1:{}", listener.local_addr().unwrap().port())
}

/// An address that takes connections; `serve` is what it does with them.
fn open(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            kept.extend(stream.try_clone());
            serve(stream);
        }
    });
    address
}

/// A command with keys of a user, on this endpoint.
fn on(place: &Workplace, endpoint: &str, command: &str) -> Command {
    let mut command = place.command(&[command, "--target", "aws", "--yes"]);
    command.env("AWS_ENDPOINT_URL", endpoint).env("HOME", place.path());
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    command
}

fn timed(command: &mut Command) -> (Ended, Duration) {
    let begun = Instant::now();
    let ended = Ended::of(&command.output().unwrap());
    (ended, begun.elapsed())
}

#[test]
fn an_endpoint_without_a_connection_is_an_error_at_once_that_names_it() {
    let place = Workplace::new();
    // Talks, but not TLS.
    let garbage = open(|mut stream| {
        let _ = stream.write_all(b"hello, this is no TLS at all\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    for endpoint in [format!("http://{}", closed()), format!("https://{garbage}")] {
        for command in ["up", "preview", "refresh", "destroy"] {
            let (ended, took) = timed(&mut on(&place, &endpoint, command));
            let ended = ended.expect(1);
            assert!(took < SOON, "{command} {endpoint}: {took:?}");
            let error = format!(
                "error[E0501]: cannot connect to {endpoint}, which AWS_ENDPOINT_URL or the profile names\n"
            );
            assert!(ended.err.contains(&error), "{}", ended.err);
            assert!(ended.err.contains("hint: "), "{}", ended.err);
        }
    }
}

#[test]
fn a_name_that_nobody_has_is_an_error_that_names_the_host_and_the_region() {
    let place = Workplace::new();
    let (ended, took) = timed(&mut on(&place, "http://nowhere.invalid:1", "preview"));
    let ended = ended.expect(1);
    // A machine without a network may take a while to know that it has none.
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(ended.err.contains("cannot connect to http://nowhere.invalid:1"), "{}", ended.err);
}

#[test]
fn calls_go_through_the_proxy_that_the_shell_names_with_verbose_too() {
    let place = Workplace::new();
    for more in [None, Some("--verbose")] {
        let (tell, told) = std::sync::mpsc::channel();
        let proxy = open(move |mut stream| {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or_default();
            let _ = tell.send(String::from_utf8_lossy(&request[..length]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        });
        let mut command = on(&place, "http://nowhere.invalid:1", "preview");
        command.args(more).env("HTTP_PROXY", format!("http://{proxy}"));
        let ended = timed(&mut command).0.expect(1);
        let request = told.try_recv().unwrap_or_default();
        assert!(request.starts_with("POST http://nowhere.invalid:1/"), "{more:?}: {request}\n{}", ended.err);
    }
}

/// A command for somebody who has not signed in: no key, an empty home, and a metadata service at this address.
fn signed_out(place: &Workplace, metadata: &str) -> Command {
    let mut command = place.command(&["up", "--target", "aws", "--yes"]);
    command.env("HOME", place.path()).env("PATH", "/usr/bin:/bin");
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{metadata}"));
    // Should it be asked all the same, nobody is disturbed.
    command.env("AWS_ENDPOINT_URL", format!("http://{}", closed()));
    command
}

#[track_caller]
fn check_one_sentence(ended: Ended, error: &str) {
    let ended = ended.expect(1);
    let errors: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("error[E")).collect();
    let [line] = errors.as_slice() else { panic!("{}", ended.err) };
    assert!(line.contains(error), "{}", ended.err);
    assert!(!ended.err.contains("cause: "), "{}", ended.err);
    assert!(ended.err.contains("hint: sign in with `aws sso login`"), "{}", ended.err);
}

#[test]
fn without_credentials_it_says_so_in_one_sentence_and_does_not_wait_for_a_metadata_service() {
    let place = Workplace::new();
    let silent = open(std::mem::forget);
    let refusing = open(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    });
    for metadata in [closed(), silent, refusing] {
        let (ended, took) = timed(&mut signed_out(&place, &metadata));
        check_one_sentence(ended, "error[E0302]: no AWS credentials found");
        assert!(took < SOON, "{took:?}");
    }
    let (ended, took) = timed(signed_out(&place, &closed()).env("AWS_EC2_METADATA_DISABLED", "true"));
    check_one_sentence(ended, "error[E0302]: no AWS credentials found");
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let place = Workplace::new();
    let (ended, took) = timed(signed_out(&place, &closed()).env("AWS_PROFILE", "staging"));
    check_one_sentence(
        ended,
        "error[E0302]: no AWS credentials found: profile `staging`, which AWS_PROFILE names, does not exist or has none",
    );
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_credential_process_that_fails_is_quoted() {
    let place = Workplace::new();
    std::fs::create_dir(place.path().join(".aws")).unwrap();
    place.write(
        ".aws/config",
        "[profile work]\ncredential_process = sh -c 'echo token device missing >&2; exit 3'\n",
    );
    let (ended, took) = timed(signed_out(&place, &closed()).env("AWS_PROFILE", "work"));
    assert!(took < SOON, "{took:?}");
    assert!(ended.err.contains("token device missing"), "{}", ended.err);
    check_one_sentence(ended, "error[E0302]: cannot load AWS credentials: ");
}

#[test]
fn an_expired_sso_session_says_that_it_has_expired() {
    let place = Workplace::new();
    std::fs::create_dir_all(place.path().join(".aws/sso/cache")).unwrap();
    place.write(
        ".aws/config",
        "[profile work]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = Deploy\n\
         [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n",
    );
    // The file's name is the SHA-1 of the session's name.
    let token = r#"{"accessToken": "any", "expiresAt": "2020-01-01T00:00:00Z", "region": "eu-west-1",
                    "startUrl": "https://example.awsapps.com/start"}"#;
    place.write(".aws/sso/cache/e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json", token);
    let (ended, took) = timed(signed_out(&place, &closed()).env("AWS_PROFILE", "work"));
    assert!(took < SOON, "{took:?}");
    check_one_sentence(ended, "the SSO token has expired");
}

#[test]
fn an_endpoint_that_goes_away_in_the_middle_is_shown_while_it_is_waited_for() {
    let place = Workplace::new();
    let server = Server::start_with(&place, &["--latency", "0.05"]);
    let mut up = server.begin(&place, &["up"]);
    up.after(12, "created ");
    let (_, took) = server.end_by("TERM");
    assert!(took < SOON, "{took:?}");
    up.after(1, "still ");
    let (ended, took) = up.end_by("TERM");
    assert!(took < SOON, "{took:?}");
    let ended = ended.expect(130);
    assert!(ended.err.contains("Connection refused"), "{}", ended.err);
    assert!(!ended.err.lines().any(|line| line.starts_with("failed")), "{}", ended.err);
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    crate::processes::check_converged(&place, &server);
}

/// Nothing is called, so that nobody waits for what cannot answer.
#[test]
fn an_endpoint_that_is_no_url_is_refused_at_once_with_who_chose_it() {
    let place = Workplace::new();
    place.write("aws-config", "[default]\nendpoint_url = nonsense\n[profile s]\nservices = own\n[services own]\nec2 =\n  endpoint_url = here\n");
    let profile = place.path().join("aws-config");
    for (variables, chosen_by) in [
        (&[("AWS_ENDPOINT_URL", "garbage")][..], "AWS_ENDPOINT_URL: `garbage` is not"),
        (
            &[("AWS_ENDPOINT_URL_API_GATEWAY", "localhost:4566")],
            "AWS_ENDPOINT_URL_API_GATEWAY: `localhost:4566` is not",
        ),
        (&[("AWS_CONFIG_FILE", profile.to_str().unwrap())], "in the AWS profile: `nonsense` is not"),
        (
            &[("AWS_CONFIG_FILE", profile.to_str().unwrap()), ("AWS_PROFILE", "s")],
            "for EC2 in the profile `s`: `here` is not",
        ),
    ] {
        for command in ["preview", "up", "refresh"] {
            let mut run = place.command(&[command, "--target", "aws", "--yes"]);
            run.env("HOME", place.path()).env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
            let (ended, took) = timed(run.envs(variables.iter().copied()));
            let ended = ended.expect(65);
            assert!(took < SOON, "{command}: {took:?}");
            let error = format!("{chosen_by} the URL of an endpoint\n");
            assert!(ended.err.contains("error[E0102]: ") && ended.err.contains(&error), "{}", ended.err);
        }
    }
}
