//! At AWS's own pace, in virtual time: what is made is pending first, new roles cannot be assumed for seconds, and calls
//! that come too fast are refused.

use backup::Args;
use emulator::Emulator;
use engine::Component;

use crate::support::{FUNCTION, lambda, tier, with_everything, world_on};

#[tokio::test(start_paused = true)]
async fn it_comes_changes_and_goes() {
    let (world, inputs) = world_on(Emulator::builder().latency(1.0).throttling(true).in_memory()).await;
    let before = world.left().await;
    let whole = tier(with_everything());
    for _ in 0..2 {
        world.create(&whole, &inputs).await;
        world.assert_settled(&whole, &inputs).await;
        // Settings and a reservation, of which the second is refused until the first is through.
        let changed = tier(Args { memory: 512, reserved_concurrency: None, ..with_everything() });
        world.create(&changed, &inputs).await;
        world.assert_settled(&changed, &inputs).await;
        whole.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(world.left().await, before);
    }
}

#[tokio::test(start_paused = true)]
async fn code_and_settings_that_both_differ_are_repaired_one_after_the_other() {
    let (world, inputs) = world_on(Emulator::builder().latency(1.0).throttling(true).in_memory()).await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let lambda = lambda(&world);
    let ours = lambda.get_function_configuration().function_name(FUNCTION).send().await.unwrap();
    let change = lambda.update_function_configuration().function_name(FUNCTION).timeout(10);
    change.send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let code = lambda.update_function_code().function_name(FUNCTION);
    let code = code.architectures(aws_sdk_lambda::types::Architecture::X8664);
    code.zip_file(aws_sdk_lambda::primitives::Blob::new(other())).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    let live = lambda.get_function_configuration().function_name(FUNCTION).send().await.unwrap();
    assert_eq!(live.code_sha256(), ours.code_sha256());
    assert_eq!(live.architectures(), ours.architectures());
    assert_eq!(live.timeout(), Some(300));
}

/// Another package: an empty file called b.
fn other() -> Vec<u8> {
    let mut archive = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0b".to_vec();
    archive.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0");
    archive.extend([0; 16]);
    archive.extend(b"bPK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0");
    archive
}
