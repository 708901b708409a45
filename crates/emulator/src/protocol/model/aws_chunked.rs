//! Bodies in chunks with signatures (`aws-chunked`), in which S3's clients send objects.

/// A body put together, and the headers that came after it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Decoded {
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
}

/// Puts a body together. Signatures and checksums are not checked.
pub(super) fn decode(mut rest: &[u8]) -> Result<Decoded, String> {
    let mut out = Decoded::default();
    loop {
        let (line, after) = line(rest)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("{size} is no size of a chunk"))?;
        rest = after;
        if size == 0 {
            out.trailers = trailers(rest)?;
            return Ok(out);
        }
        let chunk = rest.get(..size).ok_or("a chunk is cut off")?;
        out.body.extend_from_slice(chunk);
        rest = rest[size..].strip_prefix(b"\r\n").ok_or("a chunk is longer than its size")?;
    }
}

fn trailers(mut rest: &[u8]) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (line, after) = line(rest)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or("a trailer has no colon")?;
        out.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = after;
    }
    Ok(out)
}

fn line(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").ok_or("the last chunk is missing")?;
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| "the head of a chunk is not UTF-8")?;
    Ok((text, &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_trailers_kept() {
        let wire =
            b"3;chunk-signature=ab\r\na\r\n\r\nB\r\n0123456789a\r\n0\r\nx-amz-checksum-crc32:AAA=\r\n\r\n";
        let decoded = decode(wire).expect("it is well formed");
        assert_eq!(decoded.body, b"a\r\n0123456789a");
        assert_eq!(decoded.trailers, [("x-amz-checksum-crc32".to_owned(), "AAA=".to_owned())]);
        assert_eq!(decode(b"0\r\n\r\n"), Ok(Decoded::default()));
        assert_eq!(decode(b"0;chunk-signature=x\r\n"), Ok(Decoded::default()));
    }

    #[test]
    fn broken_chunks_are_refused() {
        for wire in ["", "5\r\nab\r\n", "1\r\nab\r\n0\r\n\r\n", "x\r\n", "1\r\na\r\n"] {
            assert!(decode(wire.as_bytes()).is_err(), "{wire:?}");
        }
    }
}
