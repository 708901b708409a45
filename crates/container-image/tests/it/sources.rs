//! What an image is, in each form.

use container_image::{Digest, Image, ImageError, Platform, Source};
use serde_json::{Value, json};

use crate::made::{At, CONFIG, INDEX, LAYER, MANIFEST, Made, bytes, config, gzip};

const AMD64: Platform = Platform::LINUX_AMD64;
const ARM64: Platform = Platform::LINUX_ARM64;

fn layers() -> Vec<Vec<u8>> {
    vec![bytes(1, 3000), bytes(2, 5000)]
}

/// A layout of one image.
fn layout() -> Made {
    let mut made = Made::default();
    let image = made.image("amd64", &layers());
    made.layout(&[image])
}

/// As BuildKit makes it: an index of two platforms, and a statement for each.
fn two_platforms() -> Made {
    let mut made = Made::default();
    let mut children = Vec::new();
    for (architecture, seed) in [("amd64", 1), ("arm64", 2)] {
        let mut image = made.image(architecture, &[bytes(seed, 3000)]);
        image["platform"] = json!({"os": "linux", "architecture": architecture});
        children.push(image);
        let mut statement = made.image(architecture, &[bytes(seed + 10, 100)]);
        statement["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        statement["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        children.push(statement);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    let index = made.blob(INDEX, index.to_string().into_bytes());
    made.layout(&[index])
}

/// The content of all layers.
async fn content(image: &Image) -> Vec<Vec<u8>> {
    let mut layers = Vec::new();
    for layer in image.layers() {
        let mut reader = image.read(layer).await.unwrap();
        let mut content = Vec::new();
        loop {
            let piece = reader.next(1000).await.unwrap();
            if piece.is_empty() {
                break;
            }
            content.extend(piece);
        }
        layers.push(content);
    }
    layers
}

#[tokio::test]
async fn a_layout_is_the_same_image_in_a_directory_an_archive_and_a_compressed_one() {
    let made = layout();
    let index: Value = serde_json::from_slice(&made.files["index.json"]).unwrap();
    let manifest = &index["manifests"][0];
    for at in [made.directory(), made.tar(), made.tar_gz()] {
        let image = at.open(&AMD64).await.unwrap();
        assert_eq!(image.digest().as_str(), manifest["digest"], "{}", at.path().display());
        assert_eq!(image.manifest().len() as u64, manifest["size"].as_u64().unwrap());
        assert_eq!(image.media_type(), MANIFEST);
        assert_eq!(image.platform().to_string(), "linux/amd64");
        assert_eq!(image.created(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(image.config().digest, Digest::of(&config("amd64", &layers())));
        assert_eq!(content(&image).await, layers());
        assert_eq!(image.size(), 8000 + image.config().size);
    }
}

#[tokio::test]
async fn an_index_is_narrowed_to_the_platform_and_statements_are_passed_over() {
    let at = two_platforms().tar();
    let (amd64, arm64) = (at.open(&AMD64).await.unwrap(), at.open(&ARM64).await.unwrap());
    assert_ne!(amd64.digest(), arm64.digest());
    assert_eq!(content(&amd64).await, [bytes(1, 3000)]);
    assert_eq!(content(&arm64).await, [bytes(2, 3000)]);
}

#[tokio::test]
async fn what_is_for_another_platform_need_not_be_there() {
    let mut made = two_platforms();
    let name = format!("blobs/sha256/{}", Digest::of(&bytes(1, 3000)).hex());
    made.files.remove(&name).unwrap();
    let at = made.tar();
    at.open(&ARM64).await.unwrap();
    let digest = Digest::of(&bytes(1, 3000));
    assert_eq!(at.error(&AMD64).await, format!("PLACE lacks the layer {digest}"));
}

#[tokio::test]
async fn an_image_for_another_platform_is_refused_and_the_error_names_those_that_are_there() {
    let one = "PLACE has no image for linux/arm64; it has linux/amd64";
    for made in [layout(), Made::saved("amd64", &layers())] {
        assert_eq!(made.tar().error(&ARM64).await, one);
    }
    let error = two_platforms().tar().open(&"linux/riscv64".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().ends_with("has no image for linux/riscv64; it has linux/amd64, linux/arm64"));
    assert!(error.hint().unwrap().contains("--platform linux/riscv64"));
    // What the index says does not count where the configuration says something else.
    let mut made = Made::default();
    let mut image = made.image("arm64", &layers());
    image["platform"] = json!({"os": "linux", "architecture": "amd64"});
    let error = made.layout(&[image]).tar().error(&AMD64).await;
    assert_eq!(error, "PLACE has no image for linux/amd64; it has linux/arm64");
}

#[tokio::test]
async fn what_docker_save_wrote_before_it_wrote_layouts_is_always_the_same_image() {
    let made = Made::saved("amd64", &layers());
    let at = made.tar();
    let image = at.open(&AMD64).await.unwrap();
    assert_eq!(content(&image).await, layers());
    assert_eq!(image.layers()[0].media_type, LAYER);
    assert_eq!(image.layers()[0].digest, Digest::of(&layers()[0]));
    assert_eq!(image.digest(), &Digest::of(image.manifest().as_bytes()));
    // A change of this digest would make other images of the archives that people have pushed.
    let expected = "sha256:5c1e1cbd5b68ad91844532fde57a58e20e7813a3f27f86f3a4d4225b43d1c3c5";
    assert_eq!(image.digest().as_str(), expected);
    assert_eq!(made.tar_gz().open(&AMD64).await.unwrap().digest().as_str(), expected);
}

#[tokio::test]
async fn layers_of_an_archive_can_be_links_and_can_be_compressed() {
    let mut made = Made::saved("amd64", &layers());
    let [first, second] = [0, 1].map(|number| Digest::of(&layers()[number]).hex().to_owned());
    let moved = made.files.remove(&format!("{second}/layer.tar")).unwrap();
    made.files.insert("shared/layer.tar".to_owned(), moved);
    made.links.push((format!("{second}/layer.tar"), "../shared/layer.tar".to_owned()));
    let image = made.tar().open(&AMD64).await.unwrap();
    assert_eq!(image.digest(), Made::saved("amd64", &layers()).tar().open(&AMD64).await.unwrap().digest());

    let compressed = gzip(&layers()[0]);
    made.files.insert(format!("{first}/layer.tar"), compressed.clone());
    let at = made.tar();
    let image = at.open(&AMD64).await.unwrap();
    assert_eq!(image.layers()[0].media_type, format!("{LAYER}+gzip"));
    assert_eq!(image.layers()[0].digest, Digest::of(&compressed));
    assert_eq!(content(&image).await, [compressed, layers()[1].clone()]);
}

#[tokio::test]
async fn what_docker_save_writes_now_is_both_and_is_read_as_a_layout() {
    let mut made = layout();
    made.add_saved("app:1", "amd64", &layers());
    let image = made.tar().open(&AMD64).await.unwrap();
    assert_eq!(image.digest(), layout().tar().open(&AMD64).await.unwrap().digest());
}

#[tokio::test]
async fn several_images_are_refused_by_name() {
    let mut saved = Made::saved("amd64", &layers());
    saved.add_saved("other:2", "amd64", &layers()[..1]);
    assert_eq!(saved.tar().error(&AMD64).await, "PLACE has 2 images for linux/amd64: app:1, other:2");
    let mut made = Made::default();
    let mut one = made.image("amd64", &layers());
    one["annotations"] = json!({"org.opencontainers.image.ref.name": "1"});
    let other = made.image("amd64", &layers()[..1]);
    let digest = other["digest"].as_str().unwrap().to_owned();
    let error = made.layout(&[one, other]).tar().error(&AMD64).await;
    assert_eq!(error, format!("PLACE has 2 images for linux/amd64: 1, {digest}"));
    // The same image under two names is one.
    let mut made = Made::default();
    let image = made.image("amd64", &layers());
    made.layout(&[image.clone(), image]).tar().open(&AMD64).await.unwrap();
}

type Change = fn(&mut Made, &mut Vec<Value>);

/// A layout whose manifest is changed before it is written.
fn changed(change: Change) -> Made {
    let mut made = Made::default();
    let config = made.blob(CONFIG, config("amd64", &layers()));
    let mut parts = vec![config];
    parts.extend(layers().into_iter().map(|layer| made.blob(LAYER, layer)));
    change(&mut made, &mut parts);
    let image = made.manifest(&parts[0], &parts[1..]);
    made.layout(&[image])
}

#[tokio::test]
async fn what_neither_ecr_nor_fargate_takes_is_refused_with_the_reason() {
    let rows: [(Change, &str); 8] = [
        (
            |_, parts| {
                parts[1]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
            },
            "it must be fetched from somewhere else",
        ),
        (
            |_, parts| {
                parts[1]["mediaType"] = json!("application/vnd.oci.image.layer.nondistributable.v1.tar")
            },
            "it must be fetched from somewhere else",
        ),
        (|_, parts| parts[1]["mediaType"] = json!(format!("{LAYER}+gzip+encrypted")), "it is encrypted"),
        (|_, parts| parts[1]["mediaType"] = json!("text/plain"), "Fargate does not know this media type"),
        (|_, parts| parts[1]["size"] = json!(0), "ECR takes no empty layer"),
        (
            |_, parts| parts[1]["size"] = json!(u64::MAX),
            "18446744073709551615 bytes; the limit is 54525952000",
        ),
        (|_, parts| parts[0]["size"] = json!(5 << 20), "5242880 bytes; the limit is 4194304"),
        (
            |_, parts| parts[0]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json"),
            "it has only something of type `application/vnd.cncf.helm.config.v1+json`",
        ),
    ];
    for (change, wanted) in rows {
        let error = changed(change).tar().error(&AMD64).await;
        assert!(error.contains(wanted), "{error}");
    }
    changed(|_, parts| parts[1]["mediaType"] = json!(format!("{LAYER}+zstd")))
        .tar()
        .open(&AMD64)
        .await
        .unwrap();
    let mut made = Made::default();
    let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let manifest = made.blob(old, br#"{"schemaVersion":1}"#.to_vec());
    let error = made.layout(&[manifest]).tar().error(&AMD64).await;
    assert!(error.contains("Docker's schema 1"), "{error}");
}

#[tokio::test]
async fn each_fault_of_a_layout_has_its_own_error_before_anything_is_sent() {
    let missing = Digest::of(b"missing");
    let rows: [(Change, String); 4] = [
        (
            |_, parts| parts[1]["digest"] = json!(Digest::of(b"missing")),
            format!("PLACE lacks the layer {missing}"),
        ),
        (
            |_, parts| parts[0]["digest"] = json!(Digest::of(b"missing")),
            format!("PLACE lacks the configuration {missing}"),
        ),
        (
            |_, parts| parts[1]["size"] = json!(3001),
            format!("{} in PLACE has 3000 bytes; the image says 3001", Digest::of(&layers()[0])),
        ),
        (
            |_, parts| parts[1]["digest"] = json!("sha256:../../../etc/passwd"),
            "PLACE is damaged: a manifest cannot be read: `sha256:../../../etc/passwd` is not a digest"
                .to_owned(),
        ),
    ];
    for (change, wanted) in rows {
        let made = changed(change);
        for at in [made.tar(), made.directory()] {
            let error = at.error(&AMD64).await;
            assert!(error.starts_with(&wanted), "{error}");
        }
    }
}

#[tokio::test]
async fn a_layer_that_is_another_one_is_found_while_it_is_read() {
    let mut made = layout();
    let digest = Digest::of(&layers()[1]);
    made.files.get_mut(&format!("blobs/sha256/{}", digest.hex())).unwrap()[4999] ^= 1;
    let at = made.tar();
    let image = at.open(&AMD64).await.unwrap();
    let mut reader = image.read(&image.layers()[1]).await.unwrap();
    reader.next(4000).await.unwrap();
    let error = reader.next(4000).await.unwrap_err();
    assert!(matches!(&error, ImageError::WrongDigest { digest: of, .. } if *of == digest), "{error}");
}

#[tokio::test]
async fn an_archive_that_is_cut_off_says_so_wherever_it_is_cut() {
    for made in [layout(), Made::saved("amd64", &layers())] {
        let whole = made.archive();
        let end = whole.iter().rposition(|byte| *byte != 0).unwrap();
        for length in (600..end).step_by(97) {
            let error = At::file("app.tar", &whole[..length]).open(&AMD64).await.unwrap_err();
            assert!(matches!(error, ImageError::CutOff { .. }), "{length} of {end}: {error}");
        }
        let packed = made.tar_gz();
        let packed = std::fs::read(packed.path()).unwrap();
        for length in (100..packed.len()).step_by(301) {
            let error = At::file("app.tar.gz", &packed[..length]).open(&AMD64).await.unwrap_err();
            assert!(matches!(error, ImageError::CutOff { .. }), "{length}: {error}");
        }
    }
}

#[tokio::test]
async fn a_path_that_leaves_an_archive_is_refused() {
    let mut saved = Made::saved("amd64", &layers());
    let manifest = String::from_utf8(saved.files["manifest.json"].clone()).unwrap();
    let name = format!("{}/layer.tar", Digest::of(&layers()[0]).hex());
    let evil = manifest.replace(&name, "../../etc/passwd");
    saved.files.insert("manifest.json".to_owned(), evil.into_bytes());
    let wanted = "PLACE contains the path `../../etc/passwd`, which leads out of it";
    assert_eq!(saved.tar().error(&AMD64).await, wanted);

    let mut linked = Made::saved("amd64", &layers());
    linked.links.push(("x/layer.tar".to_owned(), "/etc/passwd".to_owned()));
    let wanted = "PLACE contains the path `x/layer.tar`, which leads out of it";
    assert_eq!(linked.tar().error(&AMD64).await, wanted);

    let mut turning = Made::saved("amd64", &layers());
    turning.files.remove(&name);
    turning.links.push((name.clone(), "layer.tar".to_owned()));
    assert!(turning.tar().error(&AMD64).await.contains("links that lead to each other"));
}

#[tokio::test]
async fn what_is_no_image_says_why() {
    let file = |bytes: &[u8]| At::file("app.tar", bytes);
    let empty = Made::default();
    for (at, wanted) in [
        (file(b""), "PLACE is not an image: it is too short for an archive of tar"),
        (file(&[b'x'; 2000]), "PLACE is not an image: it is not an archive of tar"),
        (file(b"(\xb5/\xfd and more"), "PLACE is not an image: it is compressed with zstd"),
        (
            empty.tar(),
            "PLACE is not an image: it is an archive with neither `oci-layout` nor `manifest.json`",
        ),
        (empty.directory(), "PLACE is not an image: it is a directory without `oci-layout`"),
    ] {
        let error = at.error(&AMD64).await;
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn a_path_that_does_not_exist_is_not_looked_for_in_a_registry() {
    for text in ["./app", "../app", "/nowhere/app", "app.tar", "dir/app.tar.gz", "app.tgz"] {
        let error = Source::parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("`{text}` does not exist"));
    }
}
