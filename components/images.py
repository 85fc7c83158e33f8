"""Image variants: the sizes in which the shop's pictures are delivered."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare


@dataclass(frozen=True)
class Variant:
    """Pixels, and what is done with a picture of another shape."""

    width: int
    height: int
    fit: str


VARIANTS = {
    "thumbnail": Variant(160, 160, "cover"),
    "card": Variant(400, 400, "cover"),
    # As large as it is and no larger: blown up, a product looks worse than it is.
    "product": Variant(800, 800, "scale-down"),
    "hero": Variant(1600, 900, "cover"),
}


@dataclass(frozen=True)
class ImagesArgs:
    account_id: str
    declared: bool
    """Whether this stack owns the account's variants and the account has Images: see `Settings.owns_variants`."""


class Images(pulumi.ComponentResource):
    """The account's variants. One who knows a picture's name gets it in these sizes and no others.

    Terraform's provider 5.22 reads a variant's id from where the API does not tell it, and loses it in a refresh.
    pulumi-cloudflare 6.23 has another schema, which reads the variant as it is documented; no older one may be pinned.
    """

    def __init__(self, name: str, args: ImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Images", name, None, opts)
        for variant, size in VARIANTS.items() if args.declared else ():
            cloudflare.ImageVariant(
                f"{name}-{variant}",
                account_id=args.account_id,
                image_variant_id=variant,
                options=cloudflare.ImageVariantOptionsArgs(
                    width=size.width,
                    height=size.height,
                    fit=size.fit,
                    # Cameras write down places and serial numbers.
                    metadata="none",
                ),
                # Shop pictures are public, and are asked for without a signature.
                never_require_signed_urls=False,
                # A name is taken until the old variant is gone.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.register_outputs({"variants": sorted(VARIANTS) if args.declared else []})
