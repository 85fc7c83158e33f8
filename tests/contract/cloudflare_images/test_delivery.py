"""Pictures as a browser asks for them."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from localcloud.cloudflare.dataplane.interface import DataPlaneError, Library, Picture, Variant
from localcloud.cloudflare.images_service import app, options, signing
from localcloud.cloudflare.images_service.geometry import plan
from localcloud.cloudflare.images_service.options import Options
from localcloud.cloudflare.images_service.service import Pictures

NOW = 1_800_000_000
BROWSER = "image/avif,image/webp,image/apng,*/*;q=0.8"


def picture(width: int, height: int, kind: str = "JPEG", mode: str = "RGB", exif: Image.Exif | None = None) -> bytes:
    """Left half red, right half blue."""
    image = Image.new(mode, (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    out = io.BytesIO()
    image.save(out, kind, **({"exif": exif} if exif else {}))
    return out.getvalue()


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    made = Pictures(tmp_path)
    made.put("products/lens", picture(400, 200))
    made.put("private", picture(40, 20))
    made.apply(
        Library(
            hash="acc",
            host="images.localhost",
            pictures={"products/lens": Picture("products/lens"), "private": Picture("private", True)},
            variants=(
                Variant("thumbnail", {"fit": "cover", "width": 100, "height": 100, "metadata": "none"}),
                Variant("open", {"fit": "scale-down", "width": 10, "height": 10}, never_require_signed_urls=True),
            ),
            flexible=True,
            keys=("key one", "key two"),
        )
    )
    return made


@pytest.fixture
def client(pictures: Pictures) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app.create(pictures, clock=lambda: NOW))
    return httpx.AsyncClient(transport=transport, base_url="http://images.localhost")


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


async def test_the_format_is_the_best_that_the_browser_takes(client: httpx.AsyncClient) -> None:
    """A WebP given to a mail program is a broken picture; a cache without Vary gives it to everybody."""
    for accept, expected in ((BROWSER, "avif"), ("image/webp,*/*", "webp"), ("*/*", "jpeg"), ("", "jpeg")):
        got = await client.get("/acc/products/lens/thumbnail", headers={"accept": accept})
        assert (got.headers["content-type"], got.headers["vary"]) == (f"image/{expected}", "Accept")
        image = opened(got)
        assert (image.format, image.size) == (expected.upper(), (100, 100))
    under_own_name = await client.get("/cdn-cgi/imagedelivery/acc/products/lens/thumbnail")
    assert under_own_name.content == got.content


async def test_an_unchanged_picture_is_not_sent_twice(client: httpx.AsyncClient, pictures: Pictures) -> None:
    """Each visit of a page would load every picture anew; a replaced original must not be served from the cache."""
    url = "/acc/products/lens/thumbnail"
    first = await client.get(url)
    assert first.headers["cache-control"].startswith("public, max-age=")
    again = await client.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.head(url)
    assert head.headers["content-length"] == str(len(first.content))
    pictures.put("products/lens", picture(300, 300, "PNG"))
    assert (await client.get(url)).headers["etag"] != first.headers["etag"]
    pictures.delete("products/lens")
    assert (await client.get(url)).status_code == 404


async def test_options_in_the_url(client: httpx.AsyncClient) -> None:
    """The storefront asks for sizes by URL: an option that is passed over gives full-size pictures to phones."""
    get = client.get
    assert opened(await get("/acc/products/lens/w=50,h=50,fit=pad,background=green,f=png")).size == (50, 50)
    assert opened(await get("/acc/products/lens/width=100,dpr=2")).size == (200, 100)
    left = opened(await get("/acc/products/lens/w=20,h=100,fit=cover,g=left,f=png")).convert("RGB")
    right = opened(await get("/acc/products/lens/w=20,h=100,fit=cover,g=1x0.5,f=png")).convert("RGB")
    assert left.getpixel((10, 50))[0] > 200 and right.getpixel((10, 50))[2] > 200  # type: ignore[index]
    told = (await get("/acc/products/lens/w=100,format=json")).json()
    assert (told["width"], told["original"]["width"]) == (100, 400)
    for wrong in ("w=0", "w=20000", "fit=zoom", "zoom=2", "q=101", "background=nocolour"):
        refused = await get(f"/acc/products/lens/{wrong}")
        assert (refused.status_code, wrong.split("=")[0] in refused.text) == (400, True)
    for missing in ("/acc/products/lens/large", "/acc/other/thumbnail", "/other/products/lens/thumbnail", "/acc"):
        assert (await get(missing)).status_code == 404


async def test_private_pictures_need_a_right_signature(client: httpx.AsyncClient) -> None:
    """An invoice's picture behind a guessable address; a link that works for ever, or for another size."""
    path = "/acc/private/thumbnail"

    def signed(key: str, ends: int, at: str = path) -> str:
        return f"{at}?exp={ends}&sig={signing.signature(key, path, f'exp={ends}')}"

    good = await client.get(signed("key two", NOW + 60))
    assert (good.status_code, good.headers["cache-control"]) == (200, "private, max-age=60")
    for wrong in (
        path,
        signed("key three", NOW + 60),
        signed("key one", NOW),
        signed("key one", NOW + 60).replace(f"exp={NOW + 60}", f"exp={NOW + 600}"),
        signed("key one", NOW + 60, "/acc/private/w=1000"),
        f"{path}?sig={signing.signature('key one', path, '')}",
    ):
        assert (await client.get(wrong)).status_code == 403
    assert (await client.get("/acc/private/open")).status_code == 200


