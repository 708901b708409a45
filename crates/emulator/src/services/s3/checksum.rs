//! Checksums of objects.
//!
//! A client sends one at most, and it must be that of the body; where it sends none, S3 takes one by itself (S3 User Guide,
//! "Checking object integrity for data uploads in Amazon S3"). Listings name it (recorded from real AWS).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::problem::invalid_request;
use crate::protocol::response::Refusal;

/// Checksums as members of GetObject's answer. There is one, but in states of earlier versions of this program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Checksums {
    #[serde(rename = "ChecksumCRC32", default, skip_serializing_if = "Option::is_none")]
    pub(super) crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C", default, skip_serializing_if = "Option::is_none")]
    pub(super) crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME", default, skip_serializing_if = "Option::is_none")]
    pub(super) crc64: Option<String>,
    #[serde(rename = "ChecksumSHA1", default, skip_serializing_if = "Option::is_none")]
    pub(super) sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256", default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

impl Checksums {
    fn given(&self) -> Vec<(&'static str, &String)> {
        let all = [
            ("CRC32", &self.crc32),
            ("CRC32C", &self.crc32c),
            ("CRC64NVME", &self.crc64),
            ("SHA1", &self.sha1),
            ("SHA256", &self.sha256),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect()
    }

    /// The checksum that an object has, once what the client sent is checked.
    pub(super) fn of_body(self, algorithm: Option<&str>, body: &[u8]) -> Result<Checksums, Refusal> {
        let (name, value) = match self.given()[..] {
            [] if algorithm.is_some() => {
                return Err(invalid_request(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                     headers were found.",
                ));
            }
            [] => {
                let crc64 = Some(STANDARD.encode(digest("CRC64NVME", body)));
                return Ok(Checksums { crc64, ..Checksums::default() });
            }
            [one] => one,
            _ => {
                return Err(invalid_request(
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
                ));
            }
        };
        let invalid = |header: &str| Err(invalid_request(format!("Value for {header} header is invalid.")));
        if algorithm.is_some_and(|algorithm| algorithm != name) {
            return invalid("x-amz-sdk-checksum-algorithm");
        }
        let right = digest(name, body);
        match STANDARD.decode(value).ok().filter(|given| given.len() == right.len()) {
            None => invalid(&format!("x-amz-checksum-{}", name.to_ascii_lowercase())),
            Some(given) if given != right => {
                let message = format!("The {name} you specified did not match the calculated checksum.");
                Err(Refusal::new("BadDigest", message))
            }
            Some(_) => Ok(self),
        }
    }

    /// Adds them to an answer.
    pub(super) fn add_to(&self, answer: &mut Value) {
        let Value::Object(checksums) = json!(self) else {
            return;
        };
        if !checksums.is_empty() {
            answer["ChecksumType"] = "FULL_OBJECT".into();
        }
        checksums.into_iter().for_each(|(name, value)| answer[name] = value);
    }

    /// Adds to an entry of a listing which there are.
    pub(super) fn list_in(&self, entry: &mut Value) {
        let names: Vec<&str> = self.given().into_iter().map(|(name, _)| name).collect();
        if !names.is_empty() {
            entry["ChecksumAlgorithm"] = json!(names);
            entry["ChecksumType"] = "FULL_OBJECT".into();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given().is_empty()
    }
}

fn digest(name: &str, body: &[u8]) -> Vec<u8> {
    match name {
        "CRC32" => crc32(&CRC32, body),
        "CRC32C" => crc32(&CRC32C, body),
        "CRC64NVME" => crc(&CRC64NVME, u64::MAX, body).to_be_bytes().to_vec(),
        "SHA1" => Sha1::digest(body).to_vec(),
        _ => Sha256::digest(body).to_vec(),
    }
}

/// The tables of the three polynomials, lowest bit first.
static CRC32: [u64; 256] = table(0xedb8_8320);
static CRC32C: [u64; 256] = table(0x82f6_3b78);
static CRC64NVME: [u64; 256] = table(0x9a6c_9329_ac4b_c9b5);

const fn table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

fn crc(table: &[u64; 256], ones: u64, body: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum >> 8) ^ table[((sum ^ u64::from(*byte)) & 0xff) as usize];
    body.iter().fold(ones, step) ^ ones
}

fn crc32(table: &[u64; 256], body: &[u8]) -> Vec<u8> {
    crc(table, u64::from(u32::MAX), body).to_be_bytes()[4..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_catalogue() {
        let hex = |name: &str| -> String {
            digest(name, b"123456789").iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(hex("CRC32"), "cbf43926");
        assert_eq!(hex("CRC32C"), "e3069283");
        assert_eq!(hex("CRC64NVME"), "ae8b14860a799888");
        assert_eq!(hex("SHA1"), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert!(hex("SHA256").starts_with("15e2b0d3c33891eb"));
    }
}
