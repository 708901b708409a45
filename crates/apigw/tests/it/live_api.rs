//! The address that the API key is sent to comes from AWS, not from what was recorded.

use apigw::{Args, RestApiId, StageName, api_key_value, live_api};
use engine::{Address, ErrorClass};

use crate::support::{gateway, tier, world};

fn address() -> Address {
    Address::new("apigw/rest-api").unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_address_is_built_from_the_live_api_its_stage_and_the_region() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let id = &outputs.api_id;
    let live = live_api(&world.cx, &address(), id, &"dev".into()).await.unwrap();
    assert_eq!(live.host(), format!("{id}.execute-api.ap-southeast-1.amazonaws.com"));
    assert_eq!(format!("https://{}/{}", live.host(), live.stage()), outputs.api_gateway_url);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_edited_leads_nowhere() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let client = gateway(&world);
    let untagged = client.create_rest_api().name("payment-api-dev").send().await.unwrap().id.unwrap();
    let of_another = client.create_rest_api().name("payment-api-dev");
    let of_another = of_another.tags("stack:project", "payment").tags("stack:environment", "prod");
    let of_another = of_another.tags("stack:address", "apigw/rest-api").send().await.unwrap().id.unwrap();
    for other in [untagged, of_another] {
        let id = RestApiId::from(other.as_str());
        let error = live_api(&world.cx, &address(), &id, &"dev".into()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        assert!(
            error.to_string().contains("do not say that it is apigw/rest-api of project payment"),
            "{error}"
        );
    }
    for (id, stage) in [
        (RestApiId::from("evil.example.com/x"), StageName::from("dev")),
        (RestApiId::from(""), StageName::from("dev")),
        (outputs.api_id, StageName::from("dev@evil.example.com")),
    ] {
        live_api(&world.cx, &address(), &id, &stage).await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_key_that_is_not_ours_is_not_told() {
    let (world, _) = world().await;
    let client = gateway(&world);
    let other = client.create_api_key().name("payment-api-key-prod").enabled(true);
    let other = other.tags("stack:project", "payment").tags("stack:environment", "prod");
    let other = other.send().await.unwrap();
    let error = api_key_value(&world.cx, &other.id.unwrap().into()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Conflict);
    assert!(!error.to_string().contains(&other.value.unwrap()));
}
