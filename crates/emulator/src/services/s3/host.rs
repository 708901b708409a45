//! Buckets in host names, as S3's clients address them unless they are told otherwise.

/// The bucket that a host name carries, if it carries one.
///
/// It is `BUCKET.s3.REGION.amazonaws.com`, with the other forms of AWS's end points, or `BUCKET.localhost`.
pub(crate) fn in_host(host: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if let Some(bucket) = name.strip_suffix(".localhost") {
        return Some(bucket.to_owned());
    }
    const ENDPOINTS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    let service = ENDPOINTS.iter().find_map(|suffix| name.strip_suffix(suffix))?;
    let (bucket, _) = match service.strip_suffix(".s3") {
        Some(bucket) => (bucket, ""),
        None => service.rsplit_once(".s3.").or_else(|| service.rsplit_once(".s3-"))?,
    };
    Some(bucket.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_a_bucket_are_told_apart() {
        let bucket = |host| in_host(host);
        for host in [
            "a.b.s3.eu-west-1.amazonaws.com",
            "a.b.s3.amazonaws.com:443",
            "a.b.s3.dualstack.eu-west-1.amazonaws.com",
            "a.b.s3-accelerate.amazonaws.com",
            "a.b.s3.cn-north-1.amazonaws.com.cn",
            "a.b.localhost:4566",
        ] {
            assert_eq!(bucket(host).as_deref(), Some("a.b"), "{host}");
        }
        for host in
            ["s3.eu-west-1.amazonaws.com", "s3.amazonaws.com", "localhost:4566", "127.0.0.1:4566", "[::1]:1"]
        {
            assert_eq!(bucket(host), None, "{host}");
        }
        assert_eq!(bucket("my.s3.logs.s3.eu-west-1.amazonaws.com").as_deref(), Some("my.s3.logs"));
    }
}
