//! Numbers that look random and follow from a seed.

/// A number from 0 to below `of`, for what `about` says.
pub(crate) fn draw(seed: u64, about: &str, of: u64) -> u64 {
    // FNV-1a over seed and text, and the finish of SplitMix64, which spreads neighbours.
    let bytes = seed.to_le_bytes().into_iter().chain(about.bytes());
    let mut hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (hash ^ (hash >> 31)) % of
}
