//! ECR: repositories, policies and images.

use aws_sdk_ecr::operation::put_image::builders::PutImageFluentBuilder;
use aws_sdk_ecr::types::{
    DescribeImagesFilter, EncryptionConfiguration, EncryptionType, ImageFailureCode, ImageIdentifier,
    ImageScanningConfiguration, ImageStatus, ImageStatusFilter, ImageTagMutability,
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType, ListImagesFilter, Tag,
    TagStatus, TargetStorageClass,
};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

const LIFECYCLE: &str = r#"{"rules":[{"rulePriority":1,"description":"keep ten","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":10},"action":{"type":"expire"}}]}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"ecr:BatchGetImage"}]}"#;
/// Its digest is that of `sha256sum`.
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"size":7},"layers":[{"size":100}]}"#;
const OTHER: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"size":8}}"#;

fn client(emulator: &Emulator) -> aws_sdk_ecr::Client {
    aws_sdk_ecr::Client::new(&config(emulator, REGION))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn encryption(kind: EncryptionType, key: Option<&str>) -> EncryptionConfiguration {
    EncryptionConfiguration::builder()
        .encryption_type(kind)
        .set_kms_key(key.map(str::to_owned))
        .build()
        .unwrap()
}

fn exclusion(pattern: &str) -> ImageTagMutabilityExclusionFilter {
    let filter = ImageTagMutabilityExclusionFilter::builder().filter(pattern);
    filter.filter_type(ImageTagMutabilityExclusionFilterType::Wildcard).build().unwrap()
}

fn id(tag: &str) -> ImageIdentifier {
    ImageIdentifier::builder().image_tag(tag).build()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_repository_is_told_comes_back() {
    let emulator = Emulator::in_memory();
    let ecr = client(&emulator);
    let scanning = ImageScanningConfiguration::builder().scan_on_push(true).build();
    let create = ecr.create_repository().repository_name("shop/web");
    let create = create.image_tag_mutability(ImageTagMutability::ImmutableWithExclusion);
    let create = create.image_tag_mutability_exclusion_filters(exclusion("dev-*"));
    let create = create.image_scanning_configuration(scanning.clone()).tags(tag("Tier", "ecs"));
    let create = create.encryption_configuration(encryption(EncryptionType::Kms, None));
    let made = create.send().await.unwrap().repository.unwrap();
    assert_eq!(made.repository_uri(), Some("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop/web"));
    let arn = made.repository_arn().unwrap();
    assert_eq!(arn, "arn:aws:ecr:ap-southeast-1:123456789012:repository/shop/web");
    let found = ecr.describe_repositories().repository_names("shop/web").send().await.unwrap();
    assert_eq!(found.repositories(), std::slice::from_ref(&made));
    assert_eq!(made.image_scanning_configuration(), Some(&scanning));
    assert_eq!(made.image_tag_mutability_exclusion_filters(), [exclusion("dev-*")]);
    assert!(made.encryption_configuration().unwrap().kms_key().unwrap().starts_with("arn:aws:kms:"));

    ecr.tag_resource().resource_arn(arn).tags(tag("Owner", "me")).send().await.unwrap();
    ecr.untag_resource().resource_arn(arn).tag_keys("Tier").send().await.unwrap();
    let tags = ecr.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Owner", "me")]);

    let name = "shop/web";
    ecr.put_lifecycle_policy().repository_name(name).lifecycle_policy_text(LIFECYCLE).send().await.unwrap();
    let found = ecr.get_lifecycle_policy().repository_name(name).send().await.unwrap();
    assert_eq!(found.lifecycle_policy_text(), Some(LIFECYCLE));
    ecr.set_repository_policy().repository_name(name).policy_text(POLICY).send().await.unwrap();
    let found = ecr.get_repository_policy().repository_name(name).send().await.unwrap();
    assert_eq!(found.policy_text(), Some(POLICY));
    ecr.put_image_tag_mutability()
        .repository_name(name)
        .image_tag_mutability(ImageTagMutability::Mutable)
        .send()
        .await
        .unwrap();
    let scanning = ImageScanningConfiguration::builder().scan_on_push(false).build();
    let put = ecr.put_image_scanning_configuration().repository_name(name);
    put.image_scanning_configuration(scanning.clone()).send().await.unwrap();
    let found = ecr.describe_repositories().send().await.unwrap().repositories.unwrap().remove(0);
    assert_eq!(found.image_tag_mutability(), Some(&ImageTagMutability::Mutable));
    assert_eq!(found.image_scanning_configuration(), Some(&scanning));

    let token = ecr.get_authorization_token().send().await.unwrap();
    let data = &token.authorization_data()[0];
    assert_eq!(data.proxy_endpoint(), Some("https://123456789012.dkr.ecr.ap-southeast-1.amazonaws.com"));
    let objects = emulator.objects().await.unwrap();
    assert!(objects.iter().any(|object| object.kind == "AWS::ECR::Repository" && object.id == name));
    ecr.delete_repository().repository_name(name).send().await.unwrap();
    assert!(ecr.describe_repositories().send().await.unwrap().repositories().is_empty());
}

#[tokio::test(start_paused = true)]
async fn repositories_refuse_what_ecr_refuses() {
    let ecr = client(&Emulator::in_memory());
    ecr.create_repository().repository_name("shop").send().await.unwrap();
    let new = || ecr.create_repository().repository_name("new");
    let put = |manifest: &str| ecr.put_image().repository_name("shop").image_manifest(manifest);
    put(MANIFEST).image_tag("1").send().await.unwrap();
    let mutability = |kind| ecr.put_image_tag_mutability().repository_name("shop").image_tag_mutability(kind);
    let lifecycle =
        |name: &str, text: &str| ecr.put_lifecycle_policy().repository_name(name).lifecycle_policy_text(text);
    let twice =
        LIFECYCLE.replace("\"rules\":[", &format!("\"rules\":[{},", &LIFECYCLE[10..LIFECYCLE.len() - 2]));
    let invalid = "InvalidParameterException";
    let missing = "RepositoryNotFoundException";
    let rows = [
        (
            "taken",
            "RepositoryAlreadyExistsException",
            code(ecr.create_repository().repository_name("shop").send().await),
        ),
        ("name", invalid, code(ecr.create_repository().repository_name("Shop").send().await)),
        (
            "key without KMS",
            invalid,
            code(
                new()
                    .encryption_configuration(encryption(EncryptionType::Aes256, Some("alias/a")))
                    .send()
                    .await,
            ),
        ),
        (
            "key",
            "KmsException",
            code(
                new()
                    .encryption_configuration(encryption(EncryptionType::Kms, Some("alias/none")))
                    .send()
                    .await,
            ),
        ),
        (
            "exclusions of a mutable one",
            invalid,
            code(new().image_tag_mutability_exclusion_filters(exclusion("a")).send().await),
        ),
        ("no exclusions", invalid, code(mutability(ImageTagMutability::ImmutableWithExclusion).send().await)),
        ("tag", "InvalidTagParameterException", code(new().tags(tag("aws:a", "b")).send().await)),
        ("unknown", missing, code(ecr.describe_repositories().repository_names("none").send().await)),
        ("delete unknown", missing, code(ecr.delete_repository().repository_name("none").send().await)),
        (
            "not empty",
            "RepositoryNotEmptyException",
            code(ecr.delete_repository().repository_name("shop").send().await),
        ),
        ("lifecycle of none", missing, code(lifecycle("none", LIFECYCLE).send().await)),
        ("lifecycle", invalid, code(lifecycle("shop", &LIFECYCLE.replace("expire", "keep")).send().await)),
        ("two rules for any", invalid, code(lifecycle("shop", &twice).send().await)),
        (
            "no lifecycle",
            "LifecyclePolicyNotFoundException",
            code(ecr.get_lifecycle_policy().repository_name("shop").send().await),
        ),
        (
            "no lifecycle to delete",
            "LifecyclePolicyNotFoundException",
            code(ecr.delete_lifecycle_policy().repository_name("shop").send().await),
        ),
        (
            "policy",
            invalid,
            code(ecr.set_repository_policy().repository_name("shop").policy_text("{}").send().await),
        ),
        (
            "no policy",
            "RepositoryPolicyNotFoundException",
            code(ecr.get_repository_policy().repository_name("shop").send().await),
        ),
        ("image again", "ImageAlreadyExistsException", code(put(MANIFEST).image_tag("1").send().await)),
        ("image again without tag", "ImageAlreadyExistsException", code(put(MANIFEST).send().await)),
        ("no manifest", invalid, code(put("x").send().await)),
        ("media type", invalid, code(put(r#"{"schemaVersion":2,"mediaType":"text/plain"}"#).send().await)),
        ("other media type", invalid, code(put(OTHER).image_manifest_media_type("text/plain").send().await)),
        (
            "digest",
            "ImageDigestDoesNotMatchException",
            code(put(OTHER).image_digest("sha256:0").send().await),
        ),
        ("image of none", missing, code(put(OTHER).repository_name("none").send().await)),
        (
            "no image",
            "ImageNotFoundException",
            code(ecr.describe_images().repository_name("shop").image_ids(id("none")).send().await),
        ),
        (
            "tags of none",
            missing,
            code(ecr.list_tags_for_resource().resource_arn("arn:aws:ecr:x:y:repository/z").send().await),
        ),
    ];
    check(rows);
    let found = ecr.describe_repositories().send().await.unwrap();
    assert_eq!(found.repositories().len(), 1, "a refused call made something");
}

#[tokio::test(start_paused = true)]
async fn images_are_found_by_tag_and_digest() {
    let ecr = client(&Emulator::in_memory());
    ecr.create_repository().repository_name("shop").send().await.unwrap();
    let put = |manifest: &str, tag: &str| -> PutImageFluentBuilder {
        ecr.put_image().repository_name("shop").image_manifest(manifest).image_tag(tag)
    };
    let first = put(MANIFEST, "1").send().await.unwrap().image.unwrap();
    let digest = first.image_id().unwrap().image_digest().unwrap().to_owned();
    assert_eq!(digest, "sha256:c7b57cd3535ce161d459d309e2d90ef834abd04e3057871e5adf40dac42011ca");
    put(MANIFEST, "latest").send().await.unwrap();
    // A tag moves to another image, as long as it may.
    let second = put(OTHER, "latest").send().await.unwrap().image.unwrap();
    let other = second.image_id().unwrap().image_digest().unwrap().to_owned();
    let described = ecr.describe_images().repository_name("shop").image_ids(id("1")).send().await.unwrap();
    let detail = &described.image_details()[0];
    assert_eq!((detail.image_digest(), detail.image_tags()), (Some(&*digest), &["1".to_owned()][..]));
    assert_eq!(detail.image_size_in_bytes(), Some(107));

    ecr.put_image_tag_mutability()
        .repository_name("shop")
        .image_tag_mutability(ImageTagMutability::Immutable)
        .send()
        .await
        .unwrap();
    assert_eq!(code(put(MANIFEST, "latest").send().await), "ImageTagAlreadyExistsException");
    let exclude = ecr.put_image_tag_mutability().repository_name("shop");
    let exclude = exclude.image_tag_mutability(ImageTagMutability::ImmutableWithExclusion);
    exclude.image_tag_mutability_exclusion_filters(exclusion("lat*")).send().await.unwrap();
    put(MANIFEST, "latest").send().await.unwrap();

    let got = ecr.batch_get_image().repository_name("shop").image_ids(id("latest")).image_ids(id("none"));
    let got = got.send().await.unwrap();
    assert_eq!(got.images()[0].image_manifest(), Some(MANIFEST));
    assert_eq!(got.failures()[0].failure_code(), Some(&ImageFailureCode::ImageNotFound));
    let listed = ecr.list_images().repository_name("shop").send().await.unwrap();
    assert_eq!(listed.image_ids().len(), 3);
    let untagged = DescribeImagesFilter::builder().tag_status(TagStatus::Untagged).build();
    let untagged = ecr.describe_images().repository_name("shop").filter(untagged).send().await.unwrap();
    assert_eq!(untagged.image_details()[0].image_digest(), Some(&*other));

    let delete = ecr.batch_delete_image().repository_name("shop").image_ids(id("1")).image_ids(id("latest"));
    assert_eq!(delete.send().await.unwrap().image_ids().len(), 2);
    let left = ecr.list_images().repository_name("shop").send().await.unwrap();
    assert_eq!(left.image_ids()[0].image_digest(), Some(&*other));
    ecr.delete_repository().repository_name("shop").force(true).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_archived_image_is_listed_only_if_asked_for_and_cannot_be_pulled() {
    let ecr = client(&Emulator::in_memory());
    ecr.create_repository().repository_name("shop").send().await.unwrap();
    for (manifest, tag) in [(MANIFEST, "old"), (OTHER, "new")] {
        let put = ecr.put_image().repository_name("shop").image_manifest(manifest);
        put.image_tag(tag).send().await.unwrap();
    }
    let store = |class: TargetStorageClass| {
        let update = ecr.update_image_storage_class().repository_name("shop").image_id(id("old"));
        update.target_storage_class(class).send()
    };
    let listed = async |status: Option<ImageStatusFilter>| {
        let list = ecr.list_images().repository_name("shop");
        let filter = status.map(|status| ListImagesFilter::builder().image_status(status).build());
        let found = list.set_filter(filter).send().await.unwrap().image_ids.unwrap_or_default();
        let mut tags: Vec<String> = found.into_iter().filter_map(|id| id.image_tag).collect();
        tags.sort();
        tags
    };
    let stored = store(TargetStorageClass::Archive).await.unwrap();
    assert_eq!(stored.image_status(), Some(&ImageStatus::Archived));
    let refused = "ImageStorageClassUpdateNotSupportedException";
    assert_eq!(code(store(TargetStorageClass::Archive).await), refused);
    assert_eq!(listed(None).await, ["new"]);
    assert_eq!(listed(Some(ImageStatusFilter::Archived)).await, ["old"]);
    assert_eq!(listed(Some(ImageStatusFilter::Any)).await, ["new", "old"]);
    let described = ecr.describe_images().repository_name("shop").send().await.unwrap();
    assert_eq!(described.image_details().len(), 1);
    let described = ecr.describe_images().repository_name("shop").image_ids(id("old")).send().await.unwrap();
    assert_eq!(described.image_details()[0].image_status(), Some(&ImageStatus::Archived));
    let pulled = ecr.batch_get_image().repository_name("shop").image_ids(id("old")).send().await.unwrap();
    assert_eq!(pulled.failures()[0].failure_code(), Some(&ImageFailureCode::ImageNotFound));
    let newest = ecr.batch_delete_image().repository_name("shop").image_ids(id("new"));
    newest.send().await.unwrap();
    assert_eq!(
        code(ecr.delete_repository().repository_name("shop").send().await),
        "RepositoryNotEmptyException"
    );

    let stored = store(TargetStorageClass::Standard).await.unwrap();
    assert_eq!(stored.image_status(), Some(&ImageStatus::Active));
    assert_eq!(listed(None).await, ["old"]);
    store(TargetStorageClass::Archive).await.unwrap();
    let put = ecr.put_image().repository_name("shop").image_manifest(MANIFEST);
    put.image_tag("old").send().await.unwrap();
    assert_eq!(listed(None).await, ["old"]);
}
