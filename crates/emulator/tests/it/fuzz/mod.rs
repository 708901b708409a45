//! Requests that nobody would write: generated from the API models, right, nearly right and wrong, and some damaged on the way. Every
//! one gets an answer, none ends the process or gets an internal error, and whatever they made can be read again.
//!
//! A sample by default, the same every time; more of it, and another seed, with
//!
//! ```sh
//! FUZZ_REQUESTS=1000000 FUZZ_SEED=1 cargo test --release -p emulator --test it fuzz::
//! ```

mod draw;
mod values;
mod wire;

use emulator::Emulator;
use tempfile::TempDir;

use self::draw::Draw;
use self::values::Known;
use self::wire::{Api, Sent, apis};

/// How many requests are drawn for each protocol.
fn requests() -> u64 {
    number("FUZZ_REQUESTS").map_or(600, |all| all / 6)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// After so many requests the account is looked at, read back, and another one begins.
const ROUND: u64 = 300;

/// Sends requests to the services of one protocol.
async fn storm(protocol: &str) {
    let apis: Vec<Api> = apis().into_iter().filter(|api| api.protocol == protocol).collect();
    assert!(!apis.is_empty(), "nobody speaks {protocol}");
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let (mut left, mut done) = (requests(), 0);
    let all = left;
    let mut round = 0;
    while left > 0 {
        let mut draw = Draw::new(seed, &format!("{protocol} {round}"));
        let count = left.min(ROUND);
        // One round in four on disk, where everything is written and read.
        let directory = draw.one_in(4).then(|| TempDir::new().unwrap());
        let emulator = match &directory {
            Some(directory) => Emulator::open(directory.path()).unwrap(),
            None => Emulator::builder().seed(round).in_memory(),
        };
        let mut known = Known::default();
        for number in 0..count {
            let sent = draw.pick(&apis).request(&mut draw, &known);
            let what = format!("{protocol}, seed {seed}, round {round}, request {number}: {sent:?}");
            let answered = send(&emulator, sent).await.unwrap_or_else(|| panic!("no answer: {what}"));
            let (status, body) = answered;
            assert!((200..=599).contains(&status), "{status}: {what}");
            // Neither an internal error nor a service whose state cannot be read.
            assert!(status != 500, "{}: {what}", String::from_utf8_lossy(&body));
            done += u64::from(status < 300);
            known.learn(&body);
        }
        emulator
            .objects()
            .await
            .unwrap_or_else(|error| panic!("{protocol}, seed {seed}, round {round}: {error}"));
        if let Some(directory) = &directory {
            drop(emulator);
            let again = Emulator::open(directory.path()).unwrap();
            assert!(
                again.unreadable().is_empty(),
                "{protocol}, seed {seed}, round {round}: {:?}",
                again.unreadable()
            );
            again
                .objects()
                .await
                .unwrap_or_else(|error| panic!("{protocol}, seed {seed}, round {round}: {error}"));
        }
        left -= count;
        round += 1;
    }
    // Storms that are all refused at the door would show nothing.
    assert!(done * 100 > all, "{protocol}: of {all} requests {done} were done");
    println!("{protocol}: {all} requests, of which {done} were done");
}

/// What was answered. A request that HTTP itself does not know is answered by no service.
async fn send(emulator: &Emulator, sent: Sent) -> Option<(u16, Vec<u8>)> {
    let Ok(request) = sent.into_request() else { return Some((400, Vec::new())) };
    let answer = emulator.exchange(request).await?;
    Some((answer.status().as_u16(), answer.into_body()))
}

#[tokio::test]
async fn json() {
    storm("json").await;
}

#[tokio::test]
async fn query() {
    storm("query").await;
}

#[tokio::test]
async fn ec2() {
    storm("ec2").await;
}

#[tokio::test]
async fn rest_json() {
    storm("rest-json").await;
}

#[tokio::test]
async fn rest_xml() {
    storm("rest-xml").await;
}

#[tokio::test]
async fn cbor() {
    storm("smithy-rpc-v2-cbor").await;
}
