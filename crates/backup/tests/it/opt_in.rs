//! AWS Backup's service opt-in for Aurora: the account's, and so asked for, shown, and never turned off.

use backup::{Args, Tier, Vault};
use engine::Component;
use testing::World;

use crate::support::{tier, vaults, with_vault, world};

fn args(opt_in: bool) -> Args {
    Args { vault: Vault { opt_in, ..with_vault() }, ..Args::default() }
}

async fn has_aurora(world: &World) -> bool {
    let settings = vaults(world).describe_region_settings().send().await.unwrap();
    settings.resource_type_opt_in_preference().unwrap()["Aurora"]
}

async fn set_aurora(world: &World, is_on: bool) {
    let update = vaults(world).update_region_settings().resource_type_opt_in_preference("Aurora", is_on);
    update.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_turned_on_where_that_is_wanted_and_stays_on() {
    let (world, inputs) = world().await;
    let tier = tier(args(true));
    world.create(&tier, &inputs).await;
    assert!(has_aurora(&world).await);
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert!(has_aurora(&world).await, "others may count on it by now");
}

#[tokio::test(start_paused = true)]
async fn where_it_is_on_nothing_is_sent() {
    let (world, inputs) = world().await;
    set_aurora(&world, true).await;
    world.mutations();
    for opt_in in [false, true] {
        let tier = tier(args(opt_in));
        world.create(&tier, &inputs).await;
        world.assert_settled(&tier, &inputs).await;
    }
    let sent = world.mutations();
    assert!(!sent.iter().any(|call| call == "UpdateRegionSettings"), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn that_somebody_turned_it_off_is_seen_and_repaired_or_refused() {
    let (world, inputs) = world().await;
    world.create(&tier(args(true)), &inputs).await;
    set_aurora(&world, false).await;
    assert_eq!(world.drift::<Tier>().await, ["backup/selection: ServiceOptIn"]);
    let said = tier(args(false)).create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(said.contains("backup/selection failed") && said.contains("backup.vault.opt_in"), "{said}");
    assert!(!has_aurora(&world).await);
    let planned = world.plan(&tier(args(true)), &inputs).await;
    let change = &planned.step("backup/selection").unwrap().changes;
    assert!(change.iter().any(|change| change.path == "ServiceOptIn.Aurora"), "{change:?}");
    world.create(&tier(args(true)), &inputs).await;
    assert!(has_aurora(&world).await);
    world.assert_settled(&tier(args(true)), &inputs).await;
}
