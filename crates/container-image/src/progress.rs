//! What a push tells while it runs.

use crate::Digest;

/// Hears how a push goes on. All methods do nothing if they are not implemented; they are called between calls to AWS and must not
/// block.
pub trait Progress: Send + Sync {
    /// The repository lacks so many blobs, which have so many bytes in all. Called once, before the first is sent; not where the image
    /// is there already.
    fn begin(&self, blobs: usize, bytes: u64) {
        let _ = (blobs, bytes);
    }

    /// The repository has this configuration or layer.
    fn already_there(&self, digest: &Digest, size: u64) {
        let _ = (digest, size);
    }

    /// So many bytes of a configuration or layer have been sent. Begins again where its upload does.
    fn sent(&self, digest: &Digest, sent: u64, size: u64) {
        let _ = (digest, sent, size);
    }
}

/// Tells nobody.
impl Progress for () {}
