//! What differs between regions.

/// A region's name, the hosted zone of its application load balancers (AWS General Reference, "Elastic Load Balancing
/// endpoints and quotas"), and the account from which they write logs where there is one (User Guide for Application
/// Load Balancers, "Enable access logs", "Regions available before August 2022").
const REGIONS: [(&str, &str, Option<&str>); 29] = [
    ("af-south-1", "Z268VQBMOI5EKX", Some("098369216593")),
    ("ap-east-1", "Z3DQVH9N71FHZ0", Some("754344448648")),
    ("ap-northeast-1", "Z14GRHDCWA56QT", Some("582318560864")),
    ("ap-northeast-2", "ZWKZPGTI48KDX", Some("600734575887")),
    ("ap-northeast-3", "Z5LXEXXYW11ES", Some("383597477331")),
    ("ap-south-1", "ZP97RAFLXTNZK", Some("718504428378")),
    ("ap-south-2", "Z0173938T07WNTVAEPZN", None),
    ("ap-southeast-1", "Z1LMS91P8CMLE5", Some("114774131450")),
    ("ap-southeast-2", "Z1GM3OXH4ZPM65", Some("783225319266")),
    ("ap-southeast-3", "Z08888821HLRG5A9ZRTER", Some("589379963580")),
    ("ap-southeast-4", "Z09517862IB2WZLPXG76F", None),
    ("ca-central-1", "ZQSVJUPU6J1EY", Some("985666609251")),
    ("ca-west-1", "Z06473681N0SF6OS049SD", None),
    ("eu-central-1", "Z215JYRZR1TBD5", Some("054676820928")),
    ("eu-central-2", "Z06391101F2ZOEP8P5EB3", None),
    ("eu-north-1", "Z23TAZ6LKFMNIO", Some("897822967062")),
    ("eu-south-1", "Z3ULH7SSC9OV64", Some("635631232127")),
    ("eu-south-2", "Z0956581394HF5D5LXGAP", None),
    ("eu-west-1", "Z32O12XQLNTSW2", Some("156460612806")),
    ("eu-west-2", "ZHURV8PSTC4K8", Some("652711504416")),
    ("eu-west-3", "Z3Q77PNBQS71R4", Some("009996457667")),
    ("il-central-1", "Z09170902867EHPV2DABU", None),
    ("me-central-1", "Z08230872XQRWHG2XF6I", None),
    ("me-south-1", "ZS929ML54UICD", Some("076674570225")),
    ("sa-east-1", "Z2P70J7HTTTPLU", Some("507241528517")),
    ("us-east-1", "Z35SXDOTRQ7X7K", Some("127311923021")),
    ("us-east-2", "Z3AADJGX6KTTL2", Some("033677994240")),
    ("us-west-1", "Z368ELLRRE2KJ0", Some("027434742980")),
    ("us-west-2", "Z1H1FL5HABSF5", Some("797873946194")),
];

/// The hosted zone of a region's load balancers; a made-up one where AWS's is not known here.
pub(super) fn hosted_zone(region: &str) -> &'static str {
    entry(region).map_or("Z00000000000000000000", |(_, zone, _)| zone)
}

/// The account from which load balancers write logs.
pub(super) fn log_account(region: &str) -> Option<&'static str> {
    entry(region).and_then(|(_, _, account)| *account)
}

fn entry(region: &str) -> Option<&'static (&'static str, &'static str, Option<&'static str>)> {
    REGIONS.iter().find(|(name, _, _)| *name == region)
}
