import pytest

from imgscan.errors import InvalidReferenceError
from imgscan.image.reference import MAX_TEXT, Reference, parse
from imgscan.rules.sample import expand

SHA = expand("sha256:{hex:64}")


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("alpine", "docker.io", "library/alpine", "latest", None),
        ("alpine:3.20", "docker.io", "library/alpine", "3.20", None),
        ("grafana/grafana", "docker.io", "grafana/grafana", "latest", None),
        ("docker.io/redis", "docker.io", "library/redis", "latest", None),
        ("index.docker.io/redis:7", "docker.io", "library/redis", "7", None),
        ("library/redis", "docker.io", "library/redis", "latest", None),
        ("localhost/app", "localhost", "app", "latest", None),
        ("localhost:5000/app", "localhost:5000", "app", "latest", None),
        ("app:5000", "docker.io", "library/app", "5000", None),
        ("ghcr.io/org/a/b/c:V1", "ghcr.io", "org/a/b/c", "V1", None),
        ("REGISTRY.Example.com:443/app", "registry.example.com:443", "app", "latest", None),
        ("host:5000/app:1", "host:5000", "app", "1", None),
        ("[::1]:5000/app", "[::1]:5000", "app", "latest", None),
        ("[2001:db8::1]/ns/app:2", "[2001:db8::1]", "ns/app", "2", None),
        (f"alpine@{SHA}", "docker.io", "library/alpine", None, SHA),
        (f"host:5000/a/b:1@{SHA}", "host:5000", "a/b", "1", SHA),
        ("a__b/c.d-e--f/g_h", "docker.io", "a__b/c.d-e--f/g_h", "latest", None),
    ],
)
def test_every_part_is_filled_in(text, registry, repository, tag, digest):
    assert parse(text) == Reference(registry, repository, tag, digest)


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("a/b:1", "docker.io/a/b:1", "a/b:1"),
        ("ghcr.io/a/b", "ghcr.io/a/b:latest", "ghcr.io/a/b:latest"),
        (f"redis:7@{SHA}", f"docker.io/library/redis:7@{SHA}", f"redis:7@{SHA}"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x:latest"),
        ("docker.io/a.b/x", "docker.io/a.b/x:latest", "docker.io/a.b/x:latest"),
    ],
)
def test_written_in_full_and_as_docker_shows_it(text, canonical, familiar):
    reference = parse(text)

    assert (str(reference), reference.familiar) == (canonical, familiar)
    assert canonical.startswith(f"{reference.name}:")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("UPPER/x", "upper case"),
        ("docker.io/Foo", "upper case"),
        ("a b", "spaces"),
        ("a\x1b[31m", "control"),
        ("a\n", "control"),
        ("cafe\u0301", "beyond ASCII"),
        ("https://ghcr.io/a", "URL scheme"),
        ("a" * (MAX_TEXT + 1), "more than 1024"),
        ("a/" * 200 + "a", "more than 255"),
        ("a:", "tag"),
        ("a:.x", "tag"),
        ("a:" + "x" * 129, "tag"),
        ("a@", "digest"),
        ("a@sha256:12", "digest"),
        (f"a@{SHA.upper()}", "digest"),
        (f"a@{SHA}@{SHA}", "digest"),
        ("md5:1@md5:" + "0" * 32, "digest"),
        ("a//b", "repository"),
        ("/a", "repository"),
        ("ghcr.io/", "repository"),
        ("a/-b", "repository"),
        ("a..b", "repository"),
        ("a___b", "repository"),
        ("../etc/passwd", "registry"),
        ("-host.io/a", "registry"),
        ("host:99999/a", "registry"),
        ("host:0/a", "registry"),
        ("host:/a", "registry"),
        ("[::zz]/a", "registry"),
        ("[::1/a", "registry"),
        ("[::1]5000/a", "registry"),
        ("[fe80::1%eth0]/a", "registry"),
        (".".join(["a" * 60] * 5) + "/x", "registry"),
        (SHA, "image id"),
        (SHA.removeprefix("sha256:"), "image id"),
    ],
)
def test_what_names_no_image_is_refused_with_a_reason_and_a_hint(text, message):
    with pytest.raises(InvalidReferenceError, match=message) as caught:
        parse(text)

    assert caught.value.hint
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("tail", ["@host.io/app", "@host.io/app:1", f"@host.io/app@{SHA}", "@sha256:1@host.io/app"])
@pytest.mark.parametrize("scheme", ["", "https://"])
def test_a_password_before_the_host_is_never_repeated(scheme, tail):
    password = expand("{alnum:24}")

    with pytest.raises(InvalidReferenceError) as caught:
        parse(f"{scheme}user:{password}{tail}")

    assert password not in str(caught.value) + repr(caught.value) + str(caught.value.hint)


def test_a_refused_digest_still_shows_which_image_was_meant():
    with pytest.raises(InvalidReferenceError) as caught:
        parse("redis:7@sha256:123")

    assert caught.value.where == "redis:7@sha256:123"
