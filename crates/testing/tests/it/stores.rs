//! The stores of the engine keep the contract, and one that breaks it is caught.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Content, File, LocalStore, MemoryStore, Store, StoreError, Version};

#[tokio::test]
async fn a_store_in_memory() {
    testing::store::contract(|| {
        let place = MemoryStore::new();
        move || Arc::new(place.clone()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_store_in_a_directory() {
    testing::store::contract(|| {
        let directory = tempfile::tempdir().unwrap();
        move || Arc::new(LocalStore::new(directory.path().join("dev"))) as Arc<dyn Store>
    })
    .await;
}

/// Replaces and removes whatever is there.
struct Careless(MemoryStore, Flaw);

#[derive(Clone, Copy)]
enum Flaw {
    Replaces,
    Removes,
    Creates,
}

impl Careless {
    async fn current(&self, file: File) -> Option<Version> {
        self.0.read(file).await.expect("memory can be read").map(|content| content.version)
    }
}

#[async_trait]
impl Store for Careless {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.0.read(file).await
    }

    async fn replace(&self, file: File, was: Option<&Version>, to: Vec<u8>) -> Result<Version, StoreError> {
        let current = self.current(file).await;
        match (self.1, was) {
            (Flaw::Replaces, Some(_)) if current.is_some() => {
                self.0.replace(file, current.as_ref(), to).await
            }
            (Flaw::Creates, None) => self.0.replace(file, current.as_ref(), to).await,
            _ => self.0.replace(file, was, to).await,
        }
    }

    async fn append(&self, file: File, was: &Version, more: Vec<u8>) -> Result<Version, StoreError> {
        self.0.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &Version) -> Result<(), StoreError> {
        match (self.1, self.current(file).await) {
            (Flaw::Removes, Some(current)) => self.0.remove(file, &current).await,
            _ => self.0.remove(file, was).await,
        }
    }
}

#[tokio::test]
async fn a_store_that_does_not_compare_is_caught() {
    for flaw in [Flaw::Replaces, Flaw::Removes, Flaw::Creates] {
        let tried = tokio::spawn(testing::store::contract(move || {
            let place = MemoryStore::new();
            move || Arc::new(Careless(place.clone(), flaw)) as Arc<dyn Store>
        }));
        let message = tried.await.unwrap_err().into_panic();
        let message = message.downcast::<String>().unwrap();
        assert!(message.contains(" of State: Ok("), "{message}");
    }
}
