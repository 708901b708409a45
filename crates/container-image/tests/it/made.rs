//! Images in all the forms in which people have them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use container_image::{Digest, Image, ImageError, Platform, Source};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Bytes that are the same in every run, and do not repeat.
pub(crate) fn bytes(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn config(architecture: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": {"Cmd": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    config.to_string().into_bytes()
}

/// The files of an image, in a directory or an archive.
#[derive(Clone, Default)]
pub(crate) struct Made {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Links of the archive: the file, and where it leads.
    pub(crate) links: Vec<(String, String)>,
}

impl Made {
    /// Adds a blob of a layout, and describes it.
    pub(crate) fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = Digest::of(&bytes);
        let described = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.files.insert(format!("blobs/sha256/{}", digest.hex()), bytes);
        described
    }

    /// Adds an image, and describes its manifest.
    pub(crate) fn image(&mut self, architecture: &str, layers: &[Vec<u8>]) -> Value {
        let config = self.blob(CONFIG, config(architecture, layers));
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(LAYER, layer.clone())).collect();
        self.manifest(&config, &layers)
    }

    pub(crate) fn manifest(&mut self, config: &Value, layers: &[Value]) -> Value {
        // The order and the spaces are not those that this program would write.
        let text = format!(
            "{{\n  \"layers\": {}, \"config\": {config},\n  \"mediaType\": \"{MANIFEST}\", \"schemaVersion\": 2\n}}\n",
            json!(layers)
        );
        self.blob(MANIFEST, text.into_bytes())
    }

    /// A layout, whose index has these.
    pub(crate) fn layout(mut self, manifests: &[Value]) -> Self {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.files.insert("index.json".to_owned(), index.to_string().into_bytes());
        self.files.insert("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        self
    }

    /// An archive as old versions of `docker save` wrote it.
    pub(crate) fn saved(architecture: &str, layers: &[Vec<u8>]) -> Self {
        let mut made = Made::default();
        made.add_saved("app:1", architecture, layers);
        made
    }

    /// Adds an image to such an archive.
    pub(crate) fn add_saved(&mut self, tag: &str, architecture: &str, layers: &[Vec<u8>]) {
        let mut names = Vec::new();
        for layer in layers {
            let name = format!("{}/layer.tar", Digest::of(layer).hex());
            self.files.insert(name.clone(), layer.clone());
            names.push(name);
        }
        let config = config(architecture, layers);
        let name = format!("{}.json", Digest::of(&config).hex());
        self.files.insert(name.clone(), config);
        let mut all: Vec<Value> =
            self.files.get("manifest.json").map_or(Vec::new(), |old| serde_json::from_slice(old).unwrap());
        all.push(json!({"Config": name, "RepoTags": [tag], "Layers": names}));
        self.files.insert("manifest.json".to_owned(), json!(all).to_string().into_bytes());
    }

    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        for (name, target) in &self.links {
            let mut header = tar::Header::new_ustar();
            header.set_size(0);
            header.set_entry_type(tar::EntryType::Symlink);
            builder.append_link(&mut header, name, target).unwrap();
        }
        builder.into_inner().unwrap()
    }

    pub(crate) fn directory(&self) -> At {
        let place = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.files {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        At { path: place.path().to_owned(), _place: place }
    }

    pub(crate) fn tar(&self) -> At {
        At::file("app.tar", &self.archive())
    }

    pub(crate) fn tar_gz(&self) -> At {
        At::file("app.tar.gz", &gzip(&self.archive()))
    }
}

/// Where it is, as long as this is.
pub(crate) struct At {
    path: PathBuf,
    _place: TempDir,
}

impl At {
    pub(crate) fn file(name: &str, bytes: &[u8]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        At { path, _place: place }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn open(&self, platform: &Platform) -> Result<Image, ImageError> {
        Source::parse(self.path.to_str().unwrap())?.open(platform).await
    }

    /// What is wrong with it, without the path.
    pub(crate) async fn error(&self, platform: &Platform) -> String {
        let error = self.open(platform).await.map(|image| image.digest().to_string()).unwrap_err();
        error.to_string().replace(self.path.to_str().unwrap(), "PLACE")
    }
}
