"""What can go wrong, with both of R2's names for it: the S3 code, and the number that the control plane answers."""

from __future__ import annotations


class R2Error(Exception):
    """A refusal. ``code`` is S3's, ``number`` Cloudflare's (0 where only S3 knows the case), ``status`` HTTP's."""

    def __init__(self, code: str, message: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.number, self.status, text = KNOWN[code]
        self.code, self.message, self.headers = code, message or text, headers or {}
        super().__init__(self.message)


KNOWN: dict[str, tuple[int, int, str]] = {
    "AccessDenied": (10003, 403, "Access Denied"),
    "BadDigest": (10037, 400, "The checksum you specified did not match what we received."),
    "BucketAlreadyOwnedByYou": (
        10004,
        409,
        "The bucket you tried to create already exists, and you own it.",
    ),
    "BucketNotEmpty": (10008, 409, "The bucket you tried to delete is not empty."),
    "EntityTooLarge": (100100, 400, "Your proposed upload exceeds the maximum allowed object size."),
    "EntityTooSmall": (10011, 400, "Your proposed upload is smaller than the minimum allowed object size."),
    "ExpiredRequest": (10018, 400, "The presigned URL or the signature has expired."),
    "IncompleteBody": (10043, 400, "You did not provide the number of bytes specified by the Content-Length header."),
    "InternalError": (10001, 500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (10002, 403, "The access key id you provided does not exist in our records."),
    "InvalidArgument": (10029, 400, "Invalid argument."),
    "InvalidBucketName": (10005, 400, "The specified bucket name is not valid."),
    "InvalidPart": (10025, 400, "One or more of the specified parts could not be found."),
    "InvalidPartOrder": (10048, 400, "The list of parts was not in ascending order."),
    "InvalidRange": (10039, 416, "The requested range is not satisfiable."),
    "InvalidRequest": (10033, 400, "Invalid request."),
    "InvalidURI": (10020, 400, "The object key is not valid UTF-8."),
    "KeyTooLongError": (10020, 400, "The object key is longer than 1024 bytes."),
    "MalformedXML": (10040, 400, "The XML you provided was not well formed."),
    "MetadataTooLarge": (10012, 400, "Your metadata headers exceed the maximum allowed metadata size."),
    "MethodNotAllowed": (10028, 405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (10010, 411, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (10006, 404, "The specified bucket does not exist."),
    "NoSuchCORSConfiguration": (10059, 404, "The CORS configuration does not exist."),
    "NoSuchKey": (10007, 404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": (10060, 404, "The lifecycle configuration does not exist."),
    "NoSuchUpload": (10024, 404, "The specified multipart upload does not exist."),
    "NotImplemented": (10042, 501, "R2 does not have this operation."),
    "ObjectLockedByBucketPolicy": (10069, 403, "The object is locked by the bucket policy."),
    "PreconditionFailed": (10031, 412, "At least one of the preconditions you specified did not hold."),
    "RequestTimeTooSkewed": (10058, 403, "The difference between the request time and the server's is too large."),
    "SignatureDoesNotMatch": (
        10035,
        403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your secret access key and signing method.",
    ),
    "Unauthorized": (10002, 401, "Unauthorized"),
    "XAmzContentSHA256Mismatch": (10037, 400, "The payload is not what its x-amz-content-sha256 header says."),
}
