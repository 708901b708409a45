//! Whatever somebody has done to an archive: an error or an image, and never a panic; and what is read is what was written.

use container_image::{ImageError, Platform};
use proptest::prelude::*;

use crate::made::{At, Made, bytes, gzip};

fn archives() -> Vec<Vec<u8>> {
    let layers = [bytes(1, 700), bytes(2, 1500)];
    let mut layout = Made::default();
    let image = layout.image("amd64", &layers);
    vec![layout.layout(&[image]).archive(), Made::saved("amd64", &layers).archive()]
}

/// Opens it and reads everything.
async fn read(at: &At) -> Result<Vec<Vec<u8>>, ImageError> {
    let image = at.open(&Platform::LINUX_AMD64).await?;
    let mut layers = Vec::new();
    for layer in image.layers() {
        layers.push(image.read(layer).await?.next(10_000).await?);
    }
    Ok(layers)
}

#[derive(Clone, Debug)]
enum Damage {
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Zeros(prop::sample::Index, usize),
    Twice(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), 1_usize..2000).prop_map(|(at, size)| Damage::Zeros(at, size)),
        1 => (at(), 1_usize..2000).prop_map(|(at, size)| Damage::Twice(at, size)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: Damage) {
    if bytes.is_empty() {
        return;
    }
    let size = bytes.len();
    match damage {
        Damage::Byte(at, byte) => bytes[at.index(size)] = byte,
        Damage::Cut(at) => bytes.truncate(at.index(size)),
        Damage::Zeros(at, length) => {
            let at = at.index(size);
            bytes[at..(at + length).min(size)].fill(0);
        }
        Damage::Twice(at, length) => {
            let at = at.index(size);
            let again = bytes[at..(at + length).min(size)].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_archive_is_an_error_or_the_same_layers(
        which in 0_usize..2,
        packed in any::<bool>(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut content = archives().swap_remove(which);
        if packed {
            content = gzip(&content);
        }
        for damage in damages {
            apply(&mut content, damage);
        }
        let at = At::file("app.tar", &content);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Ok(layers) = runtime.block_on(read(&at)) {
            // A byte that nothing depends on, such as a time in a header.
            prop_assert_eq!(layers, vec![bytes(1, 700), bytes(2, 1500)]);
        }
    }

    #[test]
    fn any_bytes_are_an_error(content in prop::collection::vec(any::<u8>(), 0..3000)) {
        let at = At::file("app.tar", &content);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert!(runtime.block_on(read(&at)).is_err());
    }
}
