//! Kinds of key material, and what they can do (KMS Developer Guide, "Key spec reference").

use super::{Refusal, invalid, unsupported};

pub(super) const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
pub(super) const ENCRYPT_DECRYPT: &str = "ENCRYPT_DECRYPT";

/// The algorithms of a key; all but one list are empty.
#[derive(Default)]
pub(super) struct Algorithms {
    pub(super) encryption: &'static [&'static str],
    pub(super) signing: &'static [&'static str],
    pub(super) mac: &'static [&'static str],
    pub(super) agreement: &'static [&'static str],
}

/// What a key is used for where it is not said: only a symmetric encryption key has a default
/// (KMS API Reference, CreateKey, `KeyUsage`).
pub(super) fn usage(spec: &str, usage: Option<String>) -> Result<String, Refusal> {
    match usage {
        Some(usage) => Ok(usage),
        None if spec == SYMMETRIC => Ok(ENCRYPT_DECRYPT.to_owned()),
        None => Err(invalid(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        )),
    }
}

/// The algorithms of a key with this spec and usage.
pub(super) fn algorithms(spec: &str, usage: &str) -> Result<Algorithms, Refusal> {
    const RSA_SIGNING: &[&str] = &[
        "RSASSA_PKCS1_V1_5_SHA_256",
        "RSASSA_PKCS1_V1_5_SHA_384",
        "RSASSA_PKCS1_V1_5_SHA_512",
        "RSASSA_PSS_SHA_256",
        "RSASSA_PSS_SHA_384",
        "RSASSA_PSS_SHA_512",
    ];
    let encryption = |encryption| Algorithms { encryption, ..Algorithms::default() };
    let signing = |signing| Algorithms { signing, ..Algorithms::default() };
    let mac = |mac| Algorithms { mac, ..Algorithms::default() };
    Ok(match (spec, usage) {
        (SYMMETRIC, ENCRYPT_DECRYPT) => encryption(&[SYMMETRIC]),
        ("RSA_2048" | "RSA_3072" | "RSA_4096", ENCRYPT_DECRYPT) => {
            encryption(&["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
        }
        ("RSA_2048" | "RSA_3072" | "RSA_4096", "SIGN_VERIFY") => signing(RSA_SIGNING),
        ("ECC_NIST_P256" | "ECC_SECG_P256K1", "SIGN_VERIFY") => signing(&["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", "SIGN_VERIFY") => signing(&["ECDSA_SHA_384"]),
        ("ECC_NIST_P521", "SIGN_VERIFY") => signing(&["ECDSA_SHA_512"]),
        ("ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521", "KEY_AGREEMENT") => {
            Algorithms { agreement: &["ECDH"], ..Algorithms::default() }
        }
        ("HMAC_224", "GENERATE_VERIFY_MAC") => mac(&["HMAC_SHA_224"]),
        ("HMAC_256", "GENERATE_VERIFY_MAC") => mac(&["HMAC_SHA_256"]),
        ("HMAC_384", "GENERATE_VERIFY_MAC") => mac(&["HMAC_SHA_384"]),
        ("HMAC_512", "GENERATE_VERIFY_MAC") => mac(&["HMAC_SHA_512"]),
        _ if is_modelled(spec) => {
            return Err(invalid(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
        }
        _ => return Err(unsupported(format!("The emulator does not model the KeySpec {spec}."))),
    })
}

fn is_modelled(spec: &str) -> bool {
    spec == SYMMETRIC
        || ["RSA_", "ECC_NIST_P", "ECC_SECG_", "HMAC_"].iter().any(|kind| spec.starts_with(kind))
}
