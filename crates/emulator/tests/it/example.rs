//! The example does what it says.

#[expect(dead_code, reason = "`main` prints what the test looks at")]
#[path = "../../examples/in_process.rs"]
mod in_process;

#[tokio::test(start_paused = true)]
async fn the_example_waits_is_refused_and_loses_an_answer() {
    let mut out = Vec::new();
    in_process::run(&mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    let [waits, refuses, loses] = lines[..] else { panic!("{out}") };
    assert!(waits.starts_with("waits: a NAT gateway was available after "), "{out}");
    assert_eq!(refuses, "refuses: DeleteVpc while there is a subnet: DependencyViolation");
    assert_eq!(
        loses,
        "loses an answer: one call of ours made AWS::EC2::InternetGateway and AWS::EC2::InternetGateway"
    );
    let number = |before: &str| -> u64 {
        waits.split(before).next().unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!((1..5).contains(&number(" minutes")) && number(" looks") > 3, "{out}");
}
