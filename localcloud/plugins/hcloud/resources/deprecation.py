"""Images and server types that are on their way out: a warning, or an error once they are gone."""

from __future__ import annotations

from datetime import UTC, datetime

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.hcloud.api import Json


def _gone(deprecation: Json) -> bool:
    after = deprecation.get("unavailable_after")
    return after is not None and datetime.fromisoformat(after) < datetime.now(UTC)


def check_image(call: Call, image: Json) -> None:
    """Raises for an image that is gone, warns of one that will be."""
    deprecation = image.get("deprecation")
    if not deprecation:
        return
    name = image.get("name") or image["id"]
    if _gone(deprecation):
        after = deprecation["unavailable_after"][:10]
        raise ProviderError(
            f'Image Unavailable: image "{name}" is unavailable since {after} and can no longer be ordered.'
        )
    call.log(
        "warning", f'Image Deprecated: image "{name}" will be unavailable after {deprecation["unavailable_after"]}.'
    )


def check_server_type(call: Call, server_type: Json, location: str, *, made: bool = False) -> bool:
    """Raises for a type that is no longer sold (in that location, if one is named); True if it warned."""
    places = [place for place in server_type.get("locations") or [] if not location or place["name"] == location]
    deprecations = [place.get("deprecation") for place in places]
    # Without a location it is deprecated only where it is so everywhere.
    deprecation = deprecations[0] if deprecations and all(deprecations) else None
    if not places:
        deprecation = server_type.get("deprecation")
    if not deprecation:
        return False
    where = f' in location "{location}"' if location else ""
    name = server_type["name"]
    if _gone(deprecation) and not made:
        after = deprecation["unavailable_after"][:10]
        raise ProviderError(
            f'Server Type "{name}" is unavailable{where} since {after} and can no longer be ordered: choose another'
        )
    call.log(
        "warning",
        f'Server Type "{name}" is deprecated{where} and will no longer be available for order after '
        f"{deprecation.get('unavailable_after')}. Existing servers of that plan will continue to work as before.",
    )
    return True
