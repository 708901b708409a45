"""Simple Storage Service."""

import xmltodict
from moto.s3.responses import S3Response

from .mending import on


@on(S3Response)
def get_bucket_versioning(response):
    """The document's root is `VersioningConfiguration` (S3 API Reference, GetBucketVersioning), which boto3 does not look at."""
    status, headers, body = get_bucket_versioning.plain(response)
    return status, headers, body.replace("GetBucketVersioningResponse", "VersioningConfiguration")


@on(S3Response)
def _bucket_response_put(response, *words):
    """moto does not read the tags of CreateBucketConfiguration (S3 API Reference, CreateBucket)."""
    answer = _bucket_response_put.plain(response, *words)
    if b"<CreateBucketConfiguration" in response.body and b"<Tags>" in response.body:
        document = xmltodict.parse(response.body, force_list=("Tag",))
        tags = document["CreateBucketConfiguration"]["Tags"]["Tag"]
        response.backend.put_bucket_tagging(response.bucket_name, {tag["Key"]: tag["Value"] for tag in tags})
    return answer
