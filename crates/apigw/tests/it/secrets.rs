//! The value of the API key: told to who asks for it, and kept nowhere.

use apigw::{Args, api_key_value};
use engine::{Component, ErrorClass};

use crate::support::{gateway, tier, world};

#[tokio::test(start_paused = true)]
async fn the_value_is_told_to_who_asks_for_it() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let value = api_key_value(&world.cx, &outputs.api_key_id).await.unwrap();
    let live = gateway(&world).get_api_key().api_key(outputs.api_key_id.as_str()).include_value(true);
    assert_eq!(Some(value.expose()), live.send().await.unwrap().value());
    assert!(value.expose().len() >= 20);
    assert_eq!(format!("{value:?}"), "ApiKeyValue(hidden)");
    let error = api_key_value(&world.cx, &"none".into()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotFound);
}

#[tokio::test(start_paused = true)]
async fn it_is_neither_kept_nor_asked_for_otherwise() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    tier.read(&world.engine, &inputs).await.unwrap();
    // As somebody asks for a value: what is counted here is seen.
    let asked = || {
        let calls = world.emulator.calls().into_iter();
        let values = |parameters: &str| parameters.contains("includeValue") && parameters.contains("true");
        calls.filter(|call| values(&format!("{:?}", call.parameters))).count()
    };
    assert_eq!(asked(), 0);
    let value = api_key_value(&world.cx, &outputs.api_key_id).await.unwrap();
    assert_eq!(asked(), 1);
    let state = serde_json::to_string(&world.engine.state().await.unwrap()).unwrap();
    assert!(state.contains(outputs.api_key_id.as_str()));
    assert!(!state.contains(value.expose()));
    let plan = format!("{:?}", world.plan(&tier, &inputs).await);
    assert!(!plan.contains(value.expose()));
}