async def test_what_a_camera_wrote_is_taken_away_and_its_turn_applied(
    client: httpx.AsyncClient, pictures: Pictures
) -> None:
    """A seller's photo must not tell where it was taken, nor lie on its side."""
    exif = Image.Exif()
    exif[0x0112], exif[0x8298], exif[0x010F] = 6, "OpticWorks", "Camera"
    pictures.put("products/lens", picture(400, 200, exif=exif))
    for metadata, kept in (("none", {}), ("copyright", {0x8298: "OpticWorks"}), ("keep", {0x8298: "OpticWorks"})):
        image = opened(await client.get(f"/acc/products/lens/w=100,metadata={metadata}"))
        found = dict(image.getexif())
        assert image.size == (100, 200) and 0x0112 not in found
        assert {name: value for name, value in found.items() if name == 0x8298} == kept
        assert (0x010F in found) == (metadata == "keep")


async def test_transparency_survives_where_the_format_has_it(client: httpx.AsyncClient, pictures: Pictures) -> None:
    """A logo on a black square."""
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(out, "PNG")
    pictures.put("products/lens", out.getvalue())
    url = "/acc/products/lens/w=10,h=10,fit=cover"
    assert opened(await client.get(url, headers={"accept": "image/webp"})).mode == "RGBA"
    assert opened(await client.get(url)).format == "PNG"
    white = opened(await client.get(f"{url},f=jpeg")).getpixel((5, 5))
    assert min(white) > 250  # type: ignore[type-var, arg-type]


async def test_what_moves_goes_on_moving(client: httpx.AsyncClient, pictures: Pictures) -> None:
    """A lens shown from all sides that stands still in the shop."""
    frames = [Image.new("RGB", (40, 20), color) for color in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=0)
    pictures.put("products/lens", out.getvalue())
    for accept, kind in ((BROWSER, "WEBP"), ("*/*", "GIF")):
        image = opened(await client.get("/acc/products/lens/thumbnail", headers={"accept": accept}))
        assert (image.format, image.size, getattr(image, "n_frames", 1)) == (kind, (100, 100), 3)
    still = opened(await client.get("/acc/products/lens/w=20,anim=false", headers={"accept": "image/webp"}))
    assert getattr(still, "n_frames", 1) == 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_a_large_photo_is_as_exact_as_a_small_one(
    client: httpx.AsyncClient, pictures: Pictures, orientation: int
) -> None:
    """Decoded at a fraction of its size, a photo must neither be a pixel too high nor show another part of it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pictures.put("products/lens", picture(3001, 1999, exif=exif))
    across = orientation in (6, 8)
    seen = (1999, 3001) if across else (3001, 1999)
    for asked in ("w=101", "h=57", "w=101,h=57,fit=cover", "w=200,h=90,fit=pad", "w=77,h=33,fit=squeeze"):
        got = opened(await client.get(f"/acc/products/lens/{asked},f=png"))
        given = options.of_url(asked)
        assert given is not None
        planned = plan(seen, given)
        assert got.size == (planned.canvas or planned.size)
    whole = opened(await client.get("/acc/products/lens/w=100,f=png")).convert("RGB")
    width, height = whole.size
    first = whole.getpixel((5, 5))
    last = whole.getpixel((width - 5, height - 5))
    assert sorted([first[0] > 200, last[0] > 200]) == [False, True]  # type: ignore[index]


def test_limits_are_told_at_the_upload(pictures: Pictures) -> None:
    """A picture that is taken and can then never be shown."""
    for wrong, why in (
        (b"<html>", "not a JPEG"),
        (picture(12_001, 1, "PNG"), "12000"),
        (b"\xff\xd8" + b"0" * 11_000_000, "10 MiB"),
        (picture(10_001, 10_000, "PNG", "1"), "100000000"),
    ):
        with pytest.raises(DataPlaneError, match=why):
            pictures.put("x", wrong)
    assert pictures.get("x") is None


@given(
    size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    width=st.one_of(st.none(), st.integers(1, 3000)),
    height=st.one_of(st.none(), st.integers(1, 3000)),
    fit=st.sampled_from(options.FITS),
)
def test_every_fit_keeps_its_promise(size: tuple[int, int], width: int | None, height: int | None, fit: str) -> None:
    """A page whose layout breaks because a picture is larger than was asked for."""
    planned = plan(size, Options(width, height, fit))
    left, top, right, bottom = planned.crop
    assert 0 <= left < right <= size[0] + 1e-6 and 0 <= top < bottom <= size[1] + 1e-6
    shown = planned.canvas or planned.size
    assert shown[0] <= (width or 3000 * 3000) and shown[1] <= (height or 3000 * 3000)
    if width and height and fit in ("cover", "pad", "squeeze"):
        assert shown == (width, height)
    if fit in ("scale-down", "crop"):
        assert shown[0] <= size[0] and shown[1] <= size[1]
