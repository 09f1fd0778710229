import pytest

from stanlocal.engine.artifacts.image import origin_of
from stanlocal.engine.artifacts.image_name import official_version


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("nats-streaming:0.25.6", "0.25.6"),
        ("docker.io/library/nats-streaming:0.25.6", "0.25.6"),
        ("nats-streaming:0.25.6-scratch", "0.25.6"),
        ("nats-streaming:0.25.6-alpine", None),
        ("nats-streaming:0.25", None),
        ("nats-streaming:latest", None),
        ("nats-streaming", None),
        ("nats-streaming@sha256:0000", None),
        ("my-nats-streaming:0.25.6", None),
        ("registry.example/nats-streaming:0.25.6", None),
        ("localhost/nats-streaming:0.25.6", None),
        ("stanlocal-test-1/nats-streaming:0.25.6", "0.25.6"),
        ("localhost:5000/nats-streaming:0.25.6", None),
        ("nats:2.9.24", None),
    ],
)
def test_only_names_of_the_official_image_with_a_version_are_made_here(
    image: str, version: str | None
) -> None:
    assert official_version(image) == version


def facts(**labels: str) -> dict[str, object]:
    return {"Id": "sha256:1", "Size": 5, "Config": {"Labels": labels}, "RepoDigests": []}


def test_an_image_made_here_is_labelled_with_its_source_and_version() -> None:
    made = facts(**{"dev.stanlocal.image.source": "go", "dev.stanlocal.image.server-version": "0.25.6"})
    origin = origin_of("x:1", made)
    assert (origin.source, origin.version, origin.digest) == ("go", "0.25.6", None)


def test_a_pulled_image_has_its_digest_and_the_version_of_its_tag() -> None:
    pulled = {**facts(), "RepoDigests": ["nats-streaming@sha256:2"]}
    origin = origin_of("nats-streaming:0.25.6-alpine", pulled)
    assert (origin.source, origin.version, origin.digest) == ("registry", "0.25.6", "nats-streaming@sha256:2")


@pytest.mark.parametrize(
    "config", [None, {}, {"Labels": None}, {"Labels": {"dev.stanlocal.image.source": "x"}}]
)
def test_a_foreign_image_claims_nothing(config: object) -> None:
    origin = origin_of("nats-streaming:latest", {"Id": "sha256:1", "Size": 5, "Config": config})
    assert (origin.source, origin.version, origin.digest) == ("unknown", None, None)
