//! What real AWS answered about Secrets Manager, KMS and ECR, row by row.
//!
//! An entry has a name, the answer and the call. Names begin with the row of the recordings, or with `K` and its number for what
//! is of the same kind and known from documentation and public reports.

use aws_sdk_ecr::types::{EncryptionConfiguration, EncryptionType, Tag as EcrTag};
use aws_sdk_kms::types::{KeySpec, Tag as KeyTag};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, config};
use crate::wire::Wire;

/// A client of Secrets Manager, and what it was answered last.
fn secrets(emulator: &Emulator) -> (aws_sdk_secretsmanager::Client, Wire) {
    let wire = Wire::default();
    let config = aws_sdk_secretsmanager::config::Builder::from(&config(emulator, REGION));
    (aws_sdk_secretsmanager::Client::from_conf(config.interceptor(wire.clone()).build()), wire)
}

#[tokio::test(start_paused = true)]
async fn secrets_as_they_are_shown() {
    let (secrets, wire) = secrets(&Emulator::in_memory());
    let tag = |key: &str| Tag::builder().key(key).value("x").build();
    let create = |name: &str| secrets.create_secret().name(name);
    create("plain").description("").send().await.unwrap();
    create("tagged").description("d").tags(tag("a")).tags(tag("b")).send().await.unwrap();
    // What is not there and what is empty look alike to the client, so the answer itself is looked at.
    let has = async |name: &str, member: &str| {
        let shown = wire.said(secrets.describe_secret().secret_id(name).send().await);
        format!("{shown} {}", wire.json(member))
    };
    let untag =
        async |key: &str| wire.said(secrets.untag_resource().secret_id("tagged").tag_keys(key).send().await);
    let described = async |text: &str| {
        wire.said(secrets.update_secret().secret_id("tagged").description(text).send().await)
    };
    check([
        ("K25 a secret without tags", "ok 200 null", has("plain", "Tags").await),
        ("B25 an empty description", "ok 200 null", has("plain", "Description").await),
        ("K25 a description", "ok 200 \"d\"", has("tagged", "Description").await),
        ("K25 a tag that is not there", "ok 200", untag("c").await),
        ("K25 one tag of two", "ok 200", untag("a").await),
        ("K25 leaves the other", r#"ok 200 [{"Key":"b","Value":"x"}]"#, has("tagged", "Tags").await),
        ("B25 the last tag", "ok 200", untag("b").await),
        ("B25 leaves none", "ok 200 []", has("tagged", "Tags").await),
        ("K25 an empty description again", "ok 200", described("").await),
        ("K25 is not shown", "ok 200 null", has("tagged", "Description").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn secrets_that_are_not_there() {
    let (secrets, wire) = secrets(&Emulator::in_memory());
    let delete = |id: &str| secrets.delete_secret().secret_id(id);
    let gone = delete("app/none").force_delete_without_recovery(true).send().await.unwrap();
    let arn = gone.arn().unwrap_or_default().to_owned();
    let again = delete(&arn).force_delete_without_recovery(true).send().await.unwrap();
    let again = format!("{} {}", again.name().unwrap_or_default(), again.arn() == Some(&arn));
    let bad = "ValidationException 400";
    check([
        (
            "B25 deleting nothing by force has an ARN",
            "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:app/none-",
            arn[..arn.len().saturating_sub(6)].to_owned(),
        ),
        ("K25 and a name", "Some(\"app/none\")", format!("{:?}", gone.name())),
        ("K25 by that ARN", "app/none true", again),
        ("K25 deleting nothing", "ResourceNotFoundException 400", wire.said(delete("none").send().await)),
        (
            "K25 reading a name that is none",
            bad,
            wire.said(secrets.get_secret_value().secret_id("a b").send().await),
        ),
        ("K25 describing it", bad, wire.said(secrets.describe_secret().secret_id(" a*b? ").send().await)),
        (
            "K25 tagging it",
            bad,
            wire.said(secrets.untag_resource().secret_id("a b").tag_keys("a").send().await),
        ),
        (
            "K25 making it",
            bad,
            wire.said(secrets.create_secret().name("a*b").secret_string("v").send().await),
        ),
        (
            "K25 a name with an exclamation mark",
            "ok 200",
            wire.said(secrets.create_secret().name("a!b").secret_string("v").send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_found_by_words() {
    let (secrets, _) = secrets(&Emulator::in_memory());
    for (name, description) in [
        ("first/one", "a secret"),
        ("/second/two", "An secret"),
        ("third/three", "asecret"),
        ("/fourth/four", "thesecret"),
    ] {
        secrets.create_secret().name(name).description(description).send().await.unwrap();
    }
    let tag = Tag::builder().key("Team").value("pay-ments").build();
    secrets.tag_resource().secret_id("third/three").tags(tag).send().await.unwrap();
    let find = async |key: FilterNameStringType, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let filter = Filter::builder().key(key).set_values(Some(values)).build();
        let found = secrets.list_secrets().filters(filter).send().await.unwrap();
        let mut names: Vec<String> =
            found.secret_list().iter().map(|secret| secret.name().unwrap().to_owned()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    use FilterNameStringType::{All, Description, Name, PrimaryRegion, TagKey, TagValue};
    check([
        ("D46 a word", "/second/two first/one third/three", find(Description, &["a"]).await),
        ("D46 two words", "/second/two first/one", find(Description, &["a secret"]).await),
        ("D46 in any order", "/second/two first/one", find(Description, &["SECRET a"]).await),
        ("D46 no word", "/fourth/four", find(Description, &["!a"]).await),
        ("D46 one of two values", "/fourth/four third/three", find(Description, &["asec", "the"]).await),
        ("K46 a name by its beginning", "/fourth/four /second/two", find(Name, &["/"]).await),
        ("K46 a name is no words", "", find(Name, &["first one"]).await),
        ("K46 a name by its case", "", find(Name, &["First"]).await),
        ("K46 a name by what it is not", "first/one third/three", find(Name, &["!/"]).await),
        ("K46 a tag's key", "third/three", find(TagKey, &["Te"]).await),
        ("K46 a tag's value", "third/three", find(TagValue, &["pay"]).await),
        ("K46 anything", "third/three", find(All, &["ments"]).await),
        ("K46 a name's word", "/second/two", find(All, &["TWO"]).await),
        ("K46 nothing is replicated", "", find(PrimaryRegion, &["eu-west-1"]).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn tags_of_keys() {
    let emulator = Emulator::in_memory();
    let wire = Wire::default();
    let config = aws_sdk_kms::config::Builder::from(&config(&emulator, REGION)).interceptor(wire.clone());
    let kms = aws_sdk_kms::Client::from_conf(config.build());
    let tags = |from: usize, to: usize| -> Vec<KeyTag> {
        let tag = |n: usize| KeyTag::builder().tag_key(format!("k{n}")).tag_value("").build().unwrap();
        (from..to).map(tag).collect()
    };
    let create = async |tags: Vec<KeyTag>| wire.said(kms.create_key().set_tags(Some(tags)).send().await);
    let key = kms.create_key().set_tags(Some(tags(0, 50))).send().await.unwrap().key_metadata.unwrap().key_id;
    let add = async |tags: Vec<KeyTag>| {
        wire.said(kms.tag_resource().key_id(&key).set_tags(Some(tags)).send().await)
    };
    let named = |name: &str| vec![KeyTag::builder().tag_key(name).tag_value("").build().unwrap()];
    #[expect(deprecated, reason = "it is the old name that is tried")]
    let old_name = kms.create_key().customer_master_key_spec("RSA_2048".into());
    let old_name = old_name.key_usage("ENCRYPT_DECRYPT".into()).send().await.unwrap().key_metadata.unwrap();
    #[expect(deprecated, reason = "it is the old name that is tried")]
    let both = kms.create_key().customer_master_key_spec("SYMMETRIC_DEFAULT".into());
    let both = both.key_spec(KeySpec::SymmetricDefault);
    check([
        ("C34 51 tags at creation", "TagException 400", create(tags(0, 51)).await),
        ("K34 a key given twice", "TagException 400", create([tags(0, 1), tags(0, 1)].concat()).await),
        ("K34 a reserved key", "TagException 400", create(named("AWS:x")).await),
        ("K34 an empty key", "ValidationException 400", create(named("")).await),
        ("K34 a key of 129 characters", "ValidationException 400", create(named(&"x".repeat(129))).await),
        ("K34 51 tags at once", "TagException 400", add(tags(0, 51)).await),
        ("K34 one more than 50", "LimitExceededException 400", add(tags(50, 51)).await),
        ("K34 one of the 50 anew", "ok 200", add(tags(0, 1)).await),
        ("K34 a spec by its old name", "Some(Rsa2048)", format!("{:?}", old_name.key_spec())),
        ("K34 by both names", "ValidationException 400", wire.said(both.send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn tags_of_repositories() {
    let emulator = Emulator::in_memory();
    let wire = Wire::default();
    let config = aws_sdk_ecr::config::Builder::from(&config(&emulator, REGION)).interceptor(wire.clone());
    let ecr = aws_sdk_ecr::Client::from_conf(config.build());
    let tag = |key: &str| EcrTag::builder().key(key).value("x").build().unwrap();
    let many = |count: usize| -> Vec<EcrTag> { (0..count).map(|n| tag(&n.to_string())).collect() };
    let create = async |name: &str, tags: Vec<EcrTag>| {
        wire.said(ecr.create_repository().repository_name(name).set_tags(Some(tags)).send().await)
    };
    let arn = "arn:aws:ecr:ap-southeast-1:123456789012:repository/app";
    let add = async |tags: Vec<EcrTag>| {
        wire.said(ecr.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await)
    };
    check([
        ("K34 51 tags at creation", "TooManyTagsException 400", create("app", many(51)).await),
        (
            "K34 a key given twice",
            "InvalidTagParameterException 400",
            create("app", vec![tag("a"), tag("a")]).await,
        ),
        ("K34 50 tags", "ok 200", create("app", many(50)).await),
        ("K34 one more", "TooManyTagsException 400", add(vec![tag("a")]).await),
        ("K34 51 at once", "TooManyTagsException 400", add(many(51)).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn images_need_the_key_of_their_repository() {
    let emulator = Emulator::in_memory();
    let wire = Wire::default();
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let config = aws_sdk_ecr::config::Builder::from(&config(&emulator, REGION)).interceptor(wire.clone());
    let ecr = aws_sdk_ecr::Client::from_conf(config.build());
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let encryption = EncryptionConfiguration::builder().encryption_type(EncryptionType::Kms).kms_key(&key);
    let call = ecr.create_repository().repository_name("app");
    call.encryption_configuration(encryption.build().unwrap()).send().await.unwrap();
    let put = async |tag: &str| {
        let manifest = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}"#;
        let call = ecr.put_image().repository_name("app").image_tag(tag).image_manifest(manifest);
        wire.said(call.send().await)
    };
    let usable = put("one").await;
    kms.disable_key().key_id(&key).send().await.unwrap();
    check([
        ("K2 a usable key", "ok 200", usable),
        ("K2 a disabled key", "KmsException 400", put("two").await),
    ]);
}
