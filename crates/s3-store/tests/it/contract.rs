//! It keeps the contract of a store.

use std::sync::Arc;

use emulator::Emulator;
use engine::Store;

use crate::place::Place;

#[tokio::test]
async fn it_keeps_the_contract() {
    let place = Place::new(Emulator::in_memory()).await;
    testing::store::contract(|| {
        let place = place.elsewhere();
        move || place.open() as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_bucket_as_it_must_be_is_fit() {
    let place = Place::new(Emulator::in_memory()).await;
    place.open().check().await.unwrap();
    place.open().probe().await.unwrap();
    assert_eq!(place.open().environments().await.unwrap(), Vec::<String>::new());
}
